/* Which failures another attempt may mend, and how long it waits. */
#include "../unit.h"

#include "../../../src/client/retry.h"

#include <towline/error.h>

static void an_answer_that_would_be_given_again_is_final(void **state) {
    static const struct {
        int status;
        bool may_help;
    } cases[] = {{200, false}, {301, false}, {400, false}, {401, false}, {403, false}, {404, false},
        {407, false}, {408, true}, {409, false}, {426, false}, {428, false}, {429, true}, {430, false},
        {499, false}, {500, true}, {502, true}, {503, true}, {504, true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(tow_retry_may_help(TOW_ERROR_HTTP_STATUS, cases[i].status), cases[i].may_help);
        assert_int_equal(tow_retry_may_help(TOW_ERROR_PROXY, cases[i].status), cases[i].may_help);
    }
}

static void what_the_network_does_may_be_better_next_time(void **state) {
    static const int passing[] = {TOW_ERROR_REFUSED, TOW_ERROR_TIMED_OUT, TOW_ERROR_RESET, TOW_ERROR_ENDED,
        TOW_ERROR_UNREACHABLE, TOW_ERROR_NAME_NOT_FOUND, TOW_ERROR_MEMORY, TOW_ERROR_DESCRIPTORS,
        TOW_ERROR_PROXY, TOW_ERROR_NO_FILE, TOW_ERROR_UTF8, TOW_ERROR_QUEUE_FULL, TOW_ERROR_TLS};
    static const int lasting[] = {TOW_ERROR_CERTIFICATE, TOW_ERROR_URL, TOW_ERROR_ARGUMENT,
        TOW_ERROR_UNSUPPORTED, TOW_ERROR_ADDRESS, TOW_ERROR_HANDSHAKE_ACCEPT, TOW_ERROR_HANDSHAKE_PROTOCOL,
        TOW_ERROR_HANDSHAKE_EXTENSION, TOW_ERROR_HANDSHAKE_UPGRADE, TOW_ERROR_HANDSHAKE_CONNECTION};
    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
        assert_true(tow_retry_may_help(passing[i], 0));
    for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++)
        assert_false(tow_retry_may_help(lasting[i], 0));
}

static void a_clean_close_is_the_end_by_its_code(void **state) {
    static const struct {
        uint16_t code;
        bool ends;
    } cases[] = {{1000, true}, {1001, false}, {1005, true}, {1008, false}, {1011, false}, {1012, false},
        {1013, false}, {1014, false}, {3000, true}, {3003, true}, {3008, false}, {4000, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(tow_retry_ends_at(cases[i].code, TOW_AFTER_CLEAN_CLOSE_BY_CODE), cases[i].ends);
        assert_false(tow_retry_ends_at(cases[i].code, TOW_AFTER_CLEAN_CLOSE_RECONNECT));
        assert_true(tow_retry_ends_at(cases[i].code, TOW_AFTER_CLEAN_CLOSE_END));
    }
}

static void the_bound_of_the_delay_doubles_up_to_its_greatest(void **state) {
    const tow_reconnector_options options = {.first_milliseconds = 100, .max_milliseconds = 1500};
    static const int64_t bounds[] = {100, 200, 400, 800, 1500, 1500, 1500};
    for (int attempt = 1; attempt <= 7; attempt++) {
        int64_t bound = bounds[attempt - 1];
        assert_int_equal(tow_retry_delay(&options, attempt, 0), 0);
        assert_int_equal(tow_retry_delay(&options, attempt, (uint64_t)bound), bound);
        assert_int_equal(tow_retry_delay(&options, attempt, (uint64_t)bound + 1), 0);
    }
    assert_int_equal(tow_retry_delay(&options, INT32_MAX, 1500), 1500);
}

static void delays_of_any_size_do_not_overflow(void **state) {
    const tow_reconnector_options endless = {.first_milliseconds = INT32_MAX, .max_milliseconds = TOW_OFF};
    const tow_reconnector_options small = {.first_milliseconds = 1, .max_milliseconds = TOW_OFF};
    const tow_reconnector_options none = {.first_milliseconds = TOW_OFF, .max_milliseconds = 1000};
    const tow_reconnector_options crossed = {.first_milliseconds = 500, .max_milliseconds = 100};
    for (int attempt = 1; attempt < 200; attempt++) {
        assert_in_range(tow_retry_delay(&endless, attempt, UINT64_MAX), 0, INT32_MAX);
        assert_in_range(tow_retry_delay(&small, attempt, UINT64_MAX), 0, INT32_MAX);
        assert_int_equal(tow_retry_delay(&none, attempt, UINT64_MAX), 0);
        assert_in_range(tow_retry_delay(&crossed, attempt, (uint64_t)attempt * 77), 0, 100);
    }
}

static void retry_after_is_seconds_or_a_date(void **state) {
    const int64_t now = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT */
    static const struct {
        const char *field;
        int seconds;
    } cases[] = {{"0", 0}, {"1", 1}, {"120", 120}, {"3599", 3599}, {"3600", 3600}, {"3601", 3600},
        {"99999999999999999999999999", 3600}, {"", 0}, {"-1", 0}, {"1.5", 0}, {"5 ", 0}, {"soon", 0},
        {"Sun, 06 Nov 1994 08:49:47 GMT", 10}, {"Sun, 06 Nov 1994 08:49:27 GMT", 0},
        {"Sun, 06 Nov 2044 08:49:27 GMT", 3600}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(tow_retry_after(tow_slice_from(cases[i].field), now), cases[i].seconds);
    assert_int_equal(tow_retry_after((tow_slice){0}, now), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_that_would_be_given_again_is_final),
        cmocka_unit_test(what_the_network_does_may_be_better_next_time),
        cmocka_unit_test(a_clean_close_is_the_end_by_its_code),
        cmocka_unit_test(the_bound_of_the_delay_doubles_up_to_its_greatest),
        cmocka_unit_test(delays_of_any_size_do_not_overflow),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
