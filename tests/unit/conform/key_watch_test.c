#include "../unit.h"

#include "key_watch.h"

/* What is found in keys that a function makes of their number. */
static const char *found_in(uint32_t (*make)(uint32_t number), uint32_t count) {
    key_watch watch = {0};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t key = make(i);
        uint8_t bytes[4] = {(uint8_t)(key >> 24), (uint8_t)(key >> 16), (uint8_t)(key >> 8), (uint8_t)key};
        const char *what = tow_conform_key_watch_add(&watch, bytes);
        if (what != NULL)
            return what;
    }
    return NULL;
}

/* The finishing steps of MurmurHash3: each number gives another key. */
static uint32_t random_key(uint32_t number) {
    number = (number ^ number >> 16) * 0x85ebca6b;
    number = (number ^ number >> 13) * 0xc2b2ae35;
    return number ^ number >> 16;
}

static uint32_t constant(uint32_t number) {
    return number * 0 + 0x37fa213d;
}

static uint32_t counter(uint32_t number) {
    return 0x12345678 + number;
}

static uint32_t counter_of_the_other_order(uint32_t number) {
    return number << 24 | 0x345678;
}

static uint32_t steps(uint32_t number) {
    return number * 0x9e3779b9;
}

static uint32_t three_random_bytes(uint32_t number) {
    return (random_key(number) & 0xff00ffff) | 0x420000;
}

static uint32_t one_of_many_twice(uint32_t number) {
    return random_key(number % 40);
}

static uint32_t two_the_same(uint32_t number) {
    return random_key(number == 30 ? 5 : number);
}

static void random_keys_are_not_suspected(void **state) {
    (void)state;
    assert_null(found_in(random_key, 100000));
}

static void a_repetition_may_be_chance_two_are_none(void **state) {
    (void)state;
    assert_null(found_in(two_the_same, 64));
    assert_string_equal(found_in(one_of_many_twice, 64), "the same masking key again");
    assert_string_equal(found_in(constant, 3), "the same masking key again");
}

static void counters_are_found_in_either_byte_order(void **state) {
    (void)state;
    assert_null(found_in(counter, 4));
    assert_string_equal(found_in(counter, 5), "masking keys that are counted");
    assert_string_equal(found_in(counter_of_the_other_order, 5), "masking keys that are counted");
    assert_string_equal(found_in(steps, 5), "masking keys that are counted");
}

static void a_byte_that_never_changes_is_found(void **state) {
    (void)state;
    assert_null(found_in(three_random_bytes, 15));
    assert_string_equal(found_in(three_random_bytes, 16), "masking keys of which a byte never changes");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_keys_are_not_suspected),
        cmocka_unit_test(a_repetition_may_be_chance_two_are_none),
        cmocka_unit_test(counters_are_found_in_either_byte_order),
        cmocka_unit_test(a_byte_that_never_changes_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
