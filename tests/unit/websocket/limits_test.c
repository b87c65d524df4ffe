/* Limits that nobody has set, by role; and those that a route has from its server. */
#include "../unit.h"

#include "websocket/websocket.h"

#include <towline/error.h>

static tow_limits resolved(tow_role role, tow_limits limits, const tow_limits *server) {
    tow_limits_resolve(&limits, role, server);
    return limits;
}

/* Field by field: what lies between them is nobody's. */
static void assert_limits(const tow_limits *limits, const tow_limits *expected) {
    assert_int_equal(limits->max_message, expected->max_message);
    assert_int_equal(limits->max_queue, expected->max_queue);
    assert_int_equal(limits->overflow, expected->overflow);
    assert_int_equal(limits->high_mark, expected->high_mark);
    assert_int_equal(limits->low_mark, expected->low_mark);
    assert_int_equal(limits->message_seconds, expected->message_seconds);
    assert_int_equal(limits->message_rate, expected->message_rate);
    assert_int_equal(limits->stall_seconds, expected->stall_seconds);
    assert_int_equal(limits->ping_seconds, expected->ping_seconds);
    assert_int_equal(limits->idle_seconds, expected->idle_seconds);
    assert_int_equal(limits->close_seconds, expected->close_seconds);
    assert_int_equal(limits->compression, expected->compression);
    assert_int_equal(limits->compression_min, expected->compression_min);
    assert_int_equal(limits->compression_max, expected->compression_max);
}

static void a_server_is_bounded_by_default(void **state) {
    (void)state;
    tow_limits limits = resolved(TOW_ROLE_SERVER, (tow_limits){0}, NULL);
    assert_int_equal(limits.max_message, 16 << 20);
    assert_int_equal(limits.max_queue, 1 << 20);
    assert_int_equal(limits.overflow, TOW_OVERFLOW_CLOSE);
    assert_int_equal(limits.high_mark, 256 << 10);
    assert_int_equal(limits.low_mark, 64 << 10);
    assert_int_equal(limits.message_seconds, 60);
    assert_int_equal(limits.message_rate, 1024);
    assert_int_equal(limits.stall_seconds, 30);
    assert_int_equal(limits.ping_seconds, 20);
    assert_int_equal(limits.idle_seconds, 60);
    assert_int_equal(limits.close_seconds, 5);
    assert_int_equal(limits.compression, TOW_COMPRESSION_SHARED);
    assert_int_equal(limits.compression_min, 512);
    assert_int_equal(limits.compression_max, 512 << 10);
    assert_int_equal(tow_limits_check(&limits, NULL), 0);
}

static void a_client_waits_as_long_as_its_user_likes(void **state) {
    (void)state;
    const tow_limits server = resolved(TOW_ROLE_SERVER, (tow_limits){0}, NULL);
    tow_limits limits = resolved(TOW_ROLE_CLIENT, (tow_limits){0}, NULL);
    tow_limits expected = server;
    expected.message_seconds = expected.stall_seconds = TOW_OFF;
    expected.ping_seconds = expected.idle_seconds = TOW_OFF;
    expected.compression = TOW_COMPRESSION_TAKEOVER;
    assert_limits(&limits, &expected);
    assert_int_equal(tow_limits_check(&limits, NULL), 0);
}

static void what_is_set_stays_for_both(void **state) {
    (void)state;
    const tow_limits set = {.max_message = 1,
        .max_queue = TOW_OFF,
        .overflow = TOW_OVERFLOW_REFUSE,
        .high_mark = 3,
        .low_mark = 2,
        .message_seconds = 4,
        .message_rate = TOW_OFF,
        .stall_seconds = 5,
        .ping_seconds = TOW_OFF,
        .idle_seconds = 6,
        .close_seconds = TOW_OFF,
        .compression = TOW_COMPRESSION_OFF,
        .compression_min = TOW_OFF,
        .compression_max = 7};
    for (int role = TOW_ROLE_SERVER; role <= TOW_ROLE_CLIENT; role++) {
        tow_limits limits = resolved((tow_role)role, set, NULL);
        assert_limits(&limits, &set);
    }
}

/* What waits and is dropped must not be referred to by what follows. */
static void a_client_that_drops_the_oldest_offers_no_takeover(void **state) {
    (void)state;
    tow_limits limits = resolved(TOW_ROLE_CLIENT, (tow_limits){.overflow = TOW_OVERFLOW_DROP_OLDEST}, NULL);
    assert_int_equal(limits.compression, TOW_COMPRESSION_SHARED);
    assert_int_equal(tow_limits_check(&limits, NULL), 0);
    limits.compression = TOW_COMPRESSION_TAKEOVER;
    assert_int_equal(tow_limits_check(&limits, NULL), TOW_ERROR_ARGUMENT);
}

static void a_route_has_what_its_server_has(void **state) {
    (void)state;
    const tow_limits server = resolved(TOW_ROLE_SERVER,
        (tow_limits){.max_message = 10, .ping_seconds = TOW_OFF, .high_mark = 1000, .low_mark = 900}, NULL);
    tow_limits limits = resolved(TOW_ROLE_SERVER, (tow_limits){.idle_seconds = 7}, &server);
    tow_limits expected = server;
    expected.idle_seconds = 7;
    assert_limits(&limits, &expected);
    limits = resolved(TOW_ROLE_SERVER, (tow_limits){.high_mark = 100}, &server);
    assert_int_equal(limits.low_mark, 25); /* the marks are a pair */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_is_bounded_by_default),
        cmocka_unit_test(a_client_waits_as_long_as_its_user_likes),
        cmocka_unit_test(what_is_set_stays_for_both),
        cmocka_unit_test(a_client_that_drops_the_oldest_offers_no_takeover),
        cmocka_unit_test(a_route_has_what_its_server_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
