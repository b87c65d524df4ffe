/* Wherever an allocation of a reconnector fails, the call fails, or the attempt does and another follows. */
#include "host.h"

#include "../allocation.h"

#include "transport/loop.h"

#include <towline/error.h>
#include <towline/reconnector.h>

typedef struct test_ears {
    size_t opens, closes, give_ups;
} test_ears;

static void on_open(tow_websocket *socket) {
    ((test_ears *)tow_websocket_user(socket))->opens++;
}

static void on_close(tow_websocket *socket, const tow_close_event *event) {
    ((test_ears *)tow_websocket_user(socket))->closes++;
}

static void on_give_up(tow_reconnector *reconnector, int error) {
    ((test_ears *)tow_reconnector_user(reconnector))->give_ups++;
}

/* Whether the allocation of that number was asked for. */
static bool run(size_t failing) {
    static const host_act acts[] = {
        {.answer = "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"}, {.vanishes = true},
        {.frames = "\x81\x02hi\x88\x04\x03\xe8ok", .length = 10}};
    static const char *const protocols[] = {"soap", "xmpp", NULL};
    static const tow_header_field headers[] = {{"X-Header", "value"}, {NULL, NULL}};
    static test_host host;
    test_ears heard = {0};
    long before = allocation_outstanding();
    tow_loop *loop;
    tow_reconnector *reconnector = NULL;
    char url[64];
    memset(&host, 0, sizeof(host));
    host.acts = acts;
    host.act_count = 3;
    assert_int_equal(tow_loop_new_simulated(&loop, &(tow_simulation_options){.whole = true}), 0);
    host_open(&host, loop);
    snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", host.port);
    allocation_fail_at(failing);
    int error = tow_reconnector_new(&reconnector, loop, url,
        &(tow_websocket_options){.protocols = failing % 2 == 0 ? NULL : protocols,
            .headers = headers,
            .user = &heard,
            .on_open = on_open,
            .on_close = on_close},
        &(tow_reconnector_options){.max_attempts = 5, .on_give_up = on_give_up});
    while (error == 0 && heard.give_ups == 0)
        assert_true(tow_loop_step(loop) >= 0);
    bool failed = failing != 0 && allocation_count() >= failing;
    allocation_fail_at(0);
    if (error != 0) {
        assert_int_equal(error, TOW_ERROR_MEMORY);
        assert_true(failed);
        assert_null(reconnector);
    } else {
        assert_int_equal(heard.give_ups, 1);
        assert_true(heard.closes >= 2);
    }
    tow_reconnector_free(reconnector);
    host_close(&host);
    tow_loop_free(loop);
    assert_int_equal(allocation_outstanding(), before);
    return failed;
}

static void each_allocation_may_fail(void **state) {
    (void)state;
    size_t failing = 0;
    assert_false(run(failing));
    while (run(++failing)) {
    }
    assert_true(failing > 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
