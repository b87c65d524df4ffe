/* Two TLS streams that send each other known bytes, with somebody between who changes, drops, adds, ends and
 * resets as the input says, in both directions. Whatever it does, what is delivered is the beginning of what
 * was sent; all of it arrives if nothing was touched; and an end that comes too early is known as a
 * truncation.
 *
 * All of chance is seeded, OpenSSL's too, so that an input does the same each time. */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_set_rand_method has no other place to be */
#include "fuzz.h"

#include "base/buffer.h"
#include "transport/listener.h"
#include "transport/loop.h"
#include "transport/timer.h"
#include "transport/tls.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <towline/error.h>

enum { SENT = 18000, PIECE = 2500, PATIENCE_SECONDS = 5 };

/* Chance (xorshift) */

static uint64_t chance;

static int give_chance(unsigned char *out, int length) {
    for (int i = 0; i < length; i++) {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        out[i] = (unsigned char)(chance >> 32);
    }
    return 1;
}

static int is_seeded(void) {
    return 1;
}

static const RAND_METHOD seeded = {.bytes = give_chance, .pseudorand = give_chance, .status = is_seeded};

static void start_chance(void) {
    chance = UINT64_C(0x9e3779b97f4a7c15);
}

/* The server's certificate, which is its own authority, valid in the simulator's time. */

static char *certificate_text;
static char *key_text;

static char *text_of(BIO *bio) {
    char *data;
    long length = BIO_get_mem_data(bio, &data);
    char *text = strndup(data, (size_t)length);
    BIO_free(bio);
    CHECK(text != NULL);
    return text;
}

static void make_certificate(void) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *made = X509_new();
    CHECK(key != NULL && made != NULL);
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
    ASN1_TIME_set_string(X509_getm_notBefore(made), "20000101000000Z");
    ASN1_TIME_set_string(X509_getm_notAfter(made), "20990101000000Z");
    X509_NAME *name = X509_get_subject_name(made);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(made, name);
    X509_set_pubkey(made, key);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost");
    CHECK(X509_add_ext(made, names, -1) == 1 && X509_sign(made, key, EVP_sha256()) > 0);
    X509_EXTENSION_free(names);
    BIO *text = BIO_new(BIO_s_mem());
    CHECK(PEM_write_bio_X509(text, made) == 1);
    certificate_text = text_of(text);
    text = BIO_new(BIO_s_mem());
    CHECK(PEM_write_bio_PrivateKey(text, key, NULL, NULL, 0, NULL, NULL) == 1);
    key_text = text_of(text);
    X509_free(made);
    EVP_PKEY_free(key);
}

/* An end of TLS */

typedef struct tls_end {
    tow_stream stream; /* first: found from its callbacks */
    bool server;
    bool used;
    bool ended;
    bool failed;
    bool shut;
    size_t sent;
    size_t received;
} tls_end;

static uint8_t pattern(const tls_end *end, size_t position) {
    return (uint8_t)((position * 31 + (position >> 8)) ^ (end->server ? 0x55 : 0));
}

/* Now into the cork, now past it. */
static void say(tls_end *end) {
    while (end->sent < SENT && !tow_stream_is_blocked(&end->stream)) {
        uint8_t memory[PIECE];
        size_t length = SENT - end->sent < PIECE ? SENT - end->sent : PIECE;
        bool corked = end->sent % (2 * PIECE) == 0;
        uint8_t *room = corked ? tow_stream_cork(&end->stream, length, length) : memory;
        if (room == NULL)
            return;
        for (size_t i = 0; i < length; i++)
            room[i] = pattern(end, end->sent + i);
        ssize_t taken = (ssize_t)length;
        if (!corked)
            taken = tow_stream_write(&end->stream, &(struct iovec){.iov_base = memory, .iov_len = length}, 1);
        if (taken < 0)
            return;
        end->sent += (size_t)taken;
    }
    if (end->sent == SENT && !end->shut && !tow_stream_is_blocked(&end->stream)) {
        tow_stream_flush(&end->stream);
        end->shut = end->sent == SENT; /* else what was corked came back */
        if (end->shut)
            tow_stream_shutdown(&end->stream);
    }
}

static void end_on_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    tls_end *end = (tls_end *)stream;
    const tls_end other = {.server = !end->server};
    CHECK(length <= SENT - end->received);
    for (size_t i = 0; i < length; i++)
        CHECK(bytes[i] == pattern(&other, end->received + i));
    end->received += length;
    memset(bytes, 0, length); /* which is allowed */
}

/* What comes back is what was corked last. */
static void end_on_unsent(tow_stream *stream, const uint8_t *segment, size_t length, size_t taken) {
    tls_end *end = (tls_end *)stream;
    (void)segment;
    CHECK(taken <= length && length - taken <= end->sent);
    end->sent -= length - taken;
}

static void end_on_writable(tow_stream *stream) {
    say((tls_end *)stream);
}

static void end_on_end(tow_stream *stream) {
    tls_end *end = (tls_end *)stream;
    CHECK(!end->ended && !end->failed);
    end->ended = true;
    CHECK(end->received == SENT || tow_stream_is_truncated(stream) || !tow_stream_is_secure(stream));
}

static void end_on_error(tow_stream *stream, int error) {
    tls_end *end = (tls_end *)stream;
    CHECK(!end->failed && error < 0);
    end->failed = true;
    tow_stream_close(stream);
}

static void end_on_closed(tow_stream *stream) {
    ((tls_end *)stream)->used = false;
}

static const tow_stream_events end_events = {.on_bytes = end_on_bytes,
    .on_unsent = end_on_unsent,
    .on_writable = end_on_writable,
    .on_end = end_on_end,
    .on_error = end_on_error,
    .on_closed = end_on_closed};

/* The one between */

typedef struct instructions {
    const uint8_t *bytes;
    size_t length;
} instructions;

static uint8_t next(instructions *from) {
    if (from->length == 0)
        return 0;
    from->length--;
    return *from->bytes++;
}

typedef struct relay_side {
    tow_stream stream; /* first */
    struct relay_side *other;
    tow_buffer queue;     /* to be sent here */
    instructions program; /* for what comes from here */
    size_t pass;
    size_t pass_records;
    size_t drop;
    uint8_t flip;
    size_t header_length; /* of the record that comes */
    uint8_t header[5];
    size_t record_left;
    bool used, touched, over;
} relay_side;

static void side_push(relay_side *side) {
    if (!side->used)
        return;
    while (side->queue.length > 0 && !tow_stream_is_blocked(&side->stream)) {
        struct iovec piece = {.iov_base = side->queue.data, .iov_len = side->queue.length};
        ssize_t taken = tow_stream_write(&side->stream, &piece, 1);
        if (taken < 0)
            return;
        tow_buffer_consume(&side->queue, (size_t)taken);
    }
    if (side->queue.length == 0 && side->other->over && !tow_stream_is_blocked(&side->stream))
        tow_stream_shutdown(&side->stream);
}

static void insert(relay_side *side) {
    for (uint8_t count = next(&side->program); count > 0 && side->program.length > 0; count--) {
        uint8_t byte = next(&side->program);
        CHECK(tow_buffer_append(&side->other->queue, &byte, 1) == 0);
    }
}

/* Reads instructions until one tells what to do with the next byte. */
static void instruct(relay_side *side) {
    while (side->pass == 0 && side->pass_records == 0 && side->drop == 0 && side->flip == 0 && !side->over) {
        if (side->program.length == 0) {
            side->pass = SIZE_MAX;
            return;
        }
        uint8_t what = next(&side->program) % 8;
        side->touched |= what > 2;
        if (what < 2)
            side->pass = (size_t)next(&side->program) + 1;
        else if (what == 2)
            side->pass_records = (size_t)next(&side->program) % 8 + 1;
        else if (what == 3)
            side->flip = next(&side->program) | (side->program.length == 0);
        else if (what == 4)
            side->drop = (size_t)next(&side->program) * 16 + 1;
        else if (what == 5)
            insert(side);
        else
            side->over = true;
    }
}

/* Returns whether this byte is the last of a record. */
static bool follow_records(relay_side *side, uint8_t byte) {
    if (side->header_length < sizeof(side->header)) {
        side->header[side->header_length++] = byte;
        if (side->header_length == sizeof(side->header))
            side->record_left = (size_t)side->header[3] << 8 | side->header[4];
    } else {
        side->record_left--;
    }
    if (side->header_length < sizeof(side->header) || side->record_left > 0)
        return false;
    side->header_length = 0;
    return true;
}

static void relay_byte(relay_side *side, uint8_t byte) {
    bool last = follow_records(side, byte);
    instruct(side);
    if (side->over)
        return;
    if (side->drop > 0) {
        side->drop--;
        return;
    }
    byte ^= side->flip;
    side->flip = 0;
    if (side->pass_records > 0)
        side->pass_records -= last;
    else if (side->pass > 0)
        side->pass--;
    CHECK(tow_buffer_append(&side->other->queue, &byte, 1) == 0);
}

static void side_on_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    relay_side *side = (relay_side *)stream;
    for (size_t i = 0; i < length; i++)
        relay_byte(side, bytes[i]);
    side_push(side->other);
}

static void side_on_unsent(tow_stream *stream, const uint8_t *segment, size_t length, size_t taken) {
    (void)stream, (void)segment, (void)length, (void)taken;
    CHECK(false); /* nothing is corked */
}

static void side_on_writable(tow_stream *stream) {
    side_push((relay_side *)stream);
}

static void side_on_end(tow_stream *stream) {
    relay_side *side = (relay_side *)stream;
    side->over = true;
    side_push(side->other);
}

static void side_on_error(tow_stream *stream, int error) {
    relay_side *side = (relay_side *)stream;
    (void)error;
    tow_stream_close(stream);
    if (side->other->used)
        tow_stream_reset(&side->other->stream);
}

static void side_on_closed(tow_stream *stream) {
    ((relay_side *)stream)->used = false;
}

static const tow_stream_events side_events = {.on_bytes = side_on_bytes,
    .on_unsent = side_on_unsent,
    .on_writable = side_on_writable,
    .on_end = side_on_end,
    .on_error = side_on_error,
    .on_closed = side_on_closed};

/* All four streams */

typedef struct meeting {
    tow_loop *loop;
    tow_tls_context *contexts[2]; /* the client's, the server's */
    tls_end client;
    tls_end server;
    relay_side near; /* to the client */
    relay_side far;  /* to the server */
    tow_listener relay_listener;
    tow_listener server_listener;
    tow_timer timer;
    bool rang;
} meeting;

static meeting *meeting_around(void *member, size_t offset) {
    return (meeting *)(void *)((char *)member - offset);
}

/* A client starts TLS when it is connected, and writes from the next time on. */
static void client_connected(tow_stream *stream) {
    meeting *all = meeting_around(stream, offsetof(meeting, client.stream));
    stream->events = &end_events;
    CHECK(tow_stream_start_tls(stream, all->contexts[0], "localhost") == 0);
}

static const tow_stream_events connecting_events = {.on_writable = client_connected,
    .on_unsent = end_on_unsent,
    .on_error = end_on_error,
    .on_closed = end_on_closed};

static void relay_accepts(tow_listener *listener, int fd) {
    meeting *all = meeting_around(listener, offsetof(meeting, relay_listener));
    CHECK(tow_stream_adopt(&all->near.stream, all->loop, fd, &side_events) == 0);
    all->near.used = true;
    side_push(&all->near);
}

static void server_accepts(tow_listener *listener, int fd) {
    meeting *all = meeting_around(listener, offsetof(meeting, server_listener));
    CHECK(tow_stream_adopt(&all->server.stream, all->loop, fd, &end_events) == 0);
    all->server.used = true;
    CHECK(tow_stream_start_tls(&all->server.stream, all->contexts[1], NULL) == 0);
}

static tow_address listen_at(meeting *all, tow_listener *listener, tow_on_accept on_accept) {
    tow_address address[TOW_ADDRESSES_MAX], bound;
    CHECK(tow_address_parse("127.0.0.1:0", address) == 1);
    int fd = tow_listen_socket(all->loop, &address[0], NULL, &bound);
    CHECK(fd >= 0 && tow_listener_start(listener, all->loop, fd, on_accept) == 0);
    return bound;
}

static bool is_done(const tls_end *end) {
    return !end->used || (end->ended && end->shut);
}

static bool is_over(const meeting *all) {
    return is_done(&all->client) && is_done(&all->server);
}

static void ring(tow_timer *timer) {
    ((meeting *)(void *)((char *)timer - offsetof(meeting, timer)))->rang = true;
}

/* Until it is done, or nothing more is to be hoped for. */
static void run(meeting *all, bool (*is_enough)(const meeting *all)) {
    all->rang = false;
    tow_timer_set(all->loop, &all->timer, tow_loop_now(all->loop) + PATIENCE_SECONDS * TOW_SECOND, ring);
    while (!all->rang && !is_enough(all))
        CHECK(tow_loop_step(all->loop) >= 0);
    tow_timer_cancel(all->loop, &all->timer);
}

static bool is_empty(const meeting *all) {
    return !all->client.used && !all->server.used && !all->near.used && !all->far.used;
}

static void meet(meeting *all, instructions from_client, instructions from_server) {
    tow_address server = listen_at(all, &all->server_listener, server_accepts);
    tow_address relay = listen_at(all, &all->relay_listener, relay_accepts);
    all->client = (tls_end){.used = true};
    all->server = (tls_end){.server = true};
    all->near = (relay_side){.other = &all->far, .program = from_client};
    all->far = (relay_side){.other = &all->near, .program = from_server, .used = true};
    CHECK(tow_stream_connect(&all->far.stream, all->loop, &server, &side_events) == 0);
    CHECK(tow_stream_connect(&all->client.stream, all->loop, &relay, &connecting_events) == 0);
    run(all, is_over);
    if (!all->near.touched && !all->far.touched) {
        CHECK(all->client.received == SENT && all->server.received == SENT);
        CHECK(all->client.ended && all->server.ended && !all->client.failed && !all->server.failed);
    }
    tow_stream *streams[] = {&all->client.stream, &all->server.stream, &all->near.stream, &all->far.stream};
    const bool used[] = {all->client.used, all->server.used, all->near.used, all->far.used};
    for (size_t i = 0; i < 4; i++)
        if (used[i])
            tow_stream_close(streams[i]);
    run(all, is_empty);
    CHECK(is_empty(all));
    tow_buffer_clear(&all->near.queue);
    tow_buffer_clear(&all->far.queue);
    tow_listener_stop(&all->server_listener);
    tow_listener_stop(&all->relay_listener);
}

static void make_contexts(meeting *all, uint8_t choice) {
    char why[TOW_TLS_TEXT_MAX];
    const tow_tls_settings client = {.roots = certificate_text,
        .verify = choice & 1 ? TOW_TLS_VERIFY_NONE : TOW_TLS_VERIFY_REQUIRED,
        .certificate = choice & 2 ? certificate_text : NULL,
        .key = choice & 2 ? key_text : NULL};
    const tow_tls_settings server = {.server = true,
        .certificate = certificate_text,
        .key = key_text,
        .more = &(tow_tls_pem){.certificate = certificate_text, .key = key_text},
        .more_count = choice & 16 ? 1 : 0,
        .roots = choice & 2 ? certificate_text : NULL};
    CHECK(tow_tls_context_new(&all->contexts[0], &client, why) == 0);
    CHECK(tow_tls_context_new(&all->contexts[1], &server, why) == 0);
}

/* The first byte chooses: bit 0 no verification, bit 1 a client's certificate, bit 2 a connection before that
 * is let alone, so that the session is resumed; bit 3 large pieces; bit 4 several certificates. The second
 * says where the instructions for the server's bytes begin. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static meeting all;
    if (size < 2)
        return 0;
    CHECK(RAND_set_rand_method(&seeded) == 1);
    start_chance();
    if (certificate_text == NULL)
        make_certificate();
    start_chance();
    memset(&all, 0, sizeof(all));
    const tow_simulation_options options = {.seed = 1, .stream_capacity = 20000, .whole = data[0] & 8};
    CHECK(tow_loop_new_simulated(&all.loop, &options) == 0);
    make_contexts(&all, data[0]);
    if (data[0] & 4)
        meet(&all, (instructions){0}, (instructions){0});
    size_t split = (size_t)data[1] < size - 2 ? data[1] : size - 2;
    meet(&all, (instructions){data + 2, split}, (instructions){data + 2 + split, size - 2 - split});
    for (size_t i = 0; i < 2; i++)
        tow_tls_context_release(all.contexts[i]);
    tow_loop_free(all.loop);
    return 0;
}
