#include "tls_stream.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

#include "base/buffer.h"
#include "loop_shared.h"
#include "tls_text.h"

enum {
    FLUSH_SIZE = 256 * 1024,  /* of ciphertext: then it is sent, to know whether more will be taken */
    UNSENT_MAX = 1024 * 1024, /* a peer that provokes records and takes none */
    PIECES = 64,
    PARTING_SECONDS = 1,      /* for some more of the last bytes to be taken after a close */
    STACKED_SIZE = 32 * 1024, /* one record and what there may be of the next */
    FIRST_BYTE_OF_TLS = 22    /* a record of the handshake: RFC 8446, section 5.1 */
};

typedef enum tls_state {
    TLS_HANDSHAKE,
    TLS_OPEN,
    TLS_PLAIN, /* it was no TLS, and may be so */
} tls_state;

typedef struct tls_stream {
    tow_stream_class class; /* first: the outer stream's */
    tow_stream *outer;
    tow_stream inner;
    tow_tls_context *context;
    SSL *ssl;
    const uint8_t *input; /* what was received and OpenSSL has not read yet */
    size_t input_length;
    tow_buffer early;  /* what came before TLS was started, and is TLS */
    uint8_t *stacked;  /* what the TLS stream beneath decrypts into; NULL if the inner one is no TLS stream */
    tow_buffer unsent; /* what OpenSSL has written and the inner stream has not taken */
    tow_timer parting;
    char *name; /* a client's: whom it wants to talk to */
    char *text; /* why it failed */
    uint8_t state;
    bool lost;    /* there was no memory for what was unsent */
    bool alerted; /* a server refused something: the peer should get to read why */
    bool truncated;
    bool ending; /* our FIN is to come when all is sent */
    bool parts;  /* the owner has closed; the inner stream lives a little longer */
    bool inner_closed;
} tls_stream;

static void attend(tow_stream *outer);

/* Whether a stream is the outer one of a TLS stream: then its class is the beginning of the state. */
static tls_stream *of(const tow_stream *outer) {
    if (outer->class == NULL || outer->class->attend != attend)
        return NULL;
    return (tls_stream *)(uintptr_t)outer->class; // NOLINT(performance-no-int-to-ptr): casts const away
}

static tls_stream *of_inner(tow_stream *inner) {
    return (tls_stream *)(void *)((char *)inner - offsetof(tls_stream, inner));
}

/* The owner may hear of something: it has neither closed the stream nor will it be told of an error. */
static bool is_live(const tls_stream *tls) {
    return !(tls->outer->flags & (STREAM_CLOSED | STREAM_FAILED));
}

/* Failures */

static void set_text(tls_stream *tls, const char *text) {
    if (tls->text == NULL)
        tls->text = strdup(text); /* without memory the code must do */
}

/* OpenSSL's errors are fetched at once: what callbacks do may add others. Returns the code. */
static int note_failure(tls_stream *tls) {
    bool about_certificate = tls->text != NULL;
    char text[TOW_TLS_TEXT_MAX];
    tow_tls_error_text(text, tls->state == TLS_HANDSHAKE);
    set_text(tls, text);
    tls->alerted = tls->context->server;
    return about_certificate ? TOW_ERROR_CERTIFICATE : TOW_ERROR_TLS;
}

int tow_tls_on_verify(int holds, X509_STORE_CTX *store) {
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    tls_stream *tls = SSL_get_app_data(ssl);
    char text[TOW_TLS_TEXT_MAX];
    if (!holds && tls->text == NULL) {
        tow_tls_certificate_text(text, store, tls->name);
        set_text(tls, text);
    }
    return holds;
}

tow_loop *tow_tls_loop_of_ssl(const SSL *ssl) {
    const tls_stream *tls = SSL_get_app_data(ssl);
    return tls->inner.loop;
}

/* What OpenSSL writes */

static void keep(tls_stream *tls, const uint8_t *bytes, size_t length) {
    if (!(tls->outer->flags & STREAM_SHUT)) /* then the owner has nothing to wait for */
        tls->outer->flags |= STREAM_BLOCKED;
    if (length <= UNSENT_MAX - tls->unsent.length && tow_buffer_append(&tls->unsent, bytes, length) == 0)
        return;
    tls->lost = true;
    tow_loop_attend(tls->outer);
}

static bool is_kept_back(const tls_stream *tls) {
    return tls->unsent.length > 0 || tls->inner.flags & STREAM_MUTE;
}

/* Into the cork, or past it when that is full. */
static size_t put(tls_stream *tls, const uint8_t *bytes, size_t length) {
    tow_stream *inner = &tls->inner;
    tow_loop *loop = inner->loop;
    if (is_kept_back(tls))
        return 0;
    uint8_t *room = tow_cork_add(&loop->cork, inner, length);
    if (room == NULL) {
        struct iovec piece = {.iov_len = length};
        memcpy(&piece.iov_base, &bytes, sizeof(piece.iov_base)); /* which has no const */
        ssize_t taken = tow_stream_write(inner, &piece, 1);
        return taken > 0 ? (size_t)taken : 0;
    }
    memcpy(room, bytes, length);
    if (!loop->stepping)
        tow_loop_touch(loop);
    return length;
}

/* Everything is taken: what can't be sent is kept, and what is kept is bounded. */
static int on_write(BIO *bio, const char *bytes, int length) {
    tls_stream *tls = BIO_get_data(bio);
    size_t total = length > 0 ? (size_t)length : 0;
    if (tls->inner.flags & (STREAM_FAILED | STREAM_CLOSED | STREAM_SHUT))
        return length;
    size_t taken = put(tls, (const uint8_t *)bytes, total);
    if (taken < total)
        keep(tls, (const uint8_t *)bytes + taken, total - taken);
    return length;
}

static int on_read(BIO *bio, char *out, int size) {
    tls_stream *tls = BIO_get_data(bio);
    size_t length = size > 0 && (size_t)size < tls->input_length ? (size_t)size : tls->input_length;
    BIO_clear_retry_flags(bio);
    if (length == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(out, tls->input, length);
    tls->input += length;
    tls->input_length -= length;
    return (int)length;
}

static long on_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *tow_tls_method_new(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "towline stream");
    if (method == NULL)
        return NULL;
    BIO_meth_set_write(method, on_write);
    BIO_meth_set_read(method, on_read);
    BIO_meth_set_ctrl(method, on_control);
    return method;
}

/* Writing */

static bool is_stuck(const tls_stream *tls) {
    return tls->unsent.length > 0 || tls->inner.flags & (STREAM_BLOCKED | STREAM_FAILED | STREAM_CLOSED) ||
           tls->outer->flags & (STREAM_BLOCKED | STREAM_FAILED);
}

/* Where a list of pieces is being read. */
typedef struct record_cursor {
    const struct iovec *pieces;
    int count;
    size_t offset; /* in the first piece */
} record_cursor;

/* The bytes for one record: where they lie, if the first piece has enough of them or is the last, else
 * gathered in `memory`. */
static size_t next_record(record_cursor *cursor, uint8_t *memory, const uint8_t **bytes) {
    size_t left = cursor->pieces->iov_len - cursor->offset;
    *bytes = (const uint8_t *)cursor->pieces->iov_base + cursor->offset;
    if (left >= TOW_TLS_RECORD || cursor->count == 1)
        return left < TOW_TLS_RECORD ? left : TOW_TLS_RECORD;
    size_t length = 0;
    size_t offset = cursor->offset;
    for (int i = 0; i < cursor->count && length < TOW_TLS_RECORD; i++, offset = 0) {
        const struct iovec *piece = &cursor->pieces[i];
        size_t part = piece->iov_len - offset;
        part = part < TOW_TLS_RECORD - length ? part : TOW_TLS_RECORD - length;
        memcpy(memory + length, (const uint8_t *)piece->iov_base + offset, part);
        length += part;
    }
    *bytes = memory;
    return length;
}

static void advance(record_cursor *cursor, size_t length) {
    while (cursor->count > 0 && length >= cursor->pieces->iov_len - cursor->offset) {
        length -= cursor->pieces->iov_len - cursor->offset;
        cursor->pieces++;
        cursor->count--;
        cursor->offset = 0;
    }
    cursor->offset += length;
}

/* Before much more is added to it. What is left of a message is better sent with the rest. */
static void send_full_cork(tls_stream *tls, size_t left) {
    if (left > TOW_TLS_RECORD && tow_cork_length(&tls->inner.loop->cork, &tls->inner) >= FLUSH_SIZE)
        tow_stream_flush(&tls->inner);
}

static ssize_t encrypt(tls_stream *tls, const struct iovec *pieces, int count) {
    tow_tls_loop *shared = tls->inner.loop->tls;
    record_cursor cursor = {.pieces = pieces, .count = count};
    size_t total = tow_stream_pieces_length(pieces, count);
    size_t taken = 0;
    advance(&cursor, 0);
    while (cursor.count > 0 && !is_stuck(tls)) {
        const uint8_t *bytes;
        size_t written = 0;
        size_t length = next_record(&cursor, shared->record, &bytes);
        if (SSL_write_ex(tls->ssl, bytes, length, &written) != 1)
            return note_failure(tls);
        taken += written;
        advance(&cursor, written);
        send_full_cork(tls, total - taken);
    }
    return (ssize_t)taken;
}

static ssize_t send_some(tls_stream *tls, const struct iovec *pieces, int count) {
    if (tls->inner.flags & STREAM_FAILED)
        return -tls->inner.failure;
    if (tls->state == TLS_PLAIN)
        return tow_stream_write(&tls->inner, pieces, count);
    return tls->state == TLS_OPEN ? encrypt(tls, pieces, count) : 0;
}

/* tow_stream_class.send */
static ssize_t send_pieces(tow_stream *outer, const struct iovec *pieces, int count) {
    tls_stream *tls = of(outer);
    ssize_t taken = send_some(tls, pieces, count);
    tow_stream_flush(&tls->inner);
    return taken;
}

/* A loop that sends all streams together makes an exception of those that bring a lot. */
static bool replies_at_once(const tls_stream *tls) {
    return !tls->inner.loop->kind->gathers || tls->inner.flags & STREAM_DIRECT;
}

/* tow_stream_class.send_cork: the ciphertext is corked in turn; a loop that sends all streams together comes
 * to it. */
static void send_cork(tow_stream *outer) {
    tls_stream *tls = of(outer);
    tow_cork *cork = &outer->loop->cork;
    struct iovec pieces[PIECES];
    size_t taken = 0;
    for (uint32_t number = outer->cork_first; number != 0;) {
        int count = tow_cork_pieces_from(cork, &number, pieces, PIECES);
        ssize_t part = send_some(tls, pieces, count);
        if (part < 0) {
            tow_stream_settle(outer, part);
            return;
        }
        taken += (size_t)part;
        if (is_stuck(tls))
            break;
    }
    tow_stream_settle(outer, (ssize_t)taken);
    if (replies_at_once(tls))
        tow_stream_flush(&tls->inner);
}

/* All that the owner corked while it was called, as the loop does for plain streams. */
static void reply(tls_stream *tls) {
    if (replies_at_once(tls))
        tow_stream_flush(tls->outer);
}

/* Writes what was kept. Returns whether nothing is left. */
static bool write_kept(tls_stream *tls) {
    if (tls->unsent.length == 0)
        return true;
    struct iovec piece = {.iov_base = tls->unsent.data, .iov_len = tls->unsent.length};
    ssize_t taken = tow_stream_write(&tls->inner, &piece, 1);
    if (taken > 0)
        tow_buffer_consume(&tls->unsent, (size_t)taken);
    if (tls->unsent.length > 0)
        return false;
    tow_buffer_clear(&tls->unsent);
    return true;
}

/* The end */

static void send_close_notify(tls_stream *tls) {
    if (tls->state == TLS_OPEN && !(tls->outer->flags & STREAM_FAILED) &&
        !(SSL_get_shutdown(tls->ssl) & SSL_SENT_SHUTDOWN))
        (void)SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

/* FIN follows what is still on its way. */
static void end_inner(tls_stream *tls) {
    tow_stream_flush(&tls->inner);
    tls->ending = tls->unsent.length > 0;
    if (!tls->ending)
        tow_stream_shutdown(&tls->inner);
}

static void shut_down(tow_stream *outer) {
    tls_stream *tls = of(outer);
    send_close_notify(tls);
    end_inner(tls);
}

static void parted(tow_timer *timer) {
    tls_stream *tls = (tls_stream *)(void *)((char *)timer - offsetof(tls_stream, parting));
    tow_stream_close(&tls->inner);
}

static void set_parting(tls_stream *tls) {
    tow_loop *loop = tls->inner.loop;
    tow_timer_set(loop, &tls->parting, tow_loop_now(loop) + PARTING_SECONDS * TOW_SECOND, parted);
}

/* The owner believes that all it wrote was given to the kernel; and a peer that was refused should get to
 * read the alert, which a reset would overtake. */
static void part(tls_stream *tls) {
    tow_stream *inner = &tls->inner;
    send_close_notify(tls);
    tow_stream_flush(inner);
    bool waits = tls->unsent.length > 0 || (tls->alerted && !(inner->flags & STREAM_ENDED));
    if (!waits || inner->flags & STREAM_FAILED) {
        tow_stream_close(inner);
        return;
    }
    tls->parts = true;
    end_inner(tls);
    tow_stream_resume(inner);
    set_parting(tls);
}

static void free_state(tls_stream *tls) {
    tow_timer_cancel(tls->inner.loop, &tls->parting);
    SSL_free(tls->ssl);
    tow_tls_context_release(tls->context);
    tow_buffer_clear(&tls->early);
    free(tls->stacked);
    tow_buffer_clear(&tls->unsent);
    free(tls->name);
    free(tls->text);
    free(tls);
}

/* tow_stream_class.close: false until the inner stream is closed. */
static bool close_outer(tow_stream *outer) {
    tls_stream *tls = of(outer);
    if (tls->inner_closed) {
        outer->class = outer->loop->kind->streams;
        free_state(tls);
        return true;
    }
    if (outer->flags & STREAM_RESET)
        tow_stream_reset(&tls->inner);
    else if (!tls->parts && !(tls->inner.flags & STREAM_CLOSED))
        part(tls);
    return false;
}

static size_t untaken(const tow_stream *outer) {
    const tls_stream *tls = of(outer);
    return tls->unsent.length + tow_stream_untaken(&tls->inner);
}

static int peer(const tow_stream *outer, tow_address *address) {
    return tow_stream_peer(&of(outer)->inner, address);
}

static void take_early(tls_stream *tls);

/* The inner one may have been paused before, and know of the FIN. */
static void pause_inner(tls_stream *tls) {
    tow_stream_pause(&tls->inner);
    if (tls->inner.flags & STREAM_FIN && tow_stream_awaits_fin(tls->outer))
        tow_stream_tell_fin(tls->outer);
}

/* tow_stream_class.attend: the owner may have paused or resumed. A handshake is not paused; a failed
 * stream is not read. */
static void attend(tow_stream *outer) {
    tls_stream *tls = of(outer);
    if (tls->lost)
        tow_stream_fail(outer, TOW_ERROR_MEMORY);
    if (tls->early.length > 0)
        take_early(tls);
    if (outer->flags & STREAM_CLOSED)
        return;
    bool paused = outer->flags & STREAM_PAUSED && tls->state != TLS_HANDSHAKE;
    if (paused || outer->flags & STREAM_FAILED)
        pause_inner(tls);
    else
        tow_stream_resume(&tls->inner);
}

/* Reading */

static int failure_of(tls_stream *tls, int result) {
    return SSL_get_error(tls->ssl, result) == SSL_ERROR_WANT_READ ? 0 : note_failure(tls);
}

static void become_open(tls_stream *tls, tls_state state) {
    tls->state = (uint8_t)state;
    tow_loop_attend(tls->outer);
    if (is_live(tls) && !is_kept_back(tls))
        tow_stream_unblock(tls->outer);
}

static void shake_hands(tls_stream *tls) {
    int result = SSL_do_handshake(tls->ssl);
    if (result == 1) {
        become_open(tls, TLS_OPEN);
        return;
    }
    int error = failure_of(tls, result);
    if (error != 0)
        tow_stream_fail(tls->outer, error);
}

typedef enum filling { FILLED, DRAINED, ENDED, FAILED } filling;

/* Decrypts into `buffer` until it is full or nothing is left; OpenSSL keeps nothing but part of a record. */
static filling fill(tls_stream *tls, uint8_t *buffer, size_t capacity, size_t *used, int *error) {
    while (tls->input_length > 0 || SSL_pending(tls->ssl) > 0) {
        if (*used == capacity)
            return FILLED;
        size_t got = 0;
        int result = SSL_read_ex(tls->ssl, buffer + *used, capacity - *used, &got);
        *used += got;
        if (result == 1)
            continue;
        if (SSL_get_shutdown(tls->ssl) & SSL_RECEIVED_SHUTDOWN &&
            SSL_get_error(tls->ssl, result) == SSL_ERROR_ZERO_RETURN)
            return ENDED;
        *error = failure_of(tls, result);
        return *error != 0 ? FAILED : DRAINED;
    }
    return DRAINED;
}

static filling deliver_some(tls_stream *tls) {
    tow_stream *outer = tls->outer;
    uint8_t *buffer = NULL;
    size_t capacity = 0;
    size_t used = 0;
    int error = 0;
    if (outer->events->receive_into != NULL)
        buffer = outer->events->receive_into(outer, &capacity);
    if (buffer == NULL) {
        buffer = outer->loop->tls->plain;
        capacity = TOW_TLS_PLAIN_SIZE;
    }
    filling result = fill(tls, buffer, capacity, &used, &error);
    if (used > 0) {
        outer->events->on_bytes(outer, buffer, used);
        reply(tls);
    }
    if (result == FAILED)
        tow_stream_fail(tls->outer, error); /* which may be another one: see stack */
    return result;
}

static bool is_hearing(const tls_stream *tls) {
    return is_live(tls) && !(tls->outer->flags & STREAM_ENDED);
}

static void decrypt(tls_stream *tls) {
    filling result = FILLED;
    while (result == FILLED && is_hearing(tls))
        result = deliver_some(tls);
    if (result == ENDED && is_hearing(tls))
        tow_stream_end(tls->outer);
}

/* RFC 8446, section 5.1: what a client says first begins with the type of the handshake's records. */
static bool is_plain(const tls_stream *tls, const uint8_t *bytes) {
    return tls->state == TLS_HANDSHAKE && tls->context->plain_too && bytes[0] != FIRST_BYTE_OF_TLS &&
           SSL_in_before(tls->ssl);
}

static void take_records(tls_stream *tls, const uint8_t *bytes, size_t length) {
    if (ERR_peek_error() != 0)
        ERR_clear_error(); /* somebody else's would be taken for ours */
    tls->input = bytes;
    tls->input_length = length;
    if (tls->state == TLS_HANDSHAKE)
        shake_hands(tls);
    if (tls->state == TLS_OPEN)
        decrypt(tls);
    tls->input_length = 0;
}

static void take(tls_stream *tls, uint8_t *bytes, size_t length);

static void take_early(tls_stream *tls) {
    tow_buffer early = tls->early;
    tls->early = (tow_buffer){0};
    if (early.length > 0 && is_hearing(tls))
        take(tls, early.data, early.length);
    tow_buffer_clear(&early);
}

static void take(tls_stream *tls, uint8_t *bytes, size_t length) {
    if (is_plain(tls, bytes))
        become_open(tls, TLS_PLAIN);
    if (tls->state == TLS_PLAIN) {
        if (is_live(tls))
            tls->outer->events->on_bytes(tls->outer, bytes, length);
    } else {
        take_early(tls);
        if (is_hearing(tls))
            take_records(tls, bytes, length);
    }
}

/* The inner stream's events */

static void on_bytes(tow_stream *inner, uint8_t *bytes, size_t length) {
    tls_stream *tls = of_inner(inner);
    if (!is_hearing(tls))
        return;
    take(tls, bytes, length);
    reply(tls);
}

static void on_unsent(tow_stream *inner, const uint8_t *segment, size_t length, size_t taken) {
    keep(of_inner(inner), segment + taken, length - taken);
}

static void on_writable(tow_stream *inner) {
    tls_stream *tls = of_inner(inner);
    tow_stream *outer = tls->outer;
    if (!write_kept(tls)) {
        if (tls->parts)
            set_parting(tls);
        return;
    }
    if (tls->ending)
        end_inner(tls);
    if (tls->parts && !tls->alerted)
        tow_stream_close(inner);
    if (!is_live(tls) || tls->state == TLS_HANDSHAKE)
        return;
    if ((outer->flags & (STREAM_BLOCKED | STREAM_SHUT)) == STREAM_BLOCKED) {
        tow_stream_unblock(outer);
        reply(tls);
    }
}

static void on_end(tow_stream *inner) {
    tls_stream *tls = of_inner(inner);
    if (tls->parts) {
        tow_stream_close(inner);
    } else if (tls->state == TLS_HANDSHAKE && is_live(tls)) {
        set_text(tls, "the peer ended the connection during the TLS handshake");
        tow_stream_fail(tls->outer, TOW_ERROR_ENDED);
    } else if (is_hearing(tls)) {
        tls->truncated = tls->state == TLS_OPEN;
        tow_stream_end(tls->outer);
        reply(tls);
    }
}

static void on_fin(tow_stream *inner) {
    tow_stream *outer = of_inner(inner)->outer;
    if (tow_stream_awaits_fin(outer))
        tow_stream_tell_fin(outer);
}

static void on_error(tow_stream *inner, int error) {
    tls_stream *tls = of_inner(inner);
    if (tls->parts || tls->outer->flags & STREAM_CLOSED) {
        tow_stream_close(inner);
        return;
    }
    const char *text = tow_stream_failure_text(inner);
    if (text != NULL)
        set_text(tls, text);
    else if (tls->state == TLS_HANDSHAKE && error == TOW_ERROR_RESET)
        set_text(tls, "the peer reset the connection during the TLS handshake");
    tow_stream_fail(tls->outer, error);
}

static void on_closed(tow_stream *inner) {
    tls_stream *tls = of_inner(inner);
    tls->inner_closed = true;
    tow_loop_attend(tls->outer);
}

static const tow_stream_events inner_events = {
    .on_bytes = on_bytes,
    .on_unsent = on_unsent,
    .on_writable = on_writable,
    .on_end = on_end,
    .on_fin = on_fin,
    .on_error = on_error,
    .on_closed = on_closed,
};

/* A TLS stream beneath must not decrypt into what all share: this one's records would be overwritten by what
 * is in them. */
static uint8_t *receive_stacked(tow_stream *inner, size_t *length) {
    *length = STACKED_SIZE;
    return of_inner(inner)->stacked;
}

static const tow_stream_events stacked_events = {
    .on_bytes = on_bytes,
    .on_unsent = on_unsent,
    .on_writable = on_writable,
    .on_end = on_end,
    .on_fin = on_fin,
    .on_error = on_error,
    .on_closed = on_closed,
    .receive_into = receive_stacked,
};

/* The beginning */

/* Names as they stand in certificates: an IPv6 address without its brackets, a name without the dot of the
 * root. */
static char *copy_name(const char *name) {
    size_t length = strlen(name);
    bool bracketed = length > 2 && name[0] == '[' && name[length - 1] == ']';
    if (bracketed)
        return strndup(name + 1, length - 2);
    if (length > 1 && name[length - 1] == '.')
        length--;
    return strndup(name, length);
}

static bool is_ip(const char *name) {
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

/* Sessions belong to a host and port. */
static bool session_key(tls_stream *tls, char out[300]) {
    tow_address address;
    if (tls->name == NULL || tow_stream_peer(&tls->inner, &address) != 0)
        return false;
    int length = snprintf(out, 300, "%s:%u", tls->name, tow_address_port(&address));
    return length > 0 && length < 300;
}

int tow_tls_on_session(SSL *ssl, SSL_SESSION *session) {
    tls_stream *tls = SSL_get_app_data(ssl);
    char key[300];
    return session_key(tls, key) && tow_tls_sessions_put(tls->context->sessions, key, session);
}

static int resume_session(tls_stream *tls) {
    char key[300];
    SSL_SESSION *session = session_key(tls, key) ? tow_tls_sessions_take(tls->context->sessions, key) : NULL;
    int set = session == NULL || SSL_set_session(tls->ssl, session) == 1;
    SSL_SESSION_free(session);
    return set ? 0 : TOW_ERROR_MEMORY;
}

/* RFC 6066, section 3: a name is sent, an address is not. Both are verified (RFC 9525). */
static int set_name(tls_stream *tls) {
    X509_VERIFY_PARAM *parameters = SSL_get0_param(tls->ssl);
    bool ip = is_ip(tls->name);
    if (!ip && SSL_set_tlsext_host_name(tls->ssl, tls->name) != 1)
        return TOW_ERROR_ARGUMENT;
    if (!tls->context->checks_name)
        return 0;
    /* RFC 9525: a common name is no name of a host, and a wildcard stands for a whole label. */
    X509_VERIFY_PARAM_set_hostflags(
        parameters, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    int set = ip ? X509_VERIFY_PARAM_set1_ip_asc(parameters, tls->name)
                 : X509_VERIFY_PARAM_set1_host(parameters, tls->name, 0);
    return set == 1 ? 0 : TOW_ERROR_ARGUMENT;
}

static int prepare_ssl(tls_stream *tls) {
    BIO *bio = BIO_new(tls->context->method);
    tls->ssl = SSL_new(tls->context->ssl);
    if (bio == NULL || tls->ssl == NULL) {
        BIO_free(bio);
        return TOW_ERROR_MEMORY;
    }
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    if (SSL_set_app_data(tls->ssl, tls) != 1)
        return TOW_ERROR_MEMORY;
    X509_VERIFY_PARAM_set_time(SSL_get0_param(tls->ssl), tow_loop_wall_seconds(tls->outer->loop));
    if (tls->context->server)
        SSL_set_accept_state(tls->ssl);
    else
        SSL_set_connect_state(tls->ssl);
    return tls->name == NULL ? 0 : set_name(tls);
}

/* From plain to TLS. */
static int secure(tls_stream *tls, tow_tls_context *context, const char *server_name) {
    if (context->checks_name && server_name == NULL)
        return TOW_ERROR_ARGUMENT;
    tls->context = tow_tls_context_retain(context);
    bool named = server_name != NULL && !context->server;
    if (named && (tls->name = copy_name(server_name)) == NULL)
        return TOW_ERROR_MEMORY;
    int error = prepare_ssl(tls);
    if (error == 0 && !context->server)
        error = resume_session(tls);
    ERR_clear_error();
    if (error != 0)
        return error;
    tls->state = TLS_HANDSHAKE;
    tls->outer->flags |= STREAM_BLOCKED;
    if (!context->server)
        shake_hands(tls);
    return 0;
}

static tls_stream *state_new(tow_stream *outer) {
    tls_stream *tls = tow_tls_of_loop(outer->loop) == NULL ? NULL : calloc(1, sizeof(*tls));
    if (tls == NULL)
        return NULL;
    tls->class = (tow_stream_class){
        .send = send_pieces,
        .send_cork = send_cork,
        .update = tow_loop_attend,
        .attend = attend,
        .shutdown = shut_down,
        .close = close_outer,
        .untaken = untaken,
        .peer = peer,
    };
    tls->outer = outer;
    tls->inner.loop = outer->loop;
    tls->state = TLS_PLAIN;
    return tls;
}

/* The descriptor moves to the inner stream. */
static int move_descriptor(tls_stream *tls) {
    tow_stream *outer = tls->outer;
    int fd = tow_stream_detach(outer);
    if (fd < 0)
        return fd;
    int error = tow_stream_adopt(&tls->inner, outer->loop, fd, &inner_events);
    if (error != 0) {
        outer->fd = fd;
        tls->inner.loop = outer->loop;
        return error;
    }
    outer->class = &tls->class;
    outer->flags &= STREAM_LASTING;
    return 0;
}

/* TLS inside of TLS: what was the owner's stream for the layer beneath is the inner one of a new layer now.
 */
static int stack(tow_stream *outer) {
    const unsigned bound = STREAM_BLOCKED | STREAM_ENDED | STREAM_SHUT | STREAM_FAILED | STREAM_CLOSED;
    tls_stream *beneath = of(outer);
    if (beneath->state != TLS_OPEN || outer->flags & bound || outer->cork_first != 0)
        return TOW_ERROR_STATE;
    tls_stream *tls = state_new(outer);
    if (tls == NULL)
        return TOW_ERROR_MEMORY;
    tls->stacked = malloc(STACKED_SIZE);
    if (tls->stacked == NULL) {
        free_state(tls);
        return TOW_ERROR_MEMORY;
    }
    tls->inner =
        (tow_stream){.class = outer->class, .events = &stacked_events, .loop = outer->loop, .fd = outer->fd};
    beneath->outer = &tls->inner;
    outer->class = &tls->class;
    outer->flags &= STREAM_LASTING;
    outer->loop->open++;
    tow_loop_attend(&tls->inner); /* the owner may have paused */
    return 0;
}

int tow_stream_prepare_tls(tow_stream *stream) {
    if (of(stream) != NULL)
        return TOW_ERROR_STATE;
    tls_stream *tls = state_new(stream);
    int error = tls == NULL ? TOW_ERROR_MEMORY : move_descriptor(tls);
    if (error != 0 && tls != NULL)
        free_state(tls);
    return error;
}

int tow_stream_start_tls(tow_stream *stream, tow_tls_context *context, const char *server_name) {
    if (context->checks_name && server_name == NULL)
        return TOW_ERROR_ARGUMENT;
    int error = tow_stream_prepare_tls(stream);
    return error != 0 ? error : secure(of(stream), context, server_name);
}

int tow_stream_start_prepared_tls(tow_stream *stream, tow_tls_context *context, const char *server_name,
    const uint8_t *rest, size_t rest_length) {
    if (of(stream) == NULL || !is_live(of(stream)))
        return TOW_ERROR_STATE;
    tow_stream_flush(stream);
    if (stream->flags & STREAM_BLOCKED)
        return TOW_ERROR_STATE;
    int error = of(stream)->context == NULL ? 0 : stack(stream);
    if (error != 0)
        return error;
    tls_stream *tls = of(stream);
    error = tow_buffer_append(&tls->early, rest, rest_length);
    if (error == 0)
        error = secure(tls, context, server_name);
    if (rest_length > 0)
        tow_loop_attend(stream);
    return error;
}

/* Questions */

bool tow_stream_is_secure(const tow_stream *stream) {
    const tls_stream *tls = of(stream);
    return tls != NULL && tls->state != TLS_PLAIN;
}

bool tow_stream_is_handshaking(const tow_stream *stream) {
    const tls_stream *tls = of(stream);
    return tls != NULL && tls->state == TLS_HANDSHAKE;
}

const char *tow_stream_failure_text(const tow_stream *stream) {
    const tls_stream *tls = of(stream);
    return tls == NULL ? NULL : tls->text;
}

const tow_stream *tow_stream_beneath(const tow_stream *stream) {
    const tls_stream *tls = of(stream);
    return tls == NULL || tls->stacked == NULL ? NULL : &tls->inner;
}

bool tow_stream_is_truncated(const tow_stream *stream) {
    const tls_stream *tls = of(stream);
    return tls != NULL && tls->truncated;
}

static void certificate_details(tow_tls_details *details, X509 *certificate) {
    if (certificate == NULL)
        return;
    tow_tls_name_text(details->subject, sizeof(details->subject), X509_get_subject_name(certificate));
    tow_tls_name_text(details->issuer, sizeof(details->issuer), X509_get_issuer_name(certificate));
    tow_tls_date_text(details->expires, X509_get0_notAfter(certificate));
    tow_tls_fingerprint_text(details->fingerprint, certificate);
}

int tow_stream_tls_details(const tow_stream *stream, tow_tls_details *details) {
    const tls_stream *tls = of(stream);
    if (tls == NULL || tls->state != TLS_OPEN)
        return TOW_ERROR_STATE;
    X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
    *details = (tow_tls_details){
        .version = SSL_get_version(tls->ssl),
        .cipher = SSL_get_cipher_name(tls->ssl),
        .resumed = SSL_session_reused(tls->ssl),
        .verified = certificate != NULL && SSL_get_verify_mode(tls->ssl) != SSL_VERIFY_NONE &&
                    SSL_get_verify_result(tls->ssl) == X509_V_OK,
    };
    certificate_details(details, certificate);
    return 0;
}
