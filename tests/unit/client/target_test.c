/* Where the requests of a session go, and what all of them say. */
#include "../unit.h"

#include "../../../src/client/fallback/target.h"

static void with_target(const char *url_text, const tow_websocket_options *options, tow_target *target) {
    tow_url url = {0};
    assert_int_equal(tow_url_read(&url, url_text, NULL), 0);
    assert_int_equal(tow_target_init(target, &url, options), 0);
    tow_url_clear(&url);
}

static void assert_url(const char *from, bool is_websocket, const char *expected) {
    tow_target target;
    tow_buffer url = {0};
    with_target(from, &(tow_websocket_options){0}, &target);
    assert_int_equal(tow_target_write(&target, &url, is_websocket, "sid=a"), 0);
    assert_string_equal((const char *)url.data, expected);
    tow_buffer_clear(&url);
    tow_target_clear(&target);
}

static void a_session_lies_below_the_path(void **state) {
    assert_url("ws://h/a", false, "http://h/a/engine.io/?EIO=4&transport=polling&sid=a");
    assert_url("ws://h/a/", false, "http://h/a/engine.io/?EIO=4&transport=polling&sid=a");
    assert_url("ws://h", false, "http://h/engine.io/?EIO=4&transport=polling&sid=a");
    assert_url("ws://h:81/?b=c", false, "http://h:81/engine.io/?EIO=4&transport=polling&sid=a");
    assert_url("wss://me:pass@h/a?b", false, "https://h/a/engine.io/?EIO=4&transport=polling&sid=a");
    assert_url("wss://[::1]:8443/a", true, "wss://[::1]:8443/a/engine.io/?EIO=4&transport=websocket&sid=a");
    assert_url("ws://h/a", true, "ws://h/a/engine.io/?EIO=4&transport=websocket&sid=a");
}

static void assert_beginning(const char *url, const char *const *protocols, const char *expected) {
    tow_target target;
    with_target(url, &(tow_websocket_options){.protocols = protocols}, &target);
    assert_string_equal((const char *)target.beginning.data, expected);
    tow_target_clear(&target);
}

static void the_first_request_has_subprotocols_and_the_query(void **state) {
    static const char *const protocols[] = {"chat", "a&b", NULL};
    assert_beginning("ws://h/a", NULL, "towline=1");
    assert_beginning("ws://h/a?", NULL, "towline=1");
    assert_beginning("ws://h/a?token=x&sid=y", NULL, "towline=1&token=x&sid=y");
    assert_beginning("ws://h/a?b", protocols, "towline=1&protocols=chat,a%26b&b");
}

static void assert_field(const tow_header_field *field, const char *name, const char *value) {
    assert_string_equal(field->name, name);
    assert_string_equal(field->value, value);
}

static void all_requests_have_the_fields_of_the_opening_handshake(void **state) {
    static const tow_header_field headers[] = {{"X-A", "1"}, {"Keep-Alive", "x"}, {"X-B", "2"}, {NULL, NULL}};
    tow_target target;
    with_target(
        "ws://me:pass@h/", &(tow_websocket_options){.headers = headers, .origin = "http://o"}, &target);
    assert_field(&target.post[0], "Content-Type", "text/plain; charset=UTF-8");
    assert_ptr_equal(target.fields, target.post + 1);
    assert_field(&target.fields[0], "X-A", "1");
    assert_field(&target.fields[1], "X-B", "2");
    assert_field(&target.fields[2], "Origin", "http://o");
    assert_field(&target.fields[3], "Authorization", "Basic bWU6cGFzcw==");
    assert_null(target.fields[4].name);
    tow_target_clear(&target);
    tow_target_clear(&target);
}

static void an_authorization_of_the_users_stands_alone(void **state) {
    static const tow_header_field headers[] = {{"authorization", "Bearer x"}, {NULL, NULL}};
    tow_target target;
    with_target("ws://me:pass@h/", &(tow_websocket_options){.headers = headers}, &target);
    assert_field(&target.fields[0], "authorization", "Bearer x");
    assert_null(target.fields[1].name);
    tow_target_clear(&target);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_lies_below_the_path),
        cmocka_unit_test(the_first_request_has_subprotocols_and_the_query),
        cmocka_unit_test(all_requests_have_the_fields_of_the_opening_handshake),
        cmocka_unit_test(an_authorization_of_the_users_stands_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
