#include "../unit.h"

#include "protocol/frame.h"

#include <towline/error.h>

static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};

static void a_header_reads_as_it_was_written(void **state) {
    (void)state;
    const uint64_t lengths[] = {
        0, 1, 124, 125, 126, 127, 65534, 65535, 65536, 65537, UINT64_C(1) << 32, INT64_MAX};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (unsigned bits = 0; bits < 512; bits++) {
            tow_frame_header header = {.payload_length = lengths[i],
                .opcode = bits & 15,
                .reserved_bits = (bits >> 4) & 7,
                .final = (bits & 128) != 0,
                .masked = (bits & 256) != 0};
            if (header.masked)
                memcpy(header.masking_key, key, 4);
            uint8_t bytes[TOW_FRAME_HEADER_MAX];
            size_t length = tow_frame_header_write(bytes, &header);
            assert_int_equal(length, tow_frame_header_length(header.payload_length, header.masked));
            tow_frame_header read;
            assert_int_equal(tow_frame_header_read(&read, bytes, length), length);
            assert_true(read.payload_length == header.payload_length);
            assert_int_equal(read.opcode, header.opcode);
            assert_int_equal(read.reserved_bits, header.reserved_bits);
            assert_int_equal(read.final, header.final);
            assert_int_equal(read.masked, header.masked);
            assert_memory_equal(read.masking_key, header.masking_key, 4);
        }
    }
}

static void a_header_has_the_shortest_length_that_fits(void **state) {
    (void)state;
    assert_int_equal(tow_frame_header_length(0, false), 2);
    assert_int_equal(tow_frame_header_length(125, false), 2);
    assert_int_equal(tow_frame_header_length(126, false), 4);
    assert_int_equal(tow_frame_header_length(65535, false), 4);
    assert_int_equal(tow_frame_header_length(65536, false), 10);
    assert_int_equal(tow_frame_header_length(125, true), 6);
    assert_int_equal(tow_frame_header_length(126, true), 8);
    assert_int_equal(tow_frame_header_length(65536, true), 14);
}

/* RFC 6455, section 5.7. */
static void the_examples_of_the_standard_are_written_so(void **state) {
    (void)state;
    uint8_t bytes[TOW_FRAME_HEADER_MAX];
    tow_frame_header hello = {.final = true, .opcode = TOW_OPCODE_TEXT, .payload_length = 5};
    assert_int_equal(tow_frame_header_write(bytes, &hello), 2);
    assert_memory_equal(bytes, "\x81\x05", 2);
    hello.masked = true;
    memcpy(hello.masking_key, key, 4);
    assert_int_equal(tow_frame_header_write(bytes, &hello), 6);
    assert_memory_equal(bytes, "\x81\x85\x37\xfa\x21\x3d", 6);
    tow_frame_header binary = {.final = true, .opcode = TOW_OPCODE_BINARY, .payload_length = 256};
    assert_int_equal(tow_frame_header_write(bytes, &binary), 4);
    assert_memory_equal(bytes, "\x82\x7e\x01\x00", 4);
    binary.payload_length = 65536;
    assert_int_equal(tow_frame_header_write(bytes, &binary), 10);
    assert_memory_equal(bytes, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10);
}

static void a_cut_header_is_not_read(void **state) {
    (void)state;
    const uint64_t lengths[] = {5, 126, 65536};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (int masked = 0; masked < 2; masked++) {
            tow_frame_header header = {.payload_length = lengths[i], .opcode = 1, .masked = masked != 0};
            uint8_t bytes[TOW_FRAME_HEADER_MAX];
            size_t length = tow_frame_header_write(bytes, &header);
            tow_frame_header untouched = {.payload_length = 77};
            for (size_t cut = 0; cut < length; cut++)
                assert_int_equal(tow_frame_header_read(&untouched, bytes, cut), 0);
            assert_int_equal(untouched.payload_length, 77);
        }
    }
}

static int read_result(const char *bytes, size_t length) {
    tow_frame_header header;
    return tow_frame_header_read(&header, (const uint8_t *)bytes, length);
}

static void a_length_with_more_bytes_than_it_needs_is_an_error(void **state) {
    (void)state;
    assert_int_equal(read_result("\x82\x7e\x00\x00", 4), TOW_ERROR_LENGTH_NOT_MINIMAL);
    assert_int_equal(read_result("\x82\x7e\x00\x7d", 4), TOW_ERROR_LENGTH_NOT_MINIMAL);
    assert_int_equal(read_result("\x82\x7e\x00\x7e", 4), 4);
    assert_int_equal(
        read_result("\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", 10), TOW_ERROR_LENGTH_NOT_MINIMAL);
    assert_int_equal(read_result("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10), 10);
    assert_int_equal(read_result("\x82\xfe\x00\x7d", 4), TOW_ERROR_LENGTH_NOT_MINIMAL);
}

static void a_length_of_64_bits_is_an_error(void **state) {
    (void)state;
    assert_int_equal(read_result("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 10), 10);
    assert_int_equal(read_result("\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", 10), TOW_ERROR_LENGTH_TOO_LARGE);
    assert_int_equal(read_result("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10), TOW_ERROR_LENGTH_TOO_LARGE);
}

static void control_opcodes_are_those_with_the_highest_bit(void **state) {
    (void)state;
    for (uint8_t opcode = 0; opcode < 16; opcode++)
        assert_int_equal(tow_opcode_is_control(opcode), opcode >= 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_reads_as_it_was_written),
        cmocka_unit_test(a_header_has_the_shortest_length_that_fits),
        cmocka_unit_test(the_examples_of_the_standard_are_written_so),
        cmocka_unit_test(a_cut_header_is_not_read),
        cmocka_unit_test(a_length_with_more_bytes_than_it_needs_is_an_error),
        cmocka_unit_test(a_length_of_64_bits_is_an_error),
        cmocka_unit_test(control_opcodes_are_those_with_the_highest_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
