#include "../unit.h"

#include "base/text.h"

/* A, é, €, 𝄞: characters of one to four bytes. */
static const char mixed[] = "A\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e";

static void a_text_is_cut_at_borders_of_characters(void **state) {
    (void)state;
    static const size_t kept[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
    for (size_t max = 0; max < sizeof(kept) / sizeof(kept[0]); max++)
        assert_int_equal(tow_text_cut(mixed, strlen(mixed), max), kept[max]);
}

static void what_is_no_utf8_is_cut_anywhere(void **state) {
    (void)state;
    assert_int_equal(tow_text_cut("\x80\x80\x80\x80\x80\x80\x80\x80", 8, 6), 6);
}

static void the_first_character_is_measured(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {{"", 0}, {"a\x80", 1}, {"\xc2\x80", 2}, {"\xdf\xbfx", 2}, {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3}, {"\xef\xbf\xbf", 3}, {"\xf0\x90\x80\x80", 4}, {"\xf4\x8f\xbf\xbf", 4},
        {"\x80", 0}, {"\xc1\xbf", 0}, {"\xc2", 0}, {"\xc2z", 0}, {"\xe0\x9f\xbf", 0}, {"\xed\xa0\x80", 0},
        {"\xe2\x82", 0}, {"\xe2\x82z", 0}, {"\xf0\x8f\xbf\xbf", 0}, {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(tow_text_character(cases[i].text, strlen(cases[i].text)), cases[i].length);
}

static void a_text_that_fits_is_written_whole(void **state) {
    (void)state;
    char out[8];
    assert_int_equal(tow_text_format(out, sizeof(out), "%s", ""), 0);
    assert_string_equal(out, "");
    assert_int_equal(tow_text_format(out, sizeof(out), "%d %s", 7, "seals"), 7);
    assert_string_equal(out, "7 seals");
}

static void the_length_is_that_of_what_was_written(void **state) {
    (void)state;
    struct {
        char out[8];
        char behind;
    } place = {.behind = '!'};
    for (size_t length = 8; length < 300; length++) {
        char text[300];
        memset(text, 'y', length);
        text[length] = '\0';
        assert_int_equal(tow_text_format(place.out, sizeof(place.out), "%s", text), 7);
        assert_string_equal(place.out, "yyyy...");
        assert_int_equal(place.behind, '!');
    }
}

static void a_cut_text_ends_with_a_whole_character_and_dots(void **state) {
    (void)state;
    char out[16];
    static const char *const expected[] = {[4] = "...",
        [5] = "A...",
        [6] = "A...",
        [7] = "A\xc3\xa9...",
        [9] = "A\xc3\xa9...",
        [10] = "A\xc3\xa9\xe2\x82\xac...",
        [11] = "A\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e"};
    for (size_t size = 4; size < sizeof(expected) / sizeof(expected[0]); size++) {
        if (expected[size] == NULL)
            continue;
        assert_int_equal(tow_text_format(out, size, "%s", mixed), strlen(expected[size]));
        assert_string_equal(out, expected[size]);
    }
}

static void what_is_not_printable_is_escaped(void **state) {
    char out[32];
    (void)state;
    assert_int_equal(tow_text_make_printable(out, sizeof(out), "a b~"), 4);
    assert_string_equal(out, "a b~");
    assert_int_equal(tow_text_make_printable(out, sizeof(out), "\n\x7f\xc3"), 12);
    assert_string_equal(out, "\\x0A\\x7F\\xC3");
    tow_text_make_printable(out, 16, "12345678");
    assert_string_equal(out, "12345678");
    assert_int_equal(tow_text_make_printable(out, 16, "1234567890123456"), 12);
    assert_string_equal(out, "123456789...");
    tow_text_make_printable(out, 16, "\n\n\n\n");
    assert_string_equal(out, "\\x0A\\x0A\\x0A...");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_cut_at_borders_of_characters),
        cmocka_unit_test(what_is_no_utf8_is_cut_anywhere),
        cmocka_unit_test(the_first_character_is_measured),
        cmocka_unit_test(a_text_that_fits_is_written_whole),
        cmocka_unit_test(the_length_is_that_of_what_was_written),
        cmocka_unit_test(a_cut_text_ends_with_a_whole_character_and_dots),
        cmocka_unit_test(what_is_not_printable_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
