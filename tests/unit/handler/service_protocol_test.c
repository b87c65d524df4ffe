/* The frames of programs that serve many connections: each type, at every cut and at its limits, and what the
 * server writes, byte by byte. */
#include "../unit.h"

#include "service/protocol.h"

#include <string.h>
#include <towline/error.h>

enum { MOST = 3000 };

#define ID_1 "\0\0\0\0\0\0\0\1"
#define ID_2 "\x80\0\0\0\0\0\0\2"

/* A frame with this payload; returns its length. */
static size_t frame_make(uint8_t *out, uint8_t type, const void *payload, size_t length) {
    const uint8_t header[] = {
        (uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length, type};
    memcpy(out, header, sizeof(header));
    if (length > 0)
        memcpy(out + sizeof(header), payload, length);
    return sizeof(header) + length;
}

/* Reads a frame that must be one: only when its last byte is there. */
static tow_service_frame read_frame(const uint8_t *bytes, size_t length) {
    tow_service_frame frame = {.length = 12345};
    for (size_t cut = 0; cut < length; cut++)
        assert_int_equal(tow_service_frame_next(bytes, cut, MOST, &frame), 0);
    assert_int_equal(frame.length, 12345);
    assert_int_equal(tow_service_frame_next(bytes, length, MOST, &frame), length);
    return frame;
}

static int64_t result_of(uint8_t type, const void *payload, size_t length) {
    uint8_t bytes[MOST + 100];
    tow_service_frame frame;
    return tow_service_frame_next(bytes, frame_make(bytes, type, payload, length), MOST, &frame);
}

#define READ(type, payload) read_frame(bytes, frame_make(bytes, type, payload, sizeof(payload) - 1))

static void a_message_has_an_id_and_a_type(void **state) {
    (void)state;
    uint8_t bytes[100];
    tow_service_frame frame = READ(TOW_SERVICE_SEND, ID_2 "\0hello");
    assert_true(frame.id == UINT64_C(0x8000000000000002) && !frame.is_binary);
    assert_int_equal(frame.length, 5);
    assert_memory_equal(frame.data, "hello", 5);
    frame = READ(TOW_SERVICE_SEND, ID_1 "\2");
    assert_true(frame.id == 1 && frame.is_binary && frame.length == 0);
    for (size_t length = 0; length < 9; length++)
        assert_int_equal(result_of(TOW_SERVICE_SEND, ID_1 "\0", length), TOW_ERROR_ARGUMENT);
}

static void a_broadcast_is_to_all_or_to_a_list(void **state) {
    (void)state;
    uint8_t bytes[100];
    tow_service_frame frame = READ(TOW_SERVICE_BROADCAST, "\2\0\0\0\0all");
    assert_true(frame.is_binary && frame.entry_count == 0 && frame.length == 3);
    frame = READ(TOW_SERVICE_BROADCAST, "\0\0\0\0\2" ID_1 ID_2 "both");
    assert_int_equal(frame.entry_count, 2);
    assert_true(tow_service_frame_id(&frame, 0) == 1);
    assert_true(tow_service_frame_id(&frame, 1) == UINT64_C(0x8000000000000002));
    assert_memory_equal(frame.data, "both", 4);
    assert_int_equal(result_of(TOW_SERVICE_BROADCAST, "\0\0\0\0\2" ID_1 "1234567", 20), TOW_ERROR_ARGUMENT);
    assert_int_equal(result_of(TOW_SERVICE_BROADCAST, "\0\xff\xff\xff\xff" ID_1, 13), TOW_ERROR_ARGUMENT);
    assert_int_equal(result_of(TOW_SERVICE_BROADCAST, "\0\0\0\0", 4), TOW_ERROR_ARGUMENT);
}

static void acknowledgements_are_a_list(void **state) {
    (void)state;
    uint8_t bytes[100];
    tow_service_frame frame = READ(TOW_SERVICE_ACKNOWLEDGE, ID_1 "\0\0\0\7" ID_2 "\1\0\0\0");
    assert_int_equal(frame.entry_count, 2);
    assert_true(tow_service_frame_acknowledgement(&frame, 0).id == 1);
    assert_int_equal(tow_service_frame_acknowledgement(&frame, 0).count, 7);
    assert_int_equal(tow_service_frame_acknowledgement(&frame, 1).count, 1 << 24);
    frame = READ(TOW_SERVICE_ACKNOWLEDGE, "");
    assert_int_equal(frame.entry_count, 0);
    for (size_t length = 1; length < 12; length++)
        assert_int_equal(result_of(TOW_SERVICE_ACKNOWLEDGE, ID_1 "\0\0\0\7", length), TOW_ERROR_ARGUMENT);
}

static void a_state_and_a_reason_have_their_limits(void **state) {
    (void)state;
    static const char much[MOST] = ID_1;
    uint8_t bytes[MOST + 100];
    tow_service_frame frame = READ(TOW_SERVICE_CLOSE, ID_1 "\x0f\xa0why");
    assert_int_equal(frame.code, 4000);
    assert_int_equal(frame.length, 3);
    frame = read_frame(bytes, frame_make(bytes, TOW_SERVICE_ATTACH, much, 8 + 2048));
    assert_int_equal(frame.length, 2048);
    assert_int_equal(result_of(TOW_SERVICE_ATTACH, much, 8 + 2049), TOW_ERROR_ARGUMENT);
    assert_int_equal(result_of(TOW_SERVICE_ATTACH, much, 7), TOW_ERROR_ARGUMENT);
    assert_int_equal(result_of(TOW_SERVICE_CLOSE, much, 10 + 123), 5 + 10 + 123);
    assert_int_equal(result_of(TOW_SERVICE_CLOSE, much, 10 + 124), TOW_ERROR_ARGUMENT);
    assert_int_equal(result_of(TOW_SERVICE_CLOSE, much, 9), TOW_ERROR_ARGUMENT);
}

static void only_what_a_program_says_is_taken(void **state) {
    (void)state;
    for (int type = 0; type < 256; type++)
        if (type < TOW_SERVICE_READY || type > TOW_SERVICE_CLOSE)
            assert_int_equal(result_of((uint8_t)type, "", 0), TOW_ERROR_ARGUMENT);
    assert_int_equal(result_of(TOW_SERVICE_READY, "", 0), 5);
    assert_int_equal(result_of(TOW_SERVICE_READY, "x", 1), TOW_ERROR_ARGUMENT);
}

static void a_frame_may_be_as_long_as_the_limit(void **state) {
    (void)state;
    static const uint8_t much[MOST + 1] = {0};
    assert_int_equal(result_of(TOW_SERVICE_SEND, much, MOST), MOST + 5);
    assert_int_equal(result_of(TOW_SERVICE_SEND, much, MOST + 1), TOW_ERROR_MESSAGE_TOO_LARGE);
    tow_service_frame frame;
    assert_int_equal(tow_service_frame_next((const uint8_t *)"\xff\xff\xff\xff\x12", 5, MOST, &frame),
        TOW_ERROR_MESSAGE_TOO_LARGE);
}

static void what_the_server_writes_is_as_documented(void **state) {
    (void)state;
    static const char expected[] = "\0\0\0\6\1"
                                   "\0\1"
                                   "\0\3"
                                   "\0\4"
                                   "\0\0\0\11\2" ID_1 "\1"
                                   "\0\0\0\14\4" ID_2 "\2"
                                   "abc"
                                   "\0\0\0\13\5" ID_1 "\0"
                                   "\x03\xe8"
                                   "\0\0\0\12\3" ID_1 "st"
                                   "\0\0\0\10\3" ID_2 "\0\0\0\0\6";
    tow_buffer out = {0};
    assert_int_equal(tow_service_write_hello(&out, 3, 4), 0);
    assert_int_equal(tow_service_write_event(&out, TOW_SERVICE_OPEN, 1, TOW_SERVICE_AGAIN, "", 0), 0);
    assert_int_equal(tow_service_write_event(&out, TOW_SERVICE_MESSAGE, UINT64_C(0x8000000000000002),
                         TOW_SERVICE_BINARY, "abc", 3),
        0);
    assert_int_equal(tow_service_write_event(&out, TOW_SERVICE_CLOSED, 1, 0, "\x03\xe8", 2), 0);
    assert_int_equal(tow_service_write_resume(&out, 1, "st", 2), 0);
    assert_int_equal(tow_service_write_resume(&out, UINT64_C(0x8000000000000002), NULL, 0), 0);
    assert_int_equal(tow_service_write_drain(&out), 0);
    assert_int_equal(out.length, sizeof(expected) - 1);
    assert_memory_equal(out.data, expected, out.length);
    tow_buffer_clear(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_has_an_id_and_a_type),
        cmocka_unit_test(a_broadcast_is_to_all_or_to_a_list),
        cmocka_unit_test(acknowledgements_are_a_list),
        cmocka_unit_test(a_state_and_a_reason_have_their_limits),
        cmocka_unit_test(only_what_a_program_says_is_taken),
        cmocka_unit_test(a_frame_may_be_as_long_as_the_limit),
        cmocka_unit_test(what_the_server_writes_is_as_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
