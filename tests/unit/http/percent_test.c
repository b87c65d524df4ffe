/* Percent-encoding. */
#include "../unit.h"

#include "http/percent.h"

static void percent_encodings_are_decoded(void **state) {
    static const char *const cases[][2] = {{"", ""}, {"plain", "plain"}, {"%41%62c", "Abc"},
        {"%3a%3A%40%2F%25", "::@/%"}, {"%ff\xfe", "\xff\xfe"}, {"a%20b", "a b"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[32];
        char *end = tow_percent_decode(out, tow_slice_from(cases[i][0]));
        assert_ptr_equal(end, out + strlen(cases[i][1]) + 1);
        assert_string_equal(out, cases[i][1]);
    }
}

static void what_can_not_be_decoded_is_refused(void **state) {
    static const char *const texts[] = {"%", "%4", "a%", "%zz", "%4z", "%z4", "%%41", "%00", "a%00b", "% 1"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char out[32];
        assert_null(tow_percent_decode(out, tow_slice_from(texts[i])));
    }
    char out[8];
    assert_null(tow_percent_decode(out, (tow_slice){"%41", 2})); /* the digit behind the end is not ours */
    assert_null(tow_percent_decode(out, (tow_slice){"a\0b", 3}));
}

static void one_character_is_taken_at_a_time(void **state) {
    tow_slice rest = tow_slice_from("a%2fb%00%4");
    static const char expected[] = {'a', '/', 'b', '\0'};
    char character;
    for (size_t i = 0; i < sizeof(expected); i++) {
        assert_true(tow_percent_take(&rest, &character));
        assert_int_equal(character, expected[i]);
    }
    assert_false(tow_percent_take(&rest, &character));
    assert_true(tow_slice_equals(rest, "%4"));
}

static void all_but_what_is_unreserved_is_encoded(void **state) {
    tow_buffer out = {0};
    assert_int_equal(tow_percent_append(&out, (tow_slice){"aZ09-._~/?\0%\xff", 13}, "/"), 0);
    assert_int_equal(out.length, 21);
    assert_memory_equal(out.data, "aZ09-._~/%3F%00%25%FF", 21);
    tow_buffer_clear(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percent_encodings_are_decoded),
        cmocka_unit_test(what_can_not_be_decoded_is_refused),
        cmocka_unit_test(one_character_is_taken_at_a_time),
        cmocka_unit_test(all_but_what_is_unreserved_is_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
