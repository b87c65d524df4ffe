/* What clients of Pusher's protocol say, and what they are told. */
#include "../unit.h"

#include "pusher/envelope.h"
#include "pusher/member.h"
#include "pusher/message.h"

#include <towline/error.h>

static int read_message(tow_pusher_message *message, const char *text) {
    return tow_pusher_message_read(message, tow_slice_from(text));
}

static void data_keep_their_bytes(void **state) {
    (void)state;
    static const char *const data[] = {"{ \"b\":1.50,\"a\" : 123456789012345678901234567890e-2 }",
        "\"a\\u00e4\\/\"", "[]", "null", "-0", "\"\""};
    for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++) {
        tow_pusher_message message;
        char text[256];
        snprintf(text, sizeof(text),
            " {\"data\": %s ,\"ch\\u0061nnel\":\"private-c\",\"event\":\"client-\\u00e4\"}\n", data[i]);
        assert_int_equal(read_message(&message, text), 0);
        assert_true(tow_slice_equals(message.event, "client-\xC3\xA4"));
        assert_true(tow_slice_equals(message.channel, "private-c"));
        assert_true(tow_slice_equals(message.data, data[i]));
        tow_pusher_message_clear(&message);
    }
}

static void what_is_no_message_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"", "x", "[]", "{}", "null", "\"event\"", "{\"event\":1}",
        "{\"event\":null}", "{\"event\":\"a\",\"channel\":1}", "{\"event\":\"a\",\"channel\":[\"c\"]}",
        "{\"event\":\"a\"", "{\"event\":\"a\"}{}", "{\"event\":\"\\ud800\"}", "{event:\"a\"}",
        "{\"event\":\"a\",}"};
    tow_pusher_message message;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(read_message(&message, bad[i]), TOW_ERROR_ARGUMENT);
        tow_pusher_message_clear(&message);
    }
    assert_int_equal(read_message(&message, "{\"event\":\"a\",\"channel\":null}"), 0);
    assert_null(message.channel.data);
    assert_null(message.data.data);
    tow_pusher_message_clear(&message);
}

static void data_are_an_object_or_a_string_with_one(void **state) {
    (void)state;
    static const char *const texts[] = {"{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\","
                                        "\"auth\":\"\",\"channel_data\":\"{\\\"user_id\\\":1}\"}}",
        "{\"event\":\"pusher:subscribe\",\"data\":\"{\\\"channel\\\":\\\"c\\\",\\\"auth\\\":\\\"\\\","
        "\\\"channel_data\\\":\\\"{\\\\\\\"user_id\\\\\\\":1}\\\"}\"}"};
    for (size_t i = 0; i < 2; i++) {
        tow_pusher_message message;
        tow_slice channel, auth, data, none;
        assert_int_equal(read_message(&message, texts[i]), 0);
        assert_int_equal(tow_pusher_message_take_object(&message), 0);
        assert_int_equal(tow_pusher_message_string(&message, "channel", &channel), 0);
        assert_int_equal(tow_pusher_message_string(&message, "auth", &auth), 0);
        assert_int_equal(tow_pusher_message_string(&message, "channel_data", &data), 0);
        assert_int_equal(tow_pusher_message_string(&message, "other", &none), 0);
        assert_true(tow_slice_equals(channel, "c"));
        assert_non_null(auth.data);
        assert_int_equal(auth.length, 0);
        assert_true(tow_slice_equals(data, "{\"user_id\":1}"));
        assert_null(none.data);
        tow_pusher_message_clear(&message);
    }
}

static void data_that_are_none_are_refused(void **state) {
    (void)state;
    tow_pusher_message message;
    tow_slice text;
    assert_int_equal(read_message(&message, "{\"event\":\"e\",\"data\":\"{\"}"), 0);
    assert_int_equal(tow_pusher_message_take_object(&message), TOW_ERROR_ARGUMENT);
    tow_pusher_message_clear(&message);
    assert_int_equal(read_message(&message, "{\"event\":\"e\",\"data\":{\"channel\":1}}"), 0);
    assert_int_equal(tow_pusher_message_string(&message, "channel", &text), TOW_ERROR_ARGUMENT);
    tow_pusher_message_clear(&message);
    assert_int_equal(read_message(&message, "{\"event\":\"e\"}"), 0);
    assert_int_equal(tow_pusher_message_take_object(&message), 0);
    assert_int_equal(tow_pusher_message_string(&message, "channel", &text), 0);
    assert_null(text.data);
    tow_pusher_message_clear(&message);
}

/* Envelopes. */

static void expect(tow_buffer *out, int error, const char *text) {
    assert_int_equal(error, 0);
    assert_int_equal(tow_buffer_append(out, "", 1), 0);
    assert_string_equal(out->data, text);
    out->length = 0;
}

static void an_event_has_exactly_its_keys(void **state) {
    (void)state;
    tow_buffer out = {0};
    tow_pusher_envelope envelope = {.event = tow_slice_from("my-event"),
        .channel = tow_slice_from("c"),
        .data = tow_slice_from("{\"x\": 1.0}")};
    expect(&out, tow_pusher_envelope_write(&out, &envelope),
        "{\"event\":\"my-event\",\"channel\":\"c\",\"data\":\"{\\\"x\\\": 1.0}\"}");
    envelope.data_is_json = true;
    envelope.user = tow_slice_from("u\"1");
    expect(&out, tow_pusher_envelope_write(&out, &envelope),
        "{\"event\":\"my-event\",\"channel\":\"c\",\"data\":{\"x\": 1.0},\"user_id\":\"u\\\"1\"}");
    envelope = (tow_pusher_envelope){.event = tow_slice_from("e"), .data = tow_slice_from("")};
    expect(&out, tow_pusher_envelope_write(&out, &envelope), "{\"event\":\"e\",\"data\":\"\"}");
    tow_buffer_clear(&out);
}

static void what_a_server_says_is_encoded_twice(void **state) {
    (void)state;
    tow_buffer out = {0};
    expect(&out, tow_pusher_write_established(&out, "1.2", 120),
        "{\"event\":\"pusher:connection_established\",\"data\":\"{\\\"socket_id\\\":\\\"1.2\\\",\\\"activity_"
        "timeout\\\":120}\"}");
    expect(&out, tow_pusher_write_error(&out, 4301, "too \"fast\""),
        "{\"event\":\"pusher:error\",\"data\":{\"code\":4301,\"message\":\"too \\\"fast\\\"\"}}");
    expect(&out, tow_pusher_write_error(&out, 0, "why"),
        "{\"event\":\"pusher:error\",\"data\":{\"code\":null,\"message\":\"why\"}}");
    expect(&out, tow_pusher_write_refusal(&out, tow_slice_from("private-c"), "AuthError", "no", 401),
        "{\"event\":\"pusher:subscription_error\",\"channel\":\"private-c\",\"data\":{\"type\":\"AuthError\","
        "\"error\":\"no\",\"status\":401}}");
    expect(&out,
        tow_pusher_write_with_text(
            &out, "pusher:signin_success", (tow_slice){0}, "user_data", tow_slice_from("{\"id\":\"u1\"}")),
        "{\"event\":\"pusher:signin_success\",\"data\":\"{\\\"user_data\\\":\\\"{\\\\\\\"id\\\\\\\":"
        "\\\\\\\"u1\\\\\\\"}\\\"}\"}");
    tow_buffer_clear(&out);
}

/* Members. */

static void a_member_has_an_id_and_perhaps_more(void **state) {
    (void)state;
    static const struct {
        const char *data, *id, *written;
    } rows[] = {
        {"{\"user_id\":\"u1\",\"user_info\":{\"name\" : \"Zo\xC3\xAB\"}}", "u1",
            "{\"user_id\":\"u1\",\"user_info\":{\"name\" : \"Zo\xC3\xAB\"}}"},
        {"{\"user_id\":10}", "10", "{\"user_id\":\"10\"}"},
        {"{\"user_id\":\"\\u0022\",\"user_info\":null,\"x\":1}", "\"",
            "{\"user_id\":\"\\\"\",\"user_info\":null}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tow_pusher_member member;
        tow_buffer texts = {0}, out = {0};
        assert_null(tow_pusher_member_read(&member, &texts, tow_slice_from(rows[i].data)));
        assert_true(tow_slice_equals(member.id, rows[i].id));
        expect(&out, tow_pusher_member_write(&out, &member), rows[i].written);
        tow_buffer_clear(&texts);
        tow_buffer_clear(&out);
    }
}

static bool is_member(const char *data) {
    tow_pusher_member member;
    tow_buffer texts = {0};
    bool is = tow_pusher_member_read(&member, &texts, tow_slice_from(data)) == NULL;
    tow_buffer_clear(&texts);
    return is;
}

static void members_have_bounds(void **state) {
    (void)state;
    static const char *const bad[] = {"", "1", "[]", "{}", "{\"user_id\":null}", "{\"user_id\":\"\"}",
        "{\"user_id\":true}", "{\"user_id\":[1]}", "{\"user_id\":\"a\\n\"}", "{\"user_id\":\"\\ud800\"}",
        "{\"user_id\":\"u\"", "{\"id\":\"u\"}"};
    char text[2048];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(is_member(bad[i]));
    for (int length = 127; length <= 129; length++) {
        snprintf(text, sizeof(text), "{\"user_id\":\"%0*d\"}", length, 1);
        assert_int_equal(is_member(text), length <= 128);
    }
    for (int length = 1023; length <= 1025; length++) {
        snprintf(text, sizeof(text), "{\"user_id\":\"u\",\"user_info\":\"%0*d\"}", length - 2, 1);
        assert_int_equal(is_member(text), length <= TOW_PUSHER_INFO_MAX);
    }
}

static void who_signs_in_has_a_text_as_id(void **state) {
    (void)state;
    tow_pusher_member member;
    tow_buffer texts = {0};
    assert_null(tow_pusher_user_read(&member, &texts, tow_slice_from("{\"id\":\"u1\",\"user_info\":{}}")));
    assert_true(tow_slice_equals(member.id, "u1"));
    assert_true(tow_slice_equals(member.info, "{}"));
    texts.length = 0;
    assert_non_null(tow_pusher_user_read(&member, &texts, tow_slice_from("{\"id\":1}")));
    texts.length = 0;
    assert_non_null(tow_pusher_user_read(&member, &texts, tow_slice_from("{\"id\":\"\"}")));
    tow_buffer_clear(&texts);
}

static int append_id(void *user, tow_slice id) {
    return tow_buffer_append_format(user, "%.*s;", (int)id.length, id.data);
}

static void a_watchlist_has_a_hundred_ids(void **state) {
    (void)state;
    tow_buffer out = {0}, text = {0};
    expect(&out,
        tow_pusher_watchlist_read(
            tow_slice_from("{\"id\":\"u1\",\"watchlist\":[\"a\",2,null,\"\",\"b\"]}"), append_id, &out),
        "a;2;b;");
    expect(&out,
        tow_pusher_watchlist_read(tow_slice_from("{\"id\":\"u1\",\"watchlist\":\"a\"}"), append_id, &out),
        "");
    expect(&out, tow_pusher_watchlist_read(tow_slice_from("{\"id\":\"u1\"}"), append_id, &out), "");
    for (int count = 99; count <= 101; count++) {
        text.length = 0;
        assert_int_equal(tow_buffer_append_text(&text, "{\"watchlist\":[0"), 0);
        for (int i = 1; i < count; i++)
            assert_int_equal(tow_buffer_append_format(&text, ",%d", i), 0);
        assert_int_equal(tow_buffer_append_text(&text, "]}"), 0);
        assert_int_equal(
            tow_pusher_watchlist_read((tow_slice){(const char *)text.data, text.length}, append_id, &out),
            count <= TOW_PUSHER_WATCHLIST_MAX ? 0 : TOW_ERROR_LIMIT);
    }
    tow_buffer_clear(&text);
    tow_buffer_clear(&out);
}

static void a_roster_has_its_members_by_id(void **state) {
    (void)state;
    tow_pusher_roster roster = {0};
    tow_buffer out = {0};
    expect(
        &out, tow_pusher_roster_write(&out, &roster), "{\"presence\":{\"count\":0,\"ids\":[],\"hash\":{}}}");
    assert_int_equal(tow_pusher_roster_add(
                         &roster, &(tow_pusher_member){tow_slice_from("u1"), tow_slice_from("{\"a\":1}")}),
        0);
    assert_int_equal(tow_pusher_roster_add(&roster, &(tow_pusher_member){tow_slice_from("2"), {0}}), 0);
    expect(&out, tow_pusher_roster_write(&out, &roster),
        "{\"presence\":{\"count\":2,\"ids\":[\"u1\",\"2\"],\"hash\":{\"u1\":{\"a\":1},\"2\":null}}}");
    tow_pusher_roster_clear(&roster);
    tow_buffer_clear(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_keep_their_bytes),
        cmocka_unit_test(what_is_no_message_is_refused),
        cmocka_unit_test(data_are_an_object_or_a_string_with_one),
        cmocka_unit_test(data_that_are_none_are_refused),
        cmocka_unit_test(an_event_has_exactly_its_keys),
        cmocka_unit_test(what_a_server_says_is_encoded_twice),
        cmocka_unit_test(a_member_has_an_id_and_perhaps_more),
        cmocka_unit_test(members_have_bounds),
        cmocka_unit_test(who_signs_in_has_a_text_as_id),
        cmocka_unit_test(a_watchlist_has_a_hundred_ids),
        cmocka_unit_test(a_roster_has_its_members_by_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
