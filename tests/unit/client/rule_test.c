/* Which failures of an opening handshake are those of something between. */
#include "../unit.h"

#include "../../../src/client/fallback/rule.h"

#include <towline/error.h>

static tow_client client;

static bool helps(tow_client_stage stage, int error, int http_status) {
    return tow_fallback_may_help(&client, stage, error, http_status);
}

static void set_way(bool is_secure, const char *proxy, tow_proxy_kind kind) {
    static char name[16];
    client = (tow_client){.url.secure = is_secure, .proxy.kind = kind};
    snprintf(name, sizeof(name), "%s", proxy != NULL ? proxy : "");
    client.proxy.host = proxy != NULL ? name : NULL;
}

static void an_opening_handshake_that_was_not_understood_is_tried_otherwise(void **state) {
    static const int errors[] = {TOW_ERROR_RESET, TOW_ERROR_ENDED, TOW_ERROR_TIMED_OUT, TOW_ERROR_HTTP_SYNTAX,
        TOW_ERROR_HTTP_TOO_LARGE, TOW_ERROR_HANDSHAKE_UPGRADE, TOW_ERROR_HANDSHAKE_CONNECTION,
        TOW_ERROR_HANDSHAKE_ACCEPT};
    set_way(false, NULL, 0);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        assert_true(helps(TOW_CLIENT_ASKING, errors[i], 0));
}

static void what_the_server_means_is_not(void **state) {
    static const int errors[] = {TOW_ERROR_HANDSHAKE_PROTOCOL, TOW_ERROR_HANDSHAKE_EXTENSION,
        TOW_ERROR_MEMORY, TOW_ERROR_CLOSED, TOW_ERROR_SYSTEM};
    set_way(false, NULL, 0);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        assert_false(helps(TOW_CLIENT_ASKING, errors[i], 0));
}

static void nor_is_a_host_that_is_not_reached_or_not_trusted(void **state) {
    set_way(true, NULL, 0);
    assert_false(helps(TOW_CLIENT_REACHING, TOW_ERROR_REFUSED, 0));
    assert_false(helps(TOW_CLIENT_REACHING, TOW_ERROR_TIMED_OUT, 0));
    assert_false(helps(TOW_CLIENT_SECURING, TOW_ERROR_TLS, 0));
    assert_false(helps(TOW_CLIENT_SECURING, TOW_ERROR_CERTIFICATE, 0));
    assert_false(helps(TOW_CLIENT_SECURING_PROXY, TOW_ERROR_TLS, 0));
}

static void a_clear_answer_is_believed(void **state) {
    static const int clear[] = {301, 302, 401, 407, 421, 429};
    static const int unclear[] = {200, 204, 400, 403, 404, 405, 426, 500, 501, 502, 503, 504};
    set_way(false, NULL, 0);
    for (size_t i = 0; i < sizeof(clear) / sizeof(clear[0]); i++)
        assert_false(helps(TOW_CLIENT_REFUSED, TOW_ERROR_HTTP_STATUS, clear[i]));
    for (size_t i = 0; i < sizeof(unclear) / sizeof(unclear[0]); i++)
        assert_true(helps(TOW_CLIENT_REFUSED, TOW_ERROR_HTTP_STATUS, unclear[i]));
    client.retry_after_seconds = 5;
    assert_false(helps(TOW_CLIENT_REFUSED, TOW_ERROR_HTTP_STATUS, 503));
}

static void a_refused_tunnel_is_tried_otherwise_where_requests_need_none(void **state) {
    static const struct {
        bool is_secure;
        tow_proxy_kind kind;
        bool helps;
    } ways[] = {{false, TOW_PROXY_HTTP, true}, {false, TOW_PROXY_HTTPS, true},
        {false, TOW_PROXY_SOCKS5, false}, {true, TOW_PROXY_HTTP, false}, {true, TOW_PROXY_HTTPS, false},
        {true, TOW_PROXY_SOCKS5, false}};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        set_way(ways[i].is_secure, "proxy", ways[i].kind);
        assert_int_equal(helps(TOW_CLIENT_REFUSED, TOW_ERROR_PROXY, 403), ways[i].helps);
        assert_int_equal(helps(TOW_CLIENT_PROXYING, TOW_ERROR_ENDED, 0), ways[i].helps);
        assert_int_equal(helps(TOW_CLIENT_PROXYING, TOW_ERROR_TIMED_OUT, 0), ways[i].helps);
        assert_false(helps(TOW_CLIENT_REFUSED, TOW_ERROR_PROXY, 407));
        assert_true(helps(TOW_CLIENT_ASKING, TOW_ERROR_RESET, 0));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_opening_handshake_that_was_not_understood_is_tried_otherwise),
        cmocka_unit_test(what_the_server_means_is_not),
        cmocka_unit_test(nor_is_a_host_that_is_not_reached_or_not_trusted),
        cmocka_unit_test(a_clear_answer_is_believed),
        cmocka_unit_test(a_refused_tunnel_is_tried_otherwise_where_requests_need_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
