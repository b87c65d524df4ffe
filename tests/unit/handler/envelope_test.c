#include "../unit.h"

#include "channel/envelope.h"

static tow_envelope envelope;
static const char *why;

static bool reads(const char *text) {
    tow_envelope_clear(&envelope);
    return tow_envelope_read(&envelope, tow_slice_from(text), &why);
}

static void assert_text(tow_slice slice, const char *text) {
    assert_int_equal(slice.length, strlen(text));
    assert_memory_equal(slice.length > 0 ? slice.data : "", text, slice.length);
}

static int clear(void **state) {
    (void)state;
    tow_envelope_clear(&envelope);
    return 0;
}

static void all_that_may_stand_in_a_subscription_is_read(void **state) {
    (void)state;
    assert_true(reads("{\"type\":\"subscribe\",\"id\":7,\"channel\":\"chat/\\u00e9\",\"since\":\"x:1\","
                      "\"presence\":true,\"info\":{ \"n\": 1.50 }}"));
    assert_int_equal(envelope.type, TOW_ENVELOPE_SUBSCRIBE);
    assert_text(envelope.id, "7");
    assert_text(envelope.channel, "chat/\xc3\xa9");
    assert_text(envelope.since, "x:1");
    assert_true(envelope.presence);
    assert_text(envelope.info, "{ \"n\": 1.50 }");
}

static void a_string_is_published_as_what_it_says(void **state) {
    (void)state;
    assert_true(
        reads("{\"type\":\"publish\",\"channel\":\"a\",\"data\":\"a\\nb\",\"event\":\"e\",\"key\":\"k\","
              "\"echo\":false}"));
    assert_text(envelope.data, "a\nb");
    assert_text(envelope.event, "e");
    assert_text(envelope.key, "k");
    assert_false(envelope.is_binary);
    assert_true(envelope.no_echo);
}

static void another_value_is_published_as_it_is_written(void **state) {
    (void)state;
    assert_true(
        reads("{\"type\":\"publish\",\"channel\":\"a\",\"data\": {\"n\" : 12345678901234567890.0} }"));
    assert_text(envelope.data, "{\"n\" : 12345678901234567890.0}");
    assert_true(reads("{\"type\":\"publish\",\"channel\":\"a\",\"data\":null}"));
    assert_text(envelope.data, "null");
}

static void bytes_come_in_base64(void **state) {
    (void)state;
    assert_true(reads("{\"type\":\"publish\",\"channel\":\"a\",\"base64\":\"AP8\\u003d\"}"));
    assert_true(envelope.is_binary);
    assert_int_equal(envelope.data.length, 2);
    assert_memory_equal(envelope.data.data, "\0\xff", 2);
}

static void empty_data_are_data(void **state) {
    (void)state;
    assert_true(reads("{\"type\":\"publish\",\"channel\":\"a\",\"data\":\"\"}"));
    assert_int_equal(envelope.data.length, 0);
    assert_true(reads("{\"type\":\"publish\",\"channel\":\"a\",\"base64\":\"\"}"));
    assert_true(envelope.is_binary);
}

static void each_type_is_known(void **state) {
    (void)state;
    assert_true(reads("{\"type\":\"unsubscribe\",\"channel\":\"a\"}"));
    assert_true(reads("{\"type\":\"history\",\"channel\":\"a\",\"since\":\"x:1\",\"limit\":5}"));
    assert_int_equal(envelope.limit, 5);
    assert_true(reads("{\"type\":\"presence\",\"channel\":\"a\"}"));
    assert_true(reads("{\"type\":\"token\",\"token\":\"t\"}"));
    assert_text(envelope.token, "t");
    assert_true(reads(" {\"type\":\"ping\",\"id\":\"\\u0061\"} "));
    assert_text(envelope.id, "\"\\u0061\"");
}

static void refuses(const char *text, const char *complaint) {
    assert_false(reads(text));
    assert_string_equal(why, complaint);
}

static void what_is_no_envelope_is_told(void **state) {
    (void)state;
    static const char not_one[] = "an envelope is an object of JSON";
    refuses("", not_one);
    refuses("hello", not_one);
    refuses("[]", not_one);
    refuses("{} {}", not_one);
    refuses("{\"type\":\"ping\"", not_one);
    refuses("{}", "an envelope has a type");
    refuses("{\"type\":\"pong\"}", "type: subscribe, unsubscribe, publish, history, presence, token or ping");
    refuses("{\"type\":1}", "type: subscribe, unsubscribe, publish, history, presence, token or ping");
    refuses("{\"type\":\"ping\",\"chanel\":\"a\"}", "no such member is known");
    refuses("{\"type\":\"ping\",\"channel\":\"a\"}", "a member that does not belong to this type");
    refuses("{\"type\":\"subscribe\"}", "subscribe needs a channel");
    refuses("{\"type\":\"publish\",\"channel\":\"a\"}", "publish needs a channel, and data or base64");
    refuses("{\"type\":\"publish\",\"data\":\"a\"}", "publish needs a channel, and data or base64");
    refuses("{\"type\":\"token\"}", "token needs a token");
    refuses("{\"type\":\"publish\",\"channel\":\"a\",\"data\":1,\"base64\":\"\"}",
        "data and base64 are one and the same, and stand once");
    refuses("{\"type\":\"publish\",\"channel\":\"a\",\"base64\":\"?\"}", "base64: bytes, in base64");
    refuses("{\"type\":\"subscribe\",\"channel\":\"a\",\"info\":1}", "info goes with presence: true");
    refuses("{\"type\":\"subscribe\",\"channel\":\"a\",\"presence\":1}", "presence: true or false");
    refuses("{\"type\":\"subscribe\",\"channel\":\"a\\u0000\"}",
        "channel: 1 to 200 bytes without control characters");
    refuses("{\"type\":\"subscribe\",\"channel\":\"\\ud800\"}",
        "channel: 1 to 200 bytes without control characters");
    refuses("{\"type\":\"subscribe\",\"channel\":7}", "channel: 1 to 200 bytes without control characters");
    refuses("{\"type\":\"ping\",\"id\":null}", "id: a number or a string of at most 64 bytes");
}

static void the_id_of_what_is_wrong_is_told(void **state) {
    (void)state;
    assert_false(reads("{\"chanel\":1,\"type\":\"ping\",\"id\":5}"));
    assert_text(envelope.id, "5");
}

/* {..."NAME":"aaa..."} with so many a's. */
static bool reads_with(const char *begin, size_t count) {
    char text[TOW_ENVELOPE_TOKEN_MAX + 200];
    size_t length = strlen(begin);
    memcpy(text, begin, length);
    memset(text + length, 'a', count);
    memcpy(text + length + count, "\"}", 3);
    return reads(text);
}

static void limits_hold_exactly(void **state) {
    (void)state;
    static const struct {
        const char *begin;
        size_t max;
    } cases[] = {{"{\"type\":\"subscribe\",\"channel\":\"", TOW_ENVELOPE_NAME_MAX},
        {"{\"type\":\"history\",\"channel\":\"a\",\"since\":\"", TOW_ENVELOPE_POSITION_MAX},
        {"{\"type\":\"publish\",\"channel\":\"a\",\"data\":\"\",\"event\":\"", TOW_ENVELOPE_NAME_MAX},
        {"{\"type\":\"publish\",\"channel\":\"a\",\"data\":\"\",\"key\":\"", TOW_ENVELOPE_NAME_MAX},
        {"{\"type\":\"subscribe\",\"channel\":\"a\",\"presence\":true,\"info\":\"",
            TOW_ENVELOPE_INFO_MAX - 2},
        {"{\"type\":\"ping\",\"id\":\"", TOW_ENVELOPE_ID_MAX - 2},
        {"{\"type\":\"token\",\"token\":\"", TOW_ENVELOPE_TOKEN_MAX}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(reads_with(cases[i].begin, cases[i].max - 1));
        assert_true(reads_with(cases[i].begin, cases[i].max));
        assert_false(reads_with(cases[i].begin, cases[i].max + 1));
    }
}

static void the_number_of_messages_has_a_limit(void **state) {
    (void)state;
    assert_false(reads("{\"type\":\"history\",\"channel\":\"a\",\"limit\":0}"));
    assert_true(reads("{\"type\":\"history\",\"channel\":\"a\",\"limit\":1}"));
    assert_true(reads("{\"type\":\"history\",\"channel\":\"a\",\"limit\":1000}"));
    assert_false(reads("{\"type\":\"history\",\"channel\":\"a\",\"limit\":1001}"));
    assert_false(reads("{\"type\":\"history\",\"channel\":\"a\",\"limit\":1.5}"));
}

static void of_members_that_stand_twice_the_last_counts(void **state) {
    (void)state;
    assert_true(reads("{\"type\":\"token\",\"token\":\"a\",\"token\":\"b\"}"));
    assert_text(envelope.token, "b");
}

static void a_part_of_an_envelope_is_none(void **state) {
    (void)state;
    static const char text[] =
        "{\"type\":\"publish\",\"id\":\"x\",\"channel\":\"a\\u00e9\",\"data\":[1,{\"a\":\"b\"}]}";
    for (size_t length = 0; length < sizeof(text) - 1; length++) {
        tow_envelope_clear(&envelope);
        char *part = malloc(length + 1);
        memcpy(part, text, length);
        assert_false(tow_envelope_read(&envelope, (tow_slice){part, length}, &why));
        free(part);
    }
    assert_true(reads(text));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_may_stand_in_a_subscription_is_read),
        cmocka_unit_test(a_string_is_published_as_what_it_says),
        cmocka_unit_test(another_value_is_published_as_it_is_written),
        cmocka_unit_test(bytes_come_in_base64),
        cmocka_unit_test(empty_data_are_data),
        cmocka_unit_test(each_type_is_known),
        cmocka_unit_test(what_is_no_envelope_is_told),
        cmocka_unit_test(the_id_of_what_is_wrong_is_told),
        cmocka_unit_test(limits_hold_exactly),
        cmocka_unit_test(the_number_of_messages_has_a_limit),
        cmocka_unit_test(of_members_that_stand_twice_the_last_counts),
        cmocka_unit_test(a_part_of_an_envelope_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, clear);
}
