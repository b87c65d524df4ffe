#include "../unit.h"

#include "heap.h"

static const size_t mebibyte = 1024 * 1024;

static void what_lies_free_and_quiet_is_given_back_once(void **state) {
    (void)state;
    tow_heap heap = {0};
    assert_false(tow_heap_is_worth_it(&heap, 900 * mebibyte)); /* it has just become free */
    assert_true(tow_heap_is_worth_it(&heap, 900 * mebibyte));
    assert_false(tow_heap_is_worth_it(&heap, 900 * mebibyte));
    assert_false(tow_heap_is_worth_it(&heap, 900 * mebibyte + 1));
}

static void little_is_kept(void **state) {
    (void)state;
    tow_heap heap = {0};
    for (int i = 0; i < 3; i++)
        assert_false(tow_heap_is_worth_it(&heap, 64 * mebibyte - 1));
    assert_true(tow_heap_is_worth_it(&heap, 64 * mebibyte));
}

static void what_comes_and_goes_is_kept(void **state) {
    (void)state;
    tow_heap heap = {0};
    for (size_t i = 0; i < 10; i++)
        assert_false(tow_heap_is_worth_it(&heap, (i % 2 == 0 ? 200 : 900) * mebibyte));
}

static void what_was_used_again_is_given_back_again(void **state) {
    (void)state;
    tow_heap heap = {.seen = 900 * mebibyte};
    assert_true(tow_heap_is_worth_it(&heap, 900 * mebibyte));
    assert_false(tow_heap_is_worth_it(&heap, 100 * mebibyte));
    assert_false(tow_heap_is_worth_it(&heap, 900 * mebibyte));
    assert_true(tow_heap_is_worth_it(&heap, 900 * mebibyte));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_free_and_quiet_is_given_back_once),
        cmocka_unit_test(little_is_kept),
        cmocka_unit_test(what_comes_and_goes_is_kept),
        cmocka_unit_test(what_was_used_again_is_given_back_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
