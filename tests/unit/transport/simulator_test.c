#include "each_loop.h"

#include "transport/watch.h"

/* A loop with options of its own. */
static each_loop simulated(const tow_simulation_options *options) {
    each_loop each = {.timed_out = false};
    assert_int_equal(tow_loop_new_simulated(&each.loop, options), 0);
    assert_string_equal(tow_loop_io(each.loop), "simulated");
    return each;
}

/* What happens is noted as a number that any difference changes. */
static uint64_t trace;
static void note(uint64_t what) {
    trace = (trace ^ what) * UINT64_C(0x100000001b3);
}

static void note_bytes(test_end *end) {
    note((uint64_t)tow_loop_now(end->stream.loop));
    note(end->received.length);
}

static bool client_is_answered(void *argument) {
    return ((test_pair *)argument)->client.received.length >= 100000;
}

static uint64_t trace_of(uint64_t seed) {
    each_loop each = simulated(&(tow_simulation_options){.seed = seed});
    test_pair pair;
    trace = 1;
    pair_open(&pair, &each);
    pair.server.echo = true;
    pair.server.on_bytes = pair.client.on_bytes = note_bytes;
    uint8_t *bytes = malloc(100000);
    fill_pattern(bytes, 100000, 0);
    end_send(&pair.client, bytes, 100000);
    run_until(&each, client_is_answered, &pair);
    assert_pattern(pair.client.received.data, 100000);
    uint32_t number;
    tow_loop_random(each.loop, &number, sizeof(number));
    note(number);
    free(bytes);
    pair_close(&pair);
    tow_loop_free(each.loop);
    return trace;
}

static void a_seed_replays_its_run_and_another_does_not(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++) {
        assert_true(trace_of(seed) == trace_of(seed));
        assert_true(trace_of(seed) != trace_of(seed + 1));
    }
}

static size_t smallest, reads;
static void measure(tow_stream *stream, uint8_t *bytes, size_t length) {
    end_events.on_bytes(stream, bytes, length);
    smallest = length < smallest ? length : smallest;
    reads++;
}

static void transfer(const tow_simulation_options *options) {
    each_loop each = simulated(options);
    test_pair pair;
    pair_open(&pair, &each);
    tow_stream_events events = end_events;
    events.on_bytes = measure;
    pair.server.stream.events = &events;
    pair.server.echo = true;
    smallest = SIZE_MAX;
    reads = 0;
    uint8_t *bytes = malloc(100000);
    fill_pattern(bytes, 100000, 0);
    for (size_t i = 0; i < 100; i++) {
        end_send(&pair.client, bytes + i * 1000, 1000);
        tow_stream_flush(&pair.client.stream);
        tow_loop_step(each.loop);
    }
    run_until(&each, client_is_answered, &pair);
    free(bytes);
    pair.server.stream.events = &end_events;
    pair_close(&pair);
    tow_loop_free(each.loop);
}

static void reads_are_cut_anywhere(void **state) {
    (void)state;
    size_t least = SIZE_MAX;
    for (uint64_t seed = 1; seed < 20; seed++) {
        transfer(&(tow_simulation_options){.seed = seed});
        least = smallest < least ? smallest : least;
    }
    assert_int_equal(least, 1);
}

static void whole_streams_are_not_cut(void **state) {
    (void)state;
    transfer(&(tow_simulation_options){.seed = 3, .whole = true});
    assert_true(smallest >= 1000);
    assert_true(reads <= 100);
}

static void capacity_bounds_what_is_on_its_way(void **state) {
    (void)state;
    each_loop each = simulated(&(tow_simulation_options){.seed = 1, .whole = true, .stream_capacity = 1000});
    test_pair pair;
    pair_open(&pair, &each);
    tow_stream_pause(&pair.server.stream);
    uint8_t bytes[1001];
    fill_pattern(bytes, sizeof(bytes), 0);
    struct iovec piece = {bytes, 999};
    assert_int_equal(tow_stream_write(&pair.client.stream, &piece, 1), 999);
    assert_false(tow_stream_is_blocked(&pair.client.stream));
    piece = (struct iovec){bytes + 999, 2};
    assert_int_equal(tow_stream_write(&pair.client.stream, &piece, 1), 1);
    assert_true(tow_stream_is_blocked(&pair.client.stream));
    run_for(&each, TOW_SECOND);
    assert_int_equal(pair.client.writable, 0);
    tow_stream_resume(&pair.server.stream);
    run_for(&each, TOW_SECOND);
    assert_int_equal(pair.client.writable, 1);
    assert_int_equal(pair.server.received.length, 1000);
    pair_close(&pair);
    tow_loop_free(each.loop);
}

static void stop_waiting(tow_timer *timer) {
    (void)timer;
}

static void time_jumps_to_the_next_timer(void **state) {
    (void)state;
    each_loop each = simulated(&(tow_simulation_options){.seed = 1});
    int64_t wall = tow_loop_wall_seconds(each.loop);
    int64_t start = tow_loop_now(each.loop);
    tow_timer timer = {0};
    tow_timer_set(each.loop, &timer, start + 3600 * TOW_SECOND, stop_waiting);
    int steps = 0;
    for (; tow_loop_step(each.loop) == 1; steps++)
        assert_true(steps < 20);
    assert_in_range(tow_loop_now(each.loop) - start, 3600 * TOW_SECOND, 3600 * TOW_SECOND + TOW_SECOND);
    assert_in_range(tow_loop_wall_seconds(each.loop) - wall, 3600, 3601);
    tow_loop_free(each.loop);
}

static void a_network_in_which_nothing_can_happen_ends_the_run(void **state) {
    (void)state;
    each_loop each = simulated(&(tow_simulation_options){.seed = 1});
    test_pair pair;
    pair_open(&pair, &each);
    assert_int_equal(tow_loop_run(each.loop), TOW_ERROR_STATE);
    assert_int_equal(tow_loop_step(each.loop), 1); /* who steps may still do something between steps */
    pair_close(&pair);
    tow_loop_free(each.loop);
}

static test_end accepted[10];
static int accepted_count;
static void accept_guest(tow_listener *listener, int fd) {
    test_end *guest = &accepted[accepted_count++];
    *guest = (test_end){.close_at_end = true};
    assert_int_equal(tow_stream_adopt(&guest->stream, listener->loop, fd, &end_events), 0);
}

static bool four_are_accepted(void *argument) {
    (void)argument;
    return accepted_count == 4;
}

static void descriptors_run_out_and_come_back(void **state) {
    (void)state;
    each_loop each = simulated(&(tow_simulation_options){.seed = 1, .descriptors = 8});
    tow_address address[TOW_ADDRESSES_MAX], bound;
    assert_int_equal(tow_address_parse("127.0.0.1:0", address), 1);
    int fd = tow_listen_socket(each.loop, &address[0], NULL, &bound);
    assert_true(fd >= 0);
    tow_listener listener = {0};
    accepted_count = 0;
    assert_int_equal(tow_listener_start(&listener, each.loop, fd, accept_guest), 0);
    test_end clients[7];
    memset(clients, 0, sizeof(clients));
    for (int i = 0; i < 4; i++)
        assert_int_equal(tow_stream_connect(&clients[i].stream, each.loop, &bound, &end_events), 0);
    run_for(&each, TOW_SECOND);
    assert_int_equal(accepted_count, 3);
    assert_in_range(listener.exhausted, 40, 60); /* once in 20 ms */
    assert_int_equal(
        tow_stream_connect(&clients[4].stream, each.loop, &bound, &end_events), TOW_ERROR_DESCRIPTORS);
    assert_int_equal(tow_listen_socket(each.loop, &address[0], NULL, NULL), TOW_ERROR_DESCRIPTORS);
    end_close(&clients[0]);
    run_until(&each, four_are_accepted, NULL);
    tow_listener_stop(&listener);
    for (int i = 1; i < 4; i++)
        end_close(&clients[i]);
    run_to_the_end(&each);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(clients[i].closed, 1);
        assert_int_equal(accepted[i].closed, 1);
    }
    tow_loop_free(each.loop);
}

static void a_stopped_listener_resets_those_that_wait(void **state) {
    (void)state;
    each_loop each = simulated(&(tow_simulation_options){.seed = 1});
    tow_address address[TOW_ADDRESSES_MAX], bound;
    assert_int_equal(tow_address_parse("[::1]:0", address), 1);
    int fd = tow_listen_socket(each.loop, &address[0], NULL, &bound);
    assert_true(fd >= 0);
    test_end client = {.close_at_end = true};
    assert_int_equal(tow_stream_connect(&client.stream, each.loop, &bound, &end_events), 0);
    run_for(&each, TOW_SECOND);
    assert_int_equal(client.writable, 1); /* connected, before anybody accepts */
    tow_loop_discard(each.loop, fd);
    run_to_the_end(&each);
    assert_int_equal(client.error, TOW_ERROR_RESET);
    tow_loop_free(each.loop);
}

static void the_system_is_out_of_reach(void **state) {
    (void)state;
    each_loop each = simulated(&(tow_simulation_options){.seed = 1});
    tow_watch watch = {0};
    assert_int_equal(tow_watch_start(&watch, each.loop, 0, TOW_READABLE, NULL), TOW_ERROR_UNSUPPORTED);
    assert_int_equal(tow_loop_fd(each.loop), TOW_ERROR_UNSUPPORTED);
    tow_loop_free(each.loop);
}

static void listeners_of_one_port_share_its_connections(void **state) {
    (void)state;
    each_loop each = simulated(&(tow_simulation_options){.seed = 5});
    tow_address address[TOW_ADDRESSES_MAX], bound;
    assert_int_equal(tow_address_parse("127.0.0.1:0", address), 1);
    int first = tow_listen_socket(each.loop, &address[0], NULL, &bound);
    assert_int_equal(tow_listen_share(first), 0);
    assert_int_equal(tow_listen_socket(each.loop, &bound, NULL, NULL), TOW_ERROR_ADDRESS_IN_USE);
    int second = tow_listen_socket(each.loop, &bound, &(tow_listen_options){.reuse_port = true}, NULL);
    assert_true(second >= 0);
    tow_listener listeners[2] = {{.user = NULL}};
    accepted_count = 0;
    assert_int_equal(tow_listener_start(&listeners[0], each.loop, first, accept_guest), 0);
    assert_int_equal(tow_listener_start(&listeners[1], each.loop, second, accept_guest), 0);
    test_end clients[4];
    memset(clients, 0, sizeof(clients));
    for (int i = 0; i < 4; i++)
        assert_int_equal(tow_stream_connect(&clients[i].stream, each.loop, &bound, &end_events), 0);
    run_until(&each, four_are_accepted, NULL);
    tow_listener_stop(&listeners[0]);
    tow_listener_stop(&listeners[1]);
    for (int i = 0; i < 4; i++)
        end_close(&clients[i]);
    run_to_the_end(&each);
    tow_loop_free(each.loop);
}

/* Who is stepped alone waits for the others. */
static void loops_of_one_network_share_its_time(void **state) {
    (void)state;
    tow_loop *one, *other;
    tow_timer sooner = {0}, later = {0};
    assert_int_equal(tow_loop_new_simulated(&one, &(tow_simulation_options){.seed = 1}), 0);
    assert_int_equal(tow_loop_new_simulated(&other, &(tow_simulation_options){.with = one}), 0);
    int64_t start = tow_loop_now(one);
    tow_timer_set(one, &later, start + 2 * TOW_SECOND, stop_waiting);
    tow_timer_set(other, &sooner, start + TOW_SECOND, stop_waiting);
    for (int i = 0; i < 100; i++)
        assert_true(tow_loop_step(one) >= 0);
    assert_true(tow_timer_is_set(&sooner) && tow_timer_is_set(&later));
    assert_true(tow_loop_now(one) > start && tow_loop_now(one) <= start + TOW_SECOND);
    assert_true(tow_loop_now(other) == tow_loop_now(one));
    while (tow_timer_is_set(&sooner))
        assert_true(tow_loop_step(other) >= 0);
    while (tow_timer_is_set(&later))
        assert_true(tow_loop_step(one) >= 0);
    tow_loop_free(one);
    tow_loop_free(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_replays_its_run_and_another_does_not),
        cmocka_unit_test(reads_are_cut_anywhere),
        cmocka_unit_test(whole_streams_are_not_cut),
        cmocka_unit_test(capacity_bounds_what_is_on_its_way),
        cmocka_unit_test(time_jumps_to_the_next_timer),
        cmocka_unit_test(a_network_in_which_nothing_can_happen_ends_the_run),
        cmocka_unit_test(descriptors_run_out_and_come_back),
        cmocka_unit_test(a_stopped_listener_resets_those_that_wait),
        cmocka_unit_test(the_system_is_out_of_reach),
        cmocka_unit_test(listeners_of_one_port_share_its_connections),
        cmocka_unit_test(loops_of_one_network_share_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
