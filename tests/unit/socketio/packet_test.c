#include "../unit.h"

#include "packet.h"

#include <towline/error.h>

static tow_socketio_packet read_packet(const char *text) {
    tow_socketio_packet packet;
    int error = tow_socketio_packet_read(&packet, tow_slice_from(text));
    if (error != 0)
        fail_msg("%s: %s", text, tow_strerror(error));
    return packet;
}

static void check_slice(tow_slice slice, const char *expected) {
    assert_int_equal(slice.length, strlen(expected));
    assert_memory_equal(slice.data == NULL ? "" : slice.data, expected, slice.length);
}

/* The table of the protocol's text. */
static void packets_are_taken_apart(void **state) {
    (void)state;
    static const struct {
        const char *text;
        tow_socketio_packet_type type;
        size_t attachments;
        const char *scope;
        int64_t id;
        const char *payload, *name, *arguments;
    } cases[] = {
        {"0", TOW_PACKET_CONNECT, 0, "/", -1, "", "", ""},
        {"0{\"token\":\"123\"}", TOW_PACKET_CONNECT, 0, "/", -1, "{\"token\":\"123\"}", "", ""},
        {"0/admin,", TOW_PACKET_CONNECT, 0, "/admin", -1, "", "", ""},
        {"0/admin", TOW_PACKET_CONNECT, 0, "/admin", -1, "", "", ""},
        {"0/admin,{}", TOW_PACKET_CONNECT, 0, "/admin", -1, "{}", "", ""},
        {"1", TOW_PACKET_DISCONNECT, 0, "/", -1, "", "", ""},
        {"1/admin,", TOW_PACKET_DISCONNECT, 0, "/admin", -1, "", "", ""},
        {"2[\"foo\"]", TOW_PACKET_EVENT, 0, "/", -1, "[\"foo\"]", "\"foo\"", ""},
        {"2[\"foo\",1]", TOW_PACKET_EVENT, 0, "/", -1, "[\"foo\",1]", "\"foo\"", "1"},
        {"2[7,1e400]", TOW_PACKET_EVENT, 0, "/", -1, "[7,1e400]", "7", "1e400"},
        {"2/admin,12[\"foo\"]", TOW_PACKET_EVENT, 0, "/admin", 12, "[\"foo\"]", "\"foo\"", ""},
        {"20[ \"foo\" , 1.0 , { \"a\" : 2 } ] ", TOW_PACKET_EVENT, 0, "/", 0,
            "[ \"foo\" , 1.0 , { \"a\" : 2 } ]", "\"foo\"", "1.0 , { \"a\" : 2 }"},
        {"3/admin,12[\"x\"]", TOW_PACKET_ACK, 0, "/admin", 12, "[\"x\"]", "", "\"x\""},
        {"312[]", TOW_PACKET_ACK, 0, "/", 12, "[]", "", ""},
        {"312[ ]", TOW_PACKET_ACK, 0, "/", 12, "[ ]", "", ""},
        {"39007199254740991[ 1,2 ]", TOW_PACKET_ACK, 0, "/", TOW_PACKET_ID_MAX, "[ 1,2 ]", "", "1,2"},
        {"4{\"message\":\"no\"}", TOW_PACKET_CONNECT_ERROR, 0, "/", -1, "{\"message\":\"no\"}", "", ""},
        {"4\"no\"", TOW_PACKET_CONNECT_ERROR, 0, "/", -1, "\"no\"", "", ""},
        {"51-[\"baz\",{\"_placeholder\":true,\"num\":0}]", TOW_PACKET_BINARY_EVENT, 1, "/", -1,
            "[\"baz\",{\"_placeholder\":true,\"num\":0}]", "\"baz\"", "{\"_placeholder\":true,\"num\":0}"},
        {"50-[\"baz\"]", TOW_PACKET_BINARY_EVENT, 0, "/", -1, "[\"baz\"]", "\"baz\"", ""},
        {"510-/a,3[\"baz\"]", TOW_PACKET_BINARY_EVENT, 10, "/a", 3, "[\"baz\"]", "\"baz\"", ""},
        {"61-/admin,15[{\"_placeholder\":true,\"num\":0}]", TOW_PACKET_BINARY_ACK, 1, "/admin", 15,
            "[{\"_placeholder\":true,\"num\":0}]", "", "{\"_placeholder\":true,\"num\":0}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tow_socketio_packet packet = read_packet(cases[i].text);
        assert_int_equal(packet.type, cases[i].type);
        assert_int_equal(packet.attachments, cases[i].attachments);
        check_slice(packet.scope, cases[i].scope);
        assert_true(packet.id == cases[i].id);
        check_slice(packet.payload, cases[i].payload);
        check_slice(packet.name, cases[i].name);
        check_slice(packet.arguments, cases[i].arguments);
    }
}

static void what_is_no_packet_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"", "7", "abc", "0[]", "0\"a\"", "0null", "0{", "0{}x", "1[]", "1 ",
        "1{}", "2", "2/admin", "2{}", "2[]", "2[[]]", "2[null]", "2[{}]", "2[true]", "2[\"connect\"]",
        "2[\"disconnect\"]", "2[\"connect_error\"]", "2[\"disconnecting\",1]", "2[\"newListener\"]",
        "2[\"removeListener\"]", "2[\"c\\u006fnnect\"]", "2[\"a\"]]", "2[\"a\",]", "2[\"a\" 1]", "2-1[\"a\"]",
        "21.5[\"a\"]", "29007199254740992[\"a\"]", "299999999999999999999999[\"a\"]", "3", "3[]", "312",
        "312{}", "4", "4[]", "41", "5[\"a\"]", "5-[\"a\"]", "51[\"a\"]", "5x-[\"a\"]", "51-", "6[\"a\"]",
        "61-12", "61-[]", "51-[\"a\",{\"_placeholder\":true,\"num\":1}]",
        "51-[\"a\",{\"_placeholder\":true,\"num\":-1}]", "51-[\"a\",{\"_placeholder\":true}]",
        "51-[\"a\",{\"_placeholder\":true,\"num\":\"0\"}]"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        tow_socketio_packet packet;
        if (tow_socketio_packet_read(&packet, tow_slice_from(texts[i])) != TOW_ERROR_ARGUMENT)
            fail_msg("%s is taken", texts[i]);
    }
}

static void attachments_are_bounded(void **state) {
    (void)state;
    tow_socketio_packet packet;
    assert_int_equal(tow_socketio_packet_read(&packet, tow_slice_from("510-[\"a\"]")), 0);
    assert_int_equal(tow_socketio_packet_read(&packet, tow_slice_from("511-[\"a\"]")), TOW_ERROR_LIMIT);
    assert_int_equal(
        tow_socketio_packet_read(&packet, tow_slice_from("599999999999999999999-[\"a\"]")), TOW_ERROR_LIMIT);
}

/* In memory of exactly its size, so that a byte too far is seen; what is left is a packet or not. */
static void a_packet_may_be_cut_anywhere(void **state) {
    (void)state;
    static const char text[] =
        "52-/admin,12[\"a\",{\"_placeholder\":true,\"num\":0},[{\"num\":1,\"_placeholder\":true}]]";
    for (size_t length = 0; length < sizeof(text) - 1; length++) {
        char *cut = malloc(length + (length == 0));
        memcpy(cut, text, length);
        tow_socketio_packet packet;
        assert_int_equal(tow_socketio_packet_read(&packet, (tow_slice){cut, length}), TOW_ERROR_ARGUMENT);
        free(cut);
    }
    assert_int_equal(read_packet(text).attachments, 2);
}

static void placeholders_are_found_at_any_depth(void **state) {
    (void)state;
    static const char *const good[] = {"51-[\"a\",[[{\"b\":{\"_placeholder\":true,\"num\":0}}]]]",
        "51-[\"a\",{ \"num\" : 0 , \"_placeholder\" : true }]",
        "51-[\"a\",{\"_placeholder\":false,\"num\":9}]", "51-[\"a\",{\"_placeholder\":\"true\",\"num\":9}]",
        "51-[\"a\",{\"num\":9}]", "51-[\"a\",\"_placeholder\",true,\"num\",9]",
        "51-[\"a\",{\"_placeholder\":true,\"num\":9,\"num\":0}]",
        "51-[\"a\",{\"_placeholder\":true,\"num\":9,\"_placeholder\":1}]",
        "51-[\"a\",\"{\\\"_placeholder\\\":true}\"]", "51-[\"a\",{\"x\":\"_placeholder\",\"y\":\"num\"}]"};
    static const char *const bad[] = {"51-[\"a\",[[{\"b\":{\"_placeholder\":true,\"num\":1}}]]]",
        "51-[\"a\",{\"_placeholder\":true,\"x\":{\"num\":0}}]",
        "51-[\"a\",{\"num\":0,\"x\":{\"_placeholder\":true}}]",
        "51-[\"a\",{\"\\u005fplaceholder\":true,\"num\":1}]",
        "51-[\"a\",{\"_placeholder\":true,\"num\":0,\"num\":[]}]",
        "51-[\"a\",{\"num\":{\"_placeholder\":true},\"b\":0}]"};
    tow_socketio_packet packet;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        read_packet(good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(tow_socketio_packet_read(&packet, tow_slice_from(bad[i])), TOW_ERROR_ARGUMENT);
}

static void what_is_too_deep_is_refused(void **state) {
    (void)state;
    char text[2000] = "51-[\"a\",";
    size_t length = strlen(text);
    memset(text + length, '[', 256);
    memset(text + length + 256, ']', 256);
    text[length + 512] = ']';
    tow_socketio_packet packet;
    assert_int_equal(tow_socketio_packet_read(&packet, (tow_slice){text, length + 513}), TOW_ERROR_LIMIT);
    text[length] = ' ';
    text[length + 511] = ' ';
    assert_int_equal(tow_socketio_packet_read(&packet, (tow_slice){text, length + 513}), 0);
}

static void heads_are_written_as_they_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        tow_socketio_packet_type type;
        size_t attachments;
        const char *scope;
        int64_t id;
    } cases[] = {{"0", TOW_PACKET_CONNECT, 0, "/", -1}, {"0/admin,", TOW_PACKET_CONNECT, 0, "/admin", -1},
        {"2", TOW_PACKET_EVENT, 0, "/", -1}, {"20", TOW_PACKET_EVENT, 0, "/", 0},
        {"2/a,7", TOW_PACKET_EVENT, 0, "/a", 7},
        {"39007199254740991", TOW_PACKET_ACK, 0, "/", TOW_PACKET_ID_MAX},
        {"51-", TOW_PACKET_EVENT, 1, "/", -1}, {"510-/a,7", TOW_PACKET_EVENT, 10, "/a", 7},
        {"62-3", TOW_PACKET_ACK, 2, "/", 3}, {"4/a,", TOW_PACKET_CONNECT_ERROR, 0, "/a", -1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tow_buffer out = {0};
        assert_int_equal(tow_socketio_packet_append_head(
                             &out, cases[i].type, cases[i].attachments, cases[i].scope, cases[i].id),
            0);
        check_slice((tow_slice){(const char *)out.data, out.length}, cases[i].text);
        tow_buffer_clear(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_taken_apart),
        cmocka_unit_test(what_is_no_packet_is_refused),
        cmocka_unit_test(attachments_are_bounded),
        cmocka_unit_test(a_packet_may_be_cut_anywhere),
        cmocka_unit_test(placeholders_are_found_at_any_depth),
        cmocka_unit_test(what_is_too_deep_is_refused),
        cmocka_unit_test(heads_are_written_as_they_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
