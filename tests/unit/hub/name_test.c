#include "../unit.h"

#include "hub/name.h"

#include <towline/error.h>

static bool is_valid(const char *name) {
    return tow_channel_name_is_valid(tow_slice_from(name));
}

static void a_name_has_one_to_two_hundred_bytes(void **state) {
    (void)state;
    char name[TOW_CHANNEL_NAME_MAX + 1];
    memset(name, 'a', sizeof(name));
    assert_false(is_valid(""));
    assert_true(is_valid("a"));
    assert_true(tow_channel_name_is_valid((tow_slice){name, TOW_CHANNEL_NAME_MAX - 1}));
    assert_true(tow_channel_name_is_valid((tow_slice){name, TOW_CHANNEL_NAME_MAX}));
    assert_false(tow_channel_name_is_valid((tow_slice){name, TOW_CHANNEL_NAME_MAX + 1}));
}

static void a_name_is_text_without_control_characters(void **state) {
    (void)state;
    assert_true(is_valid("chat/room 1: gr\xc3\xbc\xc3\x9f"));
    assert_true(is_valid("\xc2\xa0"));
    assert_false(is_valid("a\nb"));
    assert_false(is_valid("a\x1f"));
    assert_false(is_valid("a\x7f"));
    assert_false(is_valid("a\xc2\x80"));
    assert_false(is_valid("a\xc2\x9f"));
    assert_false(is_valid("\xc3"));
    assert_false(is_valid("\xed\xa0\x80"));
    assert_false(tow_channel_name_is_valid((tow_slice){"a\0b", 3}));
}

static void internal_names_come_from_nowhere_outside(void **state) {
    (void)state;
    char name[TOW_CHANNEL_NAME_MAX];
    assert_false(is_valid("\x01user/ann"));
    assert_int_equal(tow_channel_name_decode(tow_slice_from("%01user"), name), TOW_ERROR_ARGUMENT);
}

static void assert_decoded(const char *path, const char *expected) {
    char name[TOW_CHANNEL_NAME_MAX];
    int length = tow_channel_name_decode(tow_slice_from(path), name);
    if (expected == NULL) {
        assert_int_equal(length, TOW_ERROR_ARGUMENT);
        return;
    }
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(name, expected, strlen(expected));
}

static void a_path_is_decoded_once(void **state) {
    (void)state;
    assert_decoded("a%20b", "a b");
    assert_decoded("a+b", "a+b");
    assert_decoded("a%2fb/c", "a/b/c");
    assert_decoded("a%2541", "a%41");
    assert_decoded("%c3%bc", "\xc3\xbc");
    assert_decoded("a%2", NULL);
    assert_decoded("a%zz", NULL);
    assert_decoded("a%00", NULL);
    assert_decoded("%c3", NULL);
    assert_decoded("", NULL);
}

static void a_path_stands_for_two_hundred_bytes_at_most(void **state) {
    (void)state;
    char path[3 * (TOW_CHANNEL_NAME_MAX + 1) + 1] = "";
    for (int i = 0; i < TOW_CHANNEL_NAME_MAX; i++)
        strcat(path, "%41");
    char name[TOW_CHANNEL_NAME_MAX];
    assert_int_equal(tow_channel_name_decode(tow_slice_from(path), name), TOW_CHANNEL_NAME_MAX);
    strcat(path, "A");
    assert_int_equal(tow_channel_name_decode(tow_slice_from(path), name), TOW_ERROR_ARGUMENT);
}

static bool is_private(const char *name) {
    return tow_channel_name_is_private(tow_slice_from(name));
}

static void any_segment_says_that_nobody_gets_in(void **state) {
    (void)state;
    assert_true(is_private("private-"));
    assert_true(is_private("private-encrypted-x"));
    assert_true(is_private("private-a/b"));
    assert_true(is_private("pusher/app/private-x"));
    assert_true(is_private("socketio/main/presence-a/b/c"));
    assert_true(is_private("#server-to-user-7"));
    assert_true(is_private("pusher/app/#server-to-user-a/b/"));
    assert_false(is_private("news"));
    assert_false(is_private("a/presence"));
    assert_false(is_private("a/"));
    assert_false(is_private("aprivate-x"));
    assert_false(is_private("x#server-to-user-7"));
    assert_false(is_private("pusher/app/#server-to-user"));
    assert_false(tow_channel_name_is_private((tow_slice){"private-", 7}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_has_one_to_two_hundred_bytes),
        cmocka_unit_test(a_name_is_text_without_control_characters),
        cmocka_unit_test(internal_names_come_from_nowhere_outside),
        cmocka_unit_test(a_path_is_decoded_once),
        cmocka_unit_test(a_path_stands_for_two_hundred_bytes_at_most),
        cmocka_unit_test(any_segment_says_that_nobody_gets_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
