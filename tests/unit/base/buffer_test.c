#include "../unit.h"

#include "base/buffer.h"

static void an_empty_buffer_owns_nothing(void **state) {
    (void)state;
    tow_buffer buffer = {0};
    tow_buffer_clear(&buffer);
    tow_buffer_clear(&buffer);
    assert_null(buffer.data);
}

static void appended_bytes_stand_in_order(void **state) {
    (void)state;
    tow_buffer buffer = {0};
    for (int i = 0; i < 1000; i++)
        assert_int_equal(tow_buffer_append_format(&buffer, "%03d", i), 0);
    assert_int_equal(buffer.length, 3000);
    assert_memory_equal(buffer.data + 2997, "999", 3);
    tow_buffer_consume(&buffer, 2997);
    assert_int_equal(buffer.length, 3);
    assert_memory_equal(buffer.data, "999", 3);
    tow_buffer_clear(&buffer);
}

static void a_size_that_overflows_is_an_error(void **state) {
    (void)state;
    tow_buffer buffer = {0};
    assert_int_equal(tow_buffer_append_text(&buffer, "x"), 0);
    assert_true(tow_buffer_reserve(&buffer, SIZE_MAX) < 0);
    assert_int_equal(buffer.length, 1);
    tow_buffer_clear(&buffer);
}

static void an_exact_reservation_takes_no_more(void **state) {
    (void)state;
    tow_buffer buffer = {0};
    assert_int_equal(tow_buffer_reserve_exactly(&buffer, 100), 0);
    assert_int_equal(buffer.capacity, 100);
    assert_int_equal(tow_buffer_reserve_exactly(&buffer, 99), 0);
    assert_int_equal(buffer.capacity, 100);
    assert_int_equal(tow_buffer_append_text(&buffer, "x"), 0);
    assert_int_equal(tow_buffer_reserve_exactly(&buffer, 100), 0);
    assert_int_equal(buffer.capacity, 101);
    assert_true(tow_buffer_reserve_exactly(&buffer, SIZE_MAX) < 0);
    tow_buffer_clear(&buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_owns_nothing),
        cmocka_unit_test(appended_bytes_stand_in_order),
        cmocka_unit_test(a_size_that_overflows_is_an_error),
        cmocka_unit_test(an_exact_reservation_takes_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
