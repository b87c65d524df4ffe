/* The end of a listener for byte streams: its memory and the file of its Unix socket go, wherever it is
 * freed, and whatever becomes of the loop. */
#include "each_loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <towline/stream.h>
#include <unistd.h>

typedef struct scene {
    each_loop *each;
    char folder[32];
    char path[64];
    tow_byte_listener *listener;
    tow_timer *timer;
} scene;

static void accepted(tow_byte_listener *listener, tow_byte_stream *stream) {
    (void)listener;
    tow_byte_stream_close(stream);
}

static void end_all(tow_timer *timer) {
    scene *self = tow_timer_user(timer);
    tow_byte_listener_free(self->listener);
    tow_loop_stop(self->each->loop);
}

static void begin(scene *self, each_loop *each) {
    char place[80];
    *self = (scene){.each = each, .folder = "/tmp/towline-XXXXXX"};
    assert_non_null(mkdtemp(self->folder));
    snprintf(self->path, sizeof(self->path), "%s/socket", self->folder);
    snprintf(place, sizeof(place), "unix:%s", self->path);
    assert_int_equal(tow_byte_listener_new(&self->listener, each->loop, place, accepted, NULL), 0);
    assert_int_equal(tow_timer_new(&self->timer, each->loop, end_all, self), 0);
    run_for(each, TOW_MILLISECOND); /* it accepts */
    assert_int_equal(access(self->path, F_OK), 0);
}

static void free_loop(scene *self) {
    tow_loop_free(self->each->loop);
    self->each->loop = NULL;
    tow_timer_free(self->timer);
    assert_int_not_equal(access(self->path, F_OK), 0);
    assert_int_equal(rmdir(self->folder), 0);
}

static void a_listener_may_be_freed_in_the_last_callback(void **state) {
    scene self;
    begin(&self, *state);
    assert_int_equal(tow_timer_start(self.timer, 1, 0), 0);
    assert_int_equal(tow_loop_run(self.each->loop), 0);
    free_loop(&self);
}

static void a_listener_may_be_freed_outside_of_the_loop(void **state) {
    scene self;
    begin(&self, *state);
    tow_byte_listener_free(self.listener);
    free_loop(&self);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_REAL_LOOPS(a_listener_may_be_freed_in_the_last_callback),
        ON_REAL_LOOPS(a_listener_may_be_freed_outside_of_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
