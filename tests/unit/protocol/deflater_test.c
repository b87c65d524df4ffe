#include "../unit.h"

#include "../allocation.h"
#include "../deflate_sample.h"
#include "../deflate_walk.h"
#include "protocol/deflate.h"

#include <towline/error.h>

enum { LENGTH_MAX = 150000 };

static tow_deflater *deflater_new(int window_bits, bool takeover) {
    tow_deflater *deflater;
    assert_int_equal(tow_deflater_new(&deflater, window_bits, takeover), 0);
    return deflater;
}

static void compress(tow_deflater *deflater, const void *data, size_t length, tow_buffer *out) {
    out->length = 0;
    assert_int_equal(tow_deflater_message(deflater, data, length, out), 0);
}

static void assert_bytes(const tow_buffer *got, const char *expected, size_t length) {
    assert_int_equal(got->length, length);
    assert_memory_equal(got->data, expected, length);
}

static void a_message_becomes_the_bytes_of_the_standard(void **state) {
    (void)state;
    tow_buffer out = {0};
    for (int takeover = 0; takeover < 2; takeover++) {
        tow_deflater *deflater = deflater_new(15, takeover);
        compress(deflater, "Hello", 5, &out); /* RFC 7692, section 7.2.3.1 */
        assert_bytes(&out, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
        compress(deflater, "Hello", 5, &out);
        if (takeover) /* section 7.2.3.2 */
            assert_bytes(&out, "\xf2\x00\x11\x00\x00", 5);
        else
            assert_bytes(&out, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
        tow_deflater_free(deflater);
    }
    tow_buffer_clear(&out);
}

static void an_empty_message_is_one_zero_byte(void **state) {
    (void)state;
    tow_buffer out = {0};
    tow_deflater *deflater = deflater_new(15, true);
    for (int i = 0; i < 3; i++) {
        compress(deflater, NULL, 0, &out);
        assert_bytes(&out, "\x00", 1);
    }
    compress(deflater, "Hello", 5, &out);
    compress(deflater, "", 0, &out);
    assert_bytes(&out, "\x00", 1);
    compress(deflater, "Hello", 5, &out);
    assert_bytes(&out, "\xf2\x00\x11\x00\x00", 5);
    tow_deflater_free(deflater);
    tow_buffer_clear(&out);
}

/* A message with the four bytes that are not sent. */
static deflate_walk walk_message(tow_buffer *message) {
    static const uint8_t tail[] = {0x00, 0x00, 0xff, 0xff};
    assert_int_equal(tow_buffer_append(message, tail, sizeof(tail)), 0);
    deflate_walk walk;
    assert_true(deflate_walk_all(&walk, message->data, message->length));
    message->length -= sizeof(tail);
    return walk;
}

static void assert_inflates(
    tow_inflater *inflater, const tow_buffer *message, const uint8_t *data, size_t length) {
    tow_buffer back = {0};
    const uint8_t *bytes = message->data;
    size_t left = message->length;
    assert_int_equal(tow_inflater_piece(inflater, &bytes, &left, true, length + 1, &back), 0);
    assert_int_equal(left, 0);
    assert_int_equal(back.length, length);
    if (length > 0)
        assert_memory_equal(back.data, data, length);
    tow_buffer_clear(&back);
}

/* Messages of all kinds and sizes, one after the other; the window is never exceeded. Returns the longest
 * distance. */
static unsigned round_trips(int window_bits, bool takeover, uint8_t *data) {
    static const size_t lengths[] = {
        0, 1, 2, 3, 255, 256, 257, 511, 1000, 4096, 20000, 65535, 65536, LENGTH_MAX};
    tow_inflater *inflater;
    assert_int_equal(tow_inflater_new(&inflater, window_bits, takeover), 0);
    tow_deflater *deflater = deflater_new(window_bits, takeover);
    tow_buffer out = {0};
    unsigned max_distance = 0;
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (unsigned kind = 0; kind < SAMPLE_KINDS; kind++) {
            sample_fill(data, lengths[i], (sample_kind)kind, i);
            compress(deflater, data, lengths[i], &out);
            deflate_walk walk = walk_message(&out);
            assert_int_equal(walk.written, lengths[i]);
            assert_int_equal(walk.final_blocks, 0);
            assert_inflates(inflater, &out, data, lengths[i]);
            max_distance = walk.max_distance > max_distance ? walk.max_distance : max_distance;
        }
    }
    tow_buffer_clear(&out);
    tow_deflater_free(deflater);
    tow_inflater_free(inflater);
    return max_distance;
}

static void every_message_comes_back_and_stays_in_its_window(void **state) {
    (void)state;
    uint8_t *data = malloc(LENGTH_MAX);
    for (int window_bits = 8; window_bits <= 15; window_bits++) {
        for (int takeover = 0; takeover < 2; takeover++) {
            unsigned window = 1u << window_bits;
            unsigned max_distance = round_trips(window_bits, takeover, data);
            assert_in_range(max_distance, window_bits < 10 ? 240 : window / 8 * 5, window);
        }
    }
    free(data);
}

/* zlib is given 9 window bits where 8 were agreed: every distance from 200 to 600 offered as the only match.
 */
static void a_window_of_256_bytes_is_never_exceeded(void **state) {
    (void)state;
    enum { BITS = 8, WINDOW = 256 };
    tow_buffer out = {0};
    unsigned max_distance = 0;
    for (int takeover = 0; takeover < 2; takeover++) {
        tow_deflater *deflater = deflater_new(BITS, takeover);
        for (unsigned distance = 200; distance <= 600; distance++) {
            uint8_t data[2000];
            sample_fill(data, sizeof(data), SAMPLE_NOISE, distance);
            for (size_t i = distance; i < sizeof(data); i++)
                data[i] = i % 300 < 280 ? data[i - distance] : data[i];
            compress(deflater, data, sizeof(data), &out);
            deflate_walk walk = walk_message(&out);
            max_distance = walk.max_distance > max_distance ? walk.max_distance : max_distance;
        }
        tow_deflater_free(deflater);
    }
    assert_in_range(max_distance, 240, WINDOW);
    tow_buffer_clear(&out);
}

static void without_takeover_a_message_does_not_depend_on_those_before(void **state) {
    (void)state;
    uint8_t data[5000];
    sample_fill(data, sizeof(data), SAMPLE_TEXT, 1);
    for (int window_bits = 8; window_bits <= 15; window_bits++) {
        tow_deflater *deflater = deflater_new(window_bits, false);
        tow_buffer first = {0};
        tow_buffer later = {0};
        compress(deflater, data, sizeof(data), &first);
        compress(deflater, data + 100, 1000, &later);
        compress(deflater, data, sizeof(data), &later);
        assert_bytes(&later, (const char *)first.data, first.length);
        tow_buffer_clear(&first);
        tow_buffer_clear(&later);
        tow_deflater_free(deflater);
    }
}

static void takeover_makes_a_repeated_message_small(void **state) {
    (void)state;
    uint8_t data[2000];
    sample_fill(data, sizeof(data), SAMPLE_NOISE, 1);
    tow_deflater *deflater = deflater_new(15, true);
    tow_buffer out = {0};
    compress(deflater, data, sizeof(data), &out);
    assert_in_range(out.length, 2000, 2020);
    compress(deflater, data, sizeof(data), &out);
    assert_in_range(out.length, 1, 50);
    tow_buffer_clear(&out);
    tow_deflater_free(deflater);
}

/* Wherever the room ends, the message is the same to its receiver, and what stood in the buffer before stays.
 */
static void the_room_that_a_buffer_has_does_not_matter(void **state) {
    (void)state;
    uint8_t data[3000];
    sample_fill(data, sizeof(data), SAMPLE_NOISE, 1);
    tow_deflater *deflater = deflater_new(15, false);
    tow_inflater *inflater;
    assert_int_equal(tow_inflater_new(&inflater, 15, false), 0);
    for (size_t before = 0; before < 1100; before++) {
        tow_buffer out = {0};
        assert_int_equal(tow_buffer_append(&out, data, before), 0);
        assert_int_equal(tow_deflater_message(deflater, data, sizeof(data), &out), 0);
        if (before > 0)
            assert_memory_equal(out.data, data, before);
        assert_in_range(out.length - before, 3000, 3030);
        tow_buffer_consume(&out, before);
        assert_inflates(inflater, &out, data, sizeof(data));
        tow_buffer_clear(&out);
    }
    tow_deflater_free(deflater);
    tow_inflater_free(inflater);
}

/* Returns the first error, 0 if none. */
static int deflate_once(bool takeover, const uint8_t *data, size_t length) {
    tow_deflater *deflater = NULL;
    tow_buffer out = {0};
    int error = tow_deflater_new(&deflater, 15, takeover);
    for (int i = 0; i < 2 && error == 0; i++)
        error = tow_deflater_message(deflater, data, length, &out);
    tow_deflater_free(deflater);
    tow_buffer_clear(&out);
    return error;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    uint8_t data[20000];
    sample_fill(data, sizeof(data), SAMPLE_NOISE, 1);
    for (int takeover = 0; takeover < 2; takeover++) {
        long outstanding = allocation_outstanding();
        allocation_fail_at(0);
        assert_int_equal(deflate_once(takeover, data, sizeof(data)), 0);
        size_t allocations = allocation_count();
        assert_in_range(allocations, 7, 50);
        for (size_t i = 1; i <= allocations; i++) {
            allocation_fail_at(i);
            int error = deflate_once(takeover, data, sizeof(data));
            allocation_fail_at(0);
            assert_int_equal(error, TOW_ERROR_MEMORY);
            assert_int_equal(allocation_outstanding(), outstanding);
        }
    }
}

static void without_takeover_a_failed_message_leaves_no_trace(void **state) {
    (void)state;
    tow_deflater *deflater = deflater_new(15, false);
    uint8_t data[20000];
    sample_fill(data, sizeof(data), SAMPLE_NOISE, 1);
    tow_buffer out = {0};
    allocation_fail_at(2);
    assert_int_equal(tow_deflater_message(deflater, data, sizeof(data), &out), TOW_ERROR_MEMORY);
    allocation_fail_at(0);
    compress(deflater, "Hello", 5, &out);
    assert_bytes(&out, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
    tow_buffer_clear(&out);
    tow_deflater_free(deflater);
}

static void freeing_nothing_does_nothing(void **state) {
    (void)state;
    tow_deflater_free(NULL);
    tow_inflater_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_becomes_the_bytes_of_the_standard),
        cmocka_unit_test(an_empty_message_is_one_zero_byte),
        cmocka_unit_test(every_message_comes_back_and_stays_in_its_window),
        cmocka_unit_test(a_window_of_256_bytes_is_never_exceeded),
        cmocka_unit_test(without_takeover_a_message_does_not_depend_on_those_before),
        cmocka_unit_test(takeover_makes_a_repeated_message_small),
        cmocka_unit_test(the_room_that_a_buffer_has_does_not_matter),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(without_takeover_a_failed_message_leaves_no_trace),
        cmocka_unit_test(freeing_nothing_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
