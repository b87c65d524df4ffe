#include "checker.h"

#include "password.h"
#include "transport/loop.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

struct tow_check {
    tow_letter letter; /* first: by which it comes back to the loop */
    tow_checker *checker;
    tow_check *next; /* while it waits */
    tow_users *users;
    tow_loop *loop; /* NULL: forgotten; guarded by the mutex */
    tow_on_checked on_checked;
    void *user;
    uint64_t client;
    bool is_good;
    tow_slice name; /* into the texts */
    const char *password;
    size_t size; /* of the texts */
    char texts[];
};

struct tow_checker {
    pthread_mutex_t mutex; /* guards the rest, up to `thread` */
    pthread_cond_t changed;
    tow_check *first;
    tow_check **end;
    uint64_t served; /* whose is being checked; 0: nobody knows, or none is */
    size_t waiting;  /* with the one that is being checked */
    bool is_over;
    bool has_thread;
    pthread_t thread;
    atomic_size_t holders; /* whose it is, and each question */
};

static void checker_release(tow_checker *checker) {
    if (atomic_fetch_sub(&checker->holders, 1) > 1)
        return;
    pthread_cond_destroy(&checker->changed);
    pthread_mutex_destroy(&checker->mutex);
    free(checker);
}

static void check_free(tow_check *check) {
    checker_release(check->checker);
    tow_users_release(check->users);
    OPENSSL_cleanse(check->texts, check->size);
    free(check);
}

/* The thread. */

static void work(tow_check *check) {
    bool known;
    const char *hash = tow_users_hash(check->users, check->name, &known);
    check->is_good = tow_password_is(check->password, hash) && known;
}

static tow_check *take_first(tow_checker *checker) {
    tow_check *check = checker->first;
    checker->first = check->next;
    if (checker->first == NULL)
        checker->end = &checker->first;
    checker->served = check->client;
    return check;
}

static void *serve(void *argument) {
    tow_checker *checker = argument;
    pthread_mutex_lock(&checker->mutex);
    while (!checker->is_over) {
        if (checker->first == NULL) {
            pthread_cond_wait(&checker->changed, &checker->mutex);
            continue;
        }
        tow_check *check = take_first(checker);
        pthread_mutex_unlock(&checker->mutex);
        work(check);
        pthread_mutex_lock(&checker->mutex);
        checker->waiting--;
        checker->served = 0;
        if (check->loop != NULL)
            tow_loop_post_letter(check->loop, &check->letter);
        else
            check_free(check);
    }
    pthread_mutex_unlock(&checker->mutex);
    return NULL;
}

/* Signals are for the threads of the application. With the mutex. */
static int need_thread(tow_checker *checker) {
    sigset_t all, before;
    if (checker->has_thread)
        return 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    checker->has_thread = pthread_create(&checker->thread, NULL, serve, checker) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return checker->has_thread ? 0 : TOW_ERROR_SYSTEM;
}

/* The loops' side. */

/* The thread has done with the loop as well as with the letter: the loop may be freed now. */
static void let_thread_go(const tow_letter *letter) {
    tow_checker *checker = ((const tow_check *)(const void *)letter)->checker;
    pthread_mutex_lock(&checker->mutex);
    pthread_mutex_unlock(&checker->mutex);
}

static void answers_come(tow_letter *letters) {
    let_thread_go(letters);
    while (letters != NULL) {
        tow_check *check = (tow_check *)(void *)letters;
        letters = letters->next;
        if (check->loop != NULL)
            check->on_checked(check->user, check->is_good);
        check_free(check);
    }
}

static void answer_dropped(tow_letter *letter) {
    let_thread_go(letter);
    check_free((tow_check *)(void *)letter);
}

static tow_check *check_make(tow_checker *checker, tow_users *users, tow_slice name, tow_slice password) {
    size_t size = name.length + password.length + 1;
    tow_check *made = calloc(1, sizeof(*made) + size);
    if (made == NULL)
        return NULL;
    made->letter = (tow_letter){.work = 1, .open = answers_come, .drop = answer_dropped};
    made->checker = checker;
    atomic_fetch_add(&checker->holders, 1);
    made->users = tow_users_retain(users);
    made->size = size;
    memcpy(made->texts, name.data, name.length);
    memcpy(made->texts + name.length, password.data, password.length);
    made->name = (tow_slice){made->texts, name.length};
    made->password = made->texts + name.length;
    return made;
}

/* Nobody alone takes the room of all. With the mutex. */
static bool has_room(const tow_checker *checker, uint64_t client) {
    size_t own = checker->served == client;
    if (checker->waiting >= TOW_CHECKER_WAITING_MAX)
        return false;
    for (const tow_check *check = checker->first; check != NULL; check = check->next)
        own += check->client == client;
    return client == 0 || own < TOW_CHECKER_CLIENT_MAX;
}

static int enqueue(tow_checker *checker, tow_check *check) {
    pthread_mutex_lock(&checker->mutex);
    int error = has_room(checker, check->client) ? need_thread(checker) : TOW_ERROR_LIMIT;
    if (error == 0) {
        checker->waiting++;
        *checker->end = check;
        checker->end = &check->next;
        pthread_cond_signal(&checker->changed);
    }
    pthread_mutex_unlock(&checker->mutex);
    return error;
}

int tow_checker_ask(tow_check **check, tow_checker *checker, tow_users *users, uint64_t client,
    tow_slice name, tow_slice password, tow_loop *loop, tow_on_checked on_checked, void *user) {
    tow_check *made = check_make(checker, users, name, password);
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->client = client;
    made->loop = loop;
    made->on_checked = on_checked;
    made->user = user;
    int error = enqueue(checker, made);
    if (error != 0)
        check_free(made);
    else
        *check = made;
    return error;
}

/* Takes one that the thread has not begun out of its list. With the mutex. */
static bool withdraw(tow_checker *checker, tow_check *check) {
    tow_check **link = &checker->first;
    while (*link != NULL && *link != check)
        link = &(*link)->next;
    if (*link == NULL)
        return false;
    *link = check->next;
    if (*link == NULL)
        checker->end = link;
    checker->waiting--;
    return true;
}

void tow_check_forget(tow_check *check) {
    tow_checker *checker = check->checker;
    pthread_mutex_lock(&checker->mutex);
    bool waits = withdraw(checker, check);
    check->loop = NULL;
    pthread_mutex_unlock(&checker->mutex);
    if (waits)
        check_free(check);
}

int tow_checker_new(tow_checker **checker) {
    tow_checker *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->changed, NULL);
    made->end = &made->first;
    atomic_init(&made->holders, 1);
    *checker = made;
    return 0;
}

void tow_checker_free(tow_checker *checker) {
    if (checker == NULL)
        return;
    pthread_mutex_lock(&checker->mutex);
    checker->is_over = true;
    pthread_cond_signal(&checker->changed);
    pthread_mutex_unlock(&checker->mutex);
    if (checker->has_thread)
        pthread_join(checker->thread, NULL);
    while (checker->first != NULL)
        check_free(take_first(checker));
    checker_release(checker);
}
