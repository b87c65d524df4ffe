#include "../unit.h"

#include "guarded.h"
#include "http/date.h"

#include <time.h>

static int64_t read_date(const char *text) {
    return tow_http_date_read(text, strlen(text));
}

static void the_three_forms_name_the_same_second(void **state) {
    (void)state;
    assert_int_equal(read_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    assert_int_equal(read_date("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    assert_int_equal(read_date("Sun Nov  6 08:49:37 1994"), 784111777);
    assert_int_equal(read_date("Wed Nov 16 08:49:37 1994"), 784111777 + 10 * 86400);
}

static void dates_agree_with_the_systems_calendar(void **state) {
    (void)state;
    static const int64_t edges[] = {0, 1, 86399, 86400, 951782399, 951782400, 951868800, 1709164800,
        1709251199, 2147483647, 2147483648, 4102444799, 4107542399, 4107542400, 253402300799};
    for (size_t i = 0; i < sizeof(edges) / sizeof(*edges) + 5000; i++) {
        int64_t seconds = i < 5000 ? (int64_t)i * 50680460 : edges[i - 5000];
        time_t system = (time_t)seconds;
        struct tm parts;
        char expected[64];
        char seen[TOW_HTTP_DATE_LENGTH + 1];
        strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&system, &parts));
        tow_http_date(seen, seconds);
        assert_string_equal(seen, expected);
        assert_true(read_date(seen) == seconds);
    }
}

static void dates_that_cannot_be_written_are_moved_to_the_nearest(void **state) {
    (void)state;
    char text[TOW_HTTP_DATE_LENGTH + 1];
    tow_http_date(text, -1);
    assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
    tow_http_date(text, INT64_MIN);
    assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
    tow_http_date(text, INT64_MAX);
    assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT");
}

static void dates_before_1970_are_read_as_its_begin(void **state) {
    (void)state;
    assert_int_equal(read_date("Wed, 31 Dec 1969 23:59:59 GMT"), 0);
    assert_int_equal(read_date("Sat, 01 Jan 0000 00:00:00 GMT"), 0);
}

static void years_of_two_digits_are_1970_to_2069(void **state) {
    (void)state;
    assert_int_equal(read_date("Thursday, 01-Jan-70 00:00:00 GMT"), 0);
    assert_true(read_date("Tuesday, 01-Jan-69 00:00:00 GMT") == read_date("Tue, 01 Jan 2069 00:00:00 GMT"));
}

static void what_is_no_date_is_minus_one(void **state) {
    (void)state;
    static const char *const wrong[] = {"", "0", "Sun", "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMT ", " Sun, 06 Nov 1994 08:49:37 GMT",
        "sun, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT", "Wed, 29 Feb 1995 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, +6 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT", "Sun Nov 06 08:49:37 94",
        "Sun Nov  0 08:49:37 1994", "Sun Nov 31 08:49:37 1994", "Mon, 29 Feb 1900 00:00:00 GMT",
        "Sun, 06 Now 1994 08:49:37 GMT"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        if (read_date(wrong[i]) != -1)
            fail_msg("\"%s\" is read", wrong[i]);
    }
    assert_true(read_date("Sat, 31 Dec 2016 23:59:60 GMT") == read_date("Sun, 01 Jan 2017 00:00:00 GMT"));
    assert_true(read_date("Tue, 29 Feb 2000 00:00:00 GMT") > 0);
}

static void a_date_that_is_cut_is_none(void **state) {
    (void)state;
    static const char *const dates[] = {
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"};
    guarded memory = guarded_new();
    for (size_t i = 0; i < 3; i++) {
        for (size_t cut = 0; cut < strlen(dates[i]); cut++)
            assert_int_equal(tow_http_date_read(guarded_copy(memory, dates[i], cut), cut), -1);
    }
    guarded_free(memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_three_forms_name_the_same_second),
        cmocka_unit_test(dates_agree_with_the_systems_calendar),
        cmocka_unit_test(dates_that_cannot_be_written_are_moved_to_the_nearest),
        cmocka_unit_test(dates_before_1970_are_read_as_its_begin),
        cmocka_unit_test(years_of_two_digits_are_1970_to_2069),
        cmocka_unit_test(what_is_no_date_is_minus_one),
        cmocka_unit_test(a_date_that_is_cut_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
