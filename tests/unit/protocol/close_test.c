#include "../unit.h"

#include "protocol/close.h"

#include <towline/error.h>

/* RFC 6455, section 7.4, and what was registered since. */
static bool is_legal(unsigned code) {
    if (code >= 1000 && code <= 1014)
        return code != 1004 && code != 1005 && code != 1006;
    return code >= 3000 && code <= 4999;
}

static void each_status_code_is_legal_or_not(void **state) {
    (void)state;
    for (unsigned code = 0; code <= 70000; code++) {
        if (tow_close_code_is_legal(code) != is_legal(code))
            fail_msg("status code %u", code);
    }
}

static int read_result(const char *payload, size_t length) {
    uint16_t code = 0;
    const char *reason = NULL;
    size_t reason_length = 0;
    return tow_close_payload_read((const uint8_t *)payload, length, &code, &reason, &reason_length);
}

static void an_empty_payload_has_no_status(void **state) {
    (void)state;
    uint16_t code = 0;
    const char *reason = NULL;
    size_t reason_length = 7;
    assert_int_equal(tow_close_payload_read((const uint8_t *)"", 0, &code, &reason, &reason_length), 0);
    assert_int_equal(code, 1005);
    assert_non_null(reason);
    assert_int_equal(reason_length, 0);
}

static void a_payload_has_a_status_code_and_a_reason(void **state) {
    (void)state;
    uint16_t code = 0;
    const char *reason = NULL;
    size_t reason_length = 0;
    assert_int_equal(
        tow_close_payload_read((const uint8_t *)"\x03\xe9going", 7, &code, &reason, &reason_length), 0);
    assert_int_equal(code, 1001);
    assert_int_equal(reason_length, 5);
    assert_memory_equal(reason, "going", 5);
    assert_int_equal(
        tow_close_payload_read((const uint8_t *)"\x0f\xa0", 2, &code, &reason, &reason_length), 0);
    assert_int_equal(code, 4000);
    assert_int_equal(reason_length, 0);
}

static void a_payload_that_is_not_valid_is_an_error(void **state) {
    (void)state;
    assert_int_equal(read_result("\x03", 1), TOW_ERROR_CLOSE_LENGTH);
    assert_int_equal(read_result("\x03\xed", 2), TOW_ERROR_CLOSE_CODE);
    assert_int_equal(read_result("\x00\x00", 2), TOW_ERROR_CLOSE_CODE);
    assert_int_equal(read_result("\x03\xe8\xff", 3), TOW_ERROR_UTF8);
    assert_int_equal(read_result("\x03\xe8\xe2\x82", 4), TOW_ERROR_UTF8);
    assert_int_equal(read_result("\x03\xe8\xe2\x82\xac", 5), 0);
}

static void a_written_payload_is_read_back(void **state) {
    (void)state;
    uint8_t payload[125];
    size_t length = tow_close_payload_write(payload, 1000, "done", 4);
    assert_int_equal(length, 6);
    assert_memory_equal(payload,
        "\x03\xe8"
        "done",
        6);
    assert_int_equal(tow_close_payload_write(payload, 3000, NULL, 0), 2);
}

static void without_a_status_code_the_payload_is_empty(void **state) {
    (void)state;
    uint8_t payload[125];
    assert_int_equal(tow_close_payload_write(payload, 0, "reason", 6), 0);
    assert_int_equal(tow_close_payload_write(payload, 1005, "reason", 6), 0);
}

static void a_long_reason_is_cut_at_123_bytes(void **state) {
    (void)state;
    uint8_t payload[125];
    char reason[300];
    memset(reason, 'x', sizeof(reason));
    assert_int_equal(tow_close_payload_write(payload, 1000, reason, 122), 124);
    assert_int_equal(tow_close_payload_write(payload, 1000, reason, 123), 125);
    assert_int_equal(tow_close_payload_write(payload, 1000, reason, 124), 125);
    assert_int_equal(tow_close_payload_write(payload, 1000, reason, 300), 125);
}

static void a_reason_is_cut_at_the_border_of_a_character(void **state) {
    (void)state;
    const char *characters[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x9a\xa2"};
    for (size_t i = 0; i < 3; i++) {
        size_t size = strlen(characters[i]);
        for (size_t before = 0; before <= 124; before++) {
            char reason[300];
            memset(reason, 'x', sizeof(reason));
            memcpy(reason + before, characters[i], size);
            uint8_t payload[125];
            size_t length = tow_close_payload_write(payload, 1000, reason, 130);
            size_t whole = before < 123 && before + size > 123 ? before : 123;
            assert_int_equal(length, 2 + whole);
            assert_int_equal(read_result((const char *)payload, length), 0);
        }
    }
}

static void an_error_says_the_status_code(void **state) {
    (void)state;
    assert_int_equal(tow_close_code_for_error(TOW_ERROR_RESERVED_BITS), 1002);
    assert_int_equal(tow_close_code_for_error(TOW_ERROR_CLOSE_CODE), 1002);
    assert_int_equal(tow_close_code_for_error(TOW_ERROR_UTF8), 1007);
    assert_int_equal(tow_close_code_for_error(TOW_ERROR_COMPRESSED_DATA), 1007);
    assert_int_equal(tow_close_code_for_error(TOW_ERROR_MESSAGE_TOO_LARGE), 1009);
    assert_int_equal(tow_close_code_for_error(TOW_ERROR_MEMORY), 1011);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_status_code_is_legal_or_not),
        cmocka_unit_test(an_empty_payload_has_no_status),
        cmocka_unit_test(a_payload_has_a_status_code_and_a_reason),
        cmocka_unit_test(a_payload_that_is_not_valid_is_an_error),
        cmocka_unit_test(a_written_payload_is_read_back),
        cmocka_unit_test(without_a_status_code_the_payload_is_empty),
        cmocka_unit_test(a_long_reason_is_cut_at_123_bytes),
        cmocka_unit_test(a_reason_is_cut_at_the_border_of_a_character),
        cmocka_unit_test(an_error_says_the_status_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
