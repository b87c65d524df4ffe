/* Packets of Engine.IO as bytes. */
#include "../unit.h"

#include "protocol/engineio.h"

#include <string.h>
#include <towline/error.h>

static void assert_reads(const char *text, char type, const char *data) {
    tow_packet packet;
    tow_buffer room = {0};
    assert_int_equal(tow_engineio_read(&packet, (const uint8_t *)text, strlen(text), &room), 0);
    assert_int_equal(packet.type, type);
    assert_int_equal(packet.length, strlen(data));
    assert_memory_equal(packet.data, data, packet.length);
    tow_buffer_clear(&room);
}

static void each_type_is_read(void **state) {
    assert_reads("4hello", TOW_PACKET_TEXT, "hello");
    assert_reads("4", TOW_PACKET_TEXT, "");
    assert_reads("bAQIDBA==", TOW_PACKET_BINARY, "\1\2\3\4");
    assert_reads("taGkeIQ==", TOW_PACKET_TEXT, "hi\x1e!");
    assert_reads("1", TOW_ENGINEIO_CLOSE, "");
    assert_reads("14001too slow", TOW_ENGINEIO_CLOSE, "4001too slow");
    assert_reads("2probe", TOW_ENGINEIO_PING, "probe");
    assert_reads("3", TOW_ENGINEIO_PONG, "");
    assert_reads("5", TOW_ENGINEIO_UPGRADE, "");
    assert_reads("6", TOW_ENGINEIO_NOOP, "");
}

static void what_is_no_packet_is_refused(void **state) {
    static const char *const texts[] = {"", "0{}", "7", "a", "b!", "bA", "t*", "\x1e"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        tow_packet packet;
        tow_buffer room = {0};
        assert_int_equal(tow_engineio_read(&packet, (const uint8_t *)texts[i], strlen(texts[i]), &room),
            TOW_ERROR_ARGUMENT);
        tow_buffer_clear(&room);
    }
}

/* The packets of a body with bars between them. */
static void assert_splits(const char *text, const char *expected) {
    tow_engineio_body body = {.bytes = (const uint8_t *)text, .length = strlen(text)};
    tow_buffer found = {0};
    tow_slice packet;
    while (tow_engineio_next(&body, &packet)) {
        tow_buffer_append(&found, packet.data, packet.length);
        tow_buffer_append(&found, "|", 1);
    }
    assert_int_equal(found.length, strlen(expected));
    assert_memory_equal(found.data, expected, found.length);
    tow_buffer_clear(&found);
}

static void a_body_has_one_packet_more_than_separators(void **state) {
    assert_splits("", "|");
    assert_splits("4a", "4a|");
    assert_splits("4hello\x1e"
                  "2\x1e"
                  "bAQIDBA==",
        "4hello|2|bAQIDBA==|");
    assert_splits("4a\x1e", "4a||");
    assert_splits("\x1e", "||");
}

static void packets_are_joined(void **state) {
    tow_buffer body = {0};
    const tow_packet packets[] = {{TOW_PACKET_TEXT, (const uint8_t *)"hello", 5},
        {TOW_ENGINEIO_PING, NULL, 0}, {TOW_PACKET_BINARY, (const uint8_t *)"\1\2\3\4", 4},
        {TOW_PACKET_TEXT, NULL, 0}};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(tow_engineio_append(&body, &packets[i], false), 0);
    static const char expected[] = "4hello\x1e"
                                   "2\x1e"
                                   "bAQIDBA==\x1e"
                                   "4";
    assert_int_equal(body.length, sizeof(expected) - 1);
    assert_memory_equal(body.data, expected, body.length);
    tow_buffer_clear(&body);
}

/* Else it would be two packets, of which a sender elsewhere could choose the second. */
static void a_text_with_a_separator_is_one_packet(void **state) {
    const tow_packet packet = {TOW_PACKET_TEXT,
        (const uint8_t *)"a\x1e"
                         "1",
        3};
    tow_buffer body = {0};
    assert_int_equal(tow_engineio_append(&body, &packet, false), 0);
    assert_memory_equal(body.data, "bYR4x", 5);
    tow_buffer_clear(&body);
    assert_int_equal(tow_engineio_append(&body, &packet, true), 0);
    assert_memory_equal(body.data, "tYR4x", 5);
    tow_buffer_clear(&body);
}

static void assert_close(const char *text, bool is_one, uint16_t code, const char *reason) {
    const tow_packet packet = {TOW_ENGINEIO_CLOSE, (const uint8_t *)text, strlen(text)};
    char again[TOW_ENGINEIO_CLOSE_MAX + 1];
    tow_engineio_close found;
    assert_int_equal(tow_engineio_read_close(&found, &packet, true), is_one);
    if (!is_one)
        return;
    assert_int_equal(found.code, code);
    assert_true(tow_slice_equals(found.reason, reason));
    tow_engineio_write_close(again, code, reason);
    assert_string_equal(again, text);
    assert_true(tow_engineio_read_close(&found, &packet, false));
    assert_int_equal(found.code, TOW_CLOSE_NO_STATUS);
}

static void a_close_has_a_code_and_a_reason_or_nothing(void **state) {
    char longest[TOW_ENGINEIO_CLOSE_MAX + 2] = "4001";
    assert_close("", true, TOW_CLOSE_NO_STATUS, "");
    assert_close("1000", true, 1000, "");
    assert_close("4001too slow", true, 4001, "too slow");
    memset(longest + 4, 'x', TOW_CLOSE_REASON_MAX);
    assert_close(longest, true, 4001, longest + 4);
    longest[TOW_ENGINEIO_CLOSE_MAX] = 'x';
    assert_close(longest, false, 0, "");
    static const char *const wrong[] = {"1", "100", "1005", "0999", "40o1", "9999", "4001\xff"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_close(wrong[i], false, 0, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_is_read),
        cmocka_unit_test(what_is_no_packet_is_refused),
        cmocka_unit_test(a_body_has_one_packet_more_than_separators),
        cmocka_unit_test(packets_are_joined),
        cmocka_unit_test(a_text_with_a_separator_is_one_packet),
        cmocka_unit_test(a_close_has_a_code_and_a_reason_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
