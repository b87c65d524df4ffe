/* What a program writes, cut into messages: lines and frames, at every cut, and at their limits. */
#include "../unit.h"

#include "base/buffer.h"
#include "program/output.h"

#include <string.h>
#include <towline/error.h>
#include <towline/message.h>

enum { MOST = 8 };

/* Reads as a connection does, with the bytes in pieces of `step`; what was found stands as "TYPE:PAYLOAD|".
 * Returns 0, or the error that ended it. */
static int read_in_steps(
    tow_program_mode mode, const void *bytes, size_t length, size_t step, tow_buffer *found) {
    tow_buffer waiting = {0};
    size_t seen = 0;
    int64_t used = 0;
    for (size_t at = 0; at < length && used >= 0; at += step) {
        size_t some = length - at < step ? length - at : step;
        tow_program_output output;
        tow_buffer_append(&waiting, (const char *)bytes + at, some);
        while (
            (used = tow_program_output_next(mode, MOST, waiting.data, waiting.length, &seen, &output)) > 0) {
            tow_buffer_append_format(
                found, "%d:%.*s|", output.type, (int)output.length, (const char *)output.data);
            tow_buffer_consume(&waiting, (size_t)used);
        }
    }
    tow_buffer_append_format(found, "%zu left", waiting.length);
    tow_buffer_clear(&waiting);
    return used < 0 ? (int)used : 0;
}

static void assert_read(
    tow_program_mode mode, const void *bytes, size_t length, int error, const char *expected) {
    for (size_t step = 1; step <= length; step++) {
        tow_buffer found = {0};
        assert_int_equal(read_in_steps(mode, bytes, length, step, &found), error);
        tow_buffer_append(&found, "", 1);
        if (error == 0)
            assert_string_equal((const char *)found.data, expected);
        else
            assert_memory_equal(found.data, expected, strlen(expected));
        tow_buffer_clear(&found);
    }
}

#define LINES(text, error, expected) assert_read(TOW_PROGRAM_LINES, text, sizeof(text) - 1, error, expected)
#define FRAMES(text, error, expected) assert_read(TOW_PROGRAM_FRAMES, text, sizeof(text) - 1, error, expected)

static void a_line_ends_with_lf_or_crlf(void **state) {
    (void)state;
    LINES("a\nb\r\n\n\r\nc\rd\n", 0, "1:a|1:b|1:|1:|1:c\rd|0 left");
    LINES("a\nrest", 0, "1:a|4 left");
}

static void a_line_may_be_as_long_as_the_limit(void **state) {
    (void)state;
    LINES("1234567\n12345678\n12345678\r\n", 0, "1:1234567|1:12345678|1:12345678|0 left");
    LINES("ok\n123456789\n", TOW_ERROR_MESSAGE_TOO_LARGE, "1:ok|");
    LINES("ok\n123456789012", TOW_ERROR_MESSAGE_TOO_LARGE, "1:ok|");
}

static void a_frame_has_a_length_and_a_type(void **state) {
    (void)state;
    FRAMES("\0\0\0\2\1hi\0\0\0\0\2\0\0\0\2\10\3\350", 0, "1:hi|2:|8:\3\350|0 left");
    FRAMES("\0\0\0\2\1hi\0\0\0\5\1abcd", 0, "1:hi|9 left");
}

static void a_frame_may_be_as_long_as_the_limit(void **state) {
    (void)state;
    FRAMES("\0\0\0\10\1"
           "12345678",
        0, "1:12345678|0 left");
    FRAMES("\0\0\0\1\1x\0\0\0\11\1", TOW_ERROR_MESSAGE_TOO_LARGE, "1:x|");
    FRAMES("\0\0\0\1\1x\377\377\377\377\1", TOW_ERROR_MESSAGE_TOO_LARGE, "1:x|");
}

static void other_types_are_no_frames(void **state) {
    (void)state;
    for (int type = 0; type < 256; type++) {
        uint8_t bytes[] = {0, 0, 0, 0, (uint8_t)type};
        size_t seen = 0;
        tow_program_output output;
        int64_t used =
            tow_program_output_next(TOW_PROGRAM_FRAMES, MOST, bytes, sizeof(bytes), &seen, &output);
        assert_int_equal(used, type == 1 || type == 2 || type == 8 ? 5 : TOW_ERROR_ARGUMENT);
    }
}

static void what_is_written_is_read(void **state) {
    (void)state;
    uint8_t bytes[TOW_PROGRAM_HEADER + MOST] = {0};
    for (size_t length = 0; length <= MOST; length++) {
        size_t seen = 0;
        tow_program_output output;
        tow_program_header_write(bytes, TOW_BINARY, length);
        assert_int_equal(
            tow_program_output_next(TOW_PROGRAM_FRAMES, MOST, bytes, sizeof(bytes), &seen, &output),
            TOW_PROGRAM_HEADER + length);
        assert_int_equal(output.length, length);
        assert_int_equal(output.type, TOW_BINARY);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_ends_with_lf_or_crlf),
        cmocka_unit_test(a_line_may_be_as_long_as_the_limit),
        cmocka_unit_test(a_frame_has_a_length_and_a_type),
        cmocka_unit_test(a_frame_may_be_as_long_as_the_limit),
        cmocka_unit_test(other_types_are_no_frames),
        cmocka_unit_test(what_is_written_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
