#include "../unit.h"

#include "suggest.h"

static const char *const words[] = {"port", "host", "max-message", "max-queue", "max-connections", "help"};

static const char *nearest(const char *word) {
    return tow_suggest(word, words, sizeof(words) / sizeof(words[0]));
}

static void distance_counts_single_slips(void **state) {
    (void)state;
    assert_int_equal(tow_word_distance("port", "port"), 0);
    assert_int_equal(tow_word_distance("port", "ports"), 1);
    assert_int_equal(tow_word_distance("port", "prt"), 1);
    assert_int_equal(tow_word_distance("port", "pork"), 1);
    assert_int_equal(tow_word_distance("port", "prot"), 1);
    assert_int_equal(tow_word_distance("", "port"), 4);
    assert_int_equal(tow_word_distance("port", ""), 4);
    assert_int_equal(tow_word_distance("kitten", "sitting"), 3);
}

static void long_words_are_far(void **state) {
    (void)state;
    char word[65];
    memset(word, 'a', 64);
    word[64] = '\0';
    assert_true(tow_word_distance(word, "a") == SIZE_MAX);
    assert_null(nearest(word));
    word[63] = '\0';
    assert_int_equal(tow_word_distance(word, "a"), 62);
}

static void a_slip_finds_its_word(void **state) {
    (void)state;
    assert_string_equal(nearest("prot"), "port");
    assert_string_equal(nearest("maxmessage"), "max-message");
    assert_string_equal(nearest("max-conections"), "max-connections");
    assert_string_equal(nearest("hlep"), "help");
}

static void a_beginning_finds_its_word(void **state) {
    (void)state;
    assert_string_equal(nearest("max-c"), "max-connections");
}

static void what_is_far_finds_nothing(void **state) {
    (void)state;
    assert_null(nearest("certificate"));
    assert_null(nearest("x"));
    assert_null(nearest(""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distance_counts_single_slips),
        cmocka_unit_test(long_words_are_far),
        cmocka_unit_test(a_slip_finds_its_word),
        cmocka_unit_test(a_beginning_finds_its_word),
        cmocka_unit_test(what_is_far_finds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
