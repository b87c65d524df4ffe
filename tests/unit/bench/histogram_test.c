#include "../unit.h"

#include "bench/histogram.h"

static tow_histogram *fresh(void) {
    tow_histogram *histogram = calloc(1, sizeof(*histogram));
    assert_non_null(histogram);
    return histogram;
}

static void an_empty_histogram_answers_zero(void **state) {
    (void)state;
    tow_histogram *histogram = fresh();
    assert_int_equal(tow_histogram_quantile(histogram, 0.5), 0);
    assert_int_equal(tow_histogram_quantile(histogram, 1), 0);
    tow_histogram_record(histogram, 77, 0);
    assert_int_equal(histogram->count, 0);
    assert_int_equal(histogram->maximum, 0);
    free(histogram);
}

static void values_below_128_are_exact(void **state) {
    (void)state;
    tow_histogram *histogram = fresh();
    for (uint64_t value = 1; value <= 100; value++)
        tow_histogram_record(histogram, value, 1);
    assert_int_equal(histogram->count, 100);
    assert_int_equal(tow_histogram_quantile(histogram, 0.01), 1);
    assert_int_equal(tow_histogram_quantile(histogram, 0.5), 50);
    assert_int_equal(tow_histogram_quantile(histogram, 0.501), 51);
    assert_int_equal(tow_histogram_quantile(histogram, 0.99), 99);
    assert_int_equal(tow_histogram_quantile(histogram, 0.999), 100);
    assert_int_equal(tow_histogram_quantile(histogram, 0), 1);
    free(histogram);
}

static void a_single_value_is_answered_within_one_per_cent(uint64_t value) {
    tow_histogram *histogram = fresh();
    tow_histogram_record(histogram, value, 1);
    tow_histogram_record(histogram, UINT64_MAX, 1);
    uint64_t answer = tow_histogram_quantile(histogram, 0.5);
    assert_in_range(answer, value, value + value / 127);
    free(histogram);
}

static void every_magnitude_is_within_one_per_cent(void **state) {
    (void)state;
    for (unsigned bit = 0; bit < 63; bit++) {
        a_single_value_is_answered_within_one_per_cent(UINT64_C(1) << bit);
        a_single_value_is_answered_within_one_per_cent((UINT64_C(1) << bit) + 1);
        a_single_value_is_answered_within_one_per_cent((UINT64_C(2) << bit) - 1);
        a_single_value_is_answered_within_one_per_cent((UINT64_C(3) << bit) / 2);
    }
}

static void the_answer_never_exceeds_the_maximum(void **state) {
    (void)state;
    tow_histogram *histogram = fresh();
    tow_histogram_record(histogram, 1000001, 5);
    assert_int_equal(tow_histogram_quantile(histogram, 0.5), 1000001);
    assert_int_equal(tow_histogram_quantile(histogram, 1), 1000001);
    tow_histogram_record(histogram, UINT64_MAX, 1);
    assert_true(tow_histogram_quantile(histogram, 1) == UINT64_MAX);
    free(histogram);
}

static void times_count_as_often_as_single_records(void **state) {
    (void)state;
    tow_histogram *histogram = fresh();
    tow_histogram_record(histogram, 10, 990);
    tow_histogram_record(histogram, 5000, 9);
    tow_histogram_record(histogram, 70000, 1);
    assert_int_equal(tow_histogram_quantile(histogram, 0.99), 10);
    assert_in_range(tow_histogram_quantile(histogram, 0.999), 5000, 5040);
    assert_int_equal(tow_histogram_quantile(histogram, 1), 70000);
    free(histogram);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_histogram_answers_zero),
        cmocka_unit_test(values_below_128_are_exact),
        cmocka_unit_test(every_magnitude_is_within_one_per_cent),
        cmocka_unit_test(the_answer_never_exceeds_the_maximum),
        cmocka_unit_test(times_count_as_often_as_single_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
