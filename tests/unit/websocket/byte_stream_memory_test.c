/* Byte streams when memory runs out: at each allocation in turn, nothing is lost, leaked or told twice. */
#include "world.h"

#include "../allocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <towline/stream.h>

enum { LENGTH = 150 * 1000 };

static uint8_t bytes[LENGTH];

typedef struct memory_side {
    tow_byte_stream *stream;
    size_t heard, done, ends, errors, closed;
    bool writes;
} memory_side;

static void side_write(memory_side *side) {
    if (!side->writes)
        return;
    if (side->done < LENGTH) {
        tow_bytes piece = {.data = bytes + side->done, .length = LENGTH - side->done};
        int64_t taken = tow_byte_stream_write(side->stream, &piece, 1);
        side->done += taken > 0 ? (size_t)taken : 0;
        if (taken == TOW_ERROR_MEMORY)
            tow_byte_stream_reset(side->stream);
    }
    if (side->done == LENGTH)
        tow_byte_stream_shutdown(side->stream);
}

static void on_bytes(tow_byte_stream *stream, void *data, size_t length) {
    memory_side *side = tow_byte_stream_user(stream);
    assert_memory_equal(data, bytes + side->heard, length);
    side->heard += length;
}

static void on_writable(tow_byte_stream *stream) {
    side_write(tow_byte_stream_user(stream));
}

static void on_end(tow_byte_stream *stream) {
    memory_side *side = tow_byte_stream_user(stream);
    side->ends++;
    tow_byte_stream_close(stream);
}

static void on_error(tow_byte_stream *stream, int error, const char *text) {
    memory_side *side = tow_byte_stream_user(stream);
    side->errors++;
    tow_byte_stream_close(stream);
}

static void on_closed(tow_byte_stream *stream) {
    memory_side *side = tow_byte_stream_user(stream);
    side->closed++;
    side->stream = NULL;
}

typedef enum memory_kind { AS_BINARY, AS_TEXT, AS_LINES, KINDS } memory_kind;

static tow_byte_stream_options options_of(memory_side *side, memory_kind kind) {
    return (tow_byte_stream_options){.user = side,
        .on_bytes = on_bytes,
        .on_writable = on_writable,
        .on_end = on_end,
        .on_error = on_error,
        .on_closed = on_closed,
        .text = kind == AS_TEXT,
        .lines = kind == AS_LINES};
}

static void let_go(memory_side *side) {
    if (side->stream != NULL)
        tow_byte_stream_reset(side->stream);
}

static void assert_told(const memory_side *side, int made) {
    assert_int_equal(side->closed, made == 0 ? 1 : 0);
    assert_true(side->ends + side->errors <= 1);
    assert_true(side->heard <= LENGTH);
}

/* Returns whether the allocation of that number was reached. */
static bool over_websocket(size_t number, memory_kind kind) {
    test_world world = {.simulation = {.seed = number, .stream_capacity = 20000}};
    memory_side near = {.writes = true}, far = {.writes = true};
    world_open(&world);
    world_connect_client(&world);
    tow_byte_stream_options near_options = options_of(&near, kind), far_options = options_of(&far, kind);
    allocation_fail_at(number);
    int made_near = tow_byte_stream_from_websocket(&near.stream, &world.client.socket, &near_options);
    int made_far = tow_byte_stream_from_websocket(&far.stream, &world.server.socket, &far_options);
    assert_true(made_near == 0 || made_near == TOW_ERROR_MEMORY);
    assert_true(made_far == 0 || made_far == TOW_ERROR_MEMORY);
    world.client.wrapped = made_near == 0;
    world.server.wrapped = made_far == 0;
    if (made_near == 0)
        side_write(&near);
    if (made_far == 0)
        side_write(&far);
    world_run(&world, 10 * TOW_SECOND);
    bool reached = allocation_count() >= number;
    allocation_fail_at(0);
    if (made_near == 0 && made_far == 0) /* nobody waits for what never comes */
        assert_true(near.closed == 1 && far.closed == 1);
    let_go(&near);
    let_go(&far);
    world_run(&world, 10 * TOW_SECOND);
    assert_told(&near, made_near);
    assert_told(&far, made_far);
    world_close(&world);
    return reached;
}

static void accepted(tow_byte_listener *listener, tow_byte_stream *stream) {
    memory_side *side = tow_byte_stream_user(stream);
    side->stream = stream;
    side_write(side);
}

static bool over_tcp(size_t number) {
    test_world world = {.simulation = {.seed = number, .stream_capacity = 20000}};
    memory_side near = {.writes = true}, far = {.writes = true};
    tow_byte_listener *listener = NULL;
    int made_near = TOW_ERROR_MEMORY;
    world_open(&world);
    tow_byte_stream_options near_options = options_of(&near, AS_BINARY),
                            far_options = options_of(&far, AS_BINARY);
    allocation_fail_at(number);
    int listens = tow_byte_listener_new(&listener, world.loop, "127.0.0.1:0", accepted, &far_options);
    assert_true(listens == 0 || listens == TOW_ERROR_MEMORY);
    if (listens == 0) {
        char place[40];
        snprintf(place, sizeof(place), "127.0.0.1:%d", tow_byte_listener_port(listener));
        made_near = tow_byte_stream_connect(&near.stream, world.loop, place, &near_options);
        assert_true(made_near == 0 || made_near == TOW_ERROR_MEMORY);
    }
    world_run(&world, 10 * TOW_SECOND);
    bool reached = allocation_count() >= number;
    allocation_fail_at(0);
    let_go(&near);
    let_go(&far);
    world_run(&world, 10 * TOW_SECOND);
    assert_told(&near, made_near);
    assert_true(far.closed <= 1);
    tow_byte_listener_free(listener);
    world_close(&world);
    return reached;
}

static void each_allocation_may_fail_over_websocket(void **state) {
    bytes[LENGTH / 3] = bytes[LENGTH - 1] = '\n';
    for (int kind = 0; kind < KINDS; kind++) {
        long before = allocation_outstanding();
        size_t number = 1;
        for (; over_websocket(number, (memory_kind)kind); number++)
            assert_int_equal(allocation_outstanding(), before);
        assert_true(number > 2);
        assert_int_equal(allocation_outstanding(), before);
    }
}

static void each_allocation_may_fail_over_tcp(void **state) {
    long before = allocation_outstanding();
    size_t number = 1;
    for (; over_tcp(number); number++)
        assert_int_equal(allocation_outstanding(), before);
    assert_true(number > 2);
    assert_int_equal(allocation_outstanding(), before);
}

int main(void) {
    memset(bytes, 'b', sizeof(bytes));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail_over_websocket),
        cmocka_unit_test(each_allocation_may_fail_over_tcp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
