#include "../unit.h"

#include "base/number.h"

#include <towline/error.h>

static void whole_numbers_have_digits_only(void **state) {
    (void)state;
    int64_t number = 7;
    assert_int_equal(tow_number_parse("0", &number), 0);
    assert_int_equal(number, 0);
    assert_int_equal(tow_number_parse("0042", &number), 0);
    assert_int_equal(number, 42);
    const char *const wrong[] = {"", " 1", "1 ", "+1", "-1", "1.0", "1K", "0x1", "one"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(tow_number_parse(wrong[i], &number), TOW_ERROR_ARGUMENT);
    assert_int_equal(number, 42);
}

static void numbers_end_at_63_bits(void **state) {
    (void)state;
    int64_t number = 0;
    assert_int_equal(tow_number_parse("9223372036854775807", &number), 0);
    assert_true(number == INT64_MAX);
    assert_int_equal(tow_number_parse("9223372036854775808", &number), TOW_ERROR_LIMIT);
    assert_int_equal(tow_number_parse("99999999999999999999", &number), TOW_ERROR_LIMIT);
    assert_int_equal(tow_size_parse("8388607T", &number), 0);
    assert_int_equal(tow_size_parse("8388608T", &number), TOW_ERROR_LIMIT);
    assert_int_equal(tow_duration_parse("9223372036", &number), 0);
    assert_int_equal(tow_duration_parse("9223372037", &number), TOW_ERROR_LIMIT);
}

static void sizes_take_units_of_1024(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } cases[] = {{"512", 512}, {"0", 0}, {"17B", 17}, {"64K", 65536}, {"64k", 65536}, {"64KB", 65536},
        {"64KiB", 65536}, {"16M", 16777216}, {"1G", 1073741824}, {"1T", INT64_C(1) << 40}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t bytes = -1;
        assert_int_equal(tow_size_parse(cases[i].text, &bytes), 0);
        assert_true(bytes == cases[i].bytes);
    }
    const char *const wrong[] = {"", "K", "1 K", "1X", "1KK", "1.5M", "1Ki", "1KiBs", "-1K"};
    int64_t bytes;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(tow_size_parse(wrong[i], &bytes), TOW_ERROR_ARGUMENT);
}

static void durations_have_at_most_nine_decimals(void **state) {
    (void)state;
    int64_t nanoseconds = 0;
    assert_int_equal(tow_duration_parse("10", &nanoseconds), 0);
    assert_true(nanoseconds == INT64_C(10000000000));
    assert_int_equal(tow_duration_parse("0.5", &nanoseconds), 0);
    assert_true(nanoseconds == 500000000);
    assert_int_equal(tow_duration_parse("1.000000001", &nanoseconds), 0);
    assert_true(nanoseconds == 1000000001);
    const char *const wrong[] = {"", ".5", "1.", "1.5s", "1.0000000001", "1,5", "-1"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(tow_duration_parse(wrong[i], &nanoseconds), TOW_ERROR_ARGUMENT);
}

static void sizes_are_written_for_people(void **state) {
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {{0, "0 B"}, {1023, "1023 B"}, {1024, "1 KiB"}, {1536, "1.5 KiB"}, {65536, "64 KiB"},
        {131072, "128 KiB"}, {1048576, "1 MiB"}, {UINT64_C(1) << 40, "1 TiB"}, {UINT64_MAX, "15.9 EiB"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[TOW_SIZE_TEXT_MAX];
        tow_size_text(cases[i].bytes, text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_have_digits_only),
        cmocka_unit_test(numbers_end_at_63_bits),
        cmocka_unit_test(sizes_take_units_of_1024),
        cmocka_unit_test(durations_have_at_most_nine_decimals),
        cmocka_unit_test(sizes_are_written_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
