#include "../unit.h"

#include "byte_range.h"

static void assert_part(const char *value, int64_t size, int64_t first, int64_t length) {
    tow_byte_range range = tow_byte_range_read(value, size);
    if (range.kind != TOW_BYTE_RANGE_PART || range.first != first || range.length != length)
        fail_msg(
            "%s: %d, %lld, %lld", value, (int)range.kind, (long long)range.first, (long long)range.length);
}

static void assert_whole(const char *value, int64_t size) {
    tow_byte_range range = tow_byte_range_read(value, size);
    if (range.kind != TOW_BYTE_RANGE_WHOLE || range.first != 0 || range.length != size)
        fail_msg(
            "%s: %d, %lld, %lld", value, (int)range.kind, (long long)range.first, (long long)range.length);
}

static void assert_unsatisfiable(const char *value, int64_t size) {
    tow_byte_range range = tow_byte_range_read(value, size);
    if (range.kind != TOW_BYTE_RANGE_UNSATISFIABLE)
        fail_msg(
            "%s: %d, %lld, %lld", value, (int)range.kind, (long long)range.first, (long long)range.length);
}

static void an_interval_is_from_first_to_last(void **state) {
    (void)state;
    assert_part("bytes=0-0", 10, 0, 1);
    assert_part("bytes=2-5", 10, 2, 4);
    assert_part("bytes=9-9", 10, 9, 1);
    assert_part("bytes=0-9", 10, 0, 10);
    assert_part("BYTES=1-2", 10, 1, 2);
    assert_part("bytes= 1-2 ", 10, 1, 2);
    assert_part("bytes=0001-002", 10, 1, 2);
}

static void an_interval_ends_with_the_file(void **state) {
    (void)state;
    assert_part("bytes=0-10", 10, 0, 10);
    assert_part("bytes=5-99", 10, 5, 5);
    assert_part("bytes=5-99999999999999999999999", 10, 5, 5);
    assert_part("bytes=0-", 10, 0, 10);
    assert_part("bytes=9-", 10, 9, 1);
}

static void a_suffix_is_the_end_of_the_file(void **state) {
    (void)state;
    assert_part("bytes=-1", 10, 9, 1);
    assert_part("bytes=-10", 10, 0, 10);
    assert_part("bytes=-11", 10, 0, 10);
    assert_part("bytes=-99999999999999999999999", 10, 0, 10);
}

static void beyond_the_end_is_unsatisfiable(void **state) {
    (void)state;
    assert_unsatisfiable("bytes=10-", 10);
    assert_unsatisfiable("bytes=10-20", 10);
    assert_unsatisfiable("bytes=99999999999999999999999-", 10);
    assert_unsatisfiable("bytes=-0", 10);
    assert_unsatisfiable("bytes=0-", 0);
    assert_unsatisfiable("bytes=0-0", 0);
}

static void the_end_of_an_empty_file_is_all_of_it(void **state) {
    (void)state;
    assert_whole("bytes=-5", 0);
}

static void offsets_beyond_4_gib_are_kept(void **state) {
    (void)state;
    assert_part("bytes=4294967296-4294967297", INT64_C(1) << 40, INT64_C(4294967296), 2);
    assert_part("bytes=-1", INT64_MAX, INT64_MAX - 1, 1);
    assert_part("bytes=0-9223372036854775807", INT64_MAX, 0, INT64_MAX);
    assert_part("bytes=0-9223372036854775806", INT64_MAX, 0, INT64_MAX);
}

static void what_is_not_one_range_of_bytes_is_ignored(void **state) {
    (void)state;
    assert_int_equal(tow_byte_range_read(NULL, 10).kind, TOW_BYTE_RANGE_WHOLE);
    assert_int_equal(tow_byte_range_read(NULL, 10).length, 10);
    static const char *const ignored[] = {"", "bytes", "bytes=", "bytes 0-1", "lines=0-1", "bytes=0",
        "bytes=-", "bytes=--1", "bytes=+1-2", "bytes=a-b", "bytes=2-1", "bytes=1-2x", "bytes=1 -2",
        "bytes=1-2-3", "bytes=0-1,3-4", "bytes=0-,-1", "bytes=0-1,", "bytes=,0-1", "bytes=0x1-2", "bytes=-1,",
        "bytes=- 1"};
    for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
        assert_whole(ignored[i], 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interval_is_from_first_to_last),
        cmocka_unit_test(an_interval_ends_with_the_file),
        cmocka_unit_test(a_suffix_is_the_end_of_the_file),
        cmocka_unit_test(beyond_the_end_is_unsatisfiable),
        cmocka_unit_test(the_end_of_an_empty_file_is_all_of_it),
        cmocka_unit_test(offsets_beyond_4_gib_are_kept),
        cmocka_unit_test(what_is_not_one_range_of_bytes_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
