#include "../unit.h"

#include "bench/traffic.h"
#include "protocol/frame.h"
#include "protocol/mask.h"

#include <towline/error.h>

static tow_traffic make(tow_traffic_kind kind, size_t payload_length, bool framed) {
    tow_traffic traffic;
    tow_traffic_options options = {
        .framed = framed, .kind = kind, .payload_length = payload_length, .seed = 7};
    assert_int_equal(tow_traffic_init(&traffic, &options), 0);
    return traffic;
}

/* Reads a turn of frames as a server would and compares what they carry with the payloads that must come
 * back. */
static void frames_carry_their_payloads(tow_traffic_kind kind, size_t payload_length) {
    tow_traffic traffic = make(kind, payload_length, true);
    for (size_t i = 0; i < traffic.messages; i++) {
        uint8_t *frame = traffic.frames + i * traffic.frame_length;
        tow_frame_header header;
        int header_length = tow_frame_header_read(&header, frame, traffic.frame_length);
        assert_int_equal((size_t)header_length + payload_length, traffic.frame_length);
        assert_true(header.masked);
        assert_true(header.final);
        assert_int_equal(header.payload_length, payload_length);
        assert_int_equal(header.opcode, kind == TOW_TRAFFIC_BINARY ? TOW_OPCODE_BINARY : TOW_OPCODE_TEXT);
        tow_mask(frame + header_length, payload_length, header.masking_key, 0);
        assert_memory_equal(frame + header_length, tow_traffic_payload(&traffic, i), payload_length);
    }
    tow_traffic_clear(&traffic);
}

static void every_length_class_is_framed(void **state) {
    (void)state;
    const size_t lengths[] = {1, 64, 125, 126, 127, 65535, 65536, 1 << 20};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        frames_carry_their_payloads(TOW_TRAFFIC_BINARY, lengths[i]);
        frames_carry_their_payloads(TOW_TRAFFIC_TEXT, lengths[i]);
    }
}

static void texts_are_utf8_at_every_length(void **state) {
    (void)state;
    for (size_t length = 1; length < 100; length++) {
        tow_traffic traffic = make(TOW_TRAFFIC_UTF8, length, true);
        for (size_t i = 0; i < traffic.messages; i++)
            assert_true(tow_utf8_valid(tow_traffic_payload(&traffic, i), length));
        tow_traffic_clear(&traffic);
    }
}

static void messages_differ_from_their_neighbours(void **state) {
    (void)state;
    const size_t lengths[] = {64, 1024, 1 << 20};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        tow_traffic traffic = make(TOW_TRAFFIC_BINARY, lengths[i], true);
        assert_true(traffic.messages >= 2);
        for (uint64_t n = 0; n < traffic.messages; n++)
            assert_memory_not_equal(
                tow_traffic_payload(&traffic, n), tow_traffic_payload(&traffic, n + 1), lengths[i]);
        tow_traffic_clear(&traffic);
    }
}

static void raw_traffic_has_no_headers(void **state) {
    (void)state;
    tow_traffic traffic = make(TOW_TRAFFIC_BINARY, 200, false);
    assert_int_equal(traffic.frame_length, 200);
    assert_int_equal(traffic.answer_length, 200);
    assert_memory_equal(traffic.frames, traffic.answers, 200 * traffic.messages);
    tow_traffic_clear(&traffic);
}

static void lengths_out_of_range_are_refused(void **state) {
    (void)state;
    tow_traffic traffic;
    tow_traffic_options options = {.framed = true};
    assert_int_equal(tow_traffic_init(&traffic, &options), TOW_ERROR_ARGUMENT);
    options.payload_length = (size_t)TOW_TRAFFIC_PAYLOAD_MAX + 1;
    assert_int_equal(tow_traffic_init(&traffic, &options), TOW_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_class_is_framed),
        cmocka_unit_test(texts_are_utf8_at_every_length),
        cmocka_unit_test(messages_differ_from_their_neighbours),
        cmocka_unit_test(raw_traffic_has_no_headers),
        cmocka_unit_test(lengths_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
