/* Wherever an allocation of the blocking client fails, the call fails and says so, and nothing leaks. */
#include "host.h"

#include "../allocation.h"

#include "client/client.h"
#include "transport/loop.h"

#include <towline/blocking.h>
#include <towline/error.h>

enum { LONG = 60 * 1000 };

/* What the first call that failed answered. */
static int talk(tow_blocking *blocking, size_t *heard) {
    static char text[100 * 1000];
    tow_message message;
    memset(text, 'x', sizeof(text));
    int error = tow_blocking_send(blocking, TOW_TEXT, text, sizeof(text), LONG);
    while (error == 0 && *heard < 3) {
        error = tow_blocking_receive(blocking, &message, LONG);
        if (error == 0)
            ++*heard;
    }
    return error != 0 ? error : tow_blocking_close(blocking, 1000, "bye", LONG);
}

/* Whether the allocation of that number was asked for. */
static bool run(size_t failing) {
    static const host_act act = {.frames = "\x81\x03one\x01\x02tw\x80\x01o\x82\x05three\x88\x04\x03\xe8ok",
        .length = 5 + 4 + 3 + 7 + 6,
        .milliseconds = 100};
    static test_host host;
    long before = allocation_outstanding();
    tow_loop *loop;
    tow_blocking *blocking;
    size_t heard = 0;
    char url[64];
    memset(&host, 0, sizeof(host));
    host.acts = &act;
    host.act_count = 1;
    assert_int_equal(tow_loop_new_simulated(&loop, &(tow_simulation_options){.whole = true}), 0);
    host_open(&host, loop);
    snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", host.port);
    allocation_fail_at(failing);
    int error = tow_blocking_open_on(&blocking, loop, url, &(tow_websocket_options){0}, LONG);
    if (error == 0)
        error = talk(blocking, &heard);
    bool failed = failing != 0 && allocation_count() >= failing;
    allocation_fail_at(0);
    if (error != 0) {
        assert_true(failed);
        assert_true(error == TOW_ERROR_MEMORY || tow_blocking_error(blocking) != 0);
    } else {
        assert_int_equal(heard, 3);
    }
    if (blocking != NULL) /* else the loop is gone, and all that was on it */
        host_close(&host);
    tow_blocking_free(blocking);
    assert_int_equal(allocation_outstanding(), before);
    return failed;
}

static void each_allocation_may_fail(void **state) {
    (void)state;
    size_t failing = 0;
    assert_false(run(failing));
    while (run(++failing)) {
    }
    assert_true(failing > 12);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
