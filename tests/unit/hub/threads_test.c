/* Real threads: workers with subscribers, and others that publish. All see one order, nothing is missing and
 * nothing comes twice. */
#include "../unit.h"

#include "hub/hub.h"
#include "transport/loop.h"
#include "transport/workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <towline/error.h>

enum { WORKERS = 3, SUBSCRIBERS = 4, PUBLISHERS = 3, EACH = 300, ALL = PUBLISHERS * EACH };

/* Writes down who said what: the publisher, and its count. */
typedef struct hearer {
    tow_subscription subscription; /* first */
    uint32_t heard[ALL];
    size_t count;
} hearer;

typedef struct scene {
    tow_hub *hub;
    tow_workers *workers;
    hearer hearers[WORKERS][SUBSCRIBERS];
    atomic_int ready;
    atomic_size_t done; /* hearers that have all */
} scene;

static scene now_running;

static void deliver(tow_subscription *subscription, tow_burst *burst) {
    hearer *self = (hearer *)subscription;
    for (size_t i = 0; i < tow_burst_count(burst); i++) {
        tow_slice data = tow_published_data(tow_burst_at(burst, i));
        assert_true(self->count < ALL);
        memcpy(&self->heard[self->count++], data.data, sizeof(uint32_t));
        assert_int_equal(tow_published_position(tow_burst_at(burst, i)).number, self->count);
    }
    if (self->count == ALL)
        atomic_fetch_add(&now_running.done, 1);
}

static void ended(tow_subscription *subscription, tow_subscription_end why) {
    (void)subscription;
    assert_int_equal(why, TOW_SUBSCRIPTION_OVER);
}

static const tow_subscriber kind = {.deliver = deliver, .ended = ended};

static void begin(scene *self, int index, tow_loop *loop) {
    if (index > 0) /* the first lends its clock, and begins before all others */
        assert_int_equal(tow_hub_part_begin(self->hub, (size_t)index, loop), 0);
    for (int i = 0; i < SUBSCRIBERS; i++)
        assert_int_equal(tow_subscribe(tow_hub_part_at(self->hub, (size_t)index),
                             &self->hearers[index][i].subscription, &kind, tow_slice_from("news"), NULL),
            0);
}

static void work(void *argument, int index, tow_loop *loop) {
    scene *self = argument;
    begin(self, index + 1, loop);
    atomic_fetch_add(&self->ready, 1);
    while (atomic_load(&self->done) < WORKERS * SUBSCRIBERS)
        tow_loop_step(loop);
    tow_hub_part_end(tow_hub_part_at(self->hub, (size_t)index + 1));
}

static void *publish(void *argument) {
    uint32_t first = (uint32_t)(uintptr_t)argument * EACH;
    for (uint32_t i = 0; i < EACH; i++) {
        uint32_t text = first + i;
        const tow_draft draft = {.type = TOW_BINARY, .data = {(const char *)&text, sizeof(text)}};
        int error = tow_hub_publish(now_running.hub, tow_slice_from("news"), &draft);
        assert_int_equal(error, 0);
    }
    return NULL;
}

static void assert_same_order(void) {
    uint32_t next[PUBLISHERS] = {0};
    const hearer *first = &now_running.hearers[0][0];
    for (int i = 0; i < ALL; i++) /* each publisher's in its own order */
        assert_int_equal(first->heard[i] % EACH, next[first->heard[i] / EACH]++);
    for (int i = 0; i < WORKERS; i++)
        for (int j = 0; j < SUBSCRIBERS; j++)
            assert_memory_equal(now_running.hearers[i][j].heard, first->heard, sizeof(first->heard));
}

static void all_workers_see_one_order(void **unused) {
    (void)unused;
    tow_loop *loop;
    pthread_t publishers[PUBLISHERS];
    memset(&now_running, 0, sizeof(now_running));
    assert_int_equal(tow_loop_new(&loop, NULL), 0);
    assert_int_equal(tow_hub_new(&now_running.hub, WORKERS, &(tow_hub_options){0}), 0);
    assert_int_equal(tow_hub_part_begin(now_running.hub, 0, loop), 0);
    begin(&now_running, 0, loop);
    assert_int_equal(
        tow_workers_start(&now_running.workers, WORKERS - 1, TOW_IO_AUTO, work, &now_running), 0);
    while (atomic_load(&now_running.ready) < WORKERS - 1)
        tow_loop_step(loop);
    for (uintptr_t i = 0; i < PUBLISHERS; i++)
        pthread_create(&publishers[i], NULL, publish, (void *)i);
    while (atomic_load(&now_running.done) < WORKERS * SUBSCRIBERS)
        tow_loop_step(loop);
    for (int i = 0; i < PUBLISHERS; i++)
        pthread_join(publishers[i], NULL);
    tow_workers_join(now_running.workers);
    assert_same_order();
    tow_hub_part_end(tow_hub_part_at(now_running.hub, 0));
    tow_hub_free(now_running.hub);
    tow_loop_free(loop);
}

/* Subscriptions come and go on all workers, and forms are made by whoever is first. */

static void *encode(const tow_encoding *encoding, const tow_published *published) {
    (void)encoding;
    tow_slice data = tow_published_data(published);
    size_t *made = malloc(sizeof(*made));
    if (made != NULL)
        *made = data.length;
    return made;
}

static void *join(const tow_encoding *encoding, void *const *forms, size_t count) {
    (void)encoding;
    size_t *made = calloc(1, sizeof(*made));
    for (size_t i = 0; made != NULL && i < count; i++)
        *made += *(const size_t *)forms[i];
    return made;
}

static void free_form(const tow_encoding *encoding, void *form) {
    (void)encoding;
    free(form);
}

static const tow_encoding lengths = {.encode = encode, .join = join, .free = free_form};

static void take_form(tow_subscription *subscription, tow_burst *burst) {
    (void)subscription;
    const size_t *form = tow_burst_form(burst, &lengths);
    assert_non_null(form);
    assert_int_equal(*form, sizeof(uint32_t) * tow_burst_count(burst));
}

static const tow_subscriber taker = {.deliver = take_form, .ended = ended};
static atomic_int publishing;

static void come_and_go(void *argument, int index, tow_loop *loop) {
    scene *self = argument;
    hearer *hearers = self->hearers[index];
    assert_int_equal(tow_hub_part_begin(self->hub, (size_t)index, loop), 0);
    atomic_fetch_add(&self->ready, 1);
    for (unsigned i = 0; atomic_load(&publishing) > 0; i++) {
        hearer *one = &hearers[i % SUBSCRIBERS];
        if (tow_subscription_is_on(&one->subscription))
            tow_unsubscribe(&one->subscription);
        else
            assert_int_equal(tow_subscribe(tow_hub_part_at(self->hub, (size_t)index), &one->subscription,
                                 &taker, tow_slice_from("news"), NULL),
                0);
        tow_loop_step(loop);
    }
    tow_hub_part_end(tow_hub_part_at(self->hub, (size_t)index));
}

static void *publish_and_tell(void *argument) {
    publish(argument);
    atomic_fetch_sub(&publishing, 1);
    return NULL;
}

static void find_policy(void *user, tow_slice name, tow_channel_policy *policy) {
    (void)user;
    (void)name;
    policy->history_count = 10;
}

static void subscriptions_come_and_go_meanwhile(void **unused) {
    (void)unused;
    pthread_t publishers[PUBLISHERS];
    tow_loop *loop;
    memset(&now_running, 0, sizeof(now_running));
    atomic_store(&publishing, PUBLISHERS);
    assert_int_equal(tow_loop_new(&loop, NULL), 0);
    assert_int_equal(tow_hub_new(&now_running.hub, WORKERS + 1, &(tow_hub_options){.find = find_policy}), 0);
    assert_int_equal(tow_hub_part_begin(now_running.hub, WORKERS, loop), 0);
    assert_int_equal(
        tow_workers_start(&now_running.workers, WORKERS, TOW_IO_AUTO, come_and_go, &now_running), 0);
    while (atomic_load(&now_running.ready) < WORKERS)
        tow_loop_step(loop);
    for (uintptr_t i = 0; i < PUBLISHERS; i++)
        pthread_create(&publishers[i], NULL, publish_and_tell, (void *)i);
    while (atomic_load(&publishing) > 0) {
        tow_hub_counters counters;
        tow_hub_gauges now;
        tow_hub_read(now_running.hub, &counters, &now);
        tow_hub_renew(now_running.hub, find_policy, NULL);
        tow_loop_step(loop);
    }
    for (int i = 0; i < PUBLISHERS; i++)
        pthread_join(publishers[i], NULL);
    tow_workers_join(now_running.workers);
    tow_hub_part_end(tow_hub_part_at(now_running.hub, WORKERS));
    tow_hub_free(now_running.hub);
    tow_loop_free(loop);
}

/* What all histories hold has one bound, whichever thread publishes, and to which channel. */

enum { HISTORIES = 20000, OF_EACH = 40, LENGTH = 100 };

static void *publish_to_many(void *argument) {
    static const char data[LENGTH] = {0};
    const tow_draft draft = {.type = TOW_BINARY, .data = {data, sizeof(data)}};
    for (uintptr_t i = 0; i < EACH * 10; i++) {
        char name[32];
        tow_hub_counters counters;
        tow_hub_gauges now;
        snprintf(name, sizeof(name), "%zu", (size_t)((uintptr_t)argument * OF_EACH + i % OF_EACH));
        assert_int_equal(tow_hub_publish(now_running.hub, tow_slice_from(name), &draft), 0);
        tow_hub_read(now_running.hub, &counters, &now);
        assert_true(now.history_bytes <= HISTORIES + (size_t)PUBLISHERS * 4 * LENGTH);
    }
    return NULL;
}

static void histories_have_one_bound(void **unused) {
    (void)unused;
    pthread_t publishers[PUBLISHERS];
    tow_loop *loop;
    const tow_hub_options options = {.find = find_policy, .max_history_bytes = HISTORIES};
    assert_int_equal(tow_loop_new(&loop, NULL), 0);
    assert_int_equal(tow_hub_new(&now_running.hub, 1, &options), 0);
    assert_int_equal(tow_hub_part_begin(now_running.hub, 0, loop), 0);
    for (uintptr_t i = 0; i < PUBLISHERS; i++)
        pthread_create(&publishers[i], NULL, publish_to_many, (void *)i);
    for (int i = 0; i < PUBLISHERS; i++)
        pthread_join(publishers[i], NULL);
    tow_hub_counters counters;
    tow_hub_gauges now;
    tow_hub_read(now_running.hub, &counters, &now);
    assert_true(now.history_bytes <= HISTORIES && counters.history_dropped > 0);
    tow_hub_part_end(tow_hub_part_at(now_running.hub, 0));
    tow_hub_free(now_running.hub);
    tow_loop_free(loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_workers_see_one_order),
        cmocka_unit_test(subscriptions_come_and_go_meanwhile),
        cmocka_unit_test(histories_have_one_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
