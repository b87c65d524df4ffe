#include "../unit.h"

#include "lines.h"

#include <towline/error.h>

static void next_is(tow_lines *lines, const char *expected) {
    tow_slice line;
    assert_true(tow_lines_next(lines, &line));
    assert_int_equal(line.length, strlen(expected));
    assert_memory_equal(line.data, expected, line.length);
}

static void nothing_is_next(tow_lines *lines) {
    tow_slice line;
    assert_false(tow_lines_next(lines, &line));
}

static void a_line_comes_whole_wherever_the_input_is_cut(void **state) {
    (void)state;
    const char text[] = "one\n\nthree\n";
    for (size_t cut = 0; cut < sizeof(text) - 1; cut++) {
        tow_lines lines = {0};
        char got[64] = "";
        const size_t lengths[] = {cut, sizeof(text) - 1 - cut};
        const char *pieces[] = {text, text + cut};
        for (size_t i = 0; i < 2; i++) {
            tow_slice line;
            assert_int_equal(tow_lines_add(&lines, pieces[i], lengths[i]), 0);
            while (tow_lines_next(&lines, &line)) {
                strncat(got, line.data, line.length);
                strcat(got, "|");
            }
        }
        assert_string_equal(got, "one||three|");
        tow_slice rest;
        assert_false(tow_lines_rest(&lines, &rest));
        tow_lines_clear(&lines);
    }
}

static void a_last_line_needs_no_line_feed(void **state) {
    (void)state;
    tow_lines lines = {0};
    tow_slice rest;
    assert_int_equal(tow_lines_add(&lines, "a\nb", 3), 0);
    next_is(&lines, "a");
    nothing_is_next(&lines);
    assert_true(tow_lines_rest(&lines, &rest));
    assert_int_equal(rest.length, 1);
    assert_memory_equal(rest.data, "b", 1);
    assert_false(tow_lines_rest(&lines, &rest));
    tow_lines_clear(&lines);
}

static void carriage_returns_and_zeros_belong_to_the_line(void **state) {
    (void)state;
    tow_lines lines = {0};
    tow_slice line;
    assert_int_equal(tow_lines_add(&lines, "a\r\n\0\n", 5), 0);
    next_is(&lines, "a\r");
    assert_true(tow_lines_next(&lines, &line));
    assert_int_equal(line.length, 1);
    tow_lines_clear(&lines);
}

static void memory_of_read_lines_is_used_again(void **state) {
    (void)state;
    tow_lines lines = {0};
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(tow_lines_add(&lines, "0123456789\n", 11), 0);
        next_is(&lines, "0123456789");
    }
    assert_true(lines.bytes.capacity <= 4096);
    tow_lines_clear(&lines);
    tow_lines_clear(&lines);
}

static void a_line_without_end_is_an_error(void **state) {
    (void)state;
    tow_lines lines = {0};
    static char block[1024 * 1024];
    memset(block, 'x', sizeof(block));
    for (size_t sum = 0; sum < TOW_LINE_MAX; sum += sizeof(block)) {
        assert_int_equal(tow_lines_add(&lines, block, sizeof(block)), 0);
        nothing_is_next(&lines);
    }
    assert_int_equal(tow_lines_add(&lines, "x", 1), TOW_ERROR_LIMIT);
    tow_lines_clear(&lines);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_comes_whole_wherever_the_input_is_cut),
        cmocka_unit_test(a_last_line_needs_no_line_feed),
        cmocka_unit_test(carriage_returns_and_zeros_belong_to_the_line),
        cmocka_unit_test(memory_of_read_lines_is_used_again),
        cmocka_unit_test(a_line_without_end_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
