#include "../unit.h"

#include "hub/position.h"

#include <towline/error.h>

static void assert_same(uint64_t epoch, uint64_t number, const char *text) {
    char written[TOW_POSITION_TEXT_SIZE];
    tow_position position = {epoch, number};
    tow_position read;
    assert_int_equal(tow_position_write(written, &position), strlen(text));
    assert_string_equal(written, text);
    assert_int_equal(tow_position_read(&read, tow_slice_from(text)), 0);
    assert_true(read.epoch == epoch && read.number == number);
}

static void what_is_written_is_read(void **state) {
    (void)state;
    assert_same(1, 0, "AAAAAAAAAAB:0");
    assert_same(UINT64_MAX, UINT64_MAX, "P__________:18446744073709551615");
    assert_same(UINT64_C(1) << 63, 17, "IAAAAAAAAAA:17");
}

static void nothing_else_is_read(void **state) {
    (void)state;
    static const char *const texts[] = {"", ":", "AAAAAAAAAAB", "AAAAAAAAAAB:", "AAAAAAAAAAA:1",
        "AAAAAAAAAB:1", "AAAAAAAAAAB:01", "AAAAAAAAAAB: 1", "AAAAAAAAAAB:+1", "AAAAAAAAAAB:1x",
        "AAAAAAAAAA=:1", "Q__________:1", "AAAAAAAAAAB:18446744073709551616",
        "AAAAAAAAAAB:99999999999999999999", "AAAAAAAAAAB:100000000000000000000"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        tow_position position = {7, 7};
        assert_int_equal(tow_position_read(&position, tow_slice_from(texts[i])), TOW_ERROR_ARGUMENT);
        assert_true(position.epoch == 7 && position.number == 7);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(nothing_else_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
