/* What claims grant: which are taken, which are refused with a reason, and whom patterns mean. */
#include "../unit.h"

#include "tokens/grant.h"

#include <towline/error.h>

static tow_grant *grant_of(const char *json) {
    const char *why = "";
    tow_grant *grant = NULL;
    if (tow_grant_read(&grant, tow_slice_from(json), &why) != 0)
        fail_msg("%s: %s", json, why);
    return grant;
}

static bool allows(const char *json, tow_channel_act act, const char *channel) {
    tow_grant *grant = grant_of(json);
    bool allowed = tow_grant_allows(grant, act, tow_slice_from(channel));
    tow_grant_free(grant);
    return allowed;
}

static void claims_are_kept_as_they_were_said(void **state) {
    tow_grant *grant = grant_of(
        " {\"sub\":\"a\\u00e9\\\"\",\"exp\":12,\"nbf\":3.7,\"info\": {\"n\" : 1.50e3} ,\"more\":[]} ");
    assert_string_equal(tow_grant_subject(grant), "a\xc3\xa9\"");
    assert_int_equal(tow_grant_expires(grant), 12);
    assert_int_equal(tow_grant_begins(grant), 3);
    assert_true(tow_slice_equals(tow_grant_info(grant), "{\"n\" : 1.50e3}"));
    assert_false(tow_grant_has_channels(grant));
    assert_string_equal(tow_grant_subject(grant), "a\xc3\xa9\"");
    tow_grant_free(grant);
    tow_grant *empty = grant_of("{}");
    assert_null(tow_grant_subject(empty));
    assert_int_equal(tow_grant_info(empty).length, 0);
    assert_int_equal(tow_grant_expires(empty), 0);
    assert_false(tow_grant_allows(empty, TOW_CHANNEL_SUBSCRIBE, tow_slice_from("news")));
    tow_grant_free(empty);
}

static void patterns_are_names_or_beginnings(void **state) {
    static const char claims[] =
        "{\"channels\":{\"subscribe\":[\"news\",\"room-*\",\"a/b/*\"],\"publish\":\"room-7\"}}";
    static const char *const in[] = {"news", "room-", "room-7", "room-7/x", "a/b/", "a/b/c/d"};
    static const char *const out[] = {"new", "newss", "News", "room", "a/b", "a", "b/a/b/", "*", ""};
    for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++)
        assert_true(allows(claims, TOW_CHANNEL_SUBSCRIBE, in[i]));
    for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++)
        assert_false(allows(claims, TOW_CHANNEL_SUBSCRIBE, out[i]));
    assert_true(allows(claims, TOW_CHANNEL_PUBLISH, "room-7"));
    assert_false(allows(claims, TOW_CHANNEL_PUBLISH, "room-77"));
    assert_false(allows(claims, TOW_CHANNEL_PUBLISH, "news"));
    assert_true(allows("{\"channels\":{\"publish\":\"*\"}}", TOW_CHANNEL_PUBLISH, "whatever"));
    assert_false(allows("{\"channels\":{\"publish\":\"*\"}}", TOW_CHANNEL_SUBSCRIBE, "whatever"));
    assert_false(allows("{\"channels\":{\"publish\":[]}}", TOW_CHANNEL_PUBLISH, "whatever"));
}

static void what_is_no_claim_is_refused(void **state) {
    static const char *const cases[][2] = {
        {"", "the claims are no object"},
        {"[]", "the claims are no object"},
        {"{", "the claims are no object"},
        {"{}x", "the claims are no object"},
        {"{\"sub\":7}", "sub is no text"},
        {"{\"sub\":null}", "sub is no text"},
        {"{\"sub\":\"\"}", "sub is no text"},
        {"{\"sub\":\"a\\u0000b\"}", "sub is no text"},
        {"{\"sub\":\"a\\nb\"}", "sub is no text"},
        {"{\"sub\":\"\\ud800\"}", "sub is no text"},
        {"{\"exp\":\"1\"}", "exp is no time"},
        {"{\"exp\":true}", "exp is no time"},
        {"{\"nbf\":-0.5}", "nbf is no time"},
        {"{\"channels\":[\"news\"]}", "channels is no object"},
        {"{\"channels\":{\"subscribe\":{}}}", "channels has what is no list"},
        {"{\"channels\":{\"publish\":[1]}}", "channels has what is no list"},
        {"{\"channels\":{\"publish\":[[\"a\"]]}}", "channels has what is no list"},
        {"{\"channels\":{\"publish\":\"\"}}", "channels has what is no list"},
        {"{\"channels\":{\"publish\":\"*a\"}}", "is no name, and none with"},
        {"{\"channels\":{\"publish\":[\"a\",\"a**\"]}}", "is no name, and none with"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *why = "";
        tow_grant *grant = NULL;
        assert_int_equal(tow_grant_read(&grant, tow_slice_from(cases[i][0]), &why), TOW_ERROR_ARGUMENT);
        assert_null(grant);
        if (strstr(why, cases[i][1]) == NULL)
            fail_msg("%s: \"%s\" is not in \"%s\"", cases[i][0], cases[i][1], why);
    }
}

/* Reads claims of one member whose text is `before`, so many times `unit`, and `after`. */
static int read_of(const char *before, const char *unit, size_t count, const char *after) {
    static char json[64 << 10];
    const char *why;
    tow_grant *grant = NULL;
    strcpy(json, before);
    size_t length = strlen(json);
    for (size_t i = 0; i < count; i++, length += strlen(unit))
        strcpy(json + length, unit);
    strcpy(json + length, after);
    int error = tow_grant_read(&grant, tow_slice_from(json), &why);
    tow_grant_free(grant);
    return error;
}

static void sizes_have_limits(void **state) {
    static const struct {
        const char *before, *unit, *after;
        size_t most;
    } cases[] = {
        {"{\"sub\":\"", "s", "\"}", TOW_GRANT_SUBJECT_MAX},
        {"{\"info\":\"", "i", "\"}", TOW_GRANT_INFO_MAX - 2},
        {"{\"channels\":{\"publish\":\"", "p", "\"}}", 200},
        {"{\"channels\":{\"subscribe\":[\"a\"", ",\"a\"", "]}}", TOW_GRANT_PATTERNS_MAX - 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(read_of(cases[i].before, cases[i].unit, cases[i].most - 1, cases[i].after), 0);
        assert_int_equal(read_of(cases[i].before, cases[i].unit, cases[i].most, cases[i].after), 0);
        assert_int_equal(
            read_of(cases[i].before, cases[i].unit, cases[i].most + 1, cases[i].after), TOW_ERROR_ARGUMENT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_are_kept_as_they_were_said),
        cmocka_unit_test(patterns_are_names_or_beginnings),
        cmocka_unit_test(what_is_no_claim_is_refused),
        cmocka_unit_test(sizes_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
