/* Idempotency keys: what comes again is known, as long as it is remembered. */
#include "../unit.h"

#include "publish/repeats.h"

enum { MAX = 100 };

static tow_repeat repeat_of(const char *key, const char *request) {
    tow_repeat repeat;
    const tow_slice part = tow_slice_from(request);
    assert_int_equal(tow_repeat_make(&repeat, (tow_slice){0}, tow_slice_from(key), &part, 1), 0);
    return repeat;
}

static tow_repeats_verdict begin(tow_repeats *repeats, const char *key, const char *request, int64_t now) {
    const tow_repeat repeat = repeat_of(key, request);
    tow_outcome outcome;
    return tow_repeats_begin(repeats, &repeat, now, &outcome);
}

/* It is new, and done at once. */
static void do_one(tow_repeats *repeats, const char *key, int64_t now) {
    const tow_repeat repeat = repeat_of(key, "r");
    const tow_outcome outcome = {{1, 1}, 1};
    assert_int_equal(begin(repeats, key, "r", now), TOW_REPEATS_NEW);
    tow_repeats_end(repeats, &repeat, &outcome);
}

static void a_request_that_comes_again_has_its_outcome(void **state) {
    tow_repeats *repeats;
    tow_outcome outcome = {{7, 8}, 9};
    assert_int_equal(tow_repeats_new(&repeats, MAX), 0);
    const tow_repeat repeat = repeat_of("k", "r");
    assert_int_equal(tow_repeats_begin(repeats, &repeat, 0, &outcome), TOW_REPEATS_NEW);
    assert_int_equal(begin(repeats, "k", "r", 1), TOW_REPEATS_UNDER_WAY);
    tow_repeats_end(repeats, &repeat, &outcome);
    outcome = (tow_outcome){0};
    assert_int_equal(tow_repeats_begin(repeats, &repeat, 1, &outcome), TOW_REPEATS_DONE);
    assert_int_equal(outcome.position.number, 8);
    assert_int_equal(outcome.count, 9);
    assert_int_equal(begin(repeats, "k", "other", 1), TOW_REPEATS_OTHER);
    assert_int_equal(begin(repeats, "k2", "r", 1), TOW_REPEATS_NEW);
    tow_repeats_release(repeats);
}

static void what_has_failed_may_be_tried_again(void **state) {
    tow_repeats *repeats;
    assert_int_equal(tow_repeats_new(&repeats, MAX), 0);
    const tow_repeat repeat = repeat_of("k", "r");
    assert_int_equal(begin(repeats, "k", "r", 0), TOW_REPEATS_NEW);
    tow_repeats_forget(repeats, &repeat);
    assert_int_equal(begin(repeats, "k", "other", 0), TOW_REPEATS_NEW);
    tow_repeats_forget(repeats, &repeat);
    tow_repeats_release(repeats);
}

static void a_key_is_remembered_for_its_time(void **state) {
    tow_repeats *repeats;
    assert_int_equal(tow_repeats_new(&repeats, MAX), 0);
    do_one(repeats, "k", 100);
    assert_int_equal(begin(repeats, "k", "r", 100 + TOW_REPEATS_SECONDS - 1), TOW_REPEATS_DONE);
    assert_int_equal(begin(repeats, "k", "r", 100 + TOW_REPEATS_SECONDS), TOW_REPEATS_NEW);
    assert_int_equal(begin(repeats, "k", "r", 100 + 3 * TOW_REPEATS_SECONDS), TOW_REPEATS_UNDER_WAY);
    tow_repeats_release(repeats);
}

static void the_oldest_key_makes_room(void **state) {
    tow_repeats *repeats;
    char key[20];
    assert_int_equal(tow_repeats_new(&repeats, MAX), 0);
    for (int i = 0; i < MAX; i++) {
        snprintf(key, sizeof(key), "%d", i);
        do_one(repeats, key, 0);
    }
    assert_int_equal(begin(repeats, "0", "r", 0), TOW_REPEATS_DONE);
    do_one(repeats, "new", 0);
    assert_int_equal(begin(repeats, "1", "r", 0), TOW_REPEATS_DONE);
    do_one(repeats, "0", 0);
    do_one(repeats, "1", 0);
    for (int i = 0; i < 3 * MAX; i++) {
        snprintf(key, sizeof(key), "again %d", i);
        const tow_repeat repeat = repeat_of(key, "r");
        if (i % 3 != 0) {
            do_one(repeats, key, 0);
            continue;
        }
        assert_int_equal(begin(repeats, key, "r", 0), TOW_REPEATS_NEW);
        tow_repeats_forget(repeats, &repeat);
    }
    tow_repeats_release(repeats);
}

static void what_is_under_way_makes_no_room(void **state) {
    tow_repeats *repeats;
    char key[20];
    const tow_repeat first = repeat_of("first", "r");
    assert_int_equal(tow_repeats_new(&repeats, MAX), 0);
    assert_int_equal(begin(repeats, "first", "r", 0), TOW_REPEATS_NEW);
    for (int i = 0; i < 3 * MAX; i++) {
        snprintf(key, sizeof(key), "%d", i);
        do_one(repeats, key, 0);
    }
    assert_int_equal(begin(repeats, "first", "r", 0), TOW_REPEATS_UNDER_WAY);
    for (int i = 1; i < MAX; i++) {
        snprintf(key, sizeof(key), "slow %d", i);
        assert_int_equal(begin(repeats, key, "r", 0), TOW_REPEATS_NEW);
    }
    assert_int_equal(begin(repeats, "new", "r", 0), TOW_REPEATS_FULL);
    assert_int_equal(begin(repeats, "slow 1", "r", 0), TOW_REPEATS_UNDER_WAY);
    tow_repeats_forget(repeats, &first);
    assert_int_equal(begin(repeats, "new", "r", 0), TOW_REPEATS_NEW);
    assert_int_equal(begin(repeats, "newer", "r", 0), TOW_REPEATS_FULL);
    tow_repeats_release(repeats);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_that_comes_again_has_its_outcome),
        cmocka_unit_test(what_has_failed_may_be_tried_again),
        cmocka_unit_test(a_key_is_remembered_for_its_time),
        cmocka_unit_test(the_oldest_key_makes_room),
        cmocka_unit_test(what_is_under_way_makes_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
