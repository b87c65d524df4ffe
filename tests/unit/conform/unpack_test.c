#include "../unit.h"

#include "squeeze.h"
#include "unpack.h"

#include <towline/error.h>

/* Bytes written down by hand, or from the standards, as hexadecimal digits. */
static tow_buffer bytes_of(const char *hex) {
    tow_buffer out = {0};
    for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        assert_int_equal(tow_buffer_append(&out, &(uint8_t){(uint8_t)byte}, 1), 0);
    return out;
}

static void unpacks_to(const char *hex, const char *expected) {
    tow_buffer data = bytes_of(hex), out = {0};
    const char *why;
    if (!tow_conform_unpack(data.data, data.length, 32768, &out, &why))
        fail_msg("%s: %s", hex, why);
    assert_int_equal(out.length, strlen(expected));
    if (out.length > 0)
        assert_memory_equal(out.data, expected, out.length);
    tow_buffer_clear(&data);
    tow_buffer_clear(&out);
}

static void is_broken(const char *hex, size_t window, const char *expected) {
    tow_buffer data = bytes_of(hex), out = {0};
    const char *why = NULL;
    assert_false(tow_conform_unpack(data.data, data.length, window, &out, &why));
    assert_string_equal(why, expected);
    tow_buffer_clear(&data);
    tow_buffer_clear(&out);
}

/* RFC 7692, section 7.2.3, with the 00 00 ff ff that the receiver appends. */
static void the_examples_of_the_standard_are_read(void **state) {
    (void)state;
    unpacks_to("f248cdc9c907000000ffff", "Hello");
    unpacks_to("000500faff48656c6c6f000000ffff", "Hello");
    unpacks_to("f348cdc9c90700000000ffff", "Hello");
    unpacks_to("f24805000000ffffcac9c907000000ffff", "Hello");
    unpacks_to("000000ffff", "");
}

static void a_final_block_may_be_followed_by_another(void **state) {
    (void)state;
    unpacks_to("f348cdc9c90700f348cdc9c90700000000ffff", "HelloHello");
    unpacks_to("010500faff48656c6c6f", "Hello");
}

static void a_reference_may_overlap_itself(void **state) {
    (void)state;
    char expected[131] = "";
    memset(expected, 'a', 50);
    for (size_t i = 50; i < 130; i++)
        expected[i] = i % 2 == 0 ? 'a' : 'b';
    unpacks_to("4a4c241924511702000000ffff", expected);
}

static void what_is_not_deflate_is_refused(void **state) {
    (void)state;
    is_broken("06", 32768, "a block of a type that does not exist");
    is_broken("000500fbff48656c6c6f", 32768, "a stored block whose length contradicts itself");
    is_broken("000500faff4865", 32768, "the compressed data ends inside a block");
    is_broken("0005", 32768, "the compressed data ends inside a block");
    is_broken("02020000", 32768, "a reference to before the first byte");
    is_broken("fd4f00000000", 32768, "too many literal codes");
    is_broken("f2", 32768, "the compressed data ends inside a block");
}

/* All of DEFLATE that zlib writes, on data of several kinds. */
static void what_zlib_writes_is_read(void **state) {
    (void)state;
    enum { SIZE = 300000 };
    uint8_t *data = malloc(SIZE);
    assert_non_null(data);
    uint32_t chance = 1;
    for (size_t kind = 0; kind < 4; kind++) {
        for (size_t i = 0; i < SIZE; i++) {
            chance = chance * 1664525 + 1013904223;
            data[i] = kind == 0   ? (uint8_t)(chance >> 24)
                      : kind == 1 ? (uint8_t)("abcdefgh"[chance >> 29])
                      : kind == 2 ? (uint8_t)(i % 251)
                                  : (uint8_t)((chance >> 20 & 255) * (i / 1000 % 2));
        }
        for (int level = 0; level <= 9; level += 3) {
            squeeze both;
            tow_buffer packed = {0}, out = {0};
            const char *why = "";
            assert_int_equal(tow_conform_squeeze_init(&both, 15, true, 15, true), 0);
            assert_int_equal(tow_conform_squeeze_message(&both, data, SIZE, level, &packed), 0);
            if (!tow_conform_squeeze_read(&both, packed.data, packed.length, &out, &why))
                fail_msg("kind %zu, level %d: %s", kind, level, why);
            assert_int_equal(out.length, SIZE);
            assert_memory_equal(out.data, data, SIZE);
            tow_buffer_clear(&packed);
            tow_buffer_clear(&out);
            tow_conform_squeeze_clear(&both);
        }
    }
    free(data);
}

/* Random bytes that repeat: `period` is how far back a compressor can refer. */
static tow_buffer repeating(size_t length, size_t period) {
    tow_buffer out = {0};
    uint32_t chance = 7;
    assert_int_equal(tow_buffer_reserve(&out, length), 0);
    for (size_t i = 0; i < length; i++) {
        chance = chance * 1664525 + 1013904223;
        out.data[i] = i < period ? (uint8_t)(chance >> 24) : out.data[i - period];
    }
    out.length = length;
    return out;
}

static void a_window_is_as_small_as_agreed(void **state) {
    (void)state;
    for (int bits = 8; bits <= 14; bits++) {
        size_t window = (size_t)1 << bits;
        for (size_t period = window - 1; period <= window + 1; period++) {
            tow_buffer data = repeating(4 * window + 1000, period), packed = {0}, out = {0};
            squeeze writer, reader;
            const char *why = "";
            assert_int_equal(tow_conform_squeeze_init(&writer, 15, true, 15, true), 0);
            assert_int_equal(tow_conform_squeeze_init(&reader, 15, true, bits, true), 0);
            assert_int_equal(tow_conform_squeeze_message(&writer, data.data, data.length, 6, &packed), 0);
            bool right = tow_conform_squeeze_read(&reader, packed.data, packed.length, &out, &why);
            assert_int_equal(right, period <= window);
            if (!right)
                assert_string_equal(why, "a reference that reaches back beyond the agreed window");
            tow_buffer_clear(&data);
            tow_buffer_clear(&packed);
            tow_buffer_clear(&out);
            tow_conform_squeeze_clear(&writer);
            tow_conform_squeeze_clear(&reader);
        }
    }
}

/* A message, its compressed form after `before` others of the same, and what another side makes of it. */
static bool reads_after(bool writer_keeps, bool reader_keeps) {
    squeeze writer, reader;
    tow_buffer data = repeating(3000, 3000);
    const char *why;
    bool right = true;
    assert_int_equal(tow_conform_squeeze_init(&writer, 15, writer_keeps, 15, true), 0);
    assert_int_equal(tow_conform_squeeze_init(&reader, 15, true, 15, reader_keeps), 0);
    for (int i = 0; i < 3 && right; i++) {
        tow_buffer packed = {0}, out = {0};
        assert_int_equal(tow_conform_squeeze_message(&writer, data.data, data.length, 6, &packed), 0);
        right = tow_conform_squeeze_read(&reader, packed.data, packed.length, &out, &why);
        assert_true(!right || out.length == 3000);
        tow_buffer_clear(&packed);
        tow_buffer_clear(&out);
    }
    tow_buffer_clear(&data);
    tow_conform_squeeze_clear(&writer);
    tow_conform_squeeze_clear(&reader);
    return right;
}

static void context_is_taken_over_as_agreed(void **state) {
    (void)state;
    assert_true(reads_after(true, true));
    assert_true(reads_after(false, false));
    assert_true(reads_after(false, true));
    assert_false(reads_after(true, false));
}

static void an_empty_message_is_one_byte(void **state) {
    (void)state;
    squeeze both;
    assert_int_equal(tow_conform_squeeze_init(&both, 15, true, 15, true), 0);
    for (int i = 0; i < 3; i++) {
        tow_buffer packed = {0}, out = {0};
        const char *why;
        assert_int_equal(tow_conform_squeeze_message(&both, NULL, 0, 6, &packed), 0);
        assert_int_equal(packed.length, 1);
        assert_int_equal(packed.data[0], 0);
        assert_true(tow_conform_squeeze_read(&both, packed.data, packed.length, &out, &why));
        assert_int_equal(out.length, 0);
        tow_buffer_clear(&packed);
        tow_buffer_clear(&out);
    }
    tow_conform_squeeze_clear(&both);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_standard_are_read),
        cmocka_unit_test(a_final_block_may_be_followed_by_another),
        cmocka_unit_test(a_reference_may_overlap_itself),
        cmocka_unit_test(what_is_not_deflate_is_refused),
        cmocka_unit_test(what_zlib_writes_is_read),
        cmocka_unit_test(a_window_is_as_small_as_agreed),
        cmocka_unit_test(context_is_taken_over_as_agreed),
        cmocka_unit_test(an_empty_message_is_one_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
