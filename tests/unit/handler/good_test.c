/* The memory of good credentials: what is in it, for how long, and whose it is. */
#include "../unit.h"

#include "admission/good.h"
#include "transport/timer.h"

static tow_good good;

static int begin(void **state) {
    memset(&good, 0, sizeof(good));
    tow_good_init(&good);
    return 0;
}

static int end(void **state) {
    tow_good_clear(&good);
    return 0;
}

static tow_good_name name_of(uint64_t generation, const char *user, const char *password) {
    tow_good_name name;
    assert_true(tow_good_name_make(&name, &good, generation, tow_slice_from(user), tow_slice_from(password)));
    return name;
}

static void what_was_good_is_good_for_a_minute(void **state) {
    tow_good_name name = name_of(1, "ann", "secret");
    assert_false(tow_good_has(&good, &name, 5));
    tow_good_add(&good, &name, 5);
    assert_true(tow_good_has(&good, &name, 5));
    assert_true(tow_good_has(&good, &name, TOW_GOOD_SECONDS * TOW_SECOND + 4));
    assert_false(tow_good_has(&good, &name, TOW_GOOD_SECONDS * TOW_SECOND + 5));
}

static void nothing_else_is_good_with_it(void **state) {
    tow_good_name name = name_of(1, "ann", "secret");
    tow_good_add(&good, &name, 5);
    const tow_good_name others[] = {name_of(1, "ann", "secrets"), name_of(1, "ann", ""),
        name_of(1, "anns", "ecret"), name_of(1, "", "secret"), name_of(2, "ann", "secret")};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(tow_good_has(&good, &others[i], 6));
}

static void another_memory_has_other_names(void **state) {
    tow_good_name name = name_of(1, "ann", "secret");
    end(state);
    assert_int_equal(begin(state), 0);
    tow_good_name again = name_of(1, "ann", "secret");
    assert_memory_not_equal(name.digest, again.digest, TOW_GOOD_DIGEST);
}

static void the_latest_are_remembered_whatever_there_were(void **state) {
    for (int i = 0; i < 10 * TOW_GOOD_MAX; i++) {
        char password[16];
        snprintf(password, sizeof(password), "%d", i);
        tow_good_name name = name_of(1, "ann", password);
        tow_good_add(&good, &name, i);
        assert_true(tow_good_has(&good, &name, i));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_good_is_good_for_a_minute, begin, end),
        cmocka_unit_test_setup_teardown(nothing_else_is_good_with_it, begin, end),
        cmocka_unit_test_setup_teardown(another_memory_has_other_names, begin, end),
        cmocka_unit_test_setup_teardown(the_latest_are_remembered_whatever_there_were, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
