#include "../allocation.h"
#include "../unit.h"

#include "cases.h"
#include "conform/report.h"
#include "opening_judge.h"
#include "opening_write.h"
#include "squeeze.h"

#include <towline/error.h>

/* Runs something until it takes no allocation more than it was given: what fails before gives back all that
 * it took. */
static void every_allocation_may_fail(int (*run)(void)) {
    int error = TOW_ERROR_MEMORY;
    for (size_t number = 1; error != 0; number++) {
        long before = allocation_outstanding();
        assert_true(number < 10000);
        allocation_fail_at(number);
        error = run();
        allocation_fail_at(0);
        assert_true(error == 0 || error == TOW_ERROR_MEMORY);
        assert_int_equal(allocation_outstanding(), before);
    }
}

static const char text[] =
    "group g RFC 6455\ncase {A}\n  for A, B in 1 \"2 3\" 4 5\n  must x\n  head \"a\\r\\n{key}\"\n"
    "  header +X: {letters=5000}{fields=10}\n  offer permessage-deflate\n"
    "  send close 1000 \"x\\x41\" hex 00ff letters=3\n  expect field when 405 Allow: GET\n  finish\n";

static int read_cases(void) {
    case_list list = {0};
    tow_buffer error = {0};
    int result = tow_conform_case_list_read(&list, "test", text, &error);
    tow_buffer_clear(&error);
    tow_conform_case_list_clear(&list);
    return result == TOW_ERROR_ARGUMENT ? TOW_ERROR_MEMORY
                                        : result; /* a step that found no memory is not understood */
}

static int write_heads(void) {
    case_list list = {0};
    tow_buffer error = {0}, out = {0};
    judged_head request = {0};
    int result = tow_conform_case_list_read(&list, "test", text, &error);
    if (result == 0)
        result = tow_conform_opening_request_write(&list.cases[0], "h", "/", "k", &out);
    if (result == 0)
        result = tow_conform_opening_answer_write(&list.cases[0], "x", &request, &out);
    tow_buffer_clear(&out);
    tow_buffer_clear(&error);
    tow_conform_case_list_clear(&list);
    return result == TOW_ERROR_ARGUMENT ? TOW_ERROR_MEMORY : result;
}

static int squeeze_and_read(void) {
    static const uint8_t data[100000] = {1, 2, 3};
    squeeze both;
    tow_buffer packed = {0}, out = {0};
    const char *why;
    int result = tow_conform_squeeze_init(&both, 15, true, 15, true);
    for (int i = 0; i < 2 && result == 0; i++) {
        out.length = packed.length = 0;
        result = tow_conform_squeeze_message(&both, data, sizeof(data), 6, &packed);
        if (result == 0 && !tow_conform_squeeze_read(&both, packed.data, packed.length, &out, &why))
            result = TOW_ERROR_MEMORY;
    }
    tow_buffer_clear(&packed);
    tow_buffer_clear(&out);
    tow_conform_squeeze_clear(&both);
    return result;
}

static int load_suite(void) {
    conform_suite *suite = NULL;
    tow_buffer error = {0}, list = {0};
    int result =
        tow_conform_suite_new(&suite, &(conform_suite_options){.only = "control.ping.*"}, false, &error);
    if (result == 0)
        result = tow_conform_suite_list(suite, &list);
    tow_buffer_clear(&error);
    tow_buffer_clear(&list);
    tow_conform_suite_free(suite);
    return result;
}

static void reading_cases_survives_it(void **state) {
    (void)state;
    every_allocation_may_fail(read_cases);
}

static void writing_heads_survives_it(void **state) {
    (void)state;
    every_allocation_may_fail(write_heads);
}

static void compression_survives_it(void **state) {
    (void)state;
    every_allocation_may_fail(squeeze_and_read);
}

/* All cases that are compiled in; not every number, as there are many. */
static void loading_the_suite_survives_it(void **state) {
    (void)state;
    for (size_t number = 1; number < 20000; number = number * 3 / 2 + 1) {
        long before = allocation_outstanding();
        allocation_fail_at(number);
        int result = load_suite();
        allocation_fail_at(0);
        assert_int_not_equal(result, 0);
        assert_int_equal(allocation_outstanding(), before);
    }
    assert_int_equal(load_suite(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_cases_survives_it),
        cmocka_unit_test(writing_heads_survives_it),
        cmocka_unit_test(compression_survives_it),
        cmocka_unit_test(loading_the_suite_survives_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
