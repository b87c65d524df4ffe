/* Credentials as requests show them. */
#include "../unit.h"

#include "presented.h"

static tow_presented presented;

static void assert_slice(tow_slice slice, const char *expected) {
    assert_int_equal(slice.length, strlen(expected));
    assert_memory_equal(slice.data, expected, slice.length);
}

static bool read_text(tow_scheme scheme, const char *text, bool is_encoded) {
    presented.scheme = TOW_SCHEME_NONE;
    return tow_presented_read(&presented, scheme, tow_slice_from(text), is_encoded);
}

static void basic_is_a_name_and_a_password(void **state) {
    assert_true(read_text(TOW_SCHEME_BASIC, "YW5uOnNlY3JldA==", true));
    assert_slice(presented.name, "ann");
    assert_slice(presented.password, "secret");
    assert_true(read_text(TOW_SCHEME_BASIC, "YW5uOmE6Yg", true)); /* without padding */
    assert_slice(presented.name, "ann");
    assert_slice(presented.password, "a:b");
    assert_true(read_text(TOW_SCHEME_BASIC, "Og==", true));
    assert_slice(presented.name, "");
    assert_slice(presented.password, "");
}

static void both_alphabets_are_read(void **state) {
    assert_true(read_text(TOW_SCHEME_BEARER, "+/8=", true));
    assert_slice(presented.token, "\xfb\xff");
    assert_true(read_text(TOW_SCHEME_BEARER, "-_8", true));
    assert_slice(presented.token, "\xfb\xff");
}

static void a_token_is_taken_as_it_is(void **state) {
    assert_true(read_text(TOW_SCHEME_BEARER, "a.b-c~d+/==", false));
    assert_slice(presented.token, "a.b-c~d+/==");
}

static void what_is_none_is_not_read(void **state) {
    static const char *const texts[] = {"", "=", "====", "YW5u", "YW5 u", "YW5u!", "YW4A", "A", "YQBhOmI="};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_false(read_text(TOW_SCHEME_BASIC, texts[i], true));
        assert_int_equal(presented.scheme, TOW_SCHEME_NONE);
    }
}

static void what_is_longer_than_a_limit_is_none(void **state) {
    char text[TOW_PRESENTED_MAX + 2];
    memset(text, 'a', sizeof(text));
    text[TOW_PRESENTED_MAX] = '\0';
    assert_true(read_text(TOW_SCHEME_BEARER, text, false));
    text[TOW_PRESENTED_MAX] = 'a';
    text[TOW_PRESENTED_MAX + 1] = '\0';
    assert_false(read_text(TOW_SCHEME_BEARER, text, false));
    assert_false(read_text(TOW_SCHEME_BEARER, text, true));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(basic_is_a_name_and_a_password),
        cmocka_unit_test(both_alphabets_are_read),
        cmocka_unit_test(a_token_is_taken_as_it_is),
        cmocka_unit_test(what_is_none_is_not_read),
        cmocka_unit_test(what_is_longer_than_a_limit_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
