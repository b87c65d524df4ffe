#include "transport/nursery.h"

#include "births.h"
#include "orphans.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <towline/error.h>

enum { THREADS_MAX = 8, BUCKETS = 1024, ROUNDS_AT_THE_END = 200, ROUNDS_FOR_THE_UNKNOWN = 20 };

/* How soon orphans are looked for: of a child that has ended; when there were some that live on; and while
 * children run, who may leave some that end and have to be buried. */
#define SOON (100 * TOW_MILLISECOND)
#define LATER TOW_SECOND
#define NOW_AND_THEN (5 * TOW_SECOND)
#define SHORTLY (5 * TOW_MILLISECOND)

struct tow_nursery {
    /* Held for reading while a child begins, until it is among its kin: who looks for orphans, and writes,
     * would take it for one. Before the mutex. */
    pthread_rwlock_t births;
    pthread_mutex_t mutex;   /* of all that follows */
    pthread_cond_t work;     /* there is some */
    pthread_cond_t over;     /* a birth is */
    tow_birth *first, **end; /* that wait */
    pthread_t threads[THREADS_MAX];
    int thread_count, threads_max, idle, waiting;
    bool ends;
    int64_t look_at; /* when orphans are looked for; 0: there is no need */
    uint64_t last_number;
    tow_kin *kin[BUCKETS]; /* children that run, by their process */
    size_t kin_count;
};

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * TOW_SECOND + time.tv_nsec;
}

/* Kin. */

static tow_kin **place_of(tow_nursery *nursery, pid_t pid) {
    tow_kin **place = &nursery->kin[(size_t)pid % BUCKETS];
    while (*place != NULL && (*place)->pid != pid)
        place = &(*place)->next;
    return place;
}

static void enter(tow_nursery *nursery, const tow_birth *birth) {
    tow_kin **place = place_of(nursery, birth->spawned.pid);
    *birth->kin = (tow_kin){.next = *place, .pid = birth->spawned.pid, .number = birth->number};
    *place = birth->kin;
    nursery->kin_count++;
}

static bool is_child(void *user, pid_t pid) {
    tow_nursery *nursery = user;
    pthread_mutex_lock(&nursery->mutex);
    bool found = *place_of(nursery, pid) != NULL;
    pthread_mutex_unlock(&nursery->mutex);
    return found;
}

static bool is_running(void *user, uint64_t number) {
    tow_nursery *nursery = user;
    bool found = false;
    pthread_mutex_lock(&nursery->mutex);
    for (size_t i = 0; !found && i < BUCKETS; i++)
        for (const tow_kin *kin = nursery->kin[i]; !found && kin != NULL; kin = kin->next)
            found = kin->number == number;
    pthread_mutex_unlock(&nursery->mutex);
    return found;
}

/* Orphans. */

/* Under the mutex. */
static void look_in(tow_nursery *nursery, int64_t delay) {
    int64_t when = now() + delay;
    if (nursery->look_at != 0 && nursery->look_at <= when)
        return;
    nursery->look_at = when;
    pthread_cond_signal(&nursery->work);
}

static void *work(void *argument);

/* One more, if all are busy. */
static void need_thread(tow_nursery *nursery) {
    sigset_t all, before;
    if (nursery->waiting < nursery->idle || nursery->thread_count == nursery->threads_max)
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&nursery->threads[nursery->thread_count], NULL, work, nursery) == 0)
        nursery->thread_count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* By one of them, at least. */
static void have_looked(tow_nursery *nursery, int64_t delay) {
    if (nursery->thread_count == 0)
        need_thread(nursery);
    look_in(nursery, delay);
}

static tow_orphans_found look(tow_nursery *nursery) {
    const tow_orphans_judge judge = {is_child, is_running, nursery};
    pthread_rwlock_wrlock(&nursery->births);
    tow_orphans_found found = tow_orphans_look(&judge);
    pthread_rwlock_unlock(&nursery->births);
    return found;
}

/* The mutex is let go of meanwhile. */
static void look_if_due(tow_nursery *nursery) {
    if (nursery->look_at == 0 || now() < nursery->look_at)
        return;
    nursery->look_at = 0;
    pthread_mutex_unlock(&nursery->mutex);
    tow_orphans_found found = look(nursery);
    pthread_mutex_lock(&nursery->mutex);
    if (found.killed > 0)
        look_in(nursery, SOON);
    else if (found.left > 0)
        look_in(nursery, LATER);
    else if (nursery->kin_count > 0)
        look_in(nursery, NOW_AND_THEN);
}

/* Births. */

uint64_t tow_nursery_number(tow_nursery *nursery) {
    pthread_mutex_lock(&nursery->mutex);
    uint64_t number = ++nursery->last_number;
    pthread_mutex_unlock(&nursery->mutex);
    return number;
}

void tow_nursery_happen(tow_nursery *nursery, tow_birth *birth) {
    pthread_rwlock_rdlock(&nursery->births);
    tow_birth_happen(birth);
    pthread_mutex_lock(&nursery->mutex);
    if (birth->error == 0) {
        enter(nursery, birth);
        have_looked(nursery, NOW_AND_THEN);
    }
    pthread_mutex_unlock(&nursery->mutex);
    pthread_rwlock_unlock(&nursery->births);
}

static tow_birth *take(tow_nursery *nursery) {
    tow_birth *birth = nursery->first;
    nursery->first = birth->next;
    if (nursery->first == NULL)
        nursery->end = &nursery->first;
    nursery->waiting--;
    birth->stage = TOW_BIRTH_UNDER_WAY;
    return birth;
}

/* The letter has it then, or who waits for it. The mutex is let go of meanwhile. */
static void attend(tow_nursery *nursery) {
    tow_birth *birth = take(nursery);
    pthread_mutex_unlock(&nursery->mutex);
    tow_nursery_happen(nursery, birth);
    pthread_mutex_lock(&nursery->mutex);
    birth->stage = TOW_BIRTH_OVER;
    if (birth->home != NULL)
        tow_loop_post_letter(birth->home, &birth->letter);
    else
        pthread_cond_broadcast(&nursery->over);
}

static void wait_for_work(tow_nursery *nursery) {
    struct timespec until = {
        .tv_sec = (time_t)(nursery->look_at / TOW_SECOND), .tv_nsec = (long)(nursery->look_at % TOW_SECOND)};
    nursery->idle++;
    if (nursery->look_at == 0)
        pthread_cond_wait(&nursery->work, &nursery->mutex);
    else
        pthread_cond_timedwait(&nursery->work, &nursery->mutex, &until);
    nursery->idle--;
}

static void *work(void *argument) {
    tow_nursery *nursery = argument;
    pthread_mutex_lock(&nursery->mutex);
    while (!nursery->ends) {
        look_if_due(nursery);
        if (nursery->first != NULL)
            attend(nursery);
        else if (!nursery->ends)
            wait_for_work(nursery);
    }
    pthread_mutex_unlock(&nursery->mutex);
    return NULL;
}

int tow_nursery_begin(tow_nursery *nursery, tow_birth *birth) {
    pthread_mutex_lock(&nursery->mutex);
    need_thread(nursery);
    bool has_thread = nursery->thread_count > 0;
    if (has_thread) {
        birth->stage = TOW_BIRTH_WAITS;
        birth->next = NULL;
        *nursery->end = birth;
        nursery->end = &birth->next;
        nursery->waiting++;
        pthread_cond_signal(&nursery->work);
    }
    pthread_mutex_unlock(&nursery->mutex);
    return has_thread ? 0 : TOW_ERROR_SYSTEM;
}

void tow_nursery_receive(tow_nursery *nursery) {
    pthread_mutex_lock(&nursery->mutex); /* under which letters are left */
    pthread_mutex_unlock(&nursery->mutex);
}

void tow_nursery_forgo(tow_nursery *nursery, tow_birth *birth) {
    pthread_mutex_lock(&nursery->mutex);
    if (birth->stage == TOW_BIRTH_WAITS)
        birth->unwanted = true;
    pthread_mutex_unlock(&nursery->mutex);
}

bool tow_nursery_await(tow_nursery *nursery, tow_birth *birth) {
    pthread_mutex_lock(&nursery->mutex);
    bool is_early = birth->stage != TOW_BIRTH_OVER;
    birth->home = NULL;
    while (birth->stage != TOW_BIRTH_OVER)
        pthread_cond_wait(&nursery->over, &nursery->mutex);
    pthread_mutex_unlock(&nursery->mutex);
    return is_early;
}

void tow_nursery_leave(tow_nursery *nursery, const tow_kin *kin) {
    pthread_mutex_lock(&nursery->mutex);
    tow_kin **place = &nursery->kin[(size_t)kin->pid % BUCKETS];
    while (*place != NULL && *place != kin) /* a younger one may have its number by now */
        place = &(*place)->next;
    if (*place != NULL) {
        *place = kin->next;
        nursery->kin_count--;
    }
    have_looked(nursery, SOON);
    pthread_mutex_unlock(&nursery->mutex);
}

/* Beginning and end. */

int tow_nursery_new(tow_nursery **nursery, int threads) {
    pthread_condattr_t clock;
    pthread_rwlockattr_t writers_first;
    tow_nursery *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_rwlockattr_init(&writers_first);
    pthread_rwlockattr_setkind_np(&writers_first, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&made->births, &writers_first);
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->work, &clock);
    pthread_cond_init(&made->over, NULL);
    pthread_rwlockattr_destroy(&writers_first);
    pthread_condattr_destroy(&clock);
    made->end = &made->first;
    made->threads_max = threads < 1 ? 1 : threads < THREADS_MAX ? threads : THREADS_MAX;
    *nursery = made;
    return 0;
}

/* Each round finds what the one before has made orphans of. What becomes another program at the moment has no
 * environment to look at: a few rounds are for that. */
static void end_orphans(tow_nursery *nursery) {
    const struct timespec shortly = {.tv_nsec = SHORTLY};
    int idle = 0;
    for (int i = 0; i < ROUNDS_AT_THE_END && idle < ROUNDS_FOR_THE_UNKNOWN; i++) {
        tow_orphans_found found = look(nursery);
        if (found.killed + found.left == 0)
            return;
        idle = found.killed > 0 ? 0 : idle + 1;
        nanosleep(&shortly, NULL);
    }
}

void tow_nursery_free(tow_nursery *nursery) {
    if (nursery == NULL)
        return;
    pthread_mutex_lock(&nursery->mutex);
    nursery->ends = true;
    bool had_children = nursery->last_number > 0;
    pthread_cond_broadcast(&nursery->work);
    pthread_mutex_unlock(&nursery->mutex);
    for (int i = 0; i < nursery->thread_count; i++)
        pthread_join(nursery->threads[i], NULL);
    if (had_children)
        end_orphans(nursery);
    pthread_cond_destroy(&nursery->over);
    pthread_cond_destroy(&nursery->work);
    pthread_mutex_destroy(&nursery->mutex);
    pthread_rwlock_destroy(&nursery->births);
    free(nursery);
}
