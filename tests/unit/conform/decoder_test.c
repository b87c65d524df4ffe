#include "../unit.h"

#include "decoder.h"

/* The bytes of each header were written down by hand from RFC 6455, section 5.2. */
static void a_frame_is_read_as_it_stands_on_the_wire(void **state) {
    (void)state;
    static const uint8_t bytes[] = {0xc1, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58};
    wire_frame frame;
    uint8_t payload[5];
    assert_true(tow_conform_wire_frame_read(&frame, bytes, sizeof(bytes)));
    assert_true(frame.final && frame.masked);
    assert_int_equal(frame.reserved_bits, 4);
    assert_int_equal(frame.opcode, 1);
    assert_int_equal(frame.length, 5);
    assert_int_equal(frame.length_bytes, 1);
    assert_int_equal(frame.size, 11);
    assert_memory_equal(frame.masking_key, "\x37\xfa\x21\x3d", 4);
    tow_conform_wire_frame_payload(&frame, payload);
    assert_memory_equal(payload, "Hello", 5);
}

static void a_frame_without_mask_is_its_payload(void **state) {
    (void)state;
    static const uint8_t bytes[] = {0x01, 0x03, 0x48, 0x65, 0x6c};
    wire_frame frame;
    uint8_t payload[3];
    assert_true(tow_conform_wire_frame_read(&frame, bytes, sizeof(bytes)));
    assert_false(frame.final || frame.masked);
    tow_conform_wire_frame_payload(&frame, payload);
    assert_memory_equal(payload, "Hel", 3);
}

static void a_frame_that_is_not_whole_waits(void **state) {
    (void)state;
    static const uint8_t frames[][12] = {{0x81, 0x82, 1, 2, 3, 4, 'a', 'b'}, {0x82, 0x7e, 0, 2, 'a', 'b'},
        {0x82, 0x7f, 0, 0, 0, 0, 0, 0, 0, 2, 'a', 'b'}};
    static const size_t lengths[] = {8, 6, 12};
    for (size_t i = 0; i < 3; i++) {
        wire_frame frame;
        for (size_t length = 0; length < lengths[i]; length++)
            assert_false(tow_conform_wire_frame_read(&frame, frames[i], length));
        assert_true(tow_conform_wire_frame_read(&frame, frames[i], lengths[i]));
        assert_int_equal(frame.length, 2);
        assert_int_equal(frame.size, lengths[i]);
    }
}

static void the_longest_length_does_not_overflow(void **state) {
    (void)state;
    static const uint8_t bytes[] = {0x82, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0};
    wire_frame frame;
    assert_false(tow_conform_wire_frame_read(&frame, bytes, sizeof(bytes)));
    assert_true(frame.length == UINT64_MAX);
}

static void a_length_is_minimal_or_not(void **state) {
    (void)state;
    static const struct {
        uint64_t length;
        uint8_t bytes;
        bool minimal;
    } rows[] = {{0, 1, true}, {125, 1, true}, {125, 3, false}, {126, 3, true}, {65535, 3, true},
        {65535, 9, false}, {65536, 9, true}, {0, 9, false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wire_frame frame = {.length = rows[i].length, .length_bytes = rows[i].bytes};
        assert_int_equal(tow_conform_wire_frame_is_minimal(&frame), rows[i].minimal);
    }
}

/* How a code point is written, by the table of RFC 3629, section 3. */
static size_t write_code_point(uint32_t point, uint8_t out[4]) {
    if (point < 0x80)
        return out[0] = (uint8_t)point, 1;
    size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = length; i-- > 1; point >>= 6)
        out[i] = (uint8_t)(0x80 | (point & 0x3f));
    out[0] = (uint8_t)(0xf00 >> length | point);
    return length;
}

static void every_code_point_is_text_but_surrogates(void **state) {
    (void)state;
    for (uint32_t point = 0; point < 0x110000 + 1000; point++) {
        uint8_t bytes[4];
        size_t length = write_code_point(point, bytes);
        bool expected = point < 0x110000 && (point < 0xd800 || point > 0xdfff);
        if (tow_conform_wire_utf8_is_valid(bytes, length) != expected)
            fail_msg("code point %x", point);
        if (tow_conform_wire_utf8_is_valid(bytes, length - 1) != (length == 1))
            fail_msg("code point %x, cut", point);
    }
}

/* There are so many pairs of bytes that are text: two of one byte each, or one of two. */
static void every_pair_of_bytes_is_judged(void **state) {
    (void)state;
    size_t valid = 0;
    for (unsigned pair = 0; pair < 65536; pair++) {
        uint8_t bytes[2] = {(uint8_t)(pair >> 8), (uint8_t)pair};
        valid += tow_conform_wire_utf8_is_valid(bytes, 2);
    }
    assert_int_equal(valid, 128 * 128 + 30 * 64);
}

static void status_codes_are_legal_as_the_registry_says(void **state) {
    (void)state;
    for (unsigned code = 0; code < 65536; code++) {
        bool named = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
        assert_int_equal(tow_conform_wire_close_code_is_legal(code), named || (code >= 3000 && code < 5000));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_read_as_it_stands_on_the_wire),
        cmocka_unit_test(a_frame_without_mask_is_its_payload),
        cmocka_unit_test(a_frame_that_is_not_whole_waits),
        cmocka_unit_test(the_longest_length_does_not_overflow),
        cmocka_unit_test(a_length_is_minimal_or_not),
        cmocka_unit_test(every_code_point_is_text_but_surrogates),
        cmocka_unit_test(every_pair_of_bytes_is_judged),
        cmocka_unit_test(status_codes_are_legal_as_the_registry_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
