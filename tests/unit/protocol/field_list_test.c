#include "../unit.h"

#include "protocol/field_list.h"

static const tow_field fields[] = {
    {{"Host", 4}, {"a", 1}},
    {{"X-List", 6}, {" one,two ,\tthree\t", 17}},
    {{"x-list", 6}, {"", 0}},
    {{"X-Lists", 7}, {"other", 5}},
    {{"X-LIST", 6}, {",, ,\"four, \\\"five\" ;x,six", 25}},
};
enum { COUNT = sizeof(fields) / sizeof(fields[0]) };

static void a_list_goes_over_all_fields_of_its_name(void **state) {
    (void)state;
    static const char *const expected[] = {"one", "two", "three", "\"four, \\\"five\" ;x", "six"};
    tow_list_cursor cursor = {0};
    tow_slice element;
    for (size_t i = 0; i < 5; i++) {
        assert_true(tow_list_next(fields, COUNT, "X-List", &cursor, &element));
        assert_true(tow_slice_equals(element, expected[i]));
    }
    assert_false(tow_list_next(fields, COUNT, "X-List", &cursor, &element));
    assert_false(tow_list_next(fields, COUNT, "X-List", &cursor, &element));
}

static void a_list_that_is_not_there_has_no_element(void **state) {
    (void)state;
    tow_list_cursor cursor = {0};
    tow_slice element;
    assert_false(tow_list_next(fields, COUNT, "Y", &cursor, &element));
    assert_false(tow_list_has(fields, COUNT, "Y", ""));
    assert_int_equal(tow_field_count(fields, COUNT, "Y"), 0);
}

static void a_list_may_be_cut_anywhere(void **state) {
    (void)state;
    static const char text[] = " a , \"b,\\\"c\\\\\",,d\\,e ";
    for (size_t length = 0; length < sizeof(text); length++) {
        char *copy = malloc(length + 1); /* its end is where the sanitizer looks */
        memcpy(copy, text, length);
        tow_field field = {{"L", 1}, {copy, length}};
        tow_list_cursor cursor = {0};
        tow_slice element;
        size_t elements = 0;
        while (tow_list_next(&field, 1, "l", &cursor, &element)) {
            assert_true(element.data >= copy && element.data + element.length <= copy + length);
            assert_true(element.length > 0);
            elements++;
        }
        assert_true(elements <= 4);
        free(copy);
    }
}

static void tokens_are_found_without_regard_to_case(void **state) {
    (void)state;
    assert_true(tow_list_has(fields, COUNT, "x-LIST", "TWO"));
    assert_true(tow_list_has(fields, COUNT, "x-list", "six"));
    assert_false(tow_list_has(fields, COUNT, "x-list", "four"));
    assert_false(tow_list_has(fields, COUNT, "x-list", "on"));
    assert_false(tow_list_has(fields, COUNT, "x-list", "ones"));
}

static void the_only_field_is_found_and_the_number_told(void **state) {
    (void)state;
    tow_slice value = {0};
    size_t found;
    assert_true(tow_field_only(fields, COUNT, "HOST", &value, &found));
    assert_true(tow_slice_equals(value, "a"));
    assert_int_equal(found, 1);
    assert_false(tow_field_only(fields, COUNT, "X-List", &value, &found));
    assert_int_equal(found, 3);
    assert_false(tow_field_only(fields, COUNT, "Missing", &value, &found));
    assert_int_equal(found, 0);
    assert_true(tow_slice_equals(value, "a"));
}

static void a_token_is_made_of_the_77_characters(void **state) {
    (void)state;
    unsigned number = 0;
    for (unsigned code = 0; code < 256; code++)
        number += tow_is_token_character((char)code);
    assert_int_equal(number, 77);
    assert_true(tow_is_token((tow_slice){"a!#$%&'*+-.^_`|~9Z", 18}));
    assert_false(tow_is_token((tow_slice){"", 0}));
    assert_false(tow_is_token((tow_slice){"a\0b", 3}));
    assert_false(tow_is_token((tow_slice){"a ", 2}));
    for (const char *separator = "()<>@,;:\\\"/[]?={} \t\x7f"; *separator != '\0'; separator++)
        assert_false(tow_is_token((tow_slice){separator, 1}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_goes_over_all_fields_of_its_name),
        cmocka_unit_test(a_list_that_is_not_there_has_no_element),
        cmocka_unit_test(a_list_may_be_cut_anywhere),
        cmocka_unit_test(tokens_are_found_without_regard_to_case),
        cmocka_unit_test(the_only_field_is_found_and_the_number_told),
        cmocka_unit_test(a_token_is_made_of_the_77_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
