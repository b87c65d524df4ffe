/* What one client asks for costs others a bounded part of a round, whatever its size; and what is kept of all
 * channels together has a bound. Counted in rounds of the simulator. */
#include "listener.h"

#include <towline/error.h>

enum { ROUND = 1024 }; /* deliveries, or as much of other work */

static hub_world world;

static int end(void **state) {
    (void)state;
    hub_world_end(&world);
    return 0;
}

static tow_hub_gauges now(tow_hub_counters *counters) {
    tow_hub_counters unused;
    tow_hub_gauges gauges;
    tow_hub_read(world.hub, counters != NULL ? counters : &unused, &gauges);
    return gauges;
}

/* Questions. */

typedef struct asker {
    tow_hub_question question; /* first */
    size_t got;
    int answers;
} asker;

static void answered(tow_hub_question *question, const tow_hub_answer *answer) {
    asker *self = (asker *)question;
    assert_int_equal(answer->error, 0);
    self->got += answer->count;
    self->answers++;
}

static size_t sum_of(const asker *askers, size_t count) {
    size_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += askers[i].got;
    return sum;
}

static int begin_questions(void **state) {
    (void)state;
    world = (hub_world){.policy = {.history_count = 600, .history_bytes = 100000000, .presence = true}};
    hub_world_begin(&world, NULL, 1);
    return 0;
}

static void answers_count_by_their_length(void **state) {
    (void)state;
    enum { ASKED = 30, KEPT = 600 };
    static asker askers[ASKED];
    listener other = {0};
    memset(askers, 0, sizeof(askers));
    for (int i = 0; i < KEPT; i++)
        hub_world_say(&world, "long", "x");
    listener_begin(&other, &world, 0, "news", NULL);
    hub_world_settle(&world);
    assert_heard(&other, "subscribed");
    for (int i = 0; i < ASKED; i++) {
        askers[i].question.answered = answered;
        assert_int_equal(
            tow_hub_ask_history(world.parts[0], &askers[i].question, (tow_slice){"long", 4}, NULL, KEPT), 0);
    }
    for (size_t before = 0; before < (size_t)ASKED * KEPT;) {
        hub_world_say(&world, "news", "x");
        for (int i = 0; i < 2; i++) {
            tow_loop_step(world.loop);
            size_t sum = sum_of(askers, ASKED);
            assert_in_range(sum - before, 0, ROUND + KEPT);
            before = sum;
        }
        assert_heard(&other, "x"); /* in the next round, however much is asked */
    }
    tow_unsubscribe(&other.subscription);
}

static void answers_count_by_their_bytes(void **state) {
    (void)state;
    enum { ASKED = 20, LENGTH = 8 * 1024 * 1024 };
    static asker askers[ASKED];
    memset(askers, 0, sizeof(askers));
    char *data = calloc(1, LENGTH);
    const tow_draft draft = {.type = TOW_BINARY, .data = {data, LENGTH}};
    assert_int_equal(tow_hub_publish(world.hub, (tow_slice){"long", 4}, &draft), 0);
    free(data);
    for (int i = 0; i < ASKED; i++) {
        askers[i].question.answered = answered;
        tow_hub_ask_history(world.parts[0], &askers[i].question, (tow_slice){"long", 4}, NULL, 1);
    }
    for (size_t before = 0; before < ASKED;) {
        tow_loop_step(world.loop);
        size_t sum = sum_of(askers, ASKED);
        assert_in_range(sum - before, 1, 2);
        before = sum;
    }
}

/* Members are told to each who comes. */

static size_t told_now;

static void tell(tow_subscription *subscription, const tow_subscribed *what) {
    (void)subscription;
    told_now += what->member_count;
}

static void take(tow_subscription *subscription, tow_burst *burst) {
    (void)subscription;
    (void)burst;
}

static bool takes_nothing(const tow_subscription *subscription) {
    (void)subscription;
    return false;
}

static void over(tow_subscription *subscription, tow_subscription_end why) {
    (void)subscription;
    (void)why;
}

static const tow_subscriber counter = {.subscribed = tell, .deliver = take, .ended = over};

static void members_that_are_told_count(void **state) {
    (void)state;
    enum { MEMBERS = 500, COME = 20 };
    static tow_subscription members[MEMBERS], come[COME];
    memset(members, 0, sizeof(members));
    memset(come, 0, sizeof(come));
    for (int i = 0; i < MEMBERS; i++) {
        char user[32];
        snprintf(user, sizeof(user), "user-%d", i);
        const tow_member member = {.user = tow_slice_from(user)};
        const tow_subscribe_options options = {.member = &member};
        assert_int_equal(
            tow_subscribe(world.parts[1], &members[i], &counter, (tow_slice){"room", 4}, &options), 0);
        hub_world_settle(&world);
    }
    for (int i = 0; i < COME; i++)
        tow_subscribe(world.parts[0], &come[i], &counter, (tow_slice){"room", 4},
            &(tow_subscribe_options){.wants_presence = true});
    told_now = 0;
    for (size_t all = 0; all < (size_t)MEMBERS * COME; all += told_now) {
        told_now = 0;
        tow_loop_step(world.loop);
        assert_in_range(told_now, 1, ROUND + MEMBERS);
    }
    for (int i = 0; i < MEMBERS; i++)
        tow_unsubscribe(&members[i]);
    for (int i = 0; i < COME; i++)
        tow_unsubscribe(&come[i]);
}

/* Slow subscribers of which only the latest of each key waits. */

static int begin_latest(void **state) {
    (void)state;
    world = (hub_world){.policy = {.slow = TOW_SLOW_LATEST, .slow_count = 2000, .slow_bytes = 10000000}};
    hub_world_begin(&world, NULL, 1);
    return 0;
}

static void say_with_key(int number) {
    char key[32];
    snprintf(key, sizeof(key), "%d", number);
    const tow_draft draft = {.type = TOW_TEXT, .data = {"x", 1}, .key = tow_slice_from(key)};
    assert_int_equal(tow_hub_publish(world.hub, (tow_slice){"keys", 4}, &draft), 0);
}

static void looking_for_a_key_counts(void **state) {
    (void)state;
    enum { SLOW = 100, KEYS = 1280, A_LOOK = KEYS / 64 };
    static tow_subscription slow[SLOW];
    static const tow_subscriber unready = {.takes = takes_nothing, .deliver = take, .ended = over};
    memset(slow, 0, sizeof(slow));
    for (int i = 0; i < SLOW; i++)
        tow_subscribe(world.parts[0], &slow[i], &unready, (tow_slice){"keys", 4}, NULL);
    hub_world_settle(&world);
    for (int i = 0; i < KEYS; i++)
        say_with_key(i);
    while (now(NULL).pending_bytes > 0)
        tow_loop_step(world.loop);
    uint64_t one = now(NULL).waiting_bytes / SLOW / KEYS;
    say_with_key(KEYS);
    for (uint64_t before = now(NULL).waiting_bytes; now(NULL).pending_bytes > 0;) {
        tow_loop_step(world.loop);
        uint64_t more = now(NULL).waiting_bytes - before;
        assert_in_range(more / one, 0, ROUND / A_LOOK + 2);
        before += more;
    }
    for (int i = 0; i < SLOW; i++)
        tow_unsubscribe(&slow[i]);
}

/* What is kept. */

enum { HISTORY = 100000 };

static int begin_small(void **state) {
    (void)state;
    world = (hub_world){.policy = {.history_count = 1000, .history_seconds = 1000}};
    hub_world_begin(&world, &(tow_hub_options){.max_history_bytes = HISTORY}, 1);
    return 0;
}

static void say_to(int number, size_t length) {
    static const char data[HISTORY] = {0};
    char name[32];
    snprintf(name, sizeof(name), "%d", number);
    const tow_draft draft = {.type = TOW_BINARY, .data = {data, length}};
    assert_int_equal(tow_hub_publish(world.hub, tow_slice_from(name), &draft), 0);
    assert_true(now(NULL).history_bytes <= HISTORY);
}

static size_t kept_of(int number) {
    asker self = {.question = {.answered = answered}};
    char name[32];
    snprintf(name, sizeof(name), "%d", number);
    assert_int_equal(
        tow_hub_ask_history(world.parts[0], &self.question, tow_slice_from(name), NULL, 1000), 0);
    while (self.answers == 0)
        tow_loop_step(world.loop);
    return self.got;
}

static void all_histories_together_have_a_bound(void **state) {
    (void)state;
    for (int round = 0; round < 10; round++) {
        for (int number = 0; number < 8; number++) {
            say_to(number, 1000);
            hub_world_wait(&world, 1);
        }
    }
    for (int number = 0; number < 8; number++)
        assert_int_equal(kept_of(number), 10);
    for (int i = 0; i < 15; i++) {
        say_to(1, 1000);
        say_to(8, 1000);
        hub_world_wait(&world, 1);
    }
    assert_int_equal(kept_of(0), 0); /* published to least recently */
    assert_in_range(kept_of(2), 1, 9);
    assert_int_equal(kept_of(3), 10);
    assert_int_equal(kept_of(7), 10);
    assert_int_equal(kept_of(1), 25);
    assert_int_equal(kept_of(8), 15);
    tow_hub_counters counters;
    now(&counters);
    assert_in_range(counters.history_dropped, 11, 19);
}

static void what_is_larger_than_the_bound_is_not_kept(void **state) {
    (void)state;
    listener one = {0};
    listener_begin(&one, &world, 0, "1", &(tow_subscribe_options){.last = 1});
    say_to(1, HISTORY);
    assert_int_equal(now(NULL).history_bytes, 0);
    hub_world_settle(&world);
    assert_int_equal(one.told.position.number, 0);
    assert_int_equal(strlen(one.heard), strlen(" subscribed ")); /* it came all the same */
    tow_unsubscribe(&one.subscription);
    listener_begin(&one, &world, 0, "1", &(tow_subscribe_options){.since = one.told.position});
    one.heard[0] = '\0';
    hub_world_settle(&world);
    assert_heard(&one, "subscribed(gone)");
    tow_unsubscribe(&one.subscription);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_count_by_their_length, begin_questions, end),
        cmocka_unit_test_setup_teardown(answers_count_by_their_bytes, begin_questions, end),
        cmocka_unit_test_setup_teardown(members_that_are_told_count, begin_questions, end),
        cmocka_unit_test_setup_teardown(looking_for_a_key_counts, begin_latest, end),
        cmocka_unit_test_setup_teardown(all_histories_together_have_a_bound, begin_small, end),
        cmocka_unit_test_setup_teardown(what_is_larger_than_the_bound_is_not_kept, begin_small, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
