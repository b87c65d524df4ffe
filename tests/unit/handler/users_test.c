/* Files of users: what is taken, and what is refused with its line. */
#include "../unit.h"

#include "admission/password.h"
#include "admission/users.h"

#include <towline/error.h>

#define ANN "$2y$05$QgLoMhRbmULGf21uRv851OJiNaIiIug7O5Ft/2ZYrm3ixEdFK0.fC"
#define SHA "$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA"

static tow_users *users_of(const char *text) {
    char why[TOW_USERS_TEXT_MAX];
    tow_users *users = NULL;
    if (tow_users_read(&users, text, strlen(text), why) != 0)
        fail_msg("not users: %s", why);
    return users;
}

static void assert_refused(const char *text, size_t length, const char *expected) {
    char why[TOW_USERS_TEXT_MAX];
    tow_users *users = NULL;
    assert_int_equal(tow_users_read(&users, text, length, why), TOW_ERROR_ARGUMENT);
    assert_null(users);
    if (strstr(why, expected) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", expected, why);
}

static void each_name_has_its_hash(void **state) {
    tow_users *users = users_of("# who may come in\n\n ann:" ANN "\r\nbob:" SHA ":19000:0:::\nzoë:" ANN);
    bool known = false;
    assert_int_equal(users->count, 3);
    assert_string_equal(tow_users_hash(users, tow_slice_from("ann"), &known), ANN);
    assert_true(known);
    assert_string_equal(tow_users_hash(users, tow_slice_from("bob"), &known), SHA);
    assert_true(known);
    assert_string_equal(tow_users_hash(users, tow_slice_from("zoë"), &known), ANN);
    assert_true(known);
    tow_users_release(users);
}

static void an_unknown_name_costs_the_same_hash_each_time(void **state) {
    static const char *const names[] = {"", "a", "anna", "an", "zzz", "ANN", "ann "};
    tow_users *users = users_of("ann:" ANN "\nbob:" SHA "\n");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        bool known = true;
        const char *hash = tow_users_hash(users, tow_slice_from(names[i]), &known);
        assert_false(known);
        assert_true(strcmp(hash, ANN) == 0 || strcmp(hash, SHA) == 0);
        assert_ptr_equal(hash, tow_users_hash(users, tow_slice_from(names[i]), &known));
    }
    tow_users_release(users);
}

static void two_lists_have_two_generations(void **state) {
    tow_users *one = users_of("ann:" ANN), *other = users_of("ann:" ANN);
    assert_true(one->generation != other->generation);
    tow_users_release(one);
    tow_users_release(other);
}

static void what_is_wrong_is_told_with_its_line(void **state) {
    static const char *const cases[][2] = {
        {"", "there is no user"},
        {"# nobody\n\n", "there is no user"},
        {"ann:" ANN "\nbob\n", "line 2: it is not NAME:HASH"},
        {":" ANN, "line 1: it is not NAME:HASH"},
        {"\nann:$apr1$x$Zc0h1Wd5cJrjQ2zJq7Vlr.\n", "line 2: $apr1$ is Apache's own MD5"},
        {"ann:{SHA}fEqNCco3Yq9h5ZUglD3CZJT4lBs=", "line 1: hashes in braces"},
        {"ann:secret", "line 1: behind the name there is no hash"},
        {"ann:", "line 1: behind the name there is no hash"},
        {"ann:rqXexS6ZhobKA", "line 1: behind the name there is no hash"},
        {"ann:$2y$05$xYVwOeCEGpAa2DYa6zyXpO", "line 1: a hash that is cut off"},
        {"ann:$nothing$x", "line 1: a hash that is cut off, or of a kind"},
        {"ann:" ANN "\nbob:" ANN "\nann:" SHA, "line 3: this name stands in a line above"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(cases[i][0], strlen(cases[i][0]), cases[i][1]);
    assert_refused("ann\0:" ANN, 5 + strlen(ANN), "a zero byte");
}

static void a_secret_is_not_repeated_in_what_is_told(void **state) {
    char why[TOW_USERS_TEXT_MAX];
    tow_users *users;
    tow_users_read(&users, "ann:hunter2", 11, why);
    assert_null(strstr(why, "hunter2"));
}

static void a_password_has_to_be_that_of_the_hash(void **state) {
    char lengthy[2000];
    assert_true(tow_password_is("secret", ANN));
    assert_true(tow_password_is("secret", SHA));
    assert_false(tow_password_is("Secret", ANN));
    assert_false(tow_password_is("", SHA));
    assert_false(tow_password_is("secret", "*0"));
    memset(lengthy, 'x', sizeof(lengthy) - 1);
    lengthy[sizeof(lengthy) - 1] = '\0';
    assert_false(tow_password_is(lengthy, ANN));
    assert_false(tow_password_is(lengthy, SHA));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_name_has_its_hash),
        cmocka_unit_test(an_unknown_name_costs_the_same_hash_each_time),
        cmocka_unit_test(two_lists_have_two_generations),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(a_secret_is_not_repeated_in_what_is_told),
        cmocka_unit_test(a_password_has_to_be_that_of_the_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
