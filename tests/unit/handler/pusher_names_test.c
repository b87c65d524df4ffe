/* What names of Pusher's channels, events, users and connections say. */
#include "../unit.h"

#include "pusher/channel_name.h"
#include "pusher/socket_id.h"

static tow_pusher_channel_name read_name(const char *text) {
    return tow_pusher_channel_name_read(tow_slice_from(text));
}

static tow_pusher_access access_of(const char *text) {
    return read_name(text).access;
}

static void a_prefix_says_who_may_subscribe(void **state) {
    (void)state;
    static const struct {
        const char *name;
        tow_pusher_access access;
        bool is_cache;
    } rows[] = {
        {"room", TOW_PUSHER_PUBLIC, false},
        {"privateroom", TOW_PUSHER_PUBLIC, false},
        {"Private-room", TOW_PUSHER_PUBLIC, false},
        {"cache-room", TOW_PUSHER_PUBLIC, true},
        {"private-room", TOW_PUSHER_PRIVATE, false},
        {"private-", TOW_PUSHER_PRIVATE, false},
        {"private-encryptedroom", TOW_PUSHER_PRIVATE, false},
        {"private-cache-room", TOW_PUSHER_PRIVATE, true},
        {"private-encrypted-room", TOW_PUSHER_ENCRYPTED, false},
        {"private-encrypted-cache-room", TOW_PUSHER_ENCRYPTED, true},
        {"presence-room", TOW_PUSHER_PRESENCE, false},
        {"presence-cache-room", TOW_PUSHER_PRESENCE, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const tow_pusher_channel_name name = read_name(rows[i].name);
        assert_int_equal(name.access, rows[i].access);
        assert_int_equal(name.is_cache, rows[i].is_cache);
    }
    assert_false(tow_pusher_access_is_signed(TOW_PUSHER_PUBLIC));
    assert_false(tow_pusher_access_is_shared(TOW_PUSHER_ENCRYPTED));
}

static void names_have_few_characters_and_an_end(void **state) {
    (void)state;
    char name[TOW_PUSHER_CHANNEL_MAX + 2];
    assert_int_equal(access_of("aZ09_-=@,.;"), TOW_PUSHER_PUBLIC);
    static const char *const bad[] = {"", "a b", "a/b", "a:b", "#a", "a#", "\xC3\xA4", "a\n", "a*"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(access_of(bad[i]), TOW_PUSHER_INVALID);
    assert_int_equal(tow_pusher_channel_name_read((tow_slice){"a\0b", 3}).access, TOW_PUSHER_INVALID);
    memset(name, 'x', sizeof(name));
    for (size_t length = TOW_PUSHER_CHANNEL_MAX - 1; length <= sizeof(name) - 1; length++)
        assert_int_equal(tow_pusher_channel_name_read((tow_slice){name, length}).access,
            length <= TOW_PUSHER_CHANNEL_MAX ? TOW_PUSHER_PUBLIC : TOW_PUSHER_INVALID);
}

static void a_users_channel_names_the_user(void **state) {
    (void)state;
    const tow_pusher_channel_name name = read_name("#server-to-user-\xC3\xA4 1");
    char longest[16 + TOW_PUSHER_USER_MAX + 1] = "#server-to-user-";
    assert_int_equal(name.access, TOW_PUSHER_USER);
    assert_true(tow_slice_equals(name.user, "\xC3\xA4 1"));
    assert_int_equal(access_of("#server-to-user-"), TOW_PUSHER_INVALID);
    assert_int_equal(access_of("#server-to-user-a\x01"), TOW_PUSHER_INVALID);
    assert_int_equal(access_of("#server-to-all"), TOW_PUSHER_INVALID);
    memset(longest + 16, 'u', TOW_PUSHER_USER_MAX + 1);
    assert_int_equal(
        tow_pusher_channel_name_read((tow_slice){longest, sizeof(longest) - 1}).access, TOW_PUSHER_USER);
    assert_int_equal(
        tow_pusher_channel_name_read((tow_slice){longest, sizeof(longest)}).access, TOW_PUSHER_INVALID);
}

static void the_protocols_own_events_are_nobodys(void **state) {
    (void)state;
    char name[TOW_PUSHER_EVENT_MAX + 1];
    static const char *const bad[] = {"", "pusher:x", "pusher:", "pusher_internal:member_added", "a\nb"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(tow_pusher_event_is_valid(tow_slice_from(bad[i])));
    assert_true(tow_pusher_event_is_valid(tow_slice_from("App\\Events\\Order \xC3\xA4")));
    assert_true(tow_pusher_event_is_clients(tow_slice_from("client-typing")));
    assert_false(tow_pusher_event_is_clients(tow_slice_from("clients")));
    assert_false(tow_pusher_event_is_clients(tow_slice_from("typing")));
    memset(name, 'e', sizeof(name));
    assert_true(tow_pusher_event_is_valid((tow_slice){name, TOW_PUSHER_EVENT_MAX - 1}));
    assert_true(tow_pusher_event_is_valid((tow_slice){name, TOW_PUSHER_EVENT_MAX}));
    assert_false(tow_pusher_event_is_valid((tow_slice){name, TOW_PUSHER_EVENT_MAX + 1}));
}

static void a_connections_name_comes_back(void **state) {
    (void)state;
    static const uint64_t ids[] = {1, UINT64_C(0x4D2) << 32 | 5678, UINT64_MAX, UINT64_C(7) << 32};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        char text[TOW_PUSHER_SOCKET_ID_TEXT];
        uint64_t id = 0;
        size_t length = tow_pusher_socket_id_write(text, ids[i]);
        assert_int_equal(length, strlen(text));
        assert_true(tow_pusher_socket_id_read(tow_slice_from(text), &id));
        assert_int_equal(id, ids[i]);
    }
}

static void other_names_of_connections_are_nobodys_or_none(void **state) {
    (void)state;
    static const char *const foreign[] = {"01.1", "4294967296.1", "1.99999999999999999999999999", "0.0"};
    static const char *const bad[] = {
        "", ".", "1", "1.", ".1", "1.1.1", "1.1 ", "a.1", "-1.1", "1.1a", "1:1"};
    uint64_t id = 1;
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        assert_true(tow_pusher_socket_id_read(tow_slice_from(foreign[i]), &id));
        assert_int_equal(id, 0);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(tow_pusher_socket_id_read(tow_slice_from(bad[i]), &id));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prefix_says_who_may_subscribe),
        cmocka_unit_test(names_have_few_characters_and_an_end),
        cmocka_unit_test(a_users_channel_names_the_user),
        cmocka_unit_test(the_protocols_own_events_are_nobodys),
        cmocka_unit_test(a_connections_name_comes_back),
        cmocka_unit_test(other_names_of_connections_are_nobodys_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
