/* Memory that fails at each step: a call that fails has changed nothing, and who lost something is told. */
#include "listener.h"

#include "../allocation.h"

#include <towline/error.h>

static hub_world world;
static const tow_member ann = {.user = {"ann", 3}, .info = {"info", 4}};

/* Whatever a failure does, no one gets something twice, out of order, or with something missing unsaid. */
static int last_heard;
static bool may_miss;
static bool is_full;

static void subscribed(tow_subscription *subscription, const tow_subscribed *what) {
    (void)subscription;
    last_heard = (int)(what->position.number - what->missed);
}

static bool takes(const tow_subscription *subscription) {
    (void)subscription;
    return !is_full;
}

static void deliver(tow_subscription *subscription, tow_burst *burst) {
    (void)subscription;
    for (size_t i = 0; i < tow_burst_count(burst); i++) {
        const tow_published *published = tow_burst_at(burst, i);
        if (tow_published_kind_of(published) != TOW_PUBLISHED_MESSAGE)
            continue;
        int number = (int)tow_published_position(published).number;
        assert_true(may_miss ? number > last_heard : number == last_heard + 1);
        last_heard = number;
        may_miss = false;
    }
    is_full = true;
}

static void gap(tow_subscription *subscription, const tow_gap *what) {
    (void)subscription;
    (void)what;
    may_miss = true;
}

static void ended(tow_subscription *subscription, tow_subscription_end why) {
    (void)subscription;
    assert_int_equal(why, TOW_SUBSCRIPTION_LOST);
}

static const tow_subscriber kind = {
    .subscribed = subscribed, .takes = takes, .deliver = deliver, .gap = gap, .ended = ended};

/* Of the other, whose memory may be what is missing. */
static void hear_nothing(tow_subscription *subscription, tow_burst *burst) {
    (void)subscription;
    (void)burst;
}

static const tow_subscriber deaf_kind = {.deliver = hear_nothing, .ended = ended};

static void note_answer(tow_hub_question *question, const tow_hub_answer *answer) {
    (void)question;
    assert_true(answer->error == 0 || answer->error == TOW_ERROR_MEMORY);
    bool is_list = answer->published != NULL || answer->members != NULL || answer->channels != NULL;
    assert_true(is_list || answer->count == 0);
}

static void say(const char *text) {
    const tow_draft draft = {
        .type = TOW_TEXT, .data = tow_slice_from(text), .key = tow_slice_from(text), .event = {"event", 5}};
    int error = tow_hub_publish(world.hub, tow_slice_from("news"), &draft);
    assert_true(error == 0 || error == TOW_ERROR_MEMORY);
}

static void ask(tow_hub_question questions[4]) {
    static const tow_position since = {0};
    for (int i = 0; i < 4; i++)
        questions[i] = (tow_hub_question){.answered = note_answer};
    tow_slice name = tow_slice_from("news");
    const tow_draft draft = {.type = TOW_TEXT};
    tow_hub_ask_history(world.parts[1], &questions[0], name, &since, 10);
    tow_hub_ask_members(world.parts[1], &questions[1], name, (tow_slice){0}, 10);
    tow_hub_ask_channels(world.parts[1], &questions[2], (tow_slice){0}, (tow_slice){0}, 10);
    tow_hub_ask_publish(world.parts[1], &questions[3], name, &draft);
}

static void act(void) {
    tow_subscription first = {0};
    tow_subscription second = {0};
    tow_hub_question questions[4];
    is_full = false;
    const tow_subscribe_options with_member = {.member = &ann, .wants_presence = true, .last = 5};
    say("a");
    say("b");
    int error = tow_subscribe(world.parts[0], &first, &kind, tow_slice_from("news"), &with_member);
    assert_true(error == 0 || error == TOW_ERROR_MEMORY);
    assert_int_equal(tow_subscription_is_on(&first), error == 0);
    tow_loop_step(world.loop);
    error = tow_subscribe(world.parts[1], &second, &deaf_kind, tow_slice_from("other"),
        &(tow_subscribe_options){.wants_presence = true, .no_messages = true});
    assert_true(error == 0 || error == TOW_ERROR_MEMORY);
    for (int i = 0; i < 6; i++)
        say("c");
    ask(questions);
    hub_world_settle(&world);
    say("d");
    is_full = false;
    tow_subscription_ready(&first);
    hub_world_settle(&world);
    for (int i = 0; i < 4; i++)
        tow_hub_forget(&questions[i]);
    tow_unsubscribe(&first);
    tow_unsubscribe(&second);
    hub_world_settle(&world);
}

/* The world around it is made without failures. */
static size_t run(size_t number) {
    world = (hub_world){
        .policy = {.history_count = 20, .presence = true, .slow = TOW_SLOW_LATEST, .slow_count = 3}};
    hub_world_begin(&world, NULL, number);
    last_heard = 0;
    may_miss = false;
    allocation_fail_at(number);
    act();
    size_t count = allocation_count();
    allocation_fail_at(0);
    tow_hub_counters counters;
    tow_hub_gauges now;
    tow_hub_read(world.hub, &counters, &now);
    assert_int_equal(now.subscriptions, 0);
    assert_int_equal(now.members, 0);
    assert_int_equal(now.pending_bytes, 0);
    assert_int_equal(now.waiting_bytes, 0);
    hub_world_end(&world);
    return count;
}

static void any_allocation_may_fail(void **state) {
    (void)state;
    size_t count = run(0);
    assert_true(count > 30);
    for (size_t number = 1; number <= count; number++) {
        long before = allocation_outstanding();
        run(number);
        assert_int_equal(allocation_outstanding(), before);
    }
}

static void making_a_hub_may_fail(void **state) {
    (void)state;
    tow_hub *hub;
    size_t count = 0;
    long before = allocation_outstanding();
    for (size_t number = 1;; number++) {
        allocation_fail_at(number);
        int error = tow_hub_new(&hub, 2, &(tow_hub_options){0});
        count = allocation_count();
        allocation_fail_at(0);
        if (error == 0)
            break;
        assert_int_equal(error, TOW_ERROR_MEMORY);
        assert_int_equal(allocation_outstanding(), before);
    }
    assert_true(count > 0);
    tow_hub_free(hub);
    assert_int_equal(allocation_outstanding(), before);
}

static void nobody_may(void *user, tow_slice name, tow_channel_policy *policy) {
    (void)user;
    (void)name;
    policy->subscribe = TOW_ACCESS_NOBODY;
}

static void nobody_stays_as_a_policy_may_fail(void **state) {
    (void)state;
    tow_subscription subscription = {0};
    world = (hub_world){0};
    hub_world_begin(&world, NULL, 1);
    assert_int_equal(
        tow_subscribe(world.parts[0], &subscription, &deaf_kind, tow_slice_from("news"), NULL), 0);
    allocation_fail_at(1);
    tow_hub_renew(world.hub, nobody_may, NULL);
    assert_int_equal(allocation_count(), 1);
    allocation_fail_at(0);
    hub_world_settle(&world);
    assert_false(tow_subscription_is_on(&subscription));
    hub_world_end(&world);
}

static void come_and_go_amid_an_answer(void) {
    listener one = {0};
    listener_begin(&one, &world, 0, "news", NULL);
    late_store_cut(world.store);
    tow_unsubscribe(&one.subscription);
    late_store_mend(world.store);
    hub_world_settle(&world);
}

static void an_answer_that_nobody_waits_for_is_freed(void **state) {
    (void)state;
    world = (hub_world){0};
    hub_world_begin_late(&world, NULL, NULL, 1);
    come_and_go_amid_an_answer();
    long before = allocation_outstanding();
    come_and_go_amid_an_answer();
    assert_int_equal(allocation_outstanding(), before);
    hub_world_end(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(making_a_hub_may_fail),
        cmocka_unit_test(nobody_stays_as_a_policy_may_fail),
        cmocka_unit_test(an_answer_that_nobody_waits_for_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
