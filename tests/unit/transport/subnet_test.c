#include "../unit.h"

#include "transport/subnet.h"

#include <string.h>
#include <towline/error.h>

static bool contains(const char *range, const char *text) {
    tow_subnet subnet;
    tow_address addresses[TOW_ADDRESSES_MAX];
    assert_int_equal(tow_subnet_read(&subnet, range, strlen(range)), 0);
    assert_int_equal(tow_address_parse(text, addresses), 1);
    return tow_subnet_contains(&subnet, &addresses[0]);
}

static void an_address_contains_itself_only(void **state) {
    assert_true(contains("192.0.2.1", "192.0.2.1:80"));
    assert_false(contains("192.0.2.1", "192.0.2.2:80"));
    assert_true(contains("2001:db8::1", "[2001:db8::1]:80"));
    assert_true(contains("[2001:db8::1]", "[2001:db8:0::1]:80"));
    assert_false(contains("2001:db8::1", "[2001:db8::2]:80"));
}

static void each_bit_counts_up_to_the_limit(void **state) {
    assert_true(contains("10.0.0.0/8", "10.255.255.255:1"));
    assert_false(contains("10.0.0.0/8", "11.0.0.0:1"));
    assert_true(contains("10.0.0.0/7", "11.0.0.0:1"));
    assert_true(contains("192.0.2.128/25", "192.0.2.128:1"));
    assert_false(contains("192.0.2.128/25", "192.0.2.127:1"));
    assert_true(contains("192.0.2.2/31", "192.0.2.3:1"));
    assert_false(contains("192.0.2.2/32", "192.0.2.3:1"));
    assert_true(contains("2001:db8::/33", "[2001:db8:7fff::]:1"));
    assert_false(contains("2001:db8::/33", "[2001:db8:8000::]:1"));
    assert_true(contains("192.0.2.77/24", "192.0.2.1:1")); /* bits behind the mask */
}

static void no_bits_are_a_whole_family(void **state) {
    assert_true(contains("0.0.0.0/0", "203.0.113.9:1"));
    assert_false(contains("0.0.0.0/0", "[2001:db8::1]:1"));
    assert_true(contains("::/0", "[2001:db8::1]:1"));
    assert_true(contains("::/0", "203.0.113.9:1"));
}

static void an_ipv4_address_may_come_as_an_ipv6_one(void **state) {
    assert_true(contains("192.0.2.0/24", "[::ffff:192.0.2.7]:1"));
    assert_true(contains("::ffff:192.0.2.0/120", "192.0.2.7:1"));
}

static void a_unix_socket_is_named(void **state) {
    assert_true(contains("unix", "unix:/socket"));
    assert_false(contains("unix", "127.0.0.1:1"));
    assert_false(contains("::/0", "unix:/socket"));
}

static void what_is_no_range_is_refused(void **state) {
    static const char *const texts[] = {"", "/", "1", "1.2.3", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1",
        "1.2.3.4/+1", "1.2.3.4/0032", "1.2.3.4/8x", "::/129", "::1/", "[::1", "::1]", "[1.2.3.4]", "[]",
        "example.com", "1.2.3.4:80", "1.2.3.4/8/8", "fe80::1%eth0",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"};
    tow_subnet subnet;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(tow_subnet_read(&subnet, texts[i], strlen(texts[i])), TOW_ERROR_ADDRESS);
    assert_int_equal(tow_subnet_read(&subnet, "1.2.3.4\0", 8), TOW_ERROR_ADDRESS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_contains_itself_only),
        cmocka_unit_test(each_bit_counts_up_to_the_limit),
        cmocka_unit_test(no_bits_are_a_whole_family),
        cmocka_unit_test(an_ipv4_address_may_come_as_an_ipv6_one),
        cmocka_unit_test(a_unix_socket_is_named),
        cmocka_unit_test(what_is_no_range_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
