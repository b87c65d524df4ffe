/* The thread that checks passwords: its answers, how many may wait, and who does not want to know any more.
 */
#include "../unit.h"

#include "admission/checker.h"
#include "admission/password.h"

#include <crypt.h>
#include <towline/error.h>
#include <towline/loop.h>

static tow_checker *checker;
static tow_loop *loop;
static tow_users *users;
static int answers, goods;

static int begin(void **state) {
    char text[200], why[TOW_USERS_TEXT_MAX];
    struct crypt_data data = {0};
    snprintf(text, sizeof(text), "ann:%s", crypt_r("secret", "$6$rounds=5000$saltsalt$", &data));
    answers = goods = 0;
    return tow_checker_new(&checker) + tow_loop_new(&loop, NULL) +
           tow_users_read(&users, text, strlen(text), why);
}

static int end(void **state) {
    tow_loop_free(loop);
    tow_checker_free(checker);
    tow_users_release(users);
    return 0;
}

static void note(void *user, bool is_good) {
    answers++;
    goods += is_good;
}

static int ask_for(uint64_t client, tow_check **check, const char *name, const char *password) {
    return tow_checker_ask(
        check, checker, users, client, tow_slice_from(name), tow_slice_from(password), loop, note, NULL);
}

static int ask(tow_check **check, const char *name, const char *password) {
    return ask_for(0, check, name, password);
}

static void wait_for(int count) {
    while (answers < count)
        tow_loop_step(loop);
}

static void only_the_right_password_of_a_known_name_is_good(void **state) {
    tow_check *check;
    assert_int_equal(ask(&check, "ann", "wrong"), 0);
    assert_int_equal(ask(&check, "ann", ""), 0);
    assert_int_equal(ask(&check, "bob", "secret"), 0); /* the hash that it is compared with is ann's */
    assert_int_equal(ask(&check, "", "secret"), 0);
    wait_for(4);
    assert_int_equal(goods, 0);
    assert_int_equal(ask(&check, "ann", "secret"), 0);
    wait_for(5);
    assert_int_equal(goods, 1);
}

static void only_so_many_wait(void **state) {
    tow_check *check;
    for (int i = 0; i < TOW_CHECKER_WAITING_MAX; i++)
        assert_int_equal(ask(&check, "ann", "wrong"), 0);
    int error = ask(&check, "ann", "wrong"); /* one may have been answered by now */
    assert_true(error == TOW_ERROR_LIMIT || error == 0);
    wait_for(TOW_CHECKER_WAITING_MAX + (error == 0));
    assert_int_equal(ask(&check, "ann", "secret"), 0);
    wait_for(TOW_CHECKER_WAITING_MAX + (error == 0) + 1);
    assert_int_equal(goods, 1);
}

static void a_client_takes_the_room_of_no_other(void **state) {
    tow_check *check;
    int taken = 0, error = 0;
    while ((error = ask_for(1, &check, "ann", "wrong")) == 0)
        taken++;
    assert_int_equal(error, TOW_ERROR_LIMIT);
    assert_true(taken >= TOW_CHECKER_CLIENT_MAX);
    assert_int_equal(ask_for(2, &check, "ann", "secret"), 0);
    wait_for(taken + 1);
    assert_int_equal(goods, 1);
    assert_int_equal(ask_for(1, &check, "ann", "secret"), 0);
    wait_for(taken + 2);
    assert_int_equal(goods, 2);
}

static void who_forgets_gets_no_answer_and_makes_room(void **state) {
    tow_check *checks[TOW_CHECKER_WAITING_MAX];
    for (int i = 0; i < TOW_CHECKER_WAITING_MAX; i++)
        assert_int_equal(ask(&checks[i], "ann", "secret"), 0);
    for (int i = 0; i < TOW_CHECKER_WAITING_MAX; i++)
        tow_check_forget(checks[i]);
    assert_int_equal(ask(&checks[0], "ann", "secret"), 0);
    wait_for(1);
    assert_int_equal(goods, 1);
}

static void what_waits_at_the_end_is_freed(void **state) {
    tow_check *check;
    for (int i = 0; i < 10; i++)
        assert_int_equal(ask(&check, "ann", "secret"), 0);
    tow_check_forget(check);
    tow_checker_free(checker); /* what was answered is in the loop */
    checker = NULL;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_the_right_password_of_a_known_name_is_good, begin, end),
        cmocka_unit_test_setup_teardown(only_so_many_wait, begin, end),
        cmocka_unit_test_setup_teardown(a_client_takes_the_room_of_no_other, begin, end),
        cmocka_unit_test_setup_teardown(who_forgets_gets_no_answer_and_makes_room, begin, end),
        cmocka_unit_test_setup_teardown(what_waits_at_the_end_is_freed, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
