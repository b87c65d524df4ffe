/* Signatures of Pusher's protocol, against digests that its own libraries made. */
#include "../unit.h"

#include "pusher/credentials.h"

#include <ctype.h>

enum { NOW = 1700000000 };

static const tow_pusher_credentials test_app = {{"test-key-123", 12}, {"test-secret-456", 15}};
static const tow_pusher_credentials documented_app = {
    {"278d425bdf160c739803", 20}, {"7ad3773142a6692b25b8", 20}};

/* The digest as it stands behind the key. */
static tow_slice auth_of(const tow_pusher_credentials *app, const char *digest) {
    static char text[128];
    snprintf(text, sizeof(text), "%.*s:%s", (int)app->key.length, app->key.data, digest);
    return tow_slice_from(text);
}

static tow_slice or_none(const char *text) {
    return text == NULL ? (tow_slice){0} : tow_slice_from(text);
}

static void what_servers_sign_for_subscribers_is_taken(void **state) {
    (void)state;
    static const struct {
        const tow_pusher_credentials *app;
        const char *socket, *channel, *data, *digest;
    } rows[] = {
        {&test_app, "1234.5678", "private-room", NULL,
            "01dff8d1b5ec8ceeb0a0874f40b53a79be5018dfda175b86f6c76611ef0f02fe"},
        {&test_app, "1234.5678", "presence-room",
            "{\"user_id\":\"u1\",\"user_info\":{\"name\":\"Zo\xC3\xAB\"}}",
            "23eebe36399edef49a930eb89553ef2e4d62f4cb3334dc0b1e324354abbc0d16"},
        {&test_app, "1234.5678", "private-encrypted-room", NULL,
            "97989dffd2f78a9b9d4ae71e5bf85dd8168e8514d9e5bfb5a1b13ba44f5b4113"},
        {&documented_app, "1234.1234", "private-foobar", NULL,
            "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"},
        {&documented_app, "1234.1234", "presence-foobar",
            "{\"user_id\":10,\"user_info\":{\"name\":\"Mr. Channels\"}}",
            "31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const tow_slice socket = tow_slice_from(rows[i].socket), channel = tow_slice_from(rows[i].channel),
                        data = or_none(rows[i].data);
        const tow_slice auth = auth_of(rows[i].app, rows[i].digest);
        assert_true(tow_pusher_may_subscribe(rows[i].app, auth, socket, channel, data));
        assert_false(
            tow_pusher_may_subscribe(rows[i].app, auth, socket, tow_slice_from("private-other"), data));
        assert_false(tow_pusher_may_subscribe(rows[i].app, auth, tow_slice_from("1234.5679"), channel, data));
        assert_false(tow_pusher_may_subscribe(rows[i].app, auth, socket, channel, tow_slice_from("")));
        assert_false(tow_pusher_may_sign_in(rows[i].app, auth, socket, data.data == NULL ? channel : data));
    }
}

static void what_servers_sign_for_users_is_taken(void **state) {
    (void)state;
    assert_true(tow_pusher_may_sign_in(&test_app,
        auth_of(&test_app, "0ca085eaec2220429163f89b765545e7fa5a8ca7774e7d224cb123281644400c"),
        tow_slice_from("1234.5678"), tow_slice_from("{\"id\":\"u1\",\"watchlist\":[\"u2\"]}")));
    assert_true(tow_pusher_may_sign_in(&documented_app,
        auth_of(&documented_app, "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba"),
        tow_slice_from("1234.1234"), tow_slice_from("{\"id\":\"12345\"}")));
    assert_false(tow_pusher_may_sign_in(&documented_app,
        auth_of(&documented_app, "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba"),
        tow_slice_from("1234.1234"), tow_slice_from("{\"id\":\"12346\"}")));
}

static void another_form_of_a_signature_is_not_taken(void **state) {
    (void)state;
    static const char digest[] = "01dff8d1b5ec8ceeb0a0874f40b53a79be5018dfda175b86f6c76611ef0f02fe";
    const tow_slice socket = tow_slice_from("1234.5678"), channel = tow_slice_from("private-room");
    char text[160];
    static const char *const formats[] = {"%s", ":%s", "test-key-12:%s", "test-key-1234:%s", "test-key-123%s",
        "test-key-123::%s", "test-key-123: %s", "test-key-123:%s0", "TEST-KEY-123:%s"};
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        size_t length = 0;
        for (const char *at = formats[i]; *at != '\0'; at++)
            if (at[0] == '%')
                length += (size_t)snprintf(text + length, sizeof(text) - length, "%s", digest), at++;
            else
                text[length++] = *at;
        assert_false(
            tow_pusher_may_subscribe(&test_app, (tow_slice){text, length}, socket, channel, (tow_slice){0}));
    }
    assert_false(tow_pusher_may_subscribe(&test_app, (tow_slice){0}, socket, channel, (tow_slice){0}));
    size_t length = (size_t)snprintf(text, sizeof(text), "test-key-123:%s", digest);
    for (size_t i = 13; i < length; i++)
        text[i] = (char)toupper((unsigned char)text[i]);
    assert_false(
        tow_pusher_may_subscribe(&test_app, (tow_slice){text, length}, socket, channel, (tow_slice){0}));
    for (size_t cut = 0; cut < length; cut++)
        assert_false(
            tow_pusher_may_subscribe(&test_app, (tow_slice){text, cut}, socket, channel, (tow_slice){0}));
}

enum { PARAMETERS = 40 };

/* A call of the test app, whose parameters may be changed. */
typedef struct sample {
    tow_header_field parameters[PARAMETERS];
    tow_pusher_call call;
} sample;

static sample *sample_of(
    const char *method, const char *path, const char *md5, const char *body, const char *signature) {
    static sample made;
    made = (sample){.parameters = {{"auth_key", "test-key-123"}, {"auth_timestamp", "1700000000"},
                        {"auth_version", "1.0"}, {"auth_signature", signature}},
        .call = {
            .method = tow_slice_from(method), .path = tow_slice_from(path), .body = tow_slice_from(body)}};
    if (md5 != NULL)
        made.parameters[4] = (tow_header_field){"body_md5", md5};
    made.call.parameters = made.parameters;
    return &made;
}

static sample *events(void) {
    return sample_of("POST", "/apps/42/events", "551616297fbcd4505f906750ad45dbe3",
        "{\"name\":\"ev\",\"data\":\"{\\\"x\\\":1}\",\"channels\":[\"c1\",\"c2\"]}",
        "cfa49560a66d73c0c601f8f7dfc05d69ef1b4c04eba8d464856e464137766efa");
}

static sample *channels(void) {
    sample *made = sample_of("GET", "/apps/42/channels", NULL, "",
        "21459f409d121cd8f6a6b12d6f9f4056a6c2c94a445ea630bf74bd8ccf4f6165");
    made->parameters[4] = (tow_header_field){"info", "user_count"};
    made->parameters[5] = (tow_header_field){"Filter_By_Prefix", "presence-"};
    return made;
}

static const char *check(const sample *made, int64_t now) {
    return tow_pusher_call_check(&test_app, &made->call, now);
}

static void requests_that_servers_sign_are_taken(void **state) {
    (void)state;
    assert_null(check(events(), NOW));
    assert_null(check(channels(), NOW)); /* names in any order, of any case */
    assert_null(
        check(sample_of("POST", "/apps/42/users/u1/terminate_connections", "99914b932bd37a50b983c5e7c90ae93b",
                  "{}", "0a01451964fe82314be6fcff03dd51be042a6eeef71d0ad0b12b54cc4d92d1d9"),
            NOW));
}

static void the_documented_request_is_taken(void **state) {
    (void)state;
    static const tow_header_field parameters[] = {{"auth_key", "278d425bdf160c739803"},
        {"auth_timestamp", "1353088179"}, {"auth_version", "1.0"},
        {"body_md5", "ec365a775a4cd0599faeb73354201b6f"},
        {"auth_signature", "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"}, {NULL, NULL}};
    const tow_pusher_call call = {.method = tow_slice_from("POST"),
        .path = tow_slice_from("/apps/3/events"),
        .parameters = parameters,
        .body = tow_slice_from(
            "{\"name\":\"foo\",\"channels\":[\"project-3\"],\"data\":\"{\\\"some\\\":\\\"data\\\"}\"}")};
    assert_null(tow_pusher_call_check(&documented_app, &call, 1353088179));
}

static void a_signature_is_good_for_ten_minutes(void **state) {
    (void)state;
    assert_null(check(events(), NOW + 599));
    assert_null(check(events(), NOW + 600));
    assert_non_null(check(events(), NOW + 601));
    assert_null(check(events(), NOW - 600));
    assert_non_null(check(events(), NOW - 601));
}

static void whatever_is_changed_spoils_it(void **state) {
    (void)state;
    static const tow_header_field changes[] = {{"0", "test-key-124"}, {"0", ""}, {"1", "1700000001"},
        {"1", ""}, {"1", "1700000000x"}, {"1", "99999999999999999999999"}, {"2", "1.1"}, {"3", ""},
        {"3", "CFA49560a66d73c0c601f8f7dfc05d69ef1b4c04eba8d464856e464137766efa"},
        {"4", "551616297fbcd4505f906750ad45dbe4"}, {"4", ""}, {"5", "more"}};
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        sample *made = events();
        tow_header_field *changed = &made->parameters[changes[i].name[0] - '0'];
        *changed = (tow_header_field){changed->name != NULL ? changed->name : "x", changes[i].value};
        assert_non_null(check(made, NOW));
    }
    sample *made = events();
    made->call.body.length--;
    assert_non_null(check(made, NOW));
    made = events();
    made->call.method = tow_slice_from("PUT");
    assert_non_null(check(made, NOW));
    made = events();
    made->call.path = tow_slice_from("/apps/43/events");
    assert_non_null(check(made, NOW));
}

static void a_path_is_signed_as_it_is_sent_or_as_it_is_meant(void **state) {
    (void)state;
    sample *made =
        sample_of("POST", "/apps/42/users/%751/terminate_connections", "99914b932bd37a50b983c5e7c90ae93b",
            "{}", "0a01451964fe82314be6fcff03dd51be042a6eeef71d0ad0b12b54cc4d92d1d9");
    assert_null(check(made, NOW));
    made->call.path = tow_slice_from("/apps/42/users/%7/terminate_connections");
    assert_non_null(check(made, NOW));
}

static void too_many_parameters_are_not_signed(void **state) {
    (void)state;
    sample *made = events();
    for (size_t i = 5; i < PARAMETERS - 1; i++)
        made->parameters[i] = (tow_header_field){"x", "1"};
    assert_non_null(check(made, NOW));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_servers_sign_for_subscribers_is_taken),
        cmocka_unit_test(what_servers_sign_for_users_is_taken),
        cmocka_unit_test(another_form_of_a_signature_is_not_taken),
        cmocka_unit_test(requests_that_servers_sign_are_taken),
        cmocka_unit_test(the_documented_request_is_taken),
        cmocka_unit_test(a_signature_is_good_for_ten_minutes),
        cmocka_unit_test(whatever_is_changed_spoils_it),
        cmocka_unit_test(a_path_is_signed_as_it_is_sent_or_as_it_is_meant),
        cmocka_unit_test(too_many_parameters_are_not_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
