/* What happens when memory runs out: an error, no crash, and nothing is lost. */
#include "each_loop.h"

#include "../allocation.h"
#include "transport/workers.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

static int lowest_free_descriptor(void) {
    int fd = open("/dev/null", O_RDONLY);
    close(fd);
    return fd;
}

static int new_simulated(tow_loop **loop) {
    return tow_loop_new_simulated(loop, NULL);
}

static int new_epoll(tow_loop **loop) {
    return tow_loop_new(loop, &(tow_loop_options){.io = TOW_IO_EPOLL});
}

static int new_uring(tow_loop **loop) {
    return tow_loop_new(loop, &(tow_loop_options){.io = TOW_IO_URING});
}

static void assert_that_failures_leak_nothing(int (*make)(tow_loop **loop)) {
    size_t number = 1;
    for (int error = TOW_ERROR_MEMORY; error != 0; number++) {
        tow_loop *loop = NULL;
        long before = allocation_outstanding();
        int descriptor = lowest_free_descriptor();
        allocation_fail_at(number);
        error = make(&loop);
        allocation_fail_at(0);
        if (error == 0)
            tow_loop_free(loop);
        else
            assert_int_equal(error, TOW_ERROR_MEMORY);
        assert_int_equal(allocation_outstanding(), before);
        assert_int_equal(lowest_free_descriptor(), descriptor);
    }
    assert_true(number > 4);
}

static void a_loop_that_cannot_be_made_leaves_nothing_behind(void **state) {
    (void)state;
    assert_that_failures_leak_nothing(new_epoll);
    assert_that_failures_leak_nothing(new_uring);
    assert_that_failures_leak_nothing(new_simulated);
}

static void count_task(void *argument) {
    ++*(int *)argument;
}

static void a_post_without_memory_fails(void **state) {
    each_loop *each = *state;
    int done = 0;
    allocation_fail_at(1);
    assert_int_equal(tow_loop_post(each->loop, count_task, &done), TOW_ERROR_MEMORY);
    allocation_fail_at(0);
    assert_int_equal(tow_loop_run(each->loop), 0);
    assert_int_equal(done, 0);
}

static void no_timer(tow_timer *timer) {
    (void)timer;
    fail();
}

static void a_timer_without_memory_fails(void **state) {
    each_loop *each = *state;
    tow_timer *timer = NULL;
    allocation_fail_at(1);
    assert_int_equal(tow_timer_new(&timer, each->loop, no_timer, NULL), TOW_ERROR_MEMORY);
    allocation_fail_at(0);
    assert_null(timer);
}

static void on_accept(tow_listener *listener, int fd) {
    tow_loop_discard(listener->loop, fd);
}

/* Whatever a listener and a connect allocate may fail; the descriptor is then still the caller's. */
static void a_listener_without_memory_fails(void **state) {
    each_loop *each = *state;
    tow_address address[TOW_ADDRESSES_MAX];
    assert_int_equal(tow_address_parse("127.0.0.1:0", address), 1);
    int error = TOW_ERROR_MEMORY;
    for (size_t number = 1; error != 0; number++) {
        tow_listener listener = {0};
        allocation_fail_at(number);
        int fd = error = tow_listen_socket(each->loop, &address[0], NULL, NULL);
        if (fd >= 0)
            error = tow_listener_start(&listener, each->loop, fd, on_accept);
        allocation_fail_at(0);
        if (error == 0)
            tow_listener_stop(&listener);
        else
            assert_int_equal(error, TOW_ERROR_MEMORY);
        if (error != 0 && fd >= 0)
            tow_loop_discard(each->loop, fd);
        run_to_the_end(each);
    }
}

static void a_connect_without_memory_fails_or_is_told(void **state) {
    each_loop *each = *state;
    tow_address address[TOW_ADDRESSES_MAX], bound;
    assert_int_equal(tow_address_parse("127.0.0.1:0", address), 1);
    int fd = tow_listen_socket(each->loop, &address[0], NULL, &bound);
    assert_true(fd >= 0);
    for (size_t number = 1; number < 6; number++) {
        test_end client = {.close_at_end = true};
        allocation_fail_at(number);
        int error = tow_stream_connect(&client.stream, each->loop, &bound, &end_events);
        if (error == 0) {
            run_for(each, 5 * TOW_MILLISECOND);
            allocation_fail_at(0);
            assert_int_equal(client.errors + client.writable, 1);
            if (!client.forbidden)
                end_close(&client);
        } else
            assert_int_equal(error, TOW_ERROR_MEMORY);
        allocation_fail_at(0);
        run_to_the_end(each);
        assert_int_equal(client.closed, error == 0);
    }
    tow_loop_discard(each->loop, fd);
}

static void work(void *argument, int index, tow_loop *loop) {
    (void)index;
    (void)loop;
    atomic_fetch_add((atomic_int *)argument, 1);
}

static void workers_that_cannot_start_leave_nothing_behind(void **state) {
    (void)state;
    tow_workers *workers;
    assert_int_equal(tow_workers_start(&workers, 0, TOW_IO_EPOLL, work, NULL), TOW_ERROR_ARGUMENT);
    int error = TOW_ERROR_MEMORY;
    for (size_t number = 1; error != 0; number++) {
        atomic_int ran = 0;
        long before = allocation_outstanding();
        allocation_fail_at(number);
        error = tow_workers_start(&workers, 2, TOW_IO_EPOLL, work, &ran);
        allocation_fail_at(0);
        if (error == 0)
            tow_workers_join(workers);
        assert_int_equal(ran, error == 0 ? 2 : 0);
        assert_int_equal(allocation_outstanding(), before);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_that_cannot_be_made_leaves_nothing_behind),
        ON_EACH_LOOP(a_post_without_memory_fails),
        ON_EACH_LOOP(a_timer_without_memory_fails),
        ON_EACH_LOOP(a_listener_without_memory_fails),
        ON_EACH_LOOP(a_connect_without_memory_fails_or_is_told),
        cmocka_unit_test(workers_that_cannot_start_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
