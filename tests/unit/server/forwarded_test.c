#include "../unit.h"

#include "server/forwarded.h"

#include <string.h>
#include <towline/error.h>

/* Proxies in 10.0.0.0/8 are trusted. `lines` are "Name: value", ended by NULL. */
static int read_fields(tow_forwarded *out, const char *const *lines) {
    tow_field fields[8];
    size_t count = 0;
    tow_subnet subnet;
    assert_int_equal(tow_subnet_read(&subnet, "10.0.0.0/8", 10), 0);
    const tow_trusted trusted = {&subnet, 1};
    for (; lines[count] != NULL; count++) {
        const char *colon = strchr(lines[count], ':');
        fields[count].name = (tow_slice){lines[count], (size_t)(colon - lines[count])};
        fields[count].value = tow_slice_from(colon + 2);
    }
    return tow_forwarded_read(out, fields, count, &trusted);
}

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void expect(const char *const *lines, const char *address, const char *scheme, const char *host) {
    tow_forwarded forwarded;
    char text[TOW_ADDRESS_TEXT_MAX];
    if (read_fields(&forwarded, lines) != 0)
        fail_msg("%s", lines[0]);
    assert_int_equal(forwarded.has_address, address != NULL);
    if (address != NULL) {
        tow_address_text(&forwarded.address, text);
        assert_string_equal(text, address);
    }
    assert_int_equal(forwarded.scheme.data != NULL, scheme != NULL);
    assert_true(scheme == NULL || tow_slice_equals(forwarded.scheme, scheme));
    assert_int_equal(forwarded.host.data != NULL, host != NULL);
    assert_true(host == NULL || tow_slice_equals(forwarded.host, host));
}

static void without_fields_nothing_is_known(void **state) {
    expect(LINES("Host: example.com"), NULL, NULL, NULL);
}

static void forwarded_names_client_scheme_and_host(void **state) {
    expect(LINES("Forwarded: for=203.0.113.9"), "203.0.113.9:0", NULL, NULL);
    expect(LINES("forwarded: For=\"203.0.113.9:47\";Proto=https;HOST=example.com;by=_x"), "203.0.113.9:47",
        "https", "example.com");
    expect(LINES("Forwarded: for=\"[2001:db8::9]:1\" ; host=\"a.org:81\" ;"), "[2001:db8::9]:1", NULL,
        "a.org:81");
    expect(LINES("Forwarded: secret=\"a\\\"b,;\";for=\"[2001:db8::9]\""), "[2001:db8::9]:0", NULL, NULL);
    expect(LINES("Forwarded: for=unknown;proto=http"), NULL, "http", NULL);
    expect(LINES("Forwarded: for=_hidden"), NULL, NULL, NULL);
    expect(LINES("Forwarded: for=\"203.0.113.9:_port\""), "203.0.113.9:0", NULL, NULL);
    expect(LINES("Forwarded: proto=wss"), NULL, "https", NULL);
}

static void the_unofficial_fields_do_too(void **state) {
    expect(LINES("X-Forwarded-For: 203.0.113.9"), "203.0.113.9:0", NULL, NULL);
    expect(LINES("X-Forwarded-For: 2001:db8::9"), "[2001:db8::9]:0", NULL, NULL);
    expect(LINES("X-Forwarded-For: 203.0.113.9:80", "X-Forwarded-Proto: https", "X-Forwarded-Host: a.org"),
        "203.0.113.9:80", "https", "a.org");
    expect(LINES("X-Forwarded-Proto: ws"), NULL, "http", NULL);
}

/* Whoever is not trusted can write what he likes before his own address. */
static void the_list_is_read_backwards_while_proxies_are_trusted(void **state) {
    expect(LINES("X-Forwarded-For: 1.1.1.1, 203.0.113.9"), "203.0.113.9:0", NULL, NULL);
    expect(LINES("X-Forwarded-For: 1.1.1.1, 203.0.113.9, 10.0.0.2"), "203.0.113.9:0", NULL, NULL);
    expect(LINES("X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 10.0.0.2"),
        "203.0.113.9:0", NULL, NULL);
    expect(LINES("X-Forwarded-For: nonsense, 203.0.113.9"), "203.0.113.9:0", NULL, NULL);
    expect(LINES("X-Forwarded-For: 10.0.0.1, 10.0.0.2"), "10.0.0.1:0", NULL, NULL);
    expect(LINES("Forwarded: for=1.1.1.1;proto=http, for=203.0.113.9;proto=https, for=10.0.0.2;proto=http"),
        "203.0.113.9:0", "https", NULL);
    expect(LINES("Forwarded: for=1.1.1.1", "Forwarded: for=_secret, for=10.0.0.2"), NULL, NULL, NULL);
    expect(LINES("X-Forwarded-For: 203.0.113.9, 10.0.0.2", "X-Forwarded-Proto: https, http"), "203.0.113.9:0",
        "https", NULL);
    expect(LINES("X-Forwarded-For: 203.0.113.9, 10.0.0.2", "X-Forwarded-Proto: https"), "203.0.113.9:0",
        "https", NULL);
}

static void both_kinds_must_agree(void **state) {
    tow_forwarded forwarded;
    expect(LINES("Forwarded: for=\"203.0.113.9:8\"", "X-Forwarded-For: 203.0.113.9"), "203.0.113.9:8", NULL,
        NULL);
    assert_int_equal(read_fields(&forwarded, LINES("Forwarded: for=1.1.1.1", "X-Forwarded-For: 203.0.113.9")),
        TOW_ERROR_HTTP_SYNTAX);
    assert_int_equal(read_fields(&forwarded, LINES("Forwarded: for=unknown", "X-Forwarded-For: 203.0.113.9")),
        TOW_ERROR_HTTP_SYNTAX);
}

static void what_is_not_valid_is_an_error(void **state) {
    static const char *const lines[] = {"Forwarded: ", "Forwarded: for", "Forwarded: for=", "Forwarded: =x",
        "Forwarded: for=1.1.1.1,", "Forwarded: ,for=1.1.1.1", "Forwarded: for=\"1.1.1.1",
        "Forwarded: for=\"1.1.1.1\\", "Forwarded: for=1.1.1.1 for=2.2.2.2",
        "Forwarded: for=1.1.1.1;for=2.2.2.2", "Forwarded: for=1.1.1.1:80", "Forwarded: for=\"1.1.1.1:\"",
        "Forwarded: for=\"1.1.1.1:70000\"", "Forwarded: for=\"1.1.1.1:8x\"", "Forwarded: for=example.com",
        "Forwarded: for=localhost", "Forwarded: for=\"[::1\"", "Forwarded: for=\"\"",
        "Forwarded: for=\"1.1.1.\\1\"", "Forwarded: proto=gopher", "Forwarded: host=\"a b\"",
        "X-Forwarded-For: ", "X-Forwarded-For: 1.1.1.1,", "X-Forwarded-For: nonsense", "X-Forwarded-Proto: x",
        "X-Forwarded-Host: a/b"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        tow_forwarded forwarded;
        if (read_fields(&forwarded, LINES(lines[i])) != TOW_ERROR_HTTP_SYNTAX)
            fail_msg("%s", lines[i]);
    }
}

static void more_than_32_proxies_are_an_error(void **state) {
    for (int count = 32; count <= 33; count++) {
        char line[1024] = "X-Forwarded-For: 1.1.1.1", official[1024] = "Forwarded: for=1.1.1.1";
        for (int i = 1; i < count; i++) {
            strcat(line, ",1.1.1.1");
            strcat(official, ",for=1.1.1.1");
        }
        tow_forwarded forwarded;
        int expected = count == 32 ? 0 : TOW_ERROR_HTTP_SYNTAX;
        assert_int_equal(read_fields(&forwarded, LINES(line)), expected);
        assert_int_equal(read_fields(&forwarded, LINES(official)), expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_fields_nothing_is_known),
        cmocka_unit_test(forwarded_names_client_scheme_and_host),
        cmocka_unit_test(the_unofficial_fields_do_too),
        cmocka_unit_test(the_list_is_read_backwards_while_proxies_are_trusted),
        cmocka_unit_test(both_kinds_must_agree),
        cmocka_unit_test(what_is_not_valid_is_an_error),
        cmocka_unit_test(more_than_32_proxies_are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
