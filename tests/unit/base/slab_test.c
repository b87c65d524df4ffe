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

/* Numbers of a row of slots. */
static void take_many(tow_slab *slab, uint32_t *numbers, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        assert_non_null(tow_slab_take(slab, &numbers[i]));
}

static size_t count_blocks(const tow_slab *slab) {
    size_t count = 0;
    for (uint32_t i = 0; i < slab->block_count; i++)
        count += slab->blocks[i] != NULL;
    return count;
}

static void memory_of_empty_blocks_is_given_back(void **state) {
    (void)state;
    enum { BLOCKS = 10, COUNT = BLOCKS * TOW_SLAB_BLOCK };
    static uint32_t numbers[COUNT];
    tow_slab slab;
    tow_slab_init(&slab, 16);
    for (int round = 0; round < 3; round++) {
        take_many(&slab, numbers, COUNT);
        assert_int_equal(count_blocks(&slab), BLOCKS);
        for (uint32_t i = 0; i < COUNT; i++) /* one stays, amid all */
            if (i != COUNT / 2)
                tow_slab_give(&slab, numbers[i]);
        assert_int_equal(slab.used, 1);
        assert_int_equal(count_blocks(&slab), 2); /* that of the one, and another */
        tow_slab_give(&slab, numbers[COUNT / 2]);
        assert_int_equal(count_blocks(&slab), 1);
    }
    tow_slab_clear(&slab);
}

static void what_has_no_memory_is_not_found(void **state) {
    (void)state;
    enum { COUNT = 3 * TOW_SLAB_BLOCK };
    static uint32_t numbers[COUNT];
    tow_slab slab;
    tow_slab_init(&slab, 16);
    assert_null(tow_slab_find(&slab, 0));
    take_many(&slab, numbers, COUNT - 1);
    for (uint32_t i = 0; i < COUNT - 1; i++)
        assert_ptr_equal(tow_slab_find(&slab, i), tow_slab_at(&slab, i));
    assert_null(tow_slab_find(&slab, COUNT - 1));
    assert_null(tow_slab_find(&slab, UINT32_MAX));
    for (uint32_t i = 0; i < 2 * TOW_SLAB_BLOCK; i++)
        tow_slab_give(&slab, i);
    assert_null(tow_slab_find(&slab, TOW_SLAB_BLOCK)); /* the lower one of the two stays */
    assert_non_null(tow_slab_find(&slab, 0));
    assert_non_null(tow_slab_find(&slab, 2 * TOW_SLAB_BLOCK));
    tow_slab_clear(&slab);
}

/* Chance against what a list remembers. */
static void slots_are_whose_they_are(void **state) {
    (void)state;
    enum { MOST = 2000, STEPS = 200000 };
    static uint32_t numbers[MOST];
    static uint32_t *slots[MOST];
    tow_slab slab;
    uint32_t count = 0, most = MOST, chance = 1;
    tow_slab_init(&slab, 8);
    for (uint32_t step = 0; step < STEPS; step++) {
        chance = chance * 1664525 + 1013904223;
        most = step % 5000 == 0 ? (chance >> 8) % MOST : most; /* it fills, and empties, again and again */
        if (count < most) {
            slots[count] = tow_slab_take(&slab, &numbers[count]);
            assert_int_equal(slots[count][0], 0);
            *slots[count] = numbers[count];
            count++;
        } else if (count > 0) {
            uint32_t gone = (chance >> 8) % count;
            assert_int_equal(*slots[gone], numbers[gone]);
            assert_ptr_equal(tow_slab_find(&slab, numbers[gone]), slots[gone]);
            tow_slab_give(&slab, numbers[gone]);
            count--;
            slots[gone] = slots[count];
            numbers[gone] = numbers[count];
        }
        assert_int_equal(slab.used, count);
    }
    tow_slab_clear(&slab);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_never_move_and_are_zeroed),
        cmocka_unit_test(the_slot_freed_last_is_used_first),
        cmocka_unit_test(memory_of_empty_blocks_is_given_back),
        cmocka_unit_test(what_has_no_memory_is_not_found),
        cmocka_unit_test(slots_are_whose_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
