#include "../unit.h"

#include "base/json.h"

#include <towline/error.h>

static tow_slice slice(const char *text) {
    return tow_slice_from(text);
}

static tow_slice read_value(const char *text) {
    tow_slice value;
    assert_int_equal(tow_json_read(slice(text), &value), 0);
    return value;
}

static void check_text(tow_slice value, const char *expected) {
    assert_int_equal(value.length, strlen(expected));
    assert_memory_equal(value.data, expected, value.length);
}

static void what_is_json_is_taken_whole(void **state) {
    (void)state;
    static const char *const texts[] = {"null", "true", "false", "0", "-0", "10", "-12.50e+7", "1E5",
        "0.1e-2", "123456789012345678901234567890", "1e400", "\"\"", "\"a\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD834\\udd1E\"", "\"\\ud800\"",
        "\"\x7f\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e\"", "[]", "[ ]", "{}", "{ }", "[1,2]", "[ 1 , [ ] ]",
        "{\"a\":1,\"a\":2}", "{ \"a\" : [ { } , null ] , \"\" : { \"b\" : [[]] } }"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char padded[128];
        tow_slice value;
        snprintf(padded, sizeof(padded), " \t\n\r%s\r\n\t ", texts[i]);
        assert_int_equal(tow_json_read(slice(padded), &value), 0);
        check_text(value, texts[i]);
        assert_int_equal(tow_json_skip(texts[i], strlen(texts[i])), strlen(texts[i]));
    }
}

static void what_is_no_json_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"", " ", "nul", "nullx", "True", "+1", "01", "-", "1.", ".1", "1e",
        "1e+", "0x1", "NaN", "Infinity", "\"", "\"a", "\"\n\"", "\"\x1f\"", "\"\\x\"", "\"\\u12g4\"",
        "\"\\u123", "\"\\", "'a'", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1,,2]", "]", "{", "{\"a\"",
        "{\"a\":", "{\"a\":1", "{\"a\":1,}", "{,}", "{a:1}", "{1:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "[}",
        "{]", "[1}", "{\"a\":1]", "1 2", "[] []", "/**/1",
        ("\xef\xbb\xbf"
         "1"),
        "\"\x80\"", "\"\xc0\x80\"", "\"\xc3\"", "\"\xe0\x9f\xbf\"", "\"\xed\xa0\x80\"",
        "\"\xf0\x8f\xbf\xbf\"", "\"\xf4\x90\x80\x80\"", "\"\xf5\x80\x80\x80\"", "\"\xe2\x82\"",
        "\"\xe2\x28\xa1\"", "\v1"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        tow_slice value;
        assert_int_equal(tow_json_read(slice(texts[i]), &value), TOW_ERROR_ARGUMENT);
    }
}

/* In memory of exactly its size, so that a byte too far is seen. */
static void a_value_that_is_cut_is_refused_wherever(void **state) {
    (void)state;
    static const char text[] = "[\"a\\u00e9\xc3\xa9\",{\"b\":[true,false,null]},-1.5e+3]";
    for (size_t length = 0; length < sizeof(text) - 1; length++) {
        char *cut = malloc(length + (length == 0));
        memcpy(cut, text, length);
        tow_slice value;
        assert_int_equal(tow_json_read((tow_slice){cut, length}, &value), TOW_ERROR_ARGUMENT);
        free(cut);
    }
}

static void a_zero_is_a_character_like_others(void **state) {
    (void)state;
    tow_slice value;
    assert_int_equal(tow_json_read((tow_slice){"1\0", 2}, &value), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_json_read((tow_slice){"\"\0\"", 3}, &value), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_json_read((tow_slice){"\"\\\0\"", 4}, &value), TOW_ERROR_ARGUMENT);
}

static void a_value_ends_where_another_text_begins(void **state) {
    (void)state;
    assert_int_equal(tow_json_skip("[1]42", 5), 3);
    assert_int_equal(tow_json_skip(" {} x", 5), 3);
    assert_int_equal(tow_json_skip("\"a\"\"b\"", 6), 3);
    assert_int_equal(tow_json_skip("12,3", 4), 2);
}

/* Every byte that is not plain is seen at each place of a word. */
static void strings_are_read_at_every_offset(void **state) {
    (void)state;
    for (size_t at = 1; at < 34; at++) {
        char text[36];
        memset(text, 'x', sizeof(text));
        text[0] = '"';
        text[35] = '"';
        for (int byte = 0; byte < 256; byte++) {
            text[at] = (char)byte;
            int64_t expected = byte < ' ' || byte >= 0x80 || (byte == '\\') ? TOW_ERROR_ARGUMENT
                               : byte == '"'                                ? (int64_t)at + 1
                                                                            : (int64_t)sizeof(text);
            assert_int_equal(tow_json_skip(text, sizeof(text)), expected);
        }
    }
}

static void depth_is_bounded(void **state) {
    (void)state;
    for (int which = 0; which < 2; which++) {
        tow_buffer text = {0};
        for (size_t depth = 1; depth <= TOW_JSON_DEPTH_MAX + 1; depth++) {
            text.length = 0;
            for (size_t i = 0; i < depth; i++)
                assert_int_equal(tow_buffer_append_text(&text, which == 0   ? "["
                                                               : i % 2 == 0 ? "{\"a\":"
                                                                            : "["),
                    0);
            assert_int_equal(tow_buffer_append_text(&text, which == 1 && depth % 2 == 1 ? "0" : ""), 0);
            for (size_t i = depth; i > 0; i--)
                assert_int_equal(tow_buffer_append_text(&text, which == 0 || i % 2 == 0 ? "]" : "}"), 0);
            assert_int_equal(tow_json_skip((char *)text.data, text.length),
                depth <= TOW_JSON_DEPTH_MAX ? (int64_t)text.length : TOW_ERROR_LIMIT);
        }
        tow_buffer_clear(&text);
    }
}

static void types_are_told_by_the_first_byte(void **state) {
    (void)state;
    assert_int_equal(tow_json_type_of(slice("null")), TOW_JSON_NULL);
    assert_int_equal(tow_json_type_of(slice("false")), TOW_JSON_FALSE);
    assert_int_equal(tow_json_type_of(slice("true")), TOW_JSON_TRUE);
    assert_int_equal(tow_json_type_of(slice("-1")), TOW_JSON_NUMBER);
    assert_int_equal(tow_json_type_of(slice("\"\"")), TOW_JSON_STRING);
    assert_int_equal(tow_json_type_of(slice("[]")), TOW_JSON_ARRAY);
    assert_int_equal(tow_json_type_of(slice("{}")), TOW_JSON_OBJECT);
}

static void items_come_as_their_bytes_in_order(void **state) {
    (void)state;
    static const char *const expected[] = {"1e400", "[ 2 ]", "\"a,b\"", "{\"c\" : 3}"};
    tow_json_walk walk = tow_json_items(read_value("[ 1e400,[ 2 ] , \"a,b\",{\"c\" : 3} ]"));
    tow_slice name;
    tow_slice value;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_true(tow_json_next(&walk, &name, &value));
        assert_int_equal(name.length, 0);
        check_text(value, expected[i]);
    }
    assert_false(tow_json_next(&walk, &name, &value));
    assert_false(tow_json_next(&walk, &name, &value));
}

static void members_come_with_their_names(void **state) {
    (void)state;
    tow_json_walk walk = tow_json_items(read_value("{ \"a\\\"\" : 1 ,\"\":{}}"));
    tow_slice name;
    tow_slice value;
    assert_true(tow_json_next(&walk, &name, &value));
    check_text(name, "\"a\\\"\"");
    check_text(value, "1");
    assert_true(tow_json_next(&walk, &name, &value));
    check_text(name, "\"\"");
    check_text(value, "{}");
    assert_false(tow_json_next(&walk, &name, &value));
}

static void what_is_neither_array_nor_object_has_no_items(void **state) {
    (void)state;
    static const char *const texts[] = {"[]", "{ }", "1", "\"[1]\"", "null"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        tow_json_walk walk = tow_json_items(read_value(texts[i]));
        tow_slice name;
        tow_slice value;
        assert_false(tow_json_next(&walk, &name, &value));
    }
}

static void of_members_of_one_name_the_last_counts(void **state) {
    (void)state;
    tow_slice object = read_value("{\"a\":1,\"b\":2,\"\\u0061\":3,\"ab\":4}");
    tow_slice value;
    assert_true(tow_json_member(object, "a", &value));
    check_text(value, "3");
    assert_true(tow_json_member(object, "b", &value));
    check_text(value, "2");
    assert_false(tow_json_member(object, "", &value));
    assert_false(tow_json_member(read_value("[\"a\",1]"), "a", &value));
    check_text(value, "2");
}

static void whole_numbers_that_fit_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t number;
    } good[] = {{"0", 0}, {"-0", 0}, {"7", 7}, {"-7", -7}, {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN}};
    static const char *const bad[] = {"9223372036854775808", "-9223372036854775809", "1.0", "1e2",
        "99999999999999999999", "\"1\"", "null", "true", "[1]", "{}"};
    int64_t number;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(tow_json_integer(slice(good[i].text), &number), 0);
        assert_true(number == good[i].number);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(tow_json_integer(slice(bad[i]), &number), TOW_ERROR_ARGUMENT);
}

static void strings_are_compared_by_what_they_say(void **state) {
    (void)state;
    assert_true(tow_json_string_is(slice("\"\""), ""));
    assert_true(tow_json_string_is(slice("\"a\\/\\u0062\\n\""), "a/b\n"));
    assert_true(tow_json_string_is(slice("\"\\ud834\\uDD1e\""), "\xf0\x9d\x84\x9e"));
    assert_false(tow_json_string_is(slice("\"a\""), "ab"));
    assert_false(tow_json_string_is(slice("\"ab\""), "a"));
    assert_false(tow_json_string_is(slice("\"a\\u0000\""), "a"));
    assert_false(tow_json_string_is(slice("\"\\ud834\""), "\xed\xa0\xb4"));
    assert_false(tow_json_string_is(slice("1"), "1"));
}

static void strings_are_unescaped(void **state) {
    (void)state;
    static const char text[] =
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t|\\u0041\\u00e9\\u20AC\\uD834\\uDD1E\\u0000|\xc3\xa9\"";
    static const char said[] = "!\"\\/\b\f\n\r\t|A\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e\0|\xc3\xa9";
    tow_buffer out = {0};
    assert_int_equal(tow_buffer_append_text(&out, "!"), 0);
    assert_int_equal(tow_json_unescape(&out, slice(text)), 0);
    assert_int_equal(out.length, sizeof(said) - 1);
    assert_memory_equal(out.data, said, out.length);
    tow_buffer_clear(&out);
}

static void half_of_a_pair_says_nothing(void **state) {
    (void)state;
    static const char *const halves[] = {"\"a\\ud834\"", "\"\\udd1e\"", "\"\\ud834x\"", "\"\\ud834\\n\"",
        "\"\\ud834\\u0041\"", "\"\\ud834\\ud834\\udd1e\"", "\"\\udd1e\\ud834\""};
    tow_buffer out = {0};
    assert_int_equal(tow_buffer_append_text(&out, "before"), 0);
    for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
        assert_int_equal(tow_json_unescape(&out, slice(halves[i])), TOW_ERROR_UTF8);
        assert_int_equal(out.length, 6);
    }
    tow_buffer_clear(&out);
}

static void texts_are_written_as_strings(void **state) {
    (void)state;
    static const char text[] = "\"\\/\b\f\n\r\t\x01\x1f\x7f\0|\xc3\xa9\xe2\x80\xa8 and all that is plain";
    static const char written[] =
        "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000|\xc3\xa9\xe2\x80\xa8 and all that is plain\"";
    tow_buffer out = {0};
    assert_int_equal(tow_json_append_string(&out, (tow_slice){text, sizeof(text) - 1}), 0);
    check_text((tow_slice){(char *)out.data, out.length}, written);
    out.length = 0;
    assert_int_equal(tow_json_append_string(&out, (tow_slice){"", 0}), 0);
    check_text((tow_slice){(char *)out.data, out.length}, "\"\"");
    assert_int_equal(tow_json_append_string(&out, slice("ab\xff")), TOW_ERROR_UTF8);
    assert_int_equal(out.length, 2);
    tow_buffer_clear(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_json_is_taken_whole),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(a_value_that_is_cut_is_refused_wherever),
        cmocka_unit_test(a_zero_is_a_character_like_others),
        cmocka_unit_test(a_value_ends_where_another_text_begins),
        cmocka_unit_test(strings_are_read_at_every_offset),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(types_are_told_by_the_first_byte),
        cmocka_unit_test(items_come_as_their_bytes_in_order),
        cmocka_unit_test(members_come_with_their_names),
        cmocka_unit_test(what_is_neither_array_nor_object_has_no_items),
        cmocka_unit_test(of_members_of_one_name_the_last_counts),
        cmocka_unit_test(whole_numbers_that_fit_are_read),
        cmocka_unit_test(strings_are_compared_by_what_they_say),
        cmocka_unit_test(strings_are_unescaped),
        cmocka_unit_test(half_of_a_pair_says_nothing),
        cmocka_unit_test(texts_are_written_as_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
