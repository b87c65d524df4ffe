/* Every allocation of the program's parsers and writers may fail: the error says so, and nothing leaks. */
#include "../unit.h"

#include "../allocation.h"
#include "display.h"
#include "lines.h"
#include "option_table.h"
#include "options_text.h"
#include "ports.h"

#include <towline/error.h>

static int parse_options(void) {
    static const char *const words[] = {
        "-s", "one", "-s", "two", "-H", "A: b", "-x", "hello", "-x", "again", "ws://localhost/", NULL};
    const tow_command *command = tow_command_find("connect");
    char error[TOW_OPTIONS_ERROR_MAX];
    tow_options options;
    int problem = tow_options_init(&options, command);
    if (problem != 0)
        return problem;
    tow_options_result result = tow_options_take_words(&options, words, error);
    tow_options_clear(&options);
    return result == TOW_OPTIONS_RUN ? 0 : strstr(error, "out of memory") != NULL ? TOW_ERROR_MEMORY : -1000;
}

static int write_help(void) {
    tow_buffer text = {0};
    int error = tow_options_help(&text, tow_command_find("connect"), 80, true);
    tow_buffer_clear(&text);
    return error;
}

static int write_manual(void) {
    tow_buffer text = {0};
    int error = tow_options_manual(&text, tow_command_find("serve"));
    tow_buffer_clear(&text);
    return error;
}

static int make_ports(void) {
    static const char *const texts[] = {"80", "localhost:81", NULL};
    char **ports;
    int error = tow_ports_make(&ports, texts, "::1");
    if (error == 0)
        tow_ports_free(ports);
    return error;
}

static int show_text(void) {
    tow_buffer text = {0};
    int error = tow_display_text(&text, "a\rb\nc", 5, 2, true);
    if (error == 0)
        error = tow_display_hex(&text, (const uint8_t *)"0123456789abcdef0", 17, 2);
    tow_buffer_clear(&text);
    return error;
}

static int cut_lines(void) {
    tow_lines lines = {0};
    int error = tow_lines_add(&lines, "one\ntwo", 7);
    tow_lines_clear(&lines);
    return error;
}

/* Lets each allocation fail in turn, until the work is done without that one. */
static void each_may_fail(int (*work)(void)) {
    long before = allocation_outstanding();
    for (size_t number = 1;; number++) {
        allocation_fail_at(number);
        int error = work();
        size_t count = allocation_count();
        allocation_fail_at(0);
        assert_int_equal(allocation_outstanding(), before);
        if (count < number) {
            assert_int_equal(error, 0);
            assert_true(number > 1);
            return;
        }
        assert_int_equal(error, TOW_ERROR_MEMORY);
    }
}

static void each_allocation_may_fail(void **state) {
    (void)state;
    each_may_fail(parse_options);
    each_may_fail(write_help);
    each_may_fail(write_manual);
    each_may_fail(make_ports);
    each_may_fail(show_text);
    each_may_fail(cut_lines);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
