/* A hostile ClientHello (RFC 8446, section 4.1.2) where the name in it chooses the certificate: cut, in many
 * records, too large, with a name that is none. It speaks TLS 1.2, so that the certificate is shown plainly.
 */
#include "../transport/authority.h"
#include "world.h"

#include <towline/error.h>

enum { HANDSHAKE_SECONDS = 10, CONTENT_HANDSHAKE = 22, CONTENT_ALERT = 21, SNI = 0, PADDING = 21 };

static test_authority authority;
static test_identity first, second;

static int make_identities(void **state) {
    authority_make(&authority, "Test Authority");
    authority_issue(&authority, &(test_subject){.name = "the-first", .names = "DNS:localhost"}, &first);
    authority_issue(&authority, &(test_subject){.name = "the-second", .names = "DNS:second.test"}, &second);
    return 0;
}

static int clear_identities(void **state) {
    identity_clear(&first);
    identity_clear(&second);
    authority_clear(&authority);
    return 0;
}

static void answer(tow_exchange *exchange, const tow_request *request) {
    tow_exchange_respond(exchange, 200, NULL, "served", 6);
}

static void begin(struct world *world, uint64_t seed) {
    const tow_certificate both[] = {{.certificate_pem = first.certificate, .key_pem = first.key},
        {.certificate_pem = second.certificate, .key_pem = second.key}};
    const tow_server_options options = {.tls_certificates = both,
        .tls_certificate_count = 2,
        .status = "127.0.0.1:9999",
        .handshake_seconds = HANDSHAKE_SECONDS,
        .log_level = TOW_LOG_ERROR};
    world_make(world, &(tow_simulation_options){.seed = seed, .whole = true}, &options);
    tow_server_route(world->server, "/", &(tow_handler){.on_request = answer});
    world_listen(world);
}

/* Bytes, and lengths in front of them. */

static void put(tow_buffer *out, const void *bytes, size_t length) {
    assert_int_equal(tow_buffer_append(out, bytes, length), 0);
}

static void put_number(tow_buffer *out, size_t number, int bytes) {
    for (int i = bytes - 1; i >= 0; i--)
        put(out, &(uint8_t){(uint8_t)(number >> (8 * i))}, 1);
}

static void put_extension(tow_buffer *out, unsigned type, const void *bytes, size_t length) {
    put_number(out, type, 2);
    put_number(out, length, 2);
    put(out, bytes, length);
}

/* A handshake message: what TLS 1.2 needs, and these extensions. */
static tow_buffer hello(const tow_buffer *more) {
    static const uint8_t ciphers[] = {0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x2c, 0xc0, 0x30};
    static const uint8_t groups[] = {0, 4, 0, 29, 0, 23};
    static const uint8_t signatures[] = {0, 8, 4, 3, 8, 4, 4, 1, 5, 3};
    static const uint8_t random[32] = {1};
    tow_buffer extensions = {0}, body = {0}, message = {0};
    put_extension(&extensions, 10, groups, sizeof(groups));
    put_extension(&extensions, 13, signatures, sizeof(signatures));
    put(&extensions, more->data, more->length);
    put_number(&body, 0x0303, 2);
    put(&body, random, sizeof(random));
    put_number(&body, 0, 1);
    put_number(&body, sizeof(ciphers), 2);
    put(&body, ciphers, sizeof(ciphers));
    put_number(&body, 0x0100, 2);
    put_number(&body, extensions.length, 2);
    put(&body, extensions.data, extensions.length);
    put_number(&message, 1, 1);
    put_number(&message, body.length, 3);
    put(&message, body.data, body.length);
    tow_buffer_clear(&extensions);
    tow_buffer_clear(&body);
    return message;
}

/* The message in records of at most `most` bytes. */
static tow_buffer records(const tow_buffer *message, size_t most) {
    tow_buffer out = {0};
    for (size_t at = 0; at < message->length; at += most) {
        size_t length = message->length - at < most ? message->length - at : most;
        put_number(&out, CONTENT_HANDSHAKE, 1);
        put_number(&out, 0x0301, 2);
        put_number(&out, length, 2);
        put(&out, message->data + at, length);
    }
    return out;
}

static tow_buffer name_extension(const char *name) {
    tow_buffer list = {0}, extension = {0};
    put_number(&list, strlen(name) + 3, 2);
    put_number(&list, 0, 1);
    put_number(&list, strlen(name), 2);
    put(&list, name, strlen(name));
    put_extension(&extension, SNI, list.data, list.length);
    tow_buffer_clear(&list);
    return extension;
}

static tow_buffer hello_for(const char *name, size_t record) {
    tow_buffer extension = name_extension(name);
    tow_buffer message = hello(&extension);
    tow_buffer bytes = records(&message, record);
    tow_buffer_clear(&extension);
    tow_buffer_clear(&message);
    return bytes;
}

static bool was_shown(const struct peer *peer, const char *name) {
    return memmem(peer->in.data, peer->in.length, name, strlen(name)) != NULL;
}

static bool was_alerted(const struct peer *peer) {
    return peer->in.length >= 7 && peer->in.data[0] == CONTENT_ALERT;
}

/* Whoever comes later is served. */
static void expect_alive(struct world *world) {
    struct peer peer;
    tow_buffer bytes = hello_for("second.test", 16384);
    peer_connect(&peer, world);
    peer_send(&peer, bytes.data, bytes.length);
    world_run(world, 100);
    assert_true(was_shown(&peer, "the-second"));
    assert_false(was_shown(&peer, "the-first"));
    peer_close(&peer);
    tow_buffer_clear(&bytes);
}

static void end(struct world *world) {
    world_run(world, (HANDSHAKE_SECONDS + 2) * 1000);
    assert_int_equal(world_metric(world, "connections"), 0);
    world_end(world);
}

static void a_hello_may_come_in_records_of_any_length(void **state) {
    static const size_t lengths[] = {1, 2, 3, 4, 5, 39, 100, 16384};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct world world;
        struct peer peer;
        tow_buffer bytes = hello_for("second.test", lengths[i]);
        begin(&world, i);
        peer_connect(&peer, &world);
        if (i % 2 == 0)
            peer_trickle(&peer, bytes.data, bytes.length);
        else
            peer_send(&peer, bytes.data, bytes.length);
        world_run(&world, 1000);
        assert_true(was_shown(&peer, "the-second"));
        assert_false(was_shown(&peer, "the-first"));
        peer_close(&peer);
        tow_buffer_clear(&bytes);
        end(&world);
    }
}

static void a_hello_may_be_cut_anywhere(void **state) {
    struct world world;
    tow_buffer bytes = hello_for("second.test", 16384);
    begin(&world, 1);
    for (size_t cut = 0; cut < bytes.length; cut++) {
        struct peer peers[3];
        for (size_t i = 0; i < 3; i++) {
            peer_connect(&peers[i], &world);
            peer_send(&peers[i], bytes.data, cut);
            world_run(&world, 5);
            assert_false(was_shown(&peers[i], "the-second"));
        }
        peer_shutdown(&peers[0]);
        peer_reset(&peers[1]);
        peer_expect_end(&peers[0]);
        peer_close(&peers[0]);
        peer_send(&peers[2], bytes.data + cut, bytes.length - cut);
        world_run(&world, 20);
        assert_true(was_shown(&peers[2], "the-second"));
        peer_close(&peers[2]);
    }
    tow_buffer_clear(&bytes);
    end(&world);
}

static void who_says_no_more_ends_in_time(void **state) {
    struct world world;
    struct peer peer;
    tow_buffer bytes = hello_for("second.test", 16384);
    begin(&world, 1);
    peer_connect(&peer, &world);
    peer_send(&peer, bytes.data, bytes.length / 2);
    world_run(&world, HANDSHAKE_SECONDS * 1000 - 100);
    assert_false(peer.ended || peer.failed);
    world_run(&world, 1000);
    assert_true(peer.ended || peer.failed);
    peer_close(&peer);
    tow_buffer_clear(&bytes);
    expect_alive(&world);
    end(&world);
}

/* A hello with this extension, which is cleared, is shown the first certificate or refused. */
static void choose_nothing(struct world *world, tow_buffer *extension) {
    struct peer peer;
    tow_buffer message = hello(extension);
    tow_buffer bytes = records(&message, 16384);
    peer_connect(&peer, world);
    peer_send(&peer, bytes.data, bytes.length);
    world_run(world, 500);
    assert_false(was_shown(&peer, "the-second"));
    assert_true(was_shown(&peer, "the-first") || was_alerted(&peer));
    peer_close(&peer);
    tow_buffer_clear(extension);
    tow_buffer_clear(&message);
    tow_buffer_clear(&bytes);
}

#define EXTENSION(bytes)                                                                                     \
    { bytes, sizeof(bytes) - 1 }

/* Nobody asks for a name by these: the first is shown, or the handshake refused. */
static void a_name_that_is_none_chooses_nothing(void **state) {
    static const struct {
        const char *bytes;
        size_t length;
    } names[] = {EXTENSION(""), EXTENSION("\0"), EXTENSION("\0\0"), EXTENSION("\0\x0e\0\0\x0b"),
        EXTENSION("\0\x0e\0\0\x0bsecond.tes"), EXTENSION("\0\x0e\x01\0\x0bsecond.test"),
        EXTENSION("\0\x0e\0\0\x0asecond.test"), EXTENSION("\0\x0f\0\0\x0bsecond.test"),
        EXTENSION("\0\x0e\0\0\x0bsecond.tes\0"), EXTENSION("\0\x0d\0\0\x0bsecond.test"),
        EXTENSION("\xff\xff\0\xff\xffsecond.test"), EXTENSION("\0\x0e\0\0\0second.test"),
        EXTENSION("\0\x0f\0\0\x0csecond.test."), EXTENSION("\0\x0e\0\0\x0bsecond\xfftest")};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct world world;
        tow_buffer extension = {0};
        put_extension(&extension, SNI, names[i].bytes, names[i].length);
        begin(&world, i);
        choose_nothing(&world, &extension);
        expect_alive(&world);
        end(&world);
    }
}

/* Names of any length up to what an extension may have, and two extensions. */
static void long_names_and_second_ones_choose_nothing(void **state) {
    static const size_t lengths[] = {254, 255, 256, 257, 1000, 15000};
    static char name[15001];
    struct world world;
    begin(&world, 1);
    for (size_t i = 0; i <= sizeof(lengths) / sizeof(lengths[0]); i++) {
        bool twice = i == sizeof(lengths) / sizeof(lengths[0]);
        memset(name, 'a', sizeof(name) - 1);
        name[twice ? 10 : lengths[i]] = '\0';
        tow_buffer extension = name_extension(name);
        if (twice) {
            tow_buffer other = name_extension("second.test");
            put(&extension, other.data, other.length);
            tow_buffer_clear(&other);
        }
        choose_nothing(&world, &extension);
    }
    expect_alive(&world);
    end(&world);
}

/* A hello that says it has 16 MB, and goes on and on, in records of any kind. */
static void a_hello_that_does_not_end_is_refused(void **state) {
    enum { RECORD = 16384, RECORDS = 200 };
    static const uint8_t head[4] = {1, 0xff, 0xff, 0xff};
    for (int kind = 0; kind < 3; kind++) {
        struct world world;
        struct peer peer;
        tow_buffer message = {0};
        put(&message, head, sizeof(head));
        for (size_t i = 0; i < RECORDS && kind < 2; i++) {
            static const uint8_t zeros[RECORD];
            put(&message, zeros, kind == 0 ? RECORD : 300);
        }
        tow_buffer bytes = records(&message, kind == 0 ? RECORD : 100);
        for (size_t i = 0; i < 100000 && kind == 2; i++) /* records of nothing */
            put(&bytes, "\x16\x03\x01\0\0", 5);
        begin(&world, 1);
        peer_connect(&peer, &world);
        peer_send(&peer, bytes.data, bytes.length);
        world_run(&world, 1000);
        assert_true(peer.ended || peer.failed);
        peer_close(&peer);
        expect_alive(&world);
        end(&world);
        tow_buffer_clear(&message);
        tow_buffer_clear(&bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_may_come_in_records_of_any_length),
        cmocka_unit_test(a_hello_may_be_cut_anywhere),
        cmocka_unit_test(who_says_no_more_ends_in_time),
        cmocka_unit_test(a_name_that_is_none_chooses_nothing),
        cmocka_unit_test(long_names_and_second_ones_choose_nothing),
        cmocka_unit_test(a_hello_that_does_not_end_is_refused),
    };
    return cmocka_run_group_tests(tests, make_identities, clear_identities);
}
