#include "system_names.h"

#include "transport/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

struct tow_system_query {
    tow_letter letter; /* first: by which it comes back to the loop */
    tow_system_names *names;
    tow_system_query *next; /* behind it, while it waits for the thread */
    void *user;             /* the loop's thread's; NULL: cancelled */
    int family;
    int status;
    struct addrinfo *found;
    char name[];
};

struct tow_system_names {
    pthread_mutex_t mutex; /* guards what follows, up to `pthread` */
    pthread_cond_t changed;
    tow_loop *loop; /* NULL: the owner has left */
    tow_system_query *first;
    tow_system_query **end;
    bool busy;      /* the thread is inside of the name service */
    bool abandoned; /* the owner has left meanwhile: the thread frees everything */
    pthread_t thread;
    bool has_thread;
    size_t under_way;
    tow_on_system_name on_name;
    void *owner;
};

static void query_free(tow_system_query *query) {
    if (query->found != NULL)
        freeaddrinfo(query->found);
    free(query);
}

static void destroy(tow_system_names *names) {
    pthread_cond_destroy(&names->changed);
    pthread_mutex_destroy(&names->mutex);
    free(names);
}

/* The thread. */

static tow_system_query *take_first(tow_system_names *names) {
    tow_system_query *query = names->first;
    names->first = query->next;
    if (names->first == NULL)
        names->end = &names->first;
    return query;
}

static void look_up(tow_system_query *query) {
    const struct addrinfo hints = {.ai_family = query->family, .ai_socktype = SOCK_STREAM};
    query->status = getaddrinfo(query->name, NULL, &hints, &query->found);
    if (query->status != 0)
        query->found = NULL;
}

static void *serve(void *argument) {
    tow_system_names *names = argument;
    pthread_mutex_lock(&names->mutex);
    while (names->loop != NULL) {
        if (names->first == NULL) {
            pthread_cond_wait(&names->changed, &names->mutex);
            continue;
        }
        tow_system_query *query = take_first(names);
        names->busy = true;
        pthread_mutex_unlock(&names->mutex);
        look_up(query);
        pthread_mutex_lock(&names->mutex);
        names->busy = false;
        if (names->loop != NULL)
            tow_loop_post_letter(names->loop, &query->letter);
        else
            query_free(query);
    }
    bool abandoned = names->abandoned;
    pthread_mutex_unlock(&names->mutex);
    if (abandoned)
        destroy(names);
    return NULL;
}

/* Signals are for the threads of the application. */
static int need_thread(tow_system_names *names) {
    sigset_t all, before;
    if (names->has_thread)
        return 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&names->thread, NULL, serve, names);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    names->has_thread = error == 0;
    return error == 0 ? 0 : TOW_ERROR_SYSTEM;
}

/* The loop's side. */

static void answers_come(tow_letter *letters) {
    while (letters != NULL) {
        tow_system_query *query = (tow_system_query *)letters;
        tow_system_names *names = query->names;
        letters = letters->next;
        names->under_way--;
        names->on_name(names->owner, query->user, query->status, query->found);
        query_free(query);
    }
}

static void answer_dropped(tow_letter *letter) {
    query_free((tow_system_query *)letter);
}

int tow_system_names_new(tow_system_names **names, tow_loop *loop, tow_on_system_name on_name, void *owner) {
    tow_system_names *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->changed, NULL);
    made->loop = loop;
    made->end = &made->first;
    made->on_name = on_name;
    made->owner = owner;
    *names = made;
    return 0;
}

void tow_system_names_free(tow_system_names *names) {
    if (names == NULL)
        return;
    bool has_thread = names->has_thread;
    pthread_t thread = names->thread;
    pthread_mutex_lock(&names->mutex);
    names->loop = NULL;
    while (names->first != NULL)
        query_free(take_first(names));
    bool abandoned = names->abandoned = names->busy;
    pthread_cond_signal(&names->changed);
    pthread_mutex_unlock(&names->mutex);
    if (abandoned) {
        pthread_detach(thread); /* `names` may be gone */
        return;
    }
    if (has_thread)
        pthread_join(thread, NULL);
    destroy(names);
}

bool tow_system_names_is_idle(const tow_system_names *names) {
    return names->under_way == 0;
}

int tow_system_query_start(
    tow_system_query **query, tow_system_names *names, const char *name, int family, void *user) {
    size_t size = strlen(name) + 1;
    tow_system_query *made = calloc(1, sizeof(*made) + size);
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    int error = need_thread(names);
    if (error != 0) {
        free(made);
        return error;
    }
    made->letter = (tow_letter){.work = 1, .open = answers_come, .drop = answer_dropped};
    made->names = names;
    made->family = family;
    made->user = user;
    memcpy(made->name, name, size);
    names->under_way++;
    pthread_mutex_lock(&names->mutex);
    *names->end = made;
    names->end = &made->next;
    pthread_cond_signal(&names->changed);
    pthread_mutex_unlock(&names->mutex);
    *query = made;
    return 0;
}

/* Takes a query that the thread has not begun out of its list. */
static bool withdraw(tow_system_names *names, tow_system_query *query) {
    pthread_mutex_lock(&names->mutex);
    tow_system_query **link = &names->first;
    while (*link != NULL && *link != query)
        link = &(*link)->next;
    bool waits = *link != NULL;
    if (waits && (*link = query->next) == NULL)
        names->end = link;
    pthread_mutex_unlock(&names->mutex);
    return waits;
}

void tow_system_query_cancel(tow_system_query *query) {
    tow_system_names *names = query->names;
    query->user = NULL;
    if (!withdraw(names, query))
        return; /* it comes back, and is told to the owner */
    names->under_way--;
    query_free(query);
}
