/* Names that connections have in common are kept once, and counted. */
#include "../unit.h"

#include "../../../src/websocket/names.h"

#include <stdio.h>

static tow_slice name_of(uint32_t number, char text[16]) {
    snprintf(text, 16, "name-%u", (unsigned)number);
    return tow_slice_from(text);
}

static void a_name_has_one_number_as_long_as_it_is_used(void **state) {
    tow_names names = {0};
    uint32_t chat = (uint32_t)tow_names_take(&names, tow_slice_from("chat"));
    const char *text = tow_names_text(&names, chat);
    uint32_t chats = (uint32_t)tow_names_take(&names, tow_slice_from("chats"));
    assert_int_not_equal(chat, 0);
    assert_int_not_equal(chats, chat);
    assert_int_equal(tow_names_take(&names, tow_slice_from("chat")), chat);
    assert_int_equal(tow_names_take(&names, (tow_slice){.data = "chatter", .length = 4}), chat);
    assert_ptr_equal(tow_names_text(&names, chat), text);
    assert_string_equal(text, "chat");
    assert_string_equal(tow_names_text(&names, chats), "chats");
    tow_names_give(&names, chat);
    tow_names_give(&names, chat);
    assert_int_equal(tow_names_take(&names, tow_slice_from("chat")), chat);
    tow_names_give(&names, chat);
    tow_names_give(&names, chat);
    assert_int_equal(tow_names_take(&names, tow_slice_from("other")), chat); /* its place is free */
    assert_string_equal(tow_names_text(&names, chat), "other");
    tow_names_clear(&names);
    tow_names_clear(&names);
}

static void one_name_too_many_finds_no_room_until_another_goes(void **state) {
    tow_names names = {0};
    char text[16];
    for (uint32_t i = 1; i <= TOW_NAMES_MAX; i++)
        assert_int_equal(tow_names_take(&names, name_of(i, text)), i);
    assert_int_equal(tow_names_take(&names, tow_slice_from("more")), 0);
    assert_int_equal(tow_names_take(&names, name_of(TOW_NAMES_MAX, text)), TOW_NAMES_MAX);
    tow_names_give(&names, 5);
    assert_int_equal(tow_names_take(&names, tow_slice_from("more")), 5);
    for (uint32_t i = 1; i <= TOW_NAMES_MAX; i++)
        assert_string_equal(tow_names_text(&names, i), i == 5 ? "more" : name_of(i, text).data);
    tow_names_clear(&names);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_has_one_number_as_long_as_it_is_used),
        cmocka_unit_test(one_name_too_many_finds_no_room_until_another_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
