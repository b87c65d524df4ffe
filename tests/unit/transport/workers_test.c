/* Threads with a loop each: what is left open when a thread is done. */
#include "../unit.h"

#include "transport/byte_stream.h"
#include "transport/workers.h"

#include <sys/socket.h>
#include <towline/error.h>
#include <towline/stream.h>
#include <unistd.h>

typedef struct ending {
    int ours, theirs;
    int closed;
} ending;

static void on_closed(tow_byte_stream *stream) {
    ((ending *)tow_byte_stream_user(stream))->closed++;
}

/* Has the stream wait for bytes, closes it, and does not step the loop again. */
static void run(void *argument, int index, tow_loop *loop) {
    ending *now = argument;
    tow_byte_stream *stream;
    const tow_byte_stream_options options = {.user = now, .on_closed = on_closed};
    (void)index;
    assert_int_equal(tow_byte_stream_adopt(&stream, loop, now->ours, &options), 0);
    for (int i = 0; i < 3; i++)
        assert_true(tow_loop_step(loop) >= 0);
    tow_byte_stream_close(stream);
    assert_int_equal(now->closed, 0);
}

static void ends_with(tow_io io) {
    ending now = {0};
    tow_workers *workers;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    now.ours = pair[0];
    now.theirs = pair[1];
    assert_int_equal(tow_workers_start(&workers, 1, io, run, &now), 0);
    tow_workers_join(workers);
    assert_int_equal(now.closed, 1);
    close(now.theirs);
}

static void what_a_worker_has_closed_is_told_of_it(void **state) {
    (void)state;
    ends_with(TOW_IO_EPOLL);
    ends_with(TOW_IO_URING);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_worker_has_closed_is_told_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
