#include "../unit.h"

#include "base/buffer.h"
#include "bench/echo.h"

static tow_traffic traffic;

static int make_traffic(size_t payload_length, bool framed) {
    tow_traffic_options options = {
        .framed = framed, .kind = TOW_TRAFFIC_TEXT, .payload_length = payload_length};
    return tow_traffic_init(&traffic, &options);
}

static int setup(void **state) {
    (void)state;
    return make_traffic(200, true);
}

static int setup_raw(void **state) {
    (void)state;
    return make_traffic(200, false);
}

static int teardown(void **state) {
    (void)state;
    tow_traffic_clear(&traffic);
    return 0;
}

static void append_frame(tow_buffer *out, bool final, uint8_t opcode, const void *payload, size_t length) {
    tow_frame_header header = {.final = final, .opcode = opcode, .payload_length = length};
    uint8_t bytes[TOW_FRAME_HEADER_MAX];
    assert_int_equal(tow_buffer_append(out, bytes, tow_frame_header_write(bytes, &header)), 0);
    assert_int_equal(tow_buffer_append(out, payload, length), 0);
}

static void append_answer(tow_buffer *out, uint64_t number) {
    append_frame(out, true, TOW_OPCODE_TEXT, tow_traffic_payload(&traffic, number), 200);
}

/* Gives the bytes to a fresh check in pieces of `step` bytes; returns the last verdict. */
static tow_echo feed(const tow_buffer *bytes, size_t step, uint64_t sent) {
    tow_echo echo = {0};
    for (size_t i = 0; i < bytes->length; i += step) {
        size_t length = bytes->length - i < step ? bytes->length - i : step;
        bool right = tow_echo_take(&echo, &traffic, sent, bytes->data + i, length);
        assert_int_equal(right, echo.fault == TOW_ECHO_RIGHT);
    }
    return echo;
}

static void assert_feeds(const tow_buffer *bytes, uint64_t sent, tow_echo_fault fault, uint64_t completed) {
    for (size_t step = 1; step <= bytes->length; step++) {
        tow_echo echo = feed(bytes, step, sent);
        assert_int_equal(echo.fault, fault);
        assert_int_equal(echo.completed, completed);
    }
}

static void answers_in_order_are_counted(void **state) {
    (void)state;
    tow_buffer bytes = {0};
    for (uint64_t i = 0; i < 40; i++) /* more than one turn */
        append_answer(&bytes, i);
    tow_echo echo = feed(&bytes, bytes.length, 40);
    assert_int_equal(echo.fault, TOW_ECHO_RIGHT);
    assert_int_equal(echo.completed, 40);
    echo = feed(&bytes, 7, 40);
    assert_int_equal(echo.completed, 40);
    echo = feed(&bytes, 1, 40);
    assert_int_equal(echo.completed, 40);
    tow_buffer_clear(&bytes);
}

static void a_wrong_byte_anywhere_is_found(void **state) {
    (void)state;
    tow_buffer bytes = {0};
    append_answer(&bytes, 0);
    append_answer(&bytes, 1);
    for (size_t i = 0; i < bytes.length; i++) {
        bytes.data[i] ^= 1;
        assert_int_not_equal(feed(&bytes, bytes.length, 2).fault, TOW_ECHO_RIGHT);
        assert_int_not_equal(feed(&bytes, 3, 2).fault, TOW_ECHO_RIGHT);
        bytes.data[i] ^= 1;
    }
    tow_buffer_clear(&bytes);
}

static void a_lost_or_doubled_answer_is_found(void **state) {
    (void)state;
    tow_buffer bytes = {0};
    append_answer(&bytes, 0);
    append_answer(&bytes, 2);
    assert_feeds(&bytes, 5, TOW_ECHO_PAYLOAD, 1);
    tow_buffer_clear(&bytes);
    append_answer(&bytes, 0);
    append_answer(&bytes, 0);
    assert_feeds(&bytes, 5, TOW_ECHO_PAYLOAD, 1);
    tow_buffer_clear(&bytes);
}

static void an_answer_to_nothing_is_found(void **state) {
    (void)state;
    tow_buffer bytes = {0};
    append_answer(&bytes, 0);
    append_answer(&bytes, 1);
    assert_feeds(&bytes, 2, TOW_ECHO_RIGHT, 2);
    assert_int_equal(feed(&bytes, bytes.length, 1).fault, TOW_ECHO_UNASKED);
    assert_int_equal(feed(&bytes, 1, 1).fault, TOW_ECHO_UNASKED);
    assert_int_equal(feed(&bytes, 1, 0).fault, TOW_ECHO_UNASKED);
    tow_buffer_clear(&bytes);
}

static void fragments_and_control_frames_between_them_are_right(void **state) {
    (void)state;
    tow_buffer bytes = {0};
    const uint8_t *payload = tow_traffic_payload(&traffic, 1);
    append_answer(&bytes, 0);
    append_frame(&bytes, true, TOW_OPCODE_PING, "are you there?", 14);
    append_frame(&bytes, false, TOW_OPCODE_TEXT, payload, 150);
    append_frame(&bytes, true, TOW_OPCODE_PONG, "", 0);
    append_frame(&bytes, false, TOW_OPCODE_CONTINUATION, "", 0);
    append_frame(&bytes, true, TOW_OPCODE_CONTINUATION, payload + 150, 50);
    append_answer(&bytes, 2);
    append_frame(&bytes, false, TOW_OPCODE_TEXT, tow_traffic_payload(&traffic, 3), 200);
    append_frame(&bytes, true, TOW_OPCODE_CONTINUATION, "", 0);
    append_answer(&bytes, 4);
    assert_feeds(&bytes, 5, TOW_ECHO_RIGHT, 5);
    tow_echo echo = feed(&bytes, bytes.length, 5);
    assert_true(echo.pinged);
    assert_int_equal(echo.ping_length, 14);
    assert_memory_equal(echo.ping, "are you there?", 14);
    tow_buffer_clear(&bytes);
}

static void assert_frame_fails(bool final, uint8_t opcode, size_t length, tow_echo_fault fault) {
    tow_buffer bytes = {0};
    append_answer(&bytes, 0);
    append_frame(&bytes, final, opcode, tow_traffic_payload(&traffic, 1), length);
    assert_feeds(&bytes, 5, fault, 1);
    tow_buffer_clear(&bytes);
}

static void frames_that_no_echo_may_send_are_found(void **state) {
    (void)state;
    assert_frame_fails(true, TOW_OPCODE_BINARY, 200, TOW_ECHO_FRAME); /* the other type */
    assert_frame_fails(true, TOW_OPCODE_CONTINUATION, 200, TOW_ECHO_FRAME);
    assert_frame_fails(true, 3, 200, TOW_ECHO_FRAME);
    assert_frame_fails(true, 11, 4, TOW_ECHO_FRAME);
    assert_frame_fails(false, TOW_OPCODE_PING, 4, TOW_ECHO_FRAME);
    assert_frame_fails(true, TOW_OPCODE_PING, 126, TOW_ECHO_FRAME);
    assert_frame_fails(true, TOW_OPCODE_TEXT, 199, TOW_ECHO_PAYLOAD);
    assert_frame_fails(true, TOW_OPCODE_TEXT, 0, TOW_ECHO_PAYLOAD);
    tow_buffer bytes = {0};
    append_frame(&bytes, false, TOW_OPCODE_TEXT, tow_traffic_payload(&traffic, 0), 200);
    append_frame(&bytes, true, TOW_OPCODE_CONTINUATION, "x", 1); /* too long by one */
    assert_feeds(&bytes, 5, TOW_ECHO_PAYLOAD, 0);
    tow_buffer_clear(&bytes);
}

static void a_masked_or_reserved_header_is_found(void **state) {
    (void)state;
    const uint8_t masked[] = {0x81, 0x80 | 126, 0, 200, 1, 2, 3, 4};
    const uint8_t reserved[] = {0xc1, 126, 0, 200};
    const uint8_t not_minimal[] = {0x81, 127, 0, 0, 0, 0, 0, 0, 0, 200};
    tow_echo echo = {0};
    assert_false(tow_echo_take(&echo, &traffic, 1, masked, sizeof(masked)));
    assert_int_equal(echo.fault, TOW_ECHO_FRAME);
    echo = (tow_echo){0};
    assert_false(tow_echo_take(&echo, &traffic, 1, reserved, sizeof(reserved)));
    assert_int_equal(echo.fault, TOW_ECHO_FRAME);
    echo = (tow_echo){0};
    assert_false(tow_echo_take(&echo, &traffic, 1, not_minimal, sizeof(not_minimal)));
    assert_int_equal(echo.fault, TOW_ECHO_FRAME);
}

static void a_close_is_reported_with_its_code(void **state) {
    (void)state;
    tow_buffer bytes = {0};
    append_answer(&bytes, 0);
    append_frame(&bytes, true, TOW_OPCODE_CLOSE, "\x03\xf1too big", 9);
    assert_feeds(&bytes, 5, TOW_ECHO_CLOSE, 1);
    assert_int_equal(feed(&bytes, 1, 5).close_code, 1009);
    tow_buffer_clear(&bytes);
    append_frame(&bytes, true, TOW_OPCODE_CLOSE, "", 0);
    assert_int_equal(feed(&bytes, 1, 5).close_code, 1005);
    tow_buffer_clear(&bytes);
}

static void a_raw_stream_may_only_hold_the_payloads(void **state) {
    (void)state;
    tow_buffer bytes = {0};
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(tow_buffer_append(&bytes, tow_traffic_payload(&traffic, i), 200), 0);
    assert_int_equal(feed(&bytes, 333, 20).completed, 20);
    assert_int_equal(feed(&bytes, bytes.length, 20).fault, TOW_ECHO_RIGHT);
    assert_int_equal(feed(&bytes, 333, 19).fault, TOW_ECHO_UNASKED);
    bytes.data[1000] ^= 0x80; /* the first byte of the sixth */
    tow_echo echo = feed(&bytes, 333, 20);
    assert_int_equal(echo.fault, TOW_ECHO_PAYLOAD);
    assert_int_equal(echo.completed, 5);
    tow_buffer_clear(&bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_in_order_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wrong_byte_anywhere_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_or_doubled_answer_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_to_nothing_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(fragments_and_control_frames_between_them_are_right, setup, teardown),
        cmocka_unit_test_setup_teardown(frames_that_no_echo_may_send_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_masked_or_reserved_header_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_close_is_reported_with_its_code, setup, teardown),
        cmocka_unit_test_setup_teardown(a_raw_stream_may_only_hold_the_payloads, setup_raw, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
