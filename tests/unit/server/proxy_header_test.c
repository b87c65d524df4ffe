#include "../unit.h"

#include "server/proxy_header.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

/* Whole, and cut at each byte. */
static int read_text(tow_proxy_header *header, const char *bytes, size_t length) {
    int whole = tow_proxy_header_read(header, (const uint8_t *)bytes, length);
    for (size_t cut = 0; whole > 0 && cut < (size_t)whole; cut++) {
        uint8_t *copy = malloc(cut + 1); /* reading beyond is seen */
        memcpy(copy + 1, bytes, cut);
        tow_proxy_header other;
        assert_int_equal(tow_proxy_header_read(&other, copy + 1, cut), 0);
        free(copy);
    }
    return whole;
}

#define READ(header, bytes) read_text(header, bytes, sizeof(bytes) - 1)

static void expect_address(const tow_proxy_header *header, const char *text) {
    char out[TOW_ADDRESS_TEXT_MAX];
    assert_true(header->has_address);
    tow_address_text(&header->address, out);
    assert_string_equal(out, text);
}

static void version_1_names_the_client(void **state) {
    tow_proxy_header header;
    assert_int_equal(READ(&header, "PROXY TCP4 203.0.113.9 192.0.2.1 50001 80\r\nGET"), 43);
    expect_address(&header, "203.0.113.9:50001");
    assert_true(READ(&header, "PROXY TCP6 2001:db8::9 2001:db8::1 65535 0\r\n") > 0);
    expect_address(&header, "[2001:db8::9]:65535");
    assert_int_equal(READ(&header, "PROXY UNKNOWN\r\n"), 15);
    assert_false(header.has_address);
    assert_true(READ(&header, "PROXY UNKNOWN what ever follows\r\n") > 0);
    assert_true(
        READ(&header,
            "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
            "65535 65535\r\n") == 107);
}

/* 108 bytes. */
#define LONG_LINE                                                                                            \
    "PROXY UNKNOWN fffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "        \
    "65535 65535\r\n"

static void version_1_is_read_strictly(void **state) {
    static const char *const lines[] = {"PROXY TCP4 203.0.113.9 192.0.2.1 50001 80\n",
        "PROXY TCP4 203.0.113.9 192.0.2.1 50001\r\n", "PROXY TCP4 203.0.113.9 192.0.2.1 50001 80 \r\n",
        "PROXY TCP4  203.0.113.9 192.0.2.1 50001 80\r\n", "PROXY TCP4 203.0.113.9 192.0.2.1 65536 80\r\n",
        "PROXY TCP4 203.0.113.9 192.0.2.1 050 80\r\n", "PROXY TCP4 203.0.113.9 192.0.2.1 -1 80\r\n",
        "PROXY TCP6 203.0.113.9 192.0.2.1 1 80\r\n", "PROXY TCP4 2001:db8::9 2001:db8::1 1 80\r\n",
        "PROXY TCP4 203.0.113 192.0.2.1 1 80\r\n", "PROXY UDP4 203.0.113.9 192.0.2.1 1 80\r\n", "PROXY \r\n",
        "PROXY  TCP4 1.1.1.1 1.1.1.1 1 1\r\n", "proxy TCP4 203.0.113.9 192.0.2.1 1 80\r\n", "PROXYTCP4",
        "GET / HTTP/1.1\r\n", LONG_LINE};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        tow_proxy_header header;
        if (read_text(&header, lines[i], strlen(lines[i])) != TOW_ERROR_ARGUMENT)
            fail_msg("%s", lines[i]);
    }
}

static void version_2_names_the_client(void **state) {
    tow_proxy_header header;
    assert_int_equal(READ(&header, SIGNATURE "\x21\x11\0\x0c\xcb\0\x71\x09\xc0\0\2\1\xc3\x51\0\x50more"), 28);
    expect_address(&header, "203.0.113.9:50001");
    assert_false(header.knows_tls);
    assert_int_equal(READ(&header, SIGNATURE "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09\x20\1"
                                             "\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\1\0\2"),
        52);
    expect_address(&header, "[2001:db8::9]:1");
    assert_int_equal(READ(&header, SIGNATURE "\x20\0\0\0"), 16); /* a health check */
    assert_false(header.has_address);
    assert_int_equal(READ(&header, SIGNATURE "\x20\x11\0\2zz"), 18);
    assert_int_equal(READ(&header, SIGNATURE "\x21\0\0\3abc"), 19);
    assert_false(header.has_address);
}

static void version_2_may_tell_of_tls(void **state) {
    tow_proxy_header header;
    assert_true(READ(&header, SIGNATURE "\x21\x11\0\x18\1\2\3\4\5\6\7\x08\0\1\0\2"
                                        "\4\0\1x"
                                        "\x20\0\5\1\0\0\0\0") > 0);
    assert_true(header.knows_tls && header.is_secure);
    assert_true(READ(&header, SIGNATURE "\x21\x11\0\x14\1\2\3\4\5\6\7\x08\0\1\0\2"
                                        "\x20\0\5\0\0\0\0\0") > 0);
    assert_true(header.knows_tls && !header.is_secure);
}

static void version_2_is_read_strictly(void **state) {
    tow_proxy_header header;
    assert_int_equal(READ(&header, SIGNATURE "\x11"), TOW_ERROR_ARGUMENT); /* version 1 */
    assert_int_equal(READ(&header, SIGNATURE "\x22"), TOW_ERROR_ARGUMENT); /* an unknown command */
    assert_int_equal(READ(&header, "\r\n\r\n\0\r\nQUIT\r"), TOW_ERROR_ARGUMENT);
    assert_int_equal(READ(&header, SIGNATURE "\x21\x11\0\x0b\1\2\3\4\5\6\7\x08\0\1\0"), TOW_ERROR_ARGUMENT);
    assert_int_equal(READ(&header, SIGNATURE "\x21\x41\0\0"), TOW_ERROR_ARGUMENT);
    assert_int_equal(READ(&header, SIGNATURE "\x21\x13\0\0"), TOW_ERROR_ARGUMENT);
    assert_int_equal(
        READ(&header, SIGNATURE "\x21\x11\0\x0f\1\2\3\4\5\6\7\x08\0\1\0\2\4\0\1"), TOW_ERROR_ARGUMENT);
    assert_int_equal(READ(&header, SIGNATURE "\x20\0\x0f\xf1"), TOW_ERROR_ARGUMENT); /* 4097 bytes */
    assert_int_equal(READ(&header, SIGNATURE "\x20\0\x0f\xf0"), 0);
}

static tow_address address_of(const char *text) {
    tow_address addresses[TOW_ADDRESSES_MAX];
    assert_true(tow_address_parse(text, addresses) >= 1);
    return addresses[0];
}

static void what_is_written_is_read_as_it_was(void **state) {
    static const char *const pairs[][3] = {{"203.0.113.9:50001", "192.0.2.1:80", "203.0.113.9:50001"},
        {"[2001:db8::9]:1", "[::1]:65535", "[2001:db8::9]:1"},
        {"203.0.113.9:50001", "[::1]:80", "[::ffff:203.0.113.9]:50001"},
        {"[2001:db8::9]:1", "192.0.2.1:80", "[2001:db8::9]:1"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        for (int version = 1; version <= 2; version++) {
            uint8_t bytes[TOW_PROXY_HEADER_MAX];
            tow_proxy_header header;
            tow_address source = address_of(pairs[i][0]), destination = address_of(pairs[i][1]);
            size_t length = tow_proxy_header_write(bytes, version, &source, &destination);
            assert_int_equal(tow_proxy_header_read(&header, bytes, length), length);
            expect_address(&header, pairs[i][2]);
        }
    }
}

static void what_is_not_known_is_written_so(void **state) {
    uint8_t bytes[TOW_PROXY_HEADER_MAX];
    tow_proxy_header header;
    tow_address local = address_of("unix:/run/x"), tcp = address_of("127.0.0.1:1");
    assert_int_equal(tow_proxy_header_write(bytes, 1, &local, &tcp), 15);
    assert_memory_equal(bytes, "PROXY UNKNOWN\r\n", 15);
    assert_int_equal(tow_proxy_header_write(bytes, 2, &tcp, &local), 16);
    assert_int_equal(tow_proxy_header_read(&header, bytes, 16), 16);
    assert_false(header.has_address);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1_names_the_client),
        cmocka_unit_test(version_1_is_read_strictly),
        cmocka_unit_test(version_2_names_the_client),
        cmocka_unit_test(version_2_may_tell_of_tls),
        cmocka_unit_test(version_2_is_read_strictly),
        cmocka_unit_test(what_is_written_is_read_as_it_was),
        cmocka_unit_test(what_is_not_known_is_written_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
