#include "../unit.h"

#include <towline/version.h>

static void number_and_text_are_the_same_version(void **state) {
    (void)state;
    char text[32];
    snprintf(text, sizeof(text), "%d.%d.%d", TOWLINE_VERSION_NUMBER >> 16, TOWLINE_VERSION_NUMBER >> 8 & 0xff,
        TOWLINE_VERSION_NUMBER & 0xff);
    assert_string_equal(text, TOW_VERSION);
}

static void the_library_tells_its_own(void **state) {
    (void)state;
    assert_string_equal(tow_version(), TOW_VERSION);
    assert_int_equal(tow_version_number(), TOWLINE_VERSION_NUMBER);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(number_and_text_are_the_same_version),
        cmocka_unit_test(the_library_tells_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
