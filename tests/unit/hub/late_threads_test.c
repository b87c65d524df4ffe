/* A store that answers from a thread of its own, while workers subscribe, go and ask, and others publish: who
 * is subscribed gets all that comes behind its answer, in order. */
#include "../unit.h"

#include "base/ring.h"
#include "hub/hub.h"
#include "hub/store.h"
#include "transport/loop.h"
#include "transport/workers.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <towline/error.h>

enum { WORKERS = 3, GUESTS = 4, PUBLISHERS = 3, EACH = 300, ALL = PUBLISHERS * EACH };

static const tow_slice news = {"news", 4};

/* The store: its channel has numbers, and keeps nothing. */

typedef struct elsewhere {
    tow_store store; /* first */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    tow_ring calls;
    bool stops;
    tow_position position;
} elsewhere;

static elsewhere there;
static atomic_int numbered;

static void enqueue(tow_store_call *call, unsigned what) {
    call->what = what;
    pthread_mutex_lock(&there.mutex);
    tow_ring_add_last(&there.calls, &call->link);
    pthread_cond_signal(&there.changed);
    pthread_mutex_unlock(&there.mutex);
}

static tow_store_call *dequeue(void) {
    tow_store_call *call = NULL;
    pthread_mutex_lock(&there.mutex);
    while (tow_ring_is_empty(&there.calls) && !there.stops)
        pthread_cond_wait(&there.changed, &there.mutex);
    if (!tow_ring_is_empty(&there.calls)) {
        call = (tow_store_call *)((char *)there.calls.next - offsetof(tow_store_call, link));
        tow_ring_remove(&call->link);
    }
    pthread_mutex_unlock(&there.mutex);
    return call;
}

enum { PUBLISH, OTHER };

static void *serve(void *unused) {
    for (tow_store_call *call = dequeue(); call != NULL; call = dequeue()) {
        if (call->what == PUBLISH) {
            there.position.number++;
            tow_store_number(call->published, &there.position, 1);
            atomic_fetch_add(&numbered, 1);
            while (tow_store_bring(there.store.hub, call->published) == TOW_ERROR_QUEUE_FULL)
                sched_yield();
        }
        tow_store_answer(
            call, 0, &(tow_store_result){.exists = true, .position = there.position, .is_whole = true});
    }
    return unused;
}

static int publish_there(tow_store *store, struct tow_hold *hold, tow_published *published) {
    tow_store_call *call;
    int error = tow_store_keep_publication(store, hold, published, &call);
    if (error != 0)
        return error;
    enqueue(call, PUBLISH);
    return TOW_STORE_LATER;
}

static int ask_there(tow_store *store, const tow_store_ask *ask, tow_store_result *result) {
    tow_store_call *call;
    (void)result;
    int error = tow_store_keep(store, ask, &call);
    if (error != 0)
        return error;
    enqueue(call, OTHER);
    return TOW_STORE_LATER;
}

static void end_there(tow_store *store) {
    (void)store;
    pthread_mutex_lock(&there.mutex);
    there.stops = true;
    pthread_cond_signal(&there.changed);
    pthread_mutex_unlock(&there.mutex);
    pthread_join(there.thread, NULL);
    pthread_cond_destroy(&there.changed);
    pthread_mutex_destroy(&there.mutex);
}

static const tow_store_class elsewhere_class = {.publish = publish_there,
    .subscribe = ask_there,
    .history = ask_there,
    .members = ask_there,
    .count = ask_there,
    .free = end_there};

/* Subscribers. */

typedef struct hearer {
    tow_subscription subscription; /* first */
    uint64_t number;
    bool stays;
} hearer;

static tow_hub *hub;
static tow_workers *workers;
static hearer hearers[WORKERS][1 + GUESTS];
static atomic_int ready;
static atomic_int done; /* of those who stay */

static void subscribed(tow_subscription *subscription, const tow_subscribed *what) {
    ((hearer *)subscription)->number = what->position.number;
}

static void deliver(tow_subscription *subscription, tow_burst *burst) {
    hearer *self = (hearer *)subscription;
    for (size_t i = 0; i < tow_burst_count(burst); i++)
        assert_int_equal(tow_published_position(tow_burst_at(burst, i)).number, ++self->number);
    if (self->stays && self->number == ALL)
        atomic_fetch_add(&done, 1);
}

static void ended(tow_subscription *subscription, tow_subscription_end why) {
    (void)subscription;
    assert_int_equal(why, TOW_SUBSCRIPTION_OVER);
}

static const tow_subscriber kind = {.subscribed = subscribed, .deliver = deliver, .ended = ended};

static void answered(tow_hub_question *question, const tow_hub_answer *answer) {
    (void)question;
    assert_int_equal(answer->error, 0);
}

static void come(hearer *self, tow_hub_part *part) {
    assert_int_equal(tow_subscribe(part, &self->subscription, &kind, news, NULL), 0);
}

static void work(void *unused, int index, tow_loop *loop) {
    (void)unused;
    assert_int_equal(tow_hub_part_begin(hub, (size_t)index, loop), 0);
    tow_hub_part *part = tow_hub_part_at(hub, (size_t)index);
    tow_hub_question question = {.answered = answered};
    hearers[index][0].stays = true;
    come(&hearers[index][0], part);
    atomic_fetch_add(&ready, 1);
    for (unsigned i = 0; atomic_load(&done) < WORKERS; i++) {
        hearer *guest = &hearers[index][1 + i % GUESTS];
        if (tow_subscription_is_on(&guest->subscription))
            tow_unsubscribe(&guest->subscription);
        else
            come(guest, part);
        tow_hub_forget(&question);
        assert_int_equal(tow_hub_ask_history(part, &question, news, NULL, 1), 0);
        tow_loop_step(loop);
    }
    tow_hub_part_end(part);
}

/* One after the other, so that the store is not always behind: what nothing orders is seen only where it
 * numbers at once. */
static void *publish(void *unused) {
    const tow_draft draft = {.type = TOW_TEXT, .data = {"x", 1}};
    for (int i = 0; i < EACH; i++) {
        int before = atomic_load(&numbered);
        assert_int_equal(tow_hub_publish(hub, news, &draft), 0);
        while (atomic_load(&numbered) == before)
            sched_yield();
    }
    return unused;
}

static void answers_come_from_another_thread(void **unused) {
    (void)unused;
    pthread_t publishers[PUBLISHERS];
    tow_loop *loop;
    there.store.class = &elsewhere_class;
    there.position.epoch = 1;
    tow_ring_init(&there.calls);
    pthread_mutex_init(&there.mutex, NULL);
    pthread_cond_init(&there.changed, NULL);
    assert_int_equal(tow_loop_new(&loop, NULL), 0);
    assert_int_equal(tow_hub_new(&hub, WORKERS + 1, &(tow_hub_options){0}), 0);
    tow_hub_set_store(hub, &there.store);
    pthread_create(&there.thread, NULL, serve, NULL);
    assert_int_equal(tow_hub_part_begin(hub, WORKERS, loop), 0);
    assert_int_equal(tow_workers_start(&workers, WORKERS, TOW_IO_AUTO, work, NULL), 0);
    while (atomic_load(&ready) < WORKERS)
        sched_yield();
    for (int i = 0; i < PUBLISHERS; i++)
        pthread_create(&publishers[i], NULL, publish, NULL);
    while (atomic_load(&done) < WORKERS)
        sched_yield();
    for (int i = 0; i < PUBLISHERS; i++)
        pthread_join(publishers[i], NULL);
    tow_workers_join(workers);
    tow_hub_part_end(tow_hub_part_at(hub, WORKERS));
    tow_hub_free(hub);
    tow_loop_free(loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_from_another_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
