/* What stands on sockets, on one that goes by polling: reconnectors, the blocking client, byte streams. */
#include "fallback_world.h"

#include "client/client.h"

#include <towline/error.h>
#include <towline/stream.h>

static void by_polling(test_fallback *world, gate_act link) {
    world->gate.upgrades = GATE_REFUSES;
    world->gate.link = link;
    world->echoes = true;
    fallback_open(world, 7);
}

/* Reconnectors. */

static int give_ups;

static void on_give_up(tow_reconnector *reconnector, int error) {
    assert_int_equal(error, 0);
    give_ups++;
}

static void a_reconnector_comes_back_by_polling_at_once(void **state) {
    test_fallback world = {0};
    tow_reconnector *reconnector;
    by_polling(&world, GATE_PASSES);
    const tow_reconnector_options options = {.first_milliseconds = 100, .on_give_up = on_give_up};
    assert_int_equal(
        tow_reconnector_new(&reconnector, world.world.loop, world.url, &world.options, &options), 0);
    fallback_until(&world, world.here.opens == 1);
    world_run(&world.world, 3000);
    size_t seen = world.gate.upgrades_seen;
    assert_int_equal(seen, 2);
    gate_cut(&world.gate);
    fallback_until(&world, world.here.closes == 1);
    world.here.closes = 0;
    fallback_until(&world, world.here.opens == 2);
    fallback_send(tow_reconnector_socket(reconnector), "hello");
    fallback_until(&world, world.here.count == 1);
    assert_int_equal(world.gate.upgrades_seen, seen); /* what was cut early is tried no more */
    give_ups = 0;
    assert_int_equal(tow_reconnector_close(reconnector, 1000, NULL), 0);
    fallback_until(&world, give_ups == 1);
    tow_reconnector_free(reconnector);
    fallback_close(&world);
}

/* A server that refuses for good ends it, whatever the proxy had said. */
static void a_reconnector_gives_up_where_the_server_refuses_polls(void **state) {
    test_fallback world = {.options.origin = "http://evil.example"};
    tow_reconnector *reconnector;
    by_polling(&world, GATE_PASSES);
    world.gate.upgrades = GATE_RESETS; /* which may pass */
    assert_int_equal(tow_reconnector_new(&reconnector, world.world.loop, world.url, &world.options, NULL), 0);
    fallback_until(&world, world.here.closes == 1);
    assert_int_equal(world.here.http_status, 403);
    world_run(&world.world, 60000);
    assert_int_equal(world.here.closes, 1);
    tow_reconnector_free(reconnector);
    fallback_close(&world);
}

/* The blocking client. Its loop is the world's, which goes with it. */
static void the_blocking_client_goes_by_polling(void **state) {
    test_fallback world = {0};
    tow_blocking *blocking;
    tow_message message;
    by_polling(&world, GATE_REFUSES);
    const tow_websocket_options options = {.fallback = true};
    assert_int_equal(tow_blocking_open_on(&blocking, world.world.loop, world.url, &options, 10000), 0);
    assert_true(tow_client_fell_back(tow_blocking_socket(blocking)));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tow_blocking_send(blocking, TOW_TEXT, "hello", 5, 10000), 0);
        assert_int_equal(tow_blocking_receive(blocking, &message, 10000), 0);
        assert_int_equal(message.length, 5);
    }
    assert_int_equal(tow_blocking_close(blocking, 4001, "bye", 10000), 0);
    assert_int_equal(tow_blocking_close_event(blocking)->code, 4001);
    gate_close(&world.gate);
    tow_server_stop(world.world.server);
    while (!tow_server_is_done(world.world.server))
        assert_true(tow_loop_step(world.world.loop) >= 0);
    tow_server_free(world.world.server);
    tow_engineio_free(world.engineio);
    tow_blocking_free(blocking);
    tow_buffer_clear(&world.world.log);
}

/* Byte streams. */

static struct {
    tow_byte_stream *stream;
    tow_buffer bytes;
    bool ended, failed, closed;
} bytes;

static void bytes_came(tow_byte_stream *stream, void *data, size_t length) {
    assert_int_equal(tow_buffer_append(&bytes.bytes, data, length), 0);
}

static void bytes_ended(tow_byte_stream *stream) {
    bytes.ended = true;
}

static void bytes_failed(tow_byte_stream *stream, int error, const char *text) {
    bytes.failed = true;
}

static void bytes_closed(tow_byte_stream *stream) {
    bytes.closed = true;
}

static void make_stream(test_fallback *world) {
    const tow_byte_stream_options options = {
        .on_bytes = bytes_came, .on_end = bytes_ended, .on_error = bytes_failed, .on_closed = bytes_closed};
    assert_int_equal(tow_byte_stream_from_websocket(&bytes.stream, world->client, &options), 0);
}

static void a_byte_stream_runs_over_polls(void **state) {
    for (int upgrades = 0; upgrades < 2; upgrades++) {
        static uint8_t data[100000];
        test_fallback world = {.then_open = make_stream};
        memset(&bytes, 0, sizeof(bytes));
        for (size_t i = 0; i < sizeof(data); i++)
            data[i] = (uint8_t)(i * 7);
        by_polling(&world, upgrades ? GATE_PASSES : GATE_REFUSES);
        fallback_connect(&world);
        fallback_until(&world, bytes.stream != NULL);
        world_run(&world.world, upgrades ? 3000 : 0);
        const tow_bytes piece = {data, sizeof(data)};
        assert_int_equal(tow_byte_stream_write(bytes.stream, &piece, 1), sizeof(data));
        fallback_until(&world, bytes.bytes.length == sizeof(data));
        assert_memory_equal(bytes.bytes.data, data, sizeof(data));
        tow_byte_stream_shutdown(bytes.stream);
        fallback_until(&world, bytes.ended);
        assert_false(bytes.failed);
        tow_byte_stream_close(bytes.stream);
        fallback_until(&world, bytes.closed);
        world.client = NULL;
        tow_buffer_clear(&bytes.bytes);
        fallback_close(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reconnector_comes_back_by_polling_at_once),
        cmocka_unit_test(a_reconnector_gives_up_where_the_server_refuses_polls),
        cmocka_unit_test(the_blocking_client_goes_by_polling),
        cmocka_unit_test(a_byte_stream_runs_over_polls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
