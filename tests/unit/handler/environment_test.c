/* The environment of a program without a request: what is passed on, what is set, what is left out. */
#include "../unit.h"

#include "environment.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

static const char *value_of(const tow_environment *environment, const char *name) {
    size_t length = strlen(name);
    const char *value = NULL;
    for (const char *const *variable = environment->variables; *variable != NULL; variable++)
        if (strncmp(*variable, name, length) == 0 && (*variable)[length] == '=') {
            assert_null(value);
            value = *variable + length + 1;
        }
    return value;
}

static void only_what_is_named_is_passed_on(void **state) {
    (void)state;
    const char *const allowed[] = {"TOW_TEST_PASSED", "TOW_TEST_MISSING", "ADDED=a=b", "PATH=/mine", NULL};
    tow_environment environment = {0};
    setenv("TOW_TEST_PASSED", "yes", 1);
    setenv("TOW_TEST_SECRET", "key", 1);
    assert_int_equal(tow_environment_make(&environment, NULL, NULL, NULL, allowed), 0);
    assert_string_equal(value_of(&environment, "TOW_TEST_PASSED"), "yes");
    assert_string_equal(value_of(&environment, "ADDED"), "a=b");
    assert_string_equal(value_of(&environment, "PATH"), "/mine");
    assert_null(value_of(&environment, "TOW_TEST_MISSING"));
    assert_null(value_of(&environment, "TOW_TEST_SECRET"));
    tow_environment_clear(&environment);
    tow_environment_clear(&environment);
    assert_int_equal(tow_environment_make(&environment, NULL, NULL, NULL, NULL), 0);
    assert_string_equal(value_of(&environment, "PATH"), getenv("PATH"));
    tow_environment_clear(&environment);
}

static void a_name_is_letters_digits_and_underscores(void **state) {
    (void)state;
    static const char *const good[] = {"A", "_", "a_1", "A=", "A=b c=", "LC_ALL=C.UTF-8"};
    static const char *const bad[] = {"", "=", "=a", "1A", "A-B", "A B", "A-B=c", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(tow_environment_check(good[i]), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(tow_environment_check(bad[i]), TOW_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_named_is_passed_on),
        cmocka_unit_test(a_name_is_letters_digits_and_underscores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
