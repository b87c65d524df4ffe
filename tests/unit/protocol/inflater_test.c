#include "../unit.h"

#include "../allocation.h"
#include "../deflate_sample.h"
#include "protocol/deflate.h"

#include <libdeflate.h>
#include <time.h>
#include <towline/error.h>

enum { NO_LIMIT = 1 << 30 };

static tow_inflater *inflater_new(int window_bits, bool takeover) {
    tow_inflater *inflater;
    assert_int_equal(tow_inflater_new(&inflater, window_bits, takeover), 0);
    return inflater;
}

/* A message from a fresh deflater without takeover. */
static tow_buffer compressed(const uint8_t *data, size_t length, int window_bits) {
    tow_deflater *deflater;
    tow_buffer out = {0};
    assert_int_equal(tow_deflater_new(&deflater, window_bits, false), 0);
    assert_int_equal(tow_deflater_message(deflater, data, length, &out), 0);
    tow_deflater_free(deflater);
    return out;
}

/* What is longer than the limit is told by one byte more. */
static int inflate_limited(
    tow_inflater *inflater, const uint8_t *data, size_t length, bool last, size_t limit, tow_buffer *out) {
    int more = tow_inflater_piece(inflater, &data, &length, last, limit + 1, out);
    assert_in_range(out->length, 0, limit + 1);
    if (more == 0)
        assert_int_equal(length, 0);
    if (more < 0)
        tow_inflater_reset(inflater);
    return more > 0 || (more == 0 && out->length > limit) ? TOW_ERROR_MESSAGE_TOO_LARGE : more;
}

/* Inflates a whole message, which is copied to where a sanitizer sees what is read beyond it. */
static int inflate_whole(tow_inflater *inflater, const void *data, size_t length, tow_buffer *out) {
    uint8_t *copy = malloc(length + 1);
    memcpy(copy + 1, data, length);
    out->length = 0;
    int error = inflate_limited(inflater, copy + 1, length, true, NO_LIMIT, out);
    free(copy);
    return error;
}

static int inflate_pieces(
    tow_inflater *inflater, const uint8_t *data, size_t length, size_t piece, size_t limit, tow_buffer *out) {
    out->length = 0;
    int error = 0;
    for (size_t done = 0; done < length && error == 0; done += piece) {
        size_t size = piece < length - done ? piece : length - done;
        error = inflate_limited(inflater, data + done, size, done + size == length, limit, out);
    }
    return error;
}

/* By parts of `room` bytes of output, from input that is cut after `cut` bytes. */
static int inflate_parts(
    tow_inflater *inflater, const void *data, size_t length, size_t cut, size_t room, tow_buffer *out) {
    tow_buffer part = {0};
    const uint8_t *bytes = data;
    int more = 0;
    out->length = 0;
    for (int last = 0; last < 2 && more == 0; last++) {
        size_t left = last ? length - cut : cut;
        do {
            part.length = 0;
            more = tow_inflater_piece(inflater, &bytes, &left, last, room, &part);
            assert_true(part.length <= room && part.capacity <= room);
            assert_int_equal(tow_buffer_append(out, part.data, part.length), 0);
        } while (more == 1);
        if (more == 0)
            assert_int_equal(left, 0);
    }
    tow_buffer_clear(&part);
    return more;
}

static void assert_text(const tow_buffer *out, const char *text) {
    assert_int_equal(out->length, strlen(text));
    if (out->length > 0)
        assert_memory_equal(out->data, text, out->length);
}

typedef struct example {
    const char *bytes;
    size_t length;
    const char *text;
} example;

/* RFC 7692, section 7.2.3, and more of the same kind. */
static const example examples[] = {
    {"\xf2\x48\xcd\xc9\xc9\x07\x00", 7, "Hello"},                          /* 7.2.3.1: one block */
    {"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11, "Hello"},         /* 7.2.3.3: no compression */
    {"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8, "Hello"},                      /* 7.2.3.4: BFINAL set */
    {"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13, "Hello"}, /* 7.2.3.5: two blocks */
    {"\x00", 1, ""},                                                       /* 7.2.3.6: empty */
    {"\x01", 1, ""},                                          /* the last empty block has BFINAL set */
    {"\x00\x00\x00\xff\xff\x00", 6, ""},                      /* two empty blocks */
    {"\x01\x00\x00\xff\xff\x01\x00\x00\xff\xff\x00", 11, ""}, /* two final blocks and one that is not */
    {"\x03\x00\x02\x00", 4, ""},                              /* empty blocks with the fixed codes */
    {"\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 15, "HelloHello"}, /* two final blocks */
};
enum { EXAMPLES = sizeof(examples) / sizeof(examples[0]) };

static void the_messages_of_the_standard_are_read(void **state) {
    (void)state;
    for (int takeover = 0; takeover < 2; takeover++) {
        tow_inflater *inflater = inflater_new(15, takeover);
        tow_buffer out = {0};
        for (size_t i = 0; i < EXAMPLES; i++) {
            assert_int_equal(inflate_whole(inflater, examples[i].bytes, examples[i].length, &out), 0);
            assert_text(&out, examples[i].text);
        }
        tow_buffer_clear(&out);
        tow_inflater_free(inflater);
    }
}

static void the_messages_of_the_standard_may_be_cut_anywhere(void **state) {
    (void)state;
    tow_inflater *inflater = inflater_new(15, true);
    tow_buffer out = {0};
    for (size_t i = 0; i < EXAMPLES; i++) {
        const uint8_t *bytes = (const uint8_t *)examples[i].bytes;
        for (size_t cut = 0; cut <= examples[i].length; cut++) {
            out.length = 0;
            assert_int_equal(inflate_limited(inflater, bytes, cut, false, NO_LIMIT, &out), 0);
            assert_int_equal(
                inflate_limited(inflater, bytes + cut, examples[i].length - cut, true, NO_LIMIT, &out), 0);
            assert_text(&out, examples[i].text);
        }
    }
    tow_buffer_clear(&out);
    tow_inflater_free(inflater);
}

static void with_takeover_a_message_refers_to_those_before(void **state) {
    (void)state;
    tow_inflater *inflater = inflater_new(15, true);
    tow_buffer out = {0};
    assert_int_equal(inflate_whole(inflater, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7, &out), 0);
    for (int i = 0; i < 3; i++) { /* section 7.2.3.2 */
        assert_int_equal(inflate_whole(inflater, "\xf2\x00\x11\x00\x00", 5, &out), 0);
        assert_text(&out, "Hello");
        assert_int_equal(inflate_whole(inflater, "\x00", 1, &out), 0);
    }
    tow_inflater_reset(inflater);
    assert_int_equal(inflate_whole(inflater, "\xf2\x00\x11\x00\x00", 5, &out), TOW_ERROR_COMPRESSED_DATA);
    tow_buffer_clear(&out);
    tow_inflater_free(inflater);
}

static void without_takeover_a_message_refers_to_none_before(void **state) {
    (void)state;
    for (int window_bits = 8; window_bits <= 15; window_bits++) {
        tow_inflater *inflater = inflater_new(window_bits, false);
        tow_buffer out = {0};
        for (int i = 0; i < 3; i++) {
            assert_int_equal(inflate_whole(inflater, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7, &out), 0);
            assert_text(&out, "Hello");
            assert_int_equal(
                inflate_whole(inflater, "\xf2\x00\x11\x00\x00", 5, &out), TOW_ERROR_COMPRESSED_DATA);
        }
        tow_buffer_clear(&out);
        tow_inflater_free(inflater);
    }
}

/* After a block with BFINAL set, in the message or in the one before, the window is still there. */
static void a_final_block_does_not_end_the_context(void **state) {
    (void)state;
    tow_inflater *inflater = inflater_new(15, true);
    tow_buffer out = {0};
    assert_int_equal(inflate_whole(inflater, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8, &out), 0);
    assert_int_equal(inflate_whole(inflater, "\xf2\x00\x11\x00\x00", 5, &out), 0);
    assert_text(&out, "Hello");
    assert_int_equal(
        inflate_whole(inflater, "\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x00\x11\x00\x00", 12, &out), 0);
    assert_text(&out, "HelloHello");
    tow_buffer_clear(&out);
    tow_inflater_free(inflater);
}

static void messages_may_be_cut_anywhere(void **state) {
    (void)state;
    uint8_t data[6000];
    sample_fill(data, sizeof(data), SAMPLE_TEXT, 3);
    static const int windows[] = {8, 9, 12, 15};
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        tow_buffer message = compressed(data, sizeof(data), windows[i]);
        tow_inflater *inflater = inflater_new(windows[i], false);
        tow_buffer out = {0};
        assert_true(message.length > 1000);
        for (size_t cut = 0; cut <= message.length; cut++) {
            out.length = 0;
            assert_int_equal(inflate_limited(inflater, message.data, cut, false, sizeof(data), &out), 0);
            assert_int_equal(
                inflate_limited(inflater, message.data + cut, message.length - cut, true, sizeof(data), &out),
                0);
            assert_int_equal(out.length, sizeof(data));
            assert_memory_equal(out.data, data, sizeof(data));
        }
        for (size_t piece = 1; piece <= 16; piece++) {
            assert_int_equal(
                inflate_pieces(inflater, message.data, message.length, piece, sizeof(data), &out), 0);
            assert_int_equal(out.length, sizeof(data));
            assert_memory_equal(out.data, data, sizeof(data));
        }
        tow_buffer_clear(&out);
        tow_buffer_clear(&message);
        tow_inflater_free(inflater);
    }
}

static void assert_limit(
    tow_inflater *inflater, const tow_buffer *message, size_t length, size_t limit, size_t piece) {
    tow_buffer out = {0};
    int error = inflate_pieces(inflater, message->data, message->length, piece, limit, &out);
    assert_int_equal(error, limit >= length ? 0 : TOW_ERROR_MESSAGE_TOO_LARGE);
    assert_in_range(out.length, limit >= length ? length : 0, limit + 1);
    assert_in_range(out.capacity, 0, limit + 1);
    tow_buffer_clear(&out);
    tow_inflater_reset(inflater);
}

static void the_limit_is_exact(void **state) {
    (void)state;
    static const size_t lengths[] = {1, 2, 511, 512, 513, 1000, 5000, 40000, 200000};
    uint8_t *data = malloc(200000);
    for (unsigned i = 0; i < 4 * sizeof(lengths) / sizeof(lengths[0]) * SAMPLE_KINDS; i++) {
        size_t length = lengths[i / 4 / SAMPLE_KINDS];
        int window_bits = i % 2 ? 15 : 10;
        sample_fill(data, length, (sample_kind)(i / 4 % SAMPLE_KINDS), i);
        tow_buffer message = compressed(data, length, window_bits);
        tow_inflater *inflater = inflater_new(window_bits, i % 4 / 2);
        static const size_t pieces[] = {NO_LIMIT, 1000, 7};
        for (size_t k = 0; k < 3; k++) {
            assert_limit(inflater, &message, length, length - 1, pieces[k]);
            assert_limit(inflater, &message, length, length, pieces[k]);
            assert_limit(inflater, &message, length, length + 1, pieces[k]);
            assert_limit(inflater, &message, length, length / 2, pieces[k]);
            assert_limit(inflater, &message, length, 0, pieces[k]);
        }
        tow_buffer_clear(&message);
        tow_inflater_free(inflater);
    }
    free(data);
}

static void the_limit_counts_what_stands_in_the_buffer(void **state) {
    (void)state;
    tow_inflater *inflater = inflater_new(15, false);
    tow_buffer out = {0};
    assert_int_equal(tow_buffer_append_text(&out, "123"), 0);
    const uint8_t *hello = (const uint8_t *)"\xf2\x48\xcd\xc9\xc9\x07\x00";
    assert_int_equal(inflate_limited(inflater, hello, 7, true, 8, &out), 0);
    assert_text(&out, "123Hello");
    assert_int_equal(inflate_limited(inflater, (const uint8_t *)"", 1, true, 8, &out), 0);
    assert_int_equal(inflate_limited(inflater, hello, 7, true, 8, &out), TOW_ERROR_MESSAGE_TOO_LARGE);
    assert_text(&out, "123HelloH");
    tow_buffer_clear(&out);
    tow_inflater_free(inflater);
}

static void a_bomb_takes_no_more_memory_than_the_limit(void **state) {
    (void)state;
    enum { BOMB = 16 << 20, LIMIT = 1000000 };
    uint8_t *data = calloc(1, BOMB);
    tow_buffer message = compressed(data, BOMB, 15);
    free(data);
    assert_in_range(message.length, 1000, BOMB / 200);
    for (int takeover = 0; takeover < 2; takeover++) {
        tow_inflater *inflater = inflater_new(15, takeover);
        tow_buffer out = {0};
        assert_int_equal(inflate_limited(inflater, message.data, message.length, true, LIMIT, &out),
            TOW_ERROR_MESSAGE_TOO_LARGE);
        assert_in_range(out.capacity, 0, LIMIT + 1);
        tow_inflater_reset(inflater);
        tow_buffer_clear(&out);
        assert_int_equal(inflate_pieces(inflater, message.data, message.length, 100, LIMIT, &out),
            TOW_ERROR_MESSAGE_TOO_LARGE);
        assert_in_range(out.capacity, 0, LIMIT + 1);
        tow_buffer_clear(&out);
        tow_inflater_free(inflater);
    }
    tow_buffer_clear(&message);
}

static void what_is_no_deflate_stream_is_refused(void **state) {
    (void)state;
    static const example bad[] = {
        {"", 0, "nothing: not even the beginning of the last block"},
        {"\x07", 1, "reserved block type"},
        {"\x06\x00", 2, "reserved block type"},
        {"\x00\x05\x00\xfb\xff\x48\x65\x6c\x6c\x6f\x00", 11, "NLEN is not the complement of LEN"},
        {"\xf2\x48\xcd\xc9\xc9\x07\x00\x00", 8, "a zero byte too many"},
        {"\xf3\x48\xcd\xc9\xc9\x07\x00", 7, "a final block without the empty one after it"},
        {"\xf2\x48\xcd\xc9\xc9\x07", 6, "the last block has not begun"},
        {"\x00\x00\x00\xff\xff", 5, "the four bytes were not taken away"},
        {"\x02\x02\x00", 3, "a reference to before the beginning"},
        {"\x63\x18\x05\xa3\x60\x14\x8c\x82\xff", 9, "garbage after a stream"},
        {"\x04\x80\x00\x00", 4, "code lengths that make no code"},
        {"\xfc\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10, "too many symbols"},
        {"Hello", 5, "text"},
    };
    for (int kind = 0; kind < 4; kind++) {
        tow_inflater *inflater = inflater_new(kind % 2 ? 15 : 8, kind / 2);
        tow_buffer out = {0};
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
            if (inflate_whole(inflater, bad[i].bytes, bad[i].length, &out) != TOW_ERROR_COMPRESSED_DATA)
                fail_msg("accepted: %s", bad[i].text);
            tow_inflater_reset(inflater);
            assert_int_equal(inflate_whole(inflater, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7, &out), 0);
            assert_text(&out, "Hello");
            tow_inflater_reset(inflater);
        }
        tow_buffer_clear(&out);
        tow_inflater_free(inflater);
    }
}

/* Messages on both sides of the length from which libdeflate is tried first. */
static void a_truncated_message_is_refused(void **state) {
    (void)state;
    static uint8_t data[6000];
    sample_fill(data, sizeof(data), SAMPLE_TEXT, 5);
    static const size_t lengths[] = {100, 6000};
    for (size_t i = 0; i < 2; i++) {
        tow_buffer message = compressed(data, lengths[i], 15);
        tow_inflater *inflater = inflater_new(15, false);
        tow_buffer out = {0};
        for (size_t length = 0; length < message.length; length++)
            assert_int_equal(inflate_whole(inflater, message.data, length, &out), TOW_ERROR_COMPRESSED_DATA);
        assert_int_equal(inflate_whole(inflater, message.data, message.length, &out), 0);
        assert_int_equal(out.length, lengths[i]);
        tow_buffer_clear(&out);
        tow_buffer_clear(&message);
        tow_inflater_free(inflater);
    }
}

/* `before` literals, then a reference `distance` bytes back. */
static sample_writer far_reference(size_t before, unsigned distance) {
    sample_writer writer = {0};
    sample_block_begin(&writer, 0);
    for (size_t i = 0; i < before; i++)
        sample_literal(&writer, (uint8_t)(i * 7 % 144));
    if (distance > 0)
        sample_match(&writer, distance);
    sample_block_end(&writer);
    sample_stored_begin(&writer, 0);
    return writer;
}

static int inflate_reference(int window_bits, bool takeover, size_t before, unsigned distance) {
    tow_inflater *inflater = inflater_new(window_bits, takeover);
    tow_buffer out = {0};
    sample_writer first = far_reference(takeover ? before : 0, 0);
    assert_int_equal(inflate_whole(inflater, first.bytes, sample_length(&first), &out), 0);
    sample_writer second = far_reference(takeover ? 0 : before, distance);
    int error = inflate_whole(inflater, second.bytes, sample_length(&second), &out);
    tow_buffer_clear(&out);
    tow_inflater_free(inflater);
    return error;
}

static void references_beyond_the_window_are_refused(void **state) {
    (void)state;
    for (int window_bits = 8; window_bits <= 11; window_bits++) {
        unsigned window = 1u << window_bits;
        size_t before = (size_t)3 * window;
        /* Into the message before: exact. */
        assert_int_equal(inflate_reference(window_bits, true, before, window), 0);
        assert_int_equal(inflate_reference(window_bits, true, before, window + 1), TOW_ERROR_COMPRESSED_DATA);
        /* Within a message. */
        assert_int_equal(inflate_reference(window_bits, false, before, window), 0);
        assert_int_equal(
            inflate_reference(window_bits, false, before, 2 * window + 1), TOW_ERROR_COMPRESSED_DATA);
    }
    assert_int_equal(inflate_reference(15, false, 100, 100), 0);
    assert_int_equal(inflate_reference(15, false, 100, 101), TOW_ERROR_COMPRESSED_DATA);
    assert_int_equal(inflate_reference(15, true, 100, 101), TOW_ERROR_COMPRESSED_DATA);
}

/* A message that libdeflate does not take to its end, as it has a final block in the middle. */
static void a_long_message_with_final_blocks_is_read(void **state) {
    (void)state;
    sample_writer writer = {0};
    for (int i = 0; i < 10; i++) {
        sample_block_begin(&writer, 1);
        for (int k = 0; k < 200; k++)
            sample_literal(&writer, (uint8_t)k);
        if (i > 0)
            sample_match(&writer, 200);
        sample_block_end(&writer);
        writer.bit = sample_length(&writer) * 8;
    }
    sample_stored_begin(&writer, 0);
    assert_true(sample_length(&writer) > 1000);
    tow_inflater *inflater = inflater_new(15, false);
    tow_buffer out = {0};
    assert_int_equal(inflate_whole(inflater, writer.bytes, sample_length(&writer), &out), 0);
    assert_int_equal(out.length, 2000 + 9 * 3);
    assert_int_equal(out.data[400], 0);
    assert_int_equal(out.data[402], 2);
    tow_buffer_clear(&out);
    tow_inflater_free(inflater);
}

static void many_final_blocks_cost_no_more_than_others(void **state) {
    (void)state;
    enum { BLOCKS = 200000 };
    tow_inflater *inflater = inflater_new(15, true);
    uint8_t *data = malloc(40000);
    sample_fill(data, 40000, SAMPLE_NOISE, 1);
    tow_buffer message = compressed(data, 40000, 15);
    free(data);
    tow_buffer out = {0};
    assert_int_equal(inflate_whole(inflater, message.data, message.length, &out), 0); /* fills the window */
    message.length = 0;
    for (int i = 0; i < BLOCKS; i++)
        assert_int_equal(tow_buffer_append(&message, "\x03\x00", 2), 0);
    assert_int_equal(tow_buffer_append(&message, "", 1), 0);
    clock_t before = clock();
    assert_int_equal(inflate_whole(inflater, message.data, message.length, &out), 0);
    assert_in_range(clock() - before, 0,
        CLOCKS_PER_SEC); /* it takes a hundredth; copying the window each time takes more */
    assert_int_equal(out.length, 0);
    tow_buffer_clear(&message);
    tow_buffer_clear(&out);
    tow_inflater_free(inflater);
}

static void *counted_malloc(size_t size) {
    return malloc(size);
}

static void counted_free(void *memory) {
    free(memory);
}

/* Returns the first error, 0 if none. */
static int inflate_once(bool takeover, size_t piece, const tow_buffer *message) {
    tow_inflater *inflater = NULL;
    tow_buffer out = {0};
    int error = tow_inflater_new(&inflater, 15, takeover);
    for (int i = 0; i < 2 && error == 0; i++)
        error = inflate_pieces(inflater, message->data, message->length, piece, NO_LIMIT, &out);
    tow_inflater_free(inflater);
    tow_buffer_clear(&out);
    return error;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    static uint8_t data[100000];
    tow_buffer message = compressed(data, sizeof(data), 15);
    sample_fill(data, sizeof(data), SAMPLE_TEXT, 1);
    tow_buffer text = compressed(data, sizeof(data), 15);
    assert_int_equal(tow_buffer_append(&message, "\x00\x00\xff\xff", 4), 0);
    assert_int_equal(tow_buffer_append(&message, text.data, text.length), 0);
    libdeflate_set_memory_allocator(counted_malloc, counted_free);
    for (int kind = 0; kind < 4; kind++) {
        bool takeover = kind % 2;
        size_t piece = kind / 2 ? NO_LIMIT : 1000;
        long outstanding = allocation_outstanding();
        allocation_fail_at(0);
        assert_int_equal(inflate_once(takeover, piece, &message), 0);
        size_t allocations = allocation_count();
        assert_in_range(allocations, 4, 50);
        for (size_t i = 1; i <= allocations; i++) {
            allocation_fail_at(i);
            int error = inflate_once(takeover, piece, &message);
            allocation_fail_at(0);
            assert_int_equal(error, TOW_ERROR_MEMORY);
            assert_int_equal(allocation_outstanding(), outstanding);
        }
    }
    tow_buffer_clear(&text);
    tow_buffer_clear(&message);
}

static void parts_of_any_size_make_the_same_message(void **state) {
    static const size_t rooms[] = {1, 2, 3, 5, 7, 1000};
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        for (size_t cut = 0; cut <= examples[i].length; cut++) {
            for (size_t j = 0; j < sizeof(rooms) / sizeof(rooms[0]); j++) {
                tow_inflater *inflater = inflater_new(15, j % 2);
                tow_buffer out = {0};
                for (int again = 0; again < 2; again++) {
                    int error =
                        inflate_parts(inflater, examples[i].bytes, examples[i].length, cut, rooms[j], &out);
                    assert_int_equal(error, 0);
                    assert_text(&out, examples[i].text);
                }
                tow_buffer_clear(&out);
                tow_inflater_free(inflater);
            }
        }
    }
}

static void parts_of_what_is_not_compressed_data_fail(void **state) {
    static const char *const bad[] = {"\xff\xff", "\xf2\x48", "\x00\x05\x00\x00\x00"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tow_inflater *inflater = inflater_new(15, false);
        tow_buffer out = {0};
        size_t length = i == 2 ? 5 : 2;
        assert_int_equal(inflate_parts(inflater, bad[i], length, 1, 10, &out), TOW_ERROR_COMPRESSED_DATA);
        tow_inflater_reset(inflater);
        assert_int_equal(inflate_parts(inflater, examples[0].bytes, examples[0].length, 2, 3, &out), 0);
        assert_text(&out, examples[0].text);
        tow_buffer_clear(&out);
        tow_inflater_free(inflater);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_any_size_make_the_same_message),
        cmocka_unit_test(parts_of_what_is_not_compressed_data_fail),
        cmocka_unit_test(the_messages_of_the_standard_are_read),
        cmocka_unit_test(the_messages_of_the_standard_may_be_cut_anywhere),
        cmocka_unit_test(with_takeover_a_message_refers_to_those_before),
        cmocka_unit_test(without_takeover_a_message_refers_to_none_before),
        cmocka_unit_test(a_final_block_does_not_end_the_context),
        cmocka_unit_test(messages_may_be_cut_anywhere),
        cmocka_unit_test(the_limit_is_exact),
        cmocka_unit_test(the_limit_counts_what_stands_in_the_buffer),
        cmocka_unit_test(a_bomb_takes_no_more_memory_than_the_limit),
        cmocka_unit_test(what_is_no_deflate_stream_is_refused),
        cmocka_unit_test(a_truncated_message_is_refused),
        cmocka_unit_test(references_beyond_the_window_are_refused),
        cmocka_unit_test(a_long_message_with_final_blocks_is_read),
        cmocka_unit_test(many_final_blocks_cost_no_more_than_others),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
