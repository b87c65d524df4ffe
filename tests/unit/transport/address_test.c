#include "../unit.h"

#include "transport/address.h"

#include <netinet/in.h>
#include <sys/un.h>
#include <towline/error.h>

static const char *parsed(const char *text, int index, int *count) {
    static char out[TOW_ADDRESS_TEXT_MAX];
    tow_address addresses[TOW_ADDRESSES_MAX];
    *count = tow_address_parse(text, addresses);
    if (*count <= index)
        return tow_error_name(*count);
    tow_address_text(&addresses[index], out);
    return out;
}

static void assert_parsed(const char *text, const char *first, const char *second) {
    int count;
    assert_string_equal(parsed(text, 0, &count), first);
    assert_int_equal(count, second == NULL ? 1 : 2);
    if (second != NULL)
        assert_string_equal(parsed(text, 1, &count), second);
}

static void assert_refused(const char *text) {
    tow_address addresses[TOW_ADDRESSES_MAX];
    int result = tow_address_parse(text, addresses);
    if (result != TOW_ERROR_ADDRESS)
        fail_msg("\"%s\" gave %d", text, result);
}

static void a_bare_port_is_this_machine_in_both_families(void **state) {
    (void)state;
    assert_parsed("9998", "127.0.0.1:9998", "[::1]:9998");
    assert_parsed("localhost:9998", "127.0.0.1:9998", "[::1]:9998");
    assert_parsed("LocalHost:1", "127.0.0.1:1", "[::1]:1");
    assert_parsed("www.localhost:1", "127.0.0.1:1", "[::1]:1");
    assert_parsed("localhost.:1", "127.0.0.1:1", "[::1]:1");
}

static void what_can_not_be_a_name_is_not_this_machine(void **state) {
    (void)state;
    tow_address addresses[TOW_ADDRESSES_MAX];
    assert_int_equal(tow_address_from_host("[\xc7[\xb9.localhost", 1, addresses), TOW_ERROR_ADDRESS);
    assert_int_equal(tow_address_from_host("a b.localhost", 1, addresses), TOW_ERROR_ADDRESS);
}

static void a_star_is_every_address(void **state) {
    (void)state;
    assert_parsed("*:80", "[::]:80", "0.0.0.0:80");
}

static void literals_are_read_as_they_are(void **state) {
    (void)state;
    assert_parsed("192.0.2.7:443", "192.0.2.7:443", NULL);
    assert_parsed("[2001:db8::7]:443", "[2001:db8::7]:443", NULL);
    assert_parsed("[::1]:0", "[::1]:0", NULL);
}

static void ports_reach_from_0_to_65535(void **state) {
    (void)state;
    assert_parsed("127.0.0.1:0", "127.0.0.1:0", NULL);
    assert_parsed("127.0.0.1:65535", "127.0.0.1:65535", NULL);
    assert_parsed("127.0.0.1:00080", "127.0.0.1:80", NULL);
    assert_refused("127.0.0.1:65536");
    assert_refused("127.0.0.1:99999999999999999999");
    assert_refused("127.0.0.1:-1");
    assert_refused("127.0.0.1:+1");
    assert_refused("127.0.0.1: 1");
    assert_refused("127.0.0.1:1x");
    assert_refused("127.0.0.1:");
}

static void what_is_no_address_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"", ":", ":80", "x", "127.0.0.1", "[::1]", "::1:80", "[::1:80",
        "::1]:80", "[]:80", "[127.0.0.1]:80", "[::1]x:80", "example.org:80", "127.0.0.256:80", "1.2.3:80",
        "unix:", "localhost", "xlocalhost:80", ".localhost:80", "*", "**:80",
        "a23456789012345678901234567890123456789012345678901234567890abcdef:80"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_refused(texts[i]);
}

static void a_path_of_a_unix_socket_fits_or_is_refused(void **state) {
    (void)state;
    assert_parsed("unix:/run/towline.sock", "unix:/run/towline.sock", NULL);
    assert_parsed("unix:a:1", "unix:a:1", NULL);
    const size_t longest = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
    char text[200] = "unix:";
    memset(text + 5, 'p', longest);
    text[5 + longest] = '\0';
    assert_parsed(text, text, NULL);
    strcat(text, "p");
    assert_refused(text);
}

static void a_host_and_port_that_are_apart_are_read_alike(void **state) {
    (void)state;
    tow_address out[TOW_ADDRESSES_MAX];
    char text[TOW_ADDRESS_TEXT_MAX];
    assert_int_equal(tow_address_from_host("localhost", 80, out), 2);
    assert_int_equal(tow_address_from_host("[::1]", 80, out), 1);
    tow_address_text(&out[0], text);
    assert_string_equal(text, "[::1]:80");
    assert_int_equal(tow_address_from_host("::1", 81, out), 1);
    assert_int_equal(tow_address_port(&out[0]), 81);
    assert_int_equal(tow_address_from_host("127.0.0.1", 80, out), 1);
}

static void names_are_told_from_what_is_no_host(void **state) {
    (void)state;
    tow_address out[TOW_ADDRESSES_MAX];
    assert_int_equal(tow_address_from_host("example.org", 80, out), TOW_ERROR_NAME_NOT_FOUND);
    assert_int_equal(tow_address_from_host("", 80, out), TOW_ERROR_ADDRESS);
    assert_int_equal(tow_address_from_host("a b", 80, out), TOW_ERROR_ADDRESS);
    assert_int_equal(tow_address_from_host("[::1", 80, out), TOW_ERROR_ADDRESS);
    assert_int_equal(tow_address_from_host("[example.org]", 80, out), TOW_ERROR_ADDRESS);
    assert_int_equal(tow_address_from_host("/etc/passwd", 80, out), TOW_ERROR_ADDRESS);
}

static void loopback_is_known_in_each_family(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool loopback;
    } cases[] = {{"127.0.0.1:1", true}, {"127.255.255.254:1", true}, {"128.0.0.1:1", false},
        {"126.255.255.255:1", false}, {"[::1]:1", true}, {"[::2]:1", false}, {"0.0.0.0:1", false},
        {"unix:x", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tow_address out[TOW_ADDRESSES_MAX];
        assert_int_equal(tow_address_parse(cases[i].text, out), 1);
        assert_int_equal(tow_address_is_loopback(&out[0]), cases[i].loopback);
    }
}

static void a_port_can_be_set(void **state) {
    (void)state;
    static const char *const texts[] = {"127.0.0.1:1", "[::1]:1"};
    for (size_t i = 0; i < 2; i++) {
        tow_address out[TOW_ADDRESSES_MAX];
        assert_int_equal(tow_address_parse(texts[i], out), 1);
        tow_address_set_port(&out[0], 4711);
        assert_int_equal(tow_address_port(&out[0]), 4711);
    }
    tow_address path[TOW_ADDRESSES_MAX];
    assert_int_equal(tow_address_parse("unix:x", path), 1);
    tow_address_set_port(&path[0], 4711);
    assert_int_equal(tow_address_port(&path[0]), 0);
}

static void a_nameless_unix_socket_is_called_unix(void **state) {
    (void)state;
    tow_address address = {.length = sizeof(sa_family_t)};
    address.storage.ss_family = AF_UNIX;
    char text[TOW_ADDRESS_TEXT_MAX];
    tow_address_text(&address, text);
    assert_string_equal(text, "unix");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bare_port_is_this_machine_in_both_families),
        cmocka_unit_test(what_can_not_be_a_name_is_not_this_machine),
        cmocka_unit_test(a_star_is_every_address),
        cmocka_unit_test(literals_are_read_as_they_are),
        cmocka_unit_test(ports_reach_from_0_to_65535),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(a_path_of_a_unix_socket_fits_or_is_refused),
        cmocka_unit_test(a_host_and_port_that_are_apart_are_read_alike),
        cmocka_unit_test(names_are_told_from_what_is_no_host),
        cmocka_unit_test(loopback_is_known_in_each_family),
        cmocka_unit_test(a_port_can_be_set),
        cmocka_unit_test(a_nameless_unix_socket_is_called_unix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
