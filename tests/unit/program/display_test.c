#include "../unit.h"

#include "display.h"

#define SHOWS(text, expected) shows(text, sizeof(text) - 1, 0, false, expected)

static void shows(const char *text, size_t length, int indent, bool painted, const char *expected) {
    tow_buffer out = {0};
    assert_int_equal(tow_display_text(&out, text, length, indent, painted), 0);
    assert_int_equal(tow_buffer_append(&out, "", 1), 0);
    assert_string_equal((const char *)out.data, expected);
    tow_buffer_clear(&out);
}

static void plain_text_stays(void **state) {
    (void)state;
    SHOWS("", "");
    SHOWS("hello\tworld", "hello\tworld");
    SHOWS("gr\u00fc\u00dfe \u65e5\u672c \U0001f600", "gr\u00fc\u00dfe \u65e5\u672c \U0001f600");
}

static void control_characters_cannot_reach_the_terminal(void **state) {
    (void)state;
    SHOWS("\033[2J", "\\x1b[2J");
    SHOWS("a\rb", "a\\rb");
    SHOWS("\b\a\177", "\\x08\\x07\\x7f");
    shows("a\0b", 3, 0, false, "a\\x00b");
    SHOWS("\xc2\x9b"
          "31m", /* CSI as one character, U+009B */
        "\\u009b31m");
}

static void characters_that_hide_or_turn_text_are_shown(void **state) {
    (void)state;
    SHOWS("a\u202eb", "a\\u202eb");
    SHOWS("\u2066x\u2069", "\\u2066x\\u2069");
    SHOWS("\u200b\ufeff\u2028", "\\u200b\\ufeff\\u2028");
    SHOWS("\U000e0041", "\\u{e0041}");
}

static void what_is_no_utf8_becomes_bytes(void **state) {
    (void)state;
    SHOWS("\xff", "\\xff");
    SHOWS("a\x80z", "a\\x80z");
    SHOWS("\xc0\x9b", "\\xc0\\x9b");          /* overlong ESC */
    SHOWS("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* a surrogate */
    SHOWS("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
    SHOWS("\xf9\x98\x8d\x80", "\\xf9\\x98\\x8d\\x80"); /* no first byte */
    SHOWS("\xe2\x82", "\\xe2\\x82");                   /* cut */
}

static void lines_after_the_first_are_indented(void **state) {
    (void)state;
    shows("a\nb\n", 4, 2, false, "a\n  b\n  ");
}

static void escapes_are_dim_when_painted(void **state) {
    (void)state;
    shows("a\rb", 3, 0, true, "a\033[2m\\r\033[0mb");
}

static void hex_lines_hold_sixteen_bytes(void **state) {
    (void)state;
    uint8_t bytes[17];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i + 0x39);
    tow_buffer out = {0};
    assert_int_equal(tow_display_hex(&out, bytes, sizeof(bytes), 2), 0);
    assert_int_equal(tow_buffer_append(&out, "", 1), 0);
    assert_string_equal((const char *)out.data,
        "  00000000  39 3a 3b 3c 3d 3e 3f 40  41 42 43 44 45 46 47 48  |9:;<=>?@ABCDEFGH|\n"
        "  00000010  49                                                |I|\n");
    tow_buffer_clear(&out);
}

static void hex_shows_only_ascii_beside(void **state) {
    (void)state;
    tow_buffer out = {0};
    assert_int_equal(tow_display_hex(&out, (const uint8_t *)"\0\x1f ~\x7f\xff", 6, 0), 0);
    assert_int_equal(tow_buffer_append(&out, "", 1), 0);
    assert_non_null(strstr((const char *)out.data, "|.. ~..|"));
    out.length = 0;
    assert_int_equal(tow_display_hex(&out, (const uint8_t *)"", 0, 0), 0);
    assert_int_equal(out.length, 0);
    tow_buffer_clear(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_stays),
        cmocka_unit_test(control_characters_cannot_reach_the_terminal),
        cmocka_unit_test(characters_that_hide_or_turn_text_are_shown),
        cmocka_unit_test(what_is_no_utf8_becomes_bytes),
        cmocka_unit_test(lines_after_the_first_are_indented),
        cmocka_unit_test(escapes_are_dim_when_painted),
        cmocka_unit_test(hex_lines_hold_sixteen_bytes),
        cmocka_unit_test(hex_shows_only_ascii_beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
