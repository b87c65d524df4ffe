#include "../unit.h"

#include "protocol/mask.h"
#include "utf8_reference.h"

#include <sys/mman.h>
#include <unistd.h>

enum { LENGTH_MAX = 300 };

static uint64_t next_random(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void fill_random(uint8_t *bytes, size_t length, uint64_t *seed) {
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(next_random(seed) >> 32);
}

/* RFC 6455, section 5.3. */
static void mask_simply(uint8_t *bytes, size_t length, const uint8_t key[4], uint64_t phase) {
    for (size_t i = 0; i < length; i++)
        bytes[i] ^= key[(phase + i) % 4];
}

#define EACH_IMPLEMENTATION(name)                                                                            \
    const tow_mask_implementation *name;                                                                     \
    for (size_t at_##name = 0; (name = tow_mask_implementation_at(at_##name)) != NULL; at_##name++)

static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};

static void the_plain_implementation_is_the_first(void **state) {
    (void)state;
    assert_string_equal(tow_mask_implementation_at(0)->name, "plain");
    size_t count = 0;
    EACH_IMPLEMENTATION(implementation)
    count++;
    assert_in_range(count, 1, 4);
    assert_null(tow_mask_implementation_at(count));
    assert_null(tow_mask_implementation_at(1000));
}

/* Masking. */

static void check_mask(
    const tow_mask_implementation *implementation, size_t length, size_t offset, uint64_t phase) {
    uint8_t bytes[LENGTH_MAX + 64 + 16], expected[sizeof(bytes)];
    uint64_t seed = 1 + length * 64 + offset;
    fill_random(bytes, length + offset + 16, &seed);
    memcpy(expected, bytes, length + offset + 16);
    mask_simply(expected + offset, length, key, phase);
    implementation->mask(bytes + offset, length, key, phase);
    if (memcmp(bytes, expected, length + offset + 16) != 0)
        fail_msg("%s: %zu bytes at %zu, phase %llu", implementation->name, length, offset,
            (unsigned long long)phase);
}

static void masking_is_the_same_at_each_length_alignment_and_phase(void **state) {
    (void)state;
    EACH_IMPLEMENTATION(implementation) {
        for (size_t length = 0; length <= LENGTH_MAX; length++) {
            for (size_t offset = 0; offset < 64; offset++)
                check_mask(implementation, length, offset, (length + offset) % 4);
            for (uint64_t phase = 0; phase < 4; phase++) {
                check_mask(implementation, length, 1, phase);
                check_mask(implementation, length, 1, UINT64_MAX - phase);
                check_mask(implementation, length, 1, (UINT64_C(1) << 40) + phase);
            }
        }
    }
}

static void a_masked_copy_is_the_bytes_masked(void **state) {
    (void)state;
    uint8_t from[LENGTH_MAX], to[LENGTH_MAX + 64 + 16], expected[sizeof(to)];
    uint64_t seed = 5;
    fill_random(from, sizeof(from), &seed);
    EACH_IMPLEMENTATION(implementation) {
        for (size_t length = 0; length <= LENGTH_MAX; length++) {
            for (size_t offset = 0; offset < 64; offset += 7) {
                fill_random(to, sizeof(to), &seed);
                memcpy(expected, to, sizeof(to));
                memcpy(expected + offset, from, length);
                mask_simply(expected + offset, length, key, 0);
                implementation->mask_copy(to + offset, from, length, key);
                assert_memory_equal(to, expected, sizeof(to));
            }
        }
    }
}

static void masking_twice_gives_the_bytes_back(void **state) {
    (void)state;
    uint64_t seed = 9;
    static uint8_t bytes[100000], expected[sizeof(bytes)];
    fill_random(bytes, sizeof(bytes), &seed);
    memcpy(expected, bytes, sizeof(bytes));
    tow_mask(bytes, sizeof(bytes), key, 3);
    assert_memory_not_equal(bytes, expected, sizeof(bytes));
    tow_mask(bytes, 33333, key, 3);
    tow_mask(bytes + 33333, sizeof(bytes) - 33333, key, 3 + 33333);
    assert_memory_equal(bytes, expected, sizeof(bytes));
}

/* UTF-8. */

/* Checks a text given in two pieces, in both ways, against the verdict. */
static void check_pieces(
    const tow_mask_implementation *implementation, const uint8_t *text, size_t length, size_t cut) {
    struct utf8_verdict verdict = utf8_judge(text, length);
    uint8_t masked[2048];
    assert_true(length <= sizeof(masked));
    memcpy(masked, text, length);
    mask_simply(masked, length, key, 1);
    tow_utf8_state checked = 0, unmasked = 0, plain = 0;
    bool first = implementation->utf8_check(&checked, text, cut);
    bool first_unmasked = implementation->unmask_utf8(masked, cut, key, 1, &unmasked);
    if (first != (verdict.first_bad >= cut) || first_unmasked != first)
        fail_msg("%s: %zu bytes, bad at %zu, cut at %zu: %d and %d", implementation->name, length,
            verdict.first_bad, cut, first, first_unmasked);
    if (!first)
        return;
    assert_true(tow_mask_implementation_at(0)->utf8_check(&plain, text, cut));
    assert_int_equal(checked, plain);
    assert_int_equal(unmasked, plain);
    bool second = implementation->utf8_check(&checked, text + cut, length - cut);
    bool second_unmasked = implementation->unmask_utf8(masked + cut, length - cut, key, 1 + cut, &unmasked);
    bool valid = verdict.first_bad == length;
    if (second != valid || second_unmasked != valid)
        fail_msg("%s: %zu bytes, bad at %zu, second piece from %zu: %d and %d", implementation->name, length,
            verdict.first_bad, cut, second, second_unmasked);
    if (!valid)
        return;
    assert_int_equal(checked != 0, verdict.incomplete);
    assert_int_equal(unmasked, checked);
    assert_memory_equal(masked, text, length);
}

static const char *const bad_sequences[] = {
    "\x80", "\xbf", "\x80\x80", "\x80\x80\x80\x80",                 /* a continuation alone */
    "\xc0\x80", "\xc0\xaf", "\xc1\xbf", "\xc1x",                    /* overlong, two bytes */
    "\xe0\x80\x80", "\xe0\x80\xaf", "\xe0\x9f\xbf",                 /* overlong, three bytes */
    "\xf0\x80\x80\x80", "\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf",     /* overlong, four bytes */
    "\xed\xa0\x80", "\xed\xaf\xbf", "\xed\xb0\x80", "\xed\xbf\xbf", /* surrogates */
    "\xf4\x90\x80\x80", "\xf4\xbf\xbf\xbf", "\xf5\x80\x80\x80", "\xf7\xbf\xbf\xbf",   /* above U+10FFFF */
    "\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80", "\xfe", "\xff", "\xff\xff",   /* lead bytes of old */
    "\xc2x", "\xdfx", "\xe1x", "\xe1\x80x", "\xe0\xa0x", "\xedx", "\xed\x80x",        /* too short */
    "\xf0x", "\xf0\x90x", "\xf0\x90\x80x", "\xf3\x80x", "\xf4\x80x", "\xf4\x8f\xbfx", /* too short */
    "\xc2\xc2\x80", "\xe1\xe1\x80\x80", "\xe1\x80\xe1\x80\x80", "\xf1\x80\x80\xf1\x80\x80\x80",
    "\xc2\x80\x80", "\xe1\x80\x80\x80", "\xf1\x80\x80\x80\x80", /* too long */
};
enum { BAD_COUNT = sizeof(bad_sequences) / sizeof(bad_sequences[0]) };

static const char *const fillings[] = {
    "x", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x9a\xa2", "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\xa2"};
enum { FILLING_COUNT = sizeof(fillings) / sizeof(fillings[0]) };

/* Characters of the filling up to `length`, and letters where none fits any more. */
static void fill_text(uint8_t *text, size_t length, const char *filling) {
    size_t size = strlen(filling);
    size_t at = 0;
    for (; at + size <= length; at += size)
        memcpy(text + at, filling, size);
    memset(text + at, 'x', length - at);
}

/* The bad sequence at `at` of a text; whole characters before and behind it. */
static size_t bad_text(uint8_t *text, const char *bad, const char *filling, size_t at, size_t behind) {
    size_t size = strlen(bad);
    fill_text(text, at, filling);
    memcpy(text + at, bad, size);
    fill_text(text + at + size, behind, filling);
    return at + size + behind;
}

static void a_bad_sequence_fails_at_each_position_at_its_first_bad_byte(void **state) {
    (void)state;
    uint8_t text[400];
    EACH_IMPLEMENTATION(implementation) {
        for (size_t bad = 0; bad < BAD_COUNT; bad++) {
            for (size_t at = 0; at <= 2 * 64 + 8; at++) {
                size_t length =
                    bad_text(text, bad_sequences[bad], fillings[at % FILLING_COUNT], at, at * 7 % 139);
                size_t size = strlen(bad_sequences[bad]);
                for (size_t cut = at; cut <= at + size && cut <= length; cut++)
                    check_pieces(implementation, text, length, cut);
                check_pieces(implementation, text, length, 0);
            }
        }
    }
}

static void a_bad_sequence_fails_however_the_text_is_cut(void **state) {
    (void)state;
    uint8_t text[400];
    EACH_IMPLEMENTATION(implementation) {
        for (size_t bad = 0; bad < BAD_COUNT; bad++) {
            size_t length = bad_text(text, bad_sequences[bad], fillings[4], 70 + bad, 150);
            for (size_t cut = 0; cut <= length; cut++)
                check_pieces(implementation, text, length, cut);
        }
    }
}

static void valid_texts_of_each_length_are_valid_however_they_are_cut(void **state) {
    (void)state;
    uint8_t text[LENGTH_MAX];
    EACH_IMPLEMENTATION(implementation) {
        for (size_t length = 0; length <= LENGTH_MAX; length++) {
            fill_text(text, length, fillings[length % FILLING_COUNT]);
            for (size_t cut = 0; cut <= length; cut += length < 150 ? 1 : 7)
                check_pieces(implementation, text, length, cut);
        }
    }
}

/* What the piece's end shows is bad must not wait for the next piece. */
static void an_impossible_end_of_a_piece_fails_at_once(void **state) {
    (void)state;
    static const char *const ends[] = {"\xe0\x80", "\xe0\x9f", "\xed\xa0", "\xf0\x8f", "\xf4\x90", "\xf5",
        "\xc0", "\xc1", "\xff", "\xe1\x80\xc0", "\xf0\x90\xf5"};
    uint8_t text[200];
    EACH_IMPLEMENTATION(implementation) {
        for (size_t end = 0; end < sizeof(ends) / sizeof(ends[0]); end++) {
            for (size_t at = 0; at < 140; at++) {
                size_t length = bad_text(text, ends[end], fillings[at % FILLING_COUNT], at, 0);
                tow_utf8_state checked = 0;
                assert_false(implementation->utf8_check(&checked, text, length));
                check_pieces(implementation, text, length, length - 1);
            }
        }
    }
}

/* Checks the sequence at the end of a text, and with letters behind it, on all implementations. */
static void check_sequence(const uint8_t *sequence, size_t size) {
    enum { BEFORE = 62 };
    uint8_t text[BEFORE + 4 + 64];
    memset(text, 'x', sizeof(text));
    memcpy(text + BEFORE, sequence, size);
    struct utf8_verdict verdict = utf8_judge(sequence, size);
    bool possible = verdict.first_bad == size;
    EACH_IMPLEMENTATION(implementation) {
        tow_utf8_state ending = 0, going_on = 0;
        bool end = implementation->utf8_check(&ending, text, BEFORE + size);
        bool on = implementation->utf8_check(&going_on, text, sizeof(text));
        if (end != possible || (end && (ending != 0) != verdict.incomplete) ||
            on != (possible && !verdict.incomplete))
            fail_msg("%s: %zu bytes, %02x %02x %02x %02x", implementation->name, size, sequence[0],
                sequence[1], sequence[2], sequence[3]);
    }
}

static void all_sequences_of_one_to_three_bytes_are_judged_rightly(void **state) {
    (void)state;
    const unsigned step = unit_step(8);
    uint8_t sequence[4] = {0};
    for (unsigned first = 0; first < 256; first++) {
        sequence[0] = (uint8_t)first;
        check_sequence(sequence, 1);
        for (unsigned second = 0; second < 256; second++) {
            sequence[1] = (uint8_t)second;
            check_sequence(sequence, 2);
            for (unsigned third = (first + second) % step; third < 256; third += step) {
                sequence[2] = (uint8_t)third;
                check_sequence(sequence, 3);
            }
        }
    }
}

static void sequences_of_four_bytes_are_judged_rightly_at_all_bounds(void **state) {
    (void)state;
    const unsigned step = unit_step(5);
    static const uint8_t bounds[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2,
        0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff};
    enum { COUNT = sizeof(bounds) };
    for (unsigned first = 0xe0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            for (unsigned rest = (first + second) % step; rest < COUNT * COUNT; rest += step) {
                uint8_t sequence[4] = {
                    (uint8_t)first, (uint8_t)second, bounds[rest / COUNT], bounds[rest % COUNT]};
                check_sequence(sequence, 4);
            }
        }
    }
}

/* Random texts, most of them nearly valid. */
static size_t random_text(uint8_t *text, size_t limit, uint64_t *seed) {
    size_t length = 0;
    size_t wanted = next_random(seed) % limit;
    while (length + 8 < wanted) {
        const char *piece = fillings[next_random(seed) % FILLING_COUNT];
        if (next_random(seed) % 150 == 0)
            piece = bad_sequences[next_random(seed) % BAD_COUNT];
        size_t size = strlen(piece);
        if (length + size > wanted)
            break;
        memcpy(text + length, piece, size);
        length += size;
    }
    if (length > 0 && next_random(seed) % 8 == 0)
        text[next_random(seed) % length] = (uint8_t)next_random(seed);
    return length;
}

static void random_texts_are_judged_rightly(void **state) {
    (void)state;
    uint8_t text[2048];
    uint64_t seed = 77;
    for (int i = 0; i < 60000; i += (int)unit_step(5)) {
        size_t length = random_text(text, i % 16 == 0 ? sizeof(text) : 320, &seed);
        size_t cut = next_random(&seed) % (length + 1);
        EACH_IMPLEMENTATION(implementation)
        check_pieces(implementation, text, length, cut);
    }
}

static void a_whole_text_must_end_with_a_character(void **state) {
    (void)state;
    assert_true(tow_utf8_valid("", 0));
    assert_true(tow_utf8_valid("\xf0\x9f\x9a\xa2", 4));
    assert_false(tow_utf8_valid("\xf0\x9f\x9a\xa2", 3));
    assert_false(tow_utf8_valid("\xf0\x9f\x9a\xa2", 1));
}

static void the_chosen_functions_do_as_the_implementations_do(void **state) {
    (void)state;
    uint8_t text[200], masked[200];
    fill_text(text, sizeof(text), fillings[4]);
    tow_mask_copy(masked, text, sizeof(text), key);
    tow_utf8_state checked = 0;
    assert_true(tow_unmask_utf8(masked, 101, key, 0, &checked));
    assert_true(tow_unmask_utf8(masked + 101, 99, key, 101, &checked));
    assert_int_equal(checked, 0);
    assert_memory_equal(masked, text, sizeof(text));
    text[150] = 0xff;
    assert_false(tow_utf8_valid(text, sizeof(text)));
}

/* Memory between two pages that must not be touched. */
struct guarded {
    uint8_t *pages;
    size_t page;
};

static struct guarded guard(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *pages = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages, page, PROT_NONE), 0);
    assert_int_equal(mprotect(pages + 2 * page, page, PROT_NONE), 0);
    return (struct guarded){pages, page};
}

static void run_all(const tow_mask_implementation *implementation, uint8_t *bytes, size_t length) {
    uint8_t copy[LENGTH_MAX];
    tow_utf8_state checked = 0, unmasked = 0;
    implementation->mask(bytes, length, key, 0);
    implementation->mask_copy(copy, bytes, length, key);
    implementation->mask_copy(bytes, copy, length, key);
    assert_true(implementation->unmask_utf8(bytes, length, key, 0, &unmasked));
    assert_true(implementation->utf8_check(&checked, bytes, length));
    assert_int_equal(checked, unmasked);
}

static void nothing_is_touched_before_or_behind_the_bytes(void **state) {
    (void)state;
    struct guarded guarded = guard();
    uint8_t *start = guarded.pages + guarded.page;
    EACH_IMPLEMENTATION(implementation) {
        for (size_t length = 0; length <= LENGTH_MAX; length++) {
            fill_text(start, length, fillings[length % FILLING_COUNT]);
            run_all(implementation, start, length);
            uint8_t *at_end = start + guarded.page - length;
            fill_text(at_end, length, fillings[length % FILLING_COUNT]);
            run_all(implementation, at_end, length);
        }
    }
    munmap(guarded.pages, 3 * guarded.page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plain_implementation_is_the_first),
        cmocka_unit_test(masking_is_the_same_at_each_length_alignment_and_phase),
        cmocka_unit_test(a_masked_copy_is_the_bytes_masked),
        cmocka_unit_test(masking_twice_gives_the_bytes_back),
        cmocka_unit_test(a_bad_sequence_fails_at_each_position_at_its_first_bad_byte),
        cmocka_unit_test(a_bad_sequence_fails_however_the_text_is_cut),
        cmocka_unit_test(valid_texts_of_each_length_are_valid_however_they_are_cut),
        cmocka_unit_test(an_impossible_end_of_a_piece_fails_at_once),
        cmocka_unit_test(all_sequences_of_one_to_three_bytes_are_judged_rightly),
        cmocka_unit_test(sequences_of_four_bytes_are_judged_rightly_at_all_bounds),
        cmocka_unit_test(random_texts_are_judged_rightly),
        cmocka_unit_test(a_whole_text_must_end_with_a_character),
        cmocka_unit_test(the_chosen_functions_do_as_the_implementations_do),
        cmocka_unit_test(nothing_is_touched_before_or_behind_the_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
