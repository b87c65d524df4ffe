/* What a server says of a session that begins. */
#include "../unit.h"

#include "../../../src/client/fallback/opened.h"

#include <towline/error.h>

static tow_opened opened;

static int read_text(const char *text) {
    return tow_opened_read(&opened, tow_slice_from(text));
}

static void plain_engineio_is_read(void **state) {
    assert_int_equal(
        read_text("0{\"sid\":\"lv_VI97HAXpY6yYWAAAC\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,"
                  "\"pingTimeout\":20000,\"maxPayload\":1000000}"),
        0);
    assert_string_equal(opened.sid, "lv_VI97HAXpY6yYWAAAC");
    assert_true(opened.may_upgrade);
    assert_int_equal(opened.ping_milliseconds, 25000);
    assert_int_equal(opened.pong_milliseconds, 20000);
    assert_int_equal(opened.max_payload, 1000000);
    assert_false(opened.is_extended);
}

#define BASE "\"sid\":\"a\",\"pingInterval\":1,\"pingTimeout\":1"

static void our_own_is_read(void **state) {
    assert_int_equal(
        read_text("0{" BASE ",\"upgrades\":[],\"towline\":1,\"protocol\":\"chat\",\"linger\":15000}"), 0);
    assert_true(opened.is_extended);
    assert_false(opened.may_upgrade);
    assert_string_equal(opened.protocol, "chat");
    assert_int_equal(opened.linger_milliseconds, 15000);
    assert_int_equal(opened.max_payload, INT64_MAX);
    assert_int_equal(read_text("0{" BASE ",\"towline\":1,\"protocol\":\"\",\"linger\":1}"), 0);
    assert_string_equal(opened.protocol, "");
}

static void an_id_is_encoded_for_a_query(void **state) {
    assert_int_equal(read_text("0{\"sid\":\"a&b=\\u00e9 /\",\"pingInterval\":1,\"pingTimeout\":1}"), 0);
    assert_string_equal(opened.sid, "a%26b%3D%C3%A9%20%2F");
}

static void what_can_not_be_is_refused(void **state) {
    static const char *const texts[] = {"", "0", "4{" BASE "}", "{" BASE "}", "0[]", "0null", "0{" BASE,
        "0{" BASE "}x", "0{\"pingInterval\":1,\"pingTimeout\":1}",
        "0{\"sid\":\"\",\"pingInterval\":1,\"pingTimeout\":1}",
        "0{\"sid\":1,\"pingInterval\":1,\"pingTimeout\":1}",
        "0{\"sid\":\"a\\u0000b\",\"pingInterval\":1,\"pingTimeout\":1}",
        "0{\"sid\":\"a\",\"pingInterval\":0,\"pingTimeout\":1}", "0{\"sid\":\"a\",\"pingInterval\":1}",
        "0{\"sid\":\"a\",\"pingInterval\":\"1\",\"pingTimeout\":1}",
        "0{\"sid\":\"a\",\"pingInterval\":1,\"pingTimeout\":86400001}",
        "0{\"sid\":\"a\",\"pingInterval\":1.5,\"pingTimeout\":1}", "0{" BASE ",\"maxPayload\":0}",
        "0{" BASE ",\"maxPayload\":\"x\"}", "0{" BASE ",\"towline\":1,\"protocol\":\"a\"}",
        "0{" BASE ",\"towline\":1,\"linger\":0}", "0{" BASE ",\"towline\":1,\"linger\":1,\"protocol\":1}"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        opened.sid[0] = '!';
        assert_int_equal(read_text(texts[i]), TOW_ERROR_PACKET);
        assert_int_equal(opened.sid[0], '!'); /* nothing is written */
    }
}

static void read_with_sid_of(size_t length, int error) {
    char text[600] = "0{\"pingInterval\":1,\"pingTimeout\":1,\"sid\":\"";
    size_t at = strlen(text);
    memset(text + at, '/', length);
    strcpy(text + at + length, "\"}");
    assert_int_equal(read_text(text), error);
    if (error == 0)
        assert_int_equal(strlen(opened.sid), 3 * length);
}

static void an_id_is_bounded(void **state) {
    read_with_sid_of(TOW_OPENED_SID_MAX - 1, 0);
    read_with_sid_of(TOW_OPENED_SID_MAX, 0);
    read_with_sid_of(TOW_OPENED_SID_MAX + 1, TOW_ERROR_PACKET);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_engineio_is_read),
        cmocka_unit_test(our_own_is_read),
        cmocka_unit_test(an_id_is_encoded_for_a_query),
        cmocka_unit_test(what_can_not_be_is_refused),
        cmocka_unit_test(an_id_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
