/* The end of a connection whose peer takes its time with what was said: it pauses, reads slowly, has ended
 * its own side, vanishes, or reads no more; over TCP and over TLS, which keeps some of what it takes. */
#include "world.h"

#include "server/exchange.h"

#define CLOSE "Connection: close\r\n"

enum { STALL_SECONDS = 8, CAPACITY = 60000, LARGE = 1000000 };

typedef struct scene {
    struct world world;
    tow_tls_context *tls; /* the client's; NULL: plain */
    struct peer peer;
} scene;

static int64_t give_x(void *user, void *out, size_t length) {
    memset(out, 'x', length);
    return (int64_t)length;
}

static size_t length_asked_for(const tow_request *request) {
    return strtoul(tow_request_query(request), NULL, 10);
}

static void stream(tow_exchange *exchange, const tow_request *request) {
    tow_exchange_stream(
        exchange, 200, "text/plain", length_asked_for(request), &(tow_body_source){.read = give_x});
}

static void say_much_and_close(tow_websocket *socket, const tow_message *message) {
    size_t length = strtoul(message->data, NULL, 10);
    char *text = malloc(length);
    memset(text, 'x', length);
    assert_true(tow_websocket_send(socket, TOW_TEXT, text, length) >= 0);
    free(text);
    tow_websocket_close(socket, 1000, NULL);
}

static tow_tls_context *trusting_client(void) {
    char why[TOW_TLS_TEXT_MAX];
    tow_tls_context *context;
    const tow_tls_settings settings = {.verify = TOW_TLS_VERIFY_NONE};
    assert_int_equal(tow_tls_context_new(&context, &settings, why), 0);
    return context;
}

static void begin_with(scene *now, uint64_t seed, bool secure, size_t capacity) {
    const tow_server_options options = {.status = "127.0.0.1:9999",
        .tls_self_signed = secure,
        .drain_seconds = 100,
        .limits = {.stall_seconds = STALL_SECONDS, .close_seconds = 2, .idle_seconds = 20}};
    now->tls = secure ? trusting_client() : NULL;
    world_make(&now->world,
        &(tow_simulation_options){.seed = seed, .stream_capacity = capacity, .whole = capacity > CAPACITY},
        &options);
    tow_server_route(now->world.server, "/stream", &(tow_handler){.on_request = stream});
    tow_server_route(now->world.server, "/socket", &(tow_handler){.on_message = say_much_and_close});
    world_listen(&now->world);
    if (secure)
        peer_connect_secure(&now->peer, &now->world, now->tls);
    else
        peer_connect(&now->peer, &now->world);
    while (!now->peer.connected)
        world_run(&now->world, 1);
}

static void begin(scene *now, uint64_t seed, bool secure) {
    begin_with(now, seed, secure, CAPACITY);
}

/* The client asks for so many bytes, and reads nothing of them yet. */
static void begin_answer(scene *now, uint64_t seed, bool secure, size_t length, const char *fields) {
    char text[200];
    begin(now, seed, secure);
    snprintf(text, sizeof(text), "GET /stream?%zu HTTP/1.1\r\nHost: localhost\r\n%s\r\n", length, fields);
    tow_stream_pause(&now->peer.stream);
    peer_text(&now->peer, text);
    world_run(&now->world, 100);
}

static void begin_socket(scene *now, uint64_t seed, bool secure, size_t length) {
    char text[20];
    begin(now, seed, secure);
    peer_text(&now->peer, OPENING("/socket"));
    peer_expect(&now->peer, "\r\n\r\n");
    tow_stream_pause(&now->peer.stream);
    peer_frame(&now->peer, 1, text, (size_t)snprintf(text, sizeof(text), "%zu ", length));
    world_run(&now->world, 100);
}

static void end(scene *now) {
    peer_close(&now->peer);
    world_end(&now->world);
    if (now->tls != NULL)
        tow_tls_context_release(now->tls);
}

/* The bytes of the body that have come. */
static size_t body_length(const scene *now) {
    const uint8_t *head_end = memmem(now->peer.in.data, now->peer.in.length, "\r\n\r\n", 4);
    if (head_end == NULL)
        return 0;
    return now->peer.in.length - (size_t)(head_end + 4 - now->peer.in.data);
}

static void read_on(scene *now) {
    if (now->peer.used)
        tow_stream_resume(&now->peer.stream);
}

static void read_to_the_end(scene *now) {
    read_on(now);
    peer_expect_end(&now->peer);
    assert_false(now->peer.failed);
}

/* Reads a little at a time until the end, or until so much was read. */
static void read_slowly(scene *now, size_t until, int milliseconds) {
    while (!now->peer.ended && !now->peer.failed && body_length(now) < until) {
        read_on(now);
        world_run(&now->world, 1);
        if (now->peer.used)
            tow_stream_pause(&now->peer.stream);
        world_run(&now->world, milliseconds);
    }
}

/* Lengths around what the network holds, and what TLS keeps on top of it. */
static const size_t lengths[] = {0, 1, 59000, 60000, 61000, 75000, 76000, 77000, 92000, 120000, 500000};
enum { LENGTHS = sizeof(lengths) / sizeof(lengths[0]) };

static void an_answer_arrives_although_the_client_pauses(void **state) {
    for (unsigned secure = 0; secure < 2; secure++)
        for (size_t i = secure % unit_step(2); i < LENGTHS; i += unit_step(2)) {
            scene now;
            begin_answer(&now, i, secure, lengths[i], CLOSE);
            world_run(&now.world, 6000);
            read_to_the_end(&now);
            assert_int_equal(body_length(&now), lengths[i]);
            end(&now);
        }
}

static void an_answer_arrives_although_it_is_read_slowly(void **state) {
    for (unsigned secure = 0; secure < 2; secure++)
        for (size_t i = secure % unit_step(2); i < LENGTHS; i += unit_step(2)) {
            scene now;
            begin_answer(&now, i, secure, lengths[i], CLOSE);
            read_slowly(&now, SIZE_MAX, 3000);
            assert_false(now.peer.failed);
            assert_int_equal(body_length(&now), lengths[i]);
            end(&now);
        }
}

static void an_answer_arrives_although_the_client_has_ended_its_side(void **state) {
    for (unsigned secure = 0; secure < 2; secure++)
        for (size_t i = secure % unit_step(2); i < LENGTHS; i += unit_step(2)) {
            scene now;
            begin_answer(&now, i, secure, lengths[i], CLOSE);
            peer_shutdown(&now.peer);
            world_run(&now.world, 6000);
            read_to_the_end(&now);
            assert_int_equal(body_length(&now), lengths[i]);
            end(&now);
        }
}

static void an_answer_arrives_although_the_server_drains(void **state) {
    for (unsigned secure = 0; secure < 2; secure++)
        for (size_t i = secure % unit_step(2); i < LENGTHS; i += unit_step(2)) {
            scene now;
            begin_answer(&now, i, secure, lengths[i], "");
            tow_server_stop(now.world.server);
            world_run(&now.world, 100);
            peer_text(&now.peer, "GET /stream?1 HTTP/1.1\r\nHost: localhost\r\n\r\n"); /* it comes too late */
            world_run(&now.world, 6000);
            read_to_the_end(&now);
            assert_int_equal(body_length(&now), lengths[i]);
            end(&now);
        }
}

/* TLS takes all that was said, and keeps what the network, of a megabyte here, does not; nobody is told.
 * Requests of a whole number of turns, so that all are answered before that shows. */
static void what_tls_keeps_of_answers_may_be_read_slowly(void **state) {
    enum { MEGABYTE = 1000000, REQUESTS = 64, EACH = 16000, BITE_MILLISECONDS = 5000 };
    static const char request[] = "GET /stream?16000 HTTP/1.1\r\nHost: localhost\r\n\r\n";
    scene now;
    begin_with(&now, 0, true, MEGABYTE);
    tow_stream_pause(&now.peer.stream);
    for (int i = 0; i < REQUESTS; i++)
        peer_text(&now.peer, request);
    world_run(&now.world, 1);
    for (size_t before = 0; now.peer.in.length < (size_t)REQUESTS * EACH; before = now.peer.in.length) {
        read_on(&now);
        while (now.peer.in.length == before && !now.peer.failed)
            assert_true(tow_loop_step(now.world.loop) >= 0);
        assert_false(now.peer.failed);
        tow_stream_pause(&now.peer.stream);
        world_run(&now.world, BITE_MILLISECONDS);
    }
    end(&now);
}

static void expect_stall(uint64_t seed, bool secure, size_t length, size_t read) {
    scene now;
    begin_answer(&now, seed, secure, length, CLOSE);
    read_slowly(&now, read, 1000);
    world_run(&now.world, (STALL_SECONDS - 2) * 1000);
    assert_int_equal(world_metric(&now.world, "connections"), 1);
    world_run(&now.world, 3000);
    assert_int_equal(world_metric(&now.world, "connections"), 0);
    assert_int_equal(world_metric(&now.world, "limit_reached_total{limit=\"stall-seconds\"}"), 1);
    read_on(&now);
    end(&now);
}

static void a_client_that_reads_no_more_is_reset_after_stall_seconds(void **state) {
    for (int secure = 0; secure < 2; secure++)
        for (uint64_t seed = 0; seed < 5; seed += unit_step(2)) {
            expect_stall(seed, secure, LARGE, 0);
            expect_stall(seed, secure, LARGE, 100000);
            expect_stall(seed, secure, LARGE, 400000);
            expect_stall(seed, secure, CAPACITY / 2, 0); /* all of it is in the network */
        }
}

static void a_client_may_vanish_at_any_time(void **state) {
    for (int secure = 0; secure < 2; secure++)
        for (size_t read = 0; read <= LARGE; read += LARGE / 20 * unit_step(3)) {
            scene now;
            begin_answer(&now, read, secure, LARGE, CLOSE);
            read_slowly(&now, read, 100);
            peer_reset(&now.peer);
            world_run(&now.world, 1000);
            assert_int_equal(world_metric(&now.world, "connections"), 0);
            end(&now);
        }
}

/* The Close is the end of what came. */
static void expect_close(const scene *now) {
    static const uint8_t frame[] = {0x88, 2, 0x03, 0xe8};
    assert_true(now->peer.in.length >= 4);
    assert_memory_equal(now->peer.in.data + now->peer.in.length - 4, frame, 4);
}

static size_t frame_length(size_t payload) {
    return (payload < 126 ? 2 : payload < 65536 ? 4 : 10) + payload;
}

static void a_last_close_arrives_although_the_client_pauses(void **state) {
    for (unsigned secure = 0; secure < 2; secure++)
        for (size_t i = secure % unit_step(2); i < LENGTHS; i += unit_step(2)) {
            scene now;
            begin_socket(&now, i, secure, lengths[i]);
            world_run(&now.world, 6000);
            read_on(&now);
            for (int round = 0; round < 1000 && body_length(&now) < frame_length(lengths[i]) + 4; round++)
                world_run(&now.world, 1);
            assert_int_equal(body_length(&now), frame_length(lengths[i]) + 4);
            expect_close(&now);
            peer_frame(&now.peer, 8, "\x03\xe8", 2);
            read_to_the_end(&now);
            end(&now);
        }
}

static void a_last_close_arrives_although_the_client_has_ended_its_side(void **state) {
    for (unsigned secure = 0; secure < 2; secure++)
        for (size_t i = secure % unit_step(2); i < LENGTHS; i += unit_step(2)) {
            scene now;
            begin_socket(&now, i, secure, lengths[i]);
            peer_frame(&now.peer, 8, "\x03\xe8", 2);
            peer_shutdown(&now.peer);
            world_run(&now.world, 6000);
            read_to_the_end(&now);
            assert_int_equal(body_length(&now), frame_length(lengths[i]) + 4);
            expect_close(&now);
            end(&now);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_arrives_although_the_client_pauses),
        cmocka_unit_test(an_answer_arrives_although_it_is_read_slowly),
        cmocka_unit_test(an_answer_arrives_although_the_client_has_ended_its_side),
        cmocka_unit_test(an_answer_arrives_although_the_server_drains),
        cmocka_unit_test(what_tls_keeps_of_answers_may_be_read_slowly),
        cmocka_unit_test(a_client_that_reads_no_more_is_reset_after_stall_seconds),
        cmocka_unit_test(a_client_may_vanish_at_any_time),
        cmocka_unit_test(a_last_close_arrives_although_the_client_pauses),
        cmocka_unit_test(a_last_close_arrives_although_the_client_has_ended_its_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
