#include "../unit.h"

#include "base/slab.h"

static void slots_never_move_and_are_zeroed(void **state) {
    (void)state;
    tow_slab slab;
    tow_slab_init(&slab, 24);
    void *address[2000];
    for (uint32_t i = 0; i < 2000; i++) {
        uint32_t number;
        address[i] = tow_slab_take(&slab, &number);
        assert_int_equal(number, i);
        assert_int_equal(*(uint64_t *)address[i], 0);
        memset(address[i], 0xff, 24);
    }
    for (uint32_t i = 0; i < 2000; i++)
        assert_ptr_equal(tow_slab_at(&slab, i), address[i]);
    tow_slab_clear(&slab);
}

static void the_slot_freed_last_is_used_first(void **state) {
    (void)state;
    tow_slab slab;
    tow_slab_init(&slab, 8);
    uint32_t number;
    for (int i = 0; i < 3; i++)
        assert_non_null(tow_slab_take(&slab, &number));
    tow_slab_give(&slab, 0);
    tow_slab_give(&slab, 2);
    assert_non_null(tow_slab_take(&slab, &number));
    assert_int_equal(number, 2);
    assert_non_null(tow_slab_take(&slab, &number));
    assert_int_equal(number, 0);
    assert_non_null(tow_slab_take(&slab, &number));
    assert_int_equal(number, 3);
    assert_int_equal(slab.used, 4);
    tow_slab_clear(&slab);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_never_move_and_are_zeroed),
        cmocka_unit_test(the_slot_freed_last_is_used_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
