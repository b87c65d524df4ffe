#include "../unit.h"

#include "ports.h"

#include <towline/error.h>

#define MAKE(ports, host, ...) tow_ports_make(ports, (const char *const[]){__VA_ARGS__, NULL}, host)

static void without_ports_there_is_the_default_one(void **state) {
    (void)state;
    char **ports;
    assert_int_equal(tow_ports_make(&ports, NULL, NULL), 0);
    assert_string_equal(ports[0], "localhost:9998");
    assert_null(ports[1]);
    tow_ports_free(ports);
    assert_int_equal(tow_ports_make(&ports, NULL, "127.0.0.1"), 0);
    assert_string_equal(ports[0], "127.0.0.1:9998");
    tow_ports_free(ports);
}

static void the_host_goes_before_ports_that_stand_alone(void **state) {
    (void)state;
    char **ports;
    assert_int_equal(MAKE(&ports, "*", "80", "localhost:81", "unix:/tmp/socket", "[::1]:82"), 0);
    assert_string_equal(ports[0], "*:80");
    assert_string_equal(ports[1], "localhost:81");
    assert_string_equal(ports[2], "unix:/tmp/socket");
    assert_string_equal(ports[3], "[::1]:82");
    assert_null(ports[4]);
    tow_ports_free(ports);
}

static void an_ipv6_host_gets_its_brackets(void **state) {
    (void)state;
    char **ports;
    assert_int_equal(MAKE(&ports, "::1", "80"), 0);
    assert_string_equal(ports[0], "[::1]:80");
    tow_ports_free(ports);
    assert_int_equal(MAKE(&ports, "[::1]", "80"), 0);
    assert_string_equal(ports[0], "[::1]:80");
    tow_ports_free(ports);
}

static void a_host_that_is_none_is_an_error(void **state) {
    (void)state;
    char **ports;
    assert_true(MAKE(&ports, "no host", "80") < 0);
    assert_true(MAKE(&ports, "", "80") < 0);
    tow_ports_free(NULL);
}

static void name_is(const char *port, int number, const char *expected) {
    char name[TOW_PORT_NAME_MAX];
    tow_port_name(port, number, name);
    assert_string_equal(name, expected);
}

static void names_are_what_a_browser_takes(void **state) {
    (void)state;
    name_is("localhost:0", 4711, "localhost:4711");
    name_is("*:80", 80, "localhost:80");
    name_is("0.0.0.0:80", 80, "localhost:80");
    name_is("[::]:80", 80, "localhost:80");
    name_is("9998", 9998, "localhost:9998");
    name_is("[::1]:80", 80, "[::1]:80");
    name_is("unix:/run/towline", 0, "unix:/run/towline");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_ports_there_is_the_default_one),
        cmocka_unit_test(the_host_goes_before_ports_that_stand_alone),
        cmocka_unit_test(an_ipv6_host_gets_its_brackets),
        cmocka_unit_test(a_host_that_is_none_is_an_error),
        cmocka_unit_test(names_are_what_a_browser_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
