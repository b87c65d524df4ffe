/* Parameters of queries, and cookies. */
#include "../unit.h"

#include "http/pairs.h"

#include <towline/error.h>

/* "name=value;" for each pair. */
static void expect(const tow_pairs *pairs, const char *text) {
    char made[1024] = "";
    for (size_t i = 0; i < pairs->count; i++) {
        strcat(made, pairs->items[i].name);
        strcat(made, "=");
        strcat(made, pairs->items[i].value);
        strcat(made, ";");
    }
    assert_string_equal(made, text);
    assert_null(pairs->items[pairs->count].name);
}

static void parameters_are_decoded(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"", ""}, {"a=b", "a=b;"}, {"a", "a=;"}, {"a=", "a=;"},
        {"=b", "=b;"}, {"a=b&c=d", "a=b;c=d;"}, {"a=b&a=c", "a=b;a=c;"}, {"&&a=b&&", "a=b;"},
        {"a=b=c", "a=b=c;"}, {"a+b=c+d", "a b=c d;"}, {"a%20b=%C3%A9%2b%26", "a b=\xc3\xa9+&;"},
        {"%61%3D=%25", "a==%;"}, {"a=%", "a=%;"}, {"a=%4", "a=%4;"}, {"a=%zz%41", "a=%zzA;"},
        {"a=x%00y", "a=x%00y;"}, {"a=%ff", "a=\xff;"}, {"a;b=c", "a;b=c;"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tow_pairs pairs = {0};
        assert_int_equal(tow_pairs_read_query(&pairs, tow_slice_from(cases[i][0])), 0);
        expect(&pairs, cases[i][1]);
        tow_pairs_clear(&pairs);
    }
}

static void a_query_that_is_not_there_has_none(void **state) {
    (void)state;
    tow_pairs pairs = {0};
    assert_int_equal(tow_pairs_read_query(&pairs, (tow_slice){0}), 0);
    expect(&pairs, "");
    tow_pairs_clear(&pairs);
    tow_pairs_clear(&pairs);
}

static void cookies_are_taken_from_all_fields(void **state) {
    (void)state;
    static const struct {
        const char *first, *second, *expected;
    } cases[] = {{"a=b", "", "a=b;"}, {"a=b; c=d", "e=f", "a=b;c=d;e=f;"},
        {"a=b;c=d;", " e = f ", "a=b;c=d;e=f;"}, {"a=b=c", "a=\"x y\"", "a=b=c;a=\"x y\";"},
        {"nameless", "=x", ""}, {";;", "a=", "a=;"}, {"a=%41+", "b", "a=%41+;"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const tow_field fields[] = {{tow_slice_from("cookie"), tow_slice_from(cases[i].first)},
            {tow_slice_from("Cookies"), tow_slice_from("no=no")},
            {tow_slice_from("Cookie"), tow_slice_from(cases[i].second)}};
        tow_pairs pairs = {0};
        assert_int_equal(tow_pairs_read_cookies(&pairs, fields, 3), 0);
        expect(&pairs, cases[i].expected);
        tow_pairs_clear(&pairs);
    }
}

static void the_first_of_a_name_is_found(void **state) {
    (void)state;
    tow_pairs pairs = {0};
    assert_null(tow_pairs_find(&pairs, "a"));
    assert_int_equal(tow_pairs_read_query(&pairs, tow_slice_from("b=1&a=2&a=3&A=4")), 0);
    assert_string_equal(tow_pairs_find(&pairs, "a"), "2");
    assert_string_equal(tow_pairs_find(&pairs, "A"), "4");
    assert_null(tow_pairs_find(&pairs, "c"));
    tow_pairs_clear(&pairs);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_decoded),
        cmocka_unit_test(a_query_that_is_not_there_has_none),
        cmocka_unit_test(cookies_are_taken_from_all_fields),
        cmocka_unit_test(the_first_of_a_name_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
