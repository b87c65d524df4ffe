/* Guests: code that leaves a server's workers before the server ends. */
#include "../unit.h"

#include "server/guest.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <towline/error.h>
#include <unistd.h>

enum { WORKERS = 3 };

typedef struct visitor {
    tow_guest guest; /* first */
    atomic_int leaves;
    pthread_t threads[WORKERS];
    atomic_int left;
    pthread_t left_on;
} visitor;

static void note_leave(tow_guest *guest) {
    visitor *one = (visitor *)(void *)guest;
    assert_int_equal(one->left, 0);
    one->threads[atomic_fetch_add(&one->leaves, 1)] = pthread_self();
}

static void note_left(tow_guest *guest) {
    visitor *one = (visitor *)(void *)guest;
    one->left_on = pthread_self();
    atomic_fetch_add(&one->left, 1);
}

static void welcome(tow_server *server, visitor *one) {
    *one = (visitor){.guest = {.on_leave = note_leave, .on_left = note_left}};
    assert_int_equal(tow_server_welcome(server, &one->guest), 0);
}

static void answer(tow_exchange *exchange, const tow_request *request) {
    tow_exchange_respond(exchange, 200, NULL, NULL, 0);
}

static tow_server *make(void) {
    tow_server *server;
    const tow_server_options options = {.listen = "127.0.0.1:0", .workers = WORKERS};
    assert_int_equal(tow_server_new(&server, &options), 0);
    assert_int_equal(tow_server_route(server, "/", &(tow_handler){.on_request = answer}), 0);
    assert_int_equal(tow_server_listen(server), 0);
    return server;
}

static void *run(void *argument) {
    assert_int_equal(tow_server_run(argument), 0);
    return NULL;
}

static void wait_for(atomic_int *number, int value) {
    for (int i = 0; i < 2000 && atomic_load(number) < value; i++)
        usleep(5000);
    assert_int_equal(atomic_load(number), value);
}

static void each_thread_is_another(const visitor *one) {
    for (int i = 0; i < WORKERS; i++)
        for (int j = 0; j < i; j++)
            assert_false(pthread_equal(one->threads[i], one->threads[j]));
}

/* Who has begun to leave last need not be the last that has left. */
static bool is_a_worker_of(const visitor *one, pthread_t thread) {
    for (int i = 0; i < WORKERS; i++)
        if (pthread_equal(one->threads[i], thread))
            return true;
    return false;
}

/* Until all workers run: one that has not begun yet is left then. */
static void wait_for_workers(tow_server *server) {
    visitor one;
    welcome(server, &one);
    tow_server_dismiss(&one.guest);
    wait_for(&one.left, 1);
}

static void a_dismissed_guest_leaves_each_worker_on_its_thread(void **state) {
    (void)state;
    tow_server *server = make();
    pthread_t thread;
    visitor one, other;
    assert_int_equal(pthread_create(&thread, NULL, run, server), 0);
    wait_for_workers(server);
    welcome(server, &one);
    welcome(server, &other);
    tow_server_dismiss(&one.guest);
    wait_for(&one.left, 1);
    assert_int_equal(one.leaves, WORKERS);
    each_thread_is_another(&one);
    assert_true(is_a_worker_of(&one, one.left_on));
    assert_int_equal(other.leaves, 0);
    tow_server_stop(server);
    pthread_join(thread, NULL);
    assert_int_equal(other.leaves, WORKERS);
    each_thread_is_another(&other);
    assert_int_equal(other.left, 0);
    tow_server_dismiss(&other.guest);
    assert_int_equal(other.left, 1);
    tow_server_free(server);
}

static void a_guest_of_a_server_that_does_not_run_leaves_when_it_is_freed(void **state) {
    (void)state;
    tow_server *server = make();
    visitor one;
    welcome(server, &one);
    tow_server_dismiss(&one.guest);
    assert_int_equal(one.left, 0);
    tow_server_free(server);
    assert_int_equal(one.leaves, WORKERS);
    assert_int_equal(one.left, 1);
}

static visitor *routes_guest;

static void dismiss(void *user) {
    (void)user;
    tow_server_dismiss(&routes_guest->guest);
}

static void a_guest_may_be_dismissed_while_its_server_is_freed(void **state) {
    (void)state;
    tow_server *server = make();
    visitor one;
    welcome(server, &one);
    routes_guest = &one;
    assert_int_equal(
        tow_server_route(server, "/x", &(tow_handler){.on_request = answer, .on_free = dismiss}), 0);
    tow_server_free(server);
    assert_int_equal(one.leaves, WORKERS);
    assert_int_equal(one.left, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dismissed_guest_leaves_each_worker_on_its_thread),
        cmocka_unit_test(a_guest_of_a_server_that_does_not_run_leaves_when_it_is_freed),
        cmocka_unit_test(a_guest_may_be_dismissed_while_its_server_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
