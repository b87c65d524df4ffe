/* A store that lies elsewhere: whatever is asked is answered later, and by an error when it is lost. What
 * subscribers see is the same. */
#include "listener.h"

#include <towline/error.h>

static hub_world world;

static int begin(void **state) {
    (void)state;
    world = (hub_world){.policy = {.history_count = 4, .history_seconds = 1000, .presence = true}};
    hub_world_begin_late(&world, NULL, NULL, 1);
    return 0;
}

static int end(void **state) {
    (void)state;
    hub_world_end(&world);
    return 0;
}

static void say(const char *text) {
    hub_world_say(&world, "news", text);
}

static void settle(void) {
    hub_world_settle(&world);
}

static void subscribers_get_what_is_brought_behind_the_answer(void **state) {
    (void)state;
    listener one = {0};
    listener two = {0};
    say("a");
    listener_begin(&one, &world, 0, "news", NULL);
    say("b");
    settle();
    assert_heard(&one, "subscribed b");
    assert_int_equal(one.told.position.number, 1);
    listener_begin(&two, &world, 1, "news", NULL);
    say("c");
    settle();
    assert_heard(&one, "c");
    assert_heard(&two, "subscribed c");
    tow_unsubscribe(&one.subscription);
    settle();
    assert_int_equal(late_store_interests(world.store), 1);
    tow_unsubscribe(&two.subscription);
    settle();
    assert_int_equal(late_store_interests(world.store), 0);
}

static void who_comes_back_gets_what_it_missed(void **state) {
    (void)state;
    listener one = {0};
    for (const char *text = "a\0b\0c\0d\0e\0f\0"; *text != '\0'; text += 2)
        say(text);
    settle();
    const tow_subscribe_options since = {.since = {1001, 3}};
    listener_begin(&one, &world, 0, "news", &since);
    say("g");
    settle();
    assert_heard(&one, "subscribed d e f g");
    tow_unsubscribe(&one.subscription);
    const tow_subscribe_options gone = {.since = {1001, 1}, .last = 2};
    listener_begin(&one, &world, 0, "news", &gone);
    settle();
    assert_heard(&one, "subscribed(gone) f g");
    tow_unsubscribe(&one.subscription);
}

static void who_is_gone_before_the_answer_hears_nothing(void **state) {
    (void)state;
    listener one = {0};
    const tow_member ann = {.user = {"ann", 3}};
    const tow_subscribe_options options = {.member = &ann};
    listener_begin(&one, &world, 0, "news", &options);
    tow_unsubscribe(&one.subscription);
    settle();
    assert_heard(&one, "");
    assert_int_equal(late_store_leases(world.store), 0);
    assert_int_equal(late_store_interests(world.store), 0);
    tow_hub_counters counters;
    tow_hub_gauges now;
    tow_hub_read(world.hub, &counters, &now);
    assert_int_equal(now.asked_bytes, 0);
    assert_int_equal(now.subscriptions, 0);
}

static void a_store_that_is_lost_refuses_who_waits(void **state) {
    (void)state;
    listener waits = {0};
    listener stands = {0};
    listener late = {0};
    listener_begin(&stands, &world, 1, "news", NULL);
    settle();
    listener_begin(&waits, &world, 0, "news", NULL);
    late_store_cut(world.store);
    settle();
    assert_heard(&waits, "refused");
    assert_heard(&stands, "subscribed");
    assert_int_equal(
        tow_subscribe(world.parts[0], &late.subscription, &listener_kind, tow_slice_from("news"), NULL),
        TOW_ERROR_REFUSED);
    const tow_draft draft = {.type = TOW_TEXT};
    assert_int_equal(tow_hub_publish(world.hub, tow_slice_from("news"), &draft), TOW_ERROR_REFUSED);
    late_store_mend(world.store);
    settle();
    assert_heard(&stands, "lost"); /* it does not know what it has missed, and comes back */
    const tow_subscribe_options back = {.since = stands.told.position};
    listener_begin(&stands, &world, 1, "news", &back);
    say("a");
    settle();
    assert_heard(&stands, "subscribed a");
    tow_unsubscribe(&stands.subscription);
}

static listener comes;

static void come_in_vain(listener *self) {
    self->on_deliver = NULL;
    listener_begin(&comes, &world, 0, "news", NULL);
    late_store_cut(world.store);
}

static void an_answer_amid_a_delivery_is_heard(void **state) {
    (void)state;
    listener stands = {.on_deliver = come_in_vain};
    comes = (listener){0};
    listener_begin(&stands, &world, 0, "news", NULL);
    settle();
    say("a");
    settle();
    assert_heard(&stands, "subscribed a");
    assert_heard(&comes, "refused");
    tow_unsubscribe(&stands.subscription);
}

/* Questions. */

typedef struct reader {
    tow_hub_question question; /* first */
    int answers;
    int error;
    size_t count;
    tow_position position;
    bool is_whole;
    char first[16];
} reader;

static void answered(tow_hub_question *question, const tow_hub_answer *answer) {
    reader *self = (reader *)question;
    self->answers++;
    self->error = answer->error;
    self->count = answer->count;
    self->position = answer->position;
    self->is_whole = answer->is_whole;
    if (answer->published != NULL)
        snprintf(self->first, sizeof(self->first), "%.*s",
            (int)tow_published_data(answer->published[0]).length,
            tow_published_data(answer->published[0]).data);
    if (answer->members != NULL)
        snprintf(self->first, sizeof(self->first), "%.*s", (int)answer->members[0].user.length,
            answer->members[0].user.data);
    if (answer->channels != NULL)
        snprintf(self->first, sizeof(self->first), "%d users", (int)answer->channels[0].users);
}

static const tow_slice news = {"news", 4};

static void questions_are_answered_later(void **state) {
    (void)state;
    enum { HISTORY, MEMBERS, COUNT, PUBLISH, ALL };
    reader readers[ALL] = {0};
    listener one = {0};
    const tow_member ann = {.user = {"ann", 3}};
    const tow_subscribe_options options = {.member = &ann};
    const tow_position since = {1001, 1};
    const tow_draft draft = {.type = TOW_TEXT, .data = {"d", 1}};
    for (int i = 0; i < ALL; i++)
        readers[i].question.answered = answered;
    say("a");
    say("b");
    say("c");
    listener_begin(&one, &world, 0, "news", &options);
    settle();
    assert_int_equal(tow_hub_ask_history(world.parts[1], &readers[HISTORY].question, news, &since, 10), 0);
    assert_int_equal(
        tow_hub_ask_members(world.parts[1], &readers[MEMBERS].question, news, (tow_slice){0}, 10), 0);
    assert_int_equal(tow_hub_ask_count(world.parts[1], &readers[COUNT].question, news), 0);
    settle();
    assert_int_equal(tow_hub_ask_publish(world.parts[1], &readers[PUBLISH].question, news, &draft), 0);
    assert_int_equal(readers[PUBLISH].answers, 0);
    settle();
    for (int i = 0; i < ALL; i++) {
        assert_int_equal(readers[i].answers, 1);
        assert_int_equal(readers[i].error, 0);
    }
    assert_int_equal(readers[HISTORY].count, 2);
    assert_true(readers[HISTORY].is_whole);
    assert_string_equal(readers[HISTORY].first, "b");
    assert_string_equal(readers[MEMBERS].first, "ann");
    assert_string_equal(readers[COUNT].first, "1 users");
    assert_int_equal(readers[PUBLISH].position.number, 4);
    assert_heard(&one, "subscribed(ann) d");
    tow_unsubscribe(&one.subscription);
}

static void an_error_of_the_store_is_the_answer(void **state) {
    (void)state;
    reader one = {.question = {.answered = answered}};
    reader two = {.question = {.answered = answered}};
    listener late = {0};
    const tow_draft draft = {.type = TOW_TEXT};
    late_store_fail_next(world.store, TOW_ERROR_REFUSED);
    assert_int_equal(tow_hub_ask_publish(world.parts[0], &one.question, news, &draft), 0);
    settle();
    assert_int_equal(one.answers, 1);
    assert_int_equal(one.error, TOW_ERROR_REFUSED);
    assert_int_equal(tow_hub_ask_history(world.parts[0], &two.question, news, NULL, 1), 0);
    tow_loop_step(world.loop);
    late_store_cut(world.store);
    settle();
    assert_int_equal(two.answers, 1);
    assert_int_equal(two.error, TOW_ERROR_REFUSED);
    late_store_mend(world.store);
    late_store_fail_next(world.store, TOW_ERROR_LIMIT);
    listener_begin(&late, &world, 0, "news", NULL);
    settle();
    assert_heard(&late, "refused");
    tow_hub_counters counters;
    tow_hub_gauges now;
    tow_hub_read(world.hub, &counters, &now);
    assert_int_equal(counters.store_errors, 2); /* a limit is none */
}

static void too_many_members_are_told_apart(void **state) {
    (void)state;
    listener late = {0};
    const tow_member ann = {.user = {"ann", 3}};
    const tow_subscribe_options options = {.member = &ann};
    late_store_fail_next(world.store, TOW_ERROR_LIMIT);
    listener_begin(&late, &world, 0, "news", &options);
    settle();
    assert_heard(&late, "full");
    tow_hub_counters counters;
    tow_hub_gauges now;
    tow_hub_read(world.hub, &counters, &now);
    assert_int_equal(counters.over_members, 1);
    assert_int_equal(counters.store_errors, 0);
}

/* Whether nobody asked, or does not want to know any more. */
static void a_refusal_that_nobody_hears_is_counted(void **state) {
    (void)state;
    reader one = {.question = {.answered = answered}};
    const tow_draft draft = {.type = TOW_TEXT};
    late_store_fail_next(world.store, TOW_ERROR_QUEUE_FULL);
    say("a");
    settle();
    late_store_fail_next(world.store, TOW_ERROR_REFUSED);
    assert_int_equal(tow_hub_ask_publish(world.parts[0], &one.question, tow_slice_from("news"), &draft), 0);
    tow_hub_forget(&one.question);
    settle();
    late_store_fail_next(world.store, TOW_ERROR_REFUSED);
    assert_int_equal(tow_hub_ask_publish(world.parts[0], &one.question, tow_slice_from("news"), &draft), 0);
    settle();
    assert_int_equal(one.error, TOW_ERROR_REFUSED);
    tow_hub_counters counters;
    tow_hub_gauges now;
    tow_hub_read(world.hub, &counters, &now);
    assert_int_equal(counters.unheard, 2);
}

static void what_is_forgotten_is_not_answered(void **state) {
    (void)state;
    reader one = {.question = {.answered = answered}};
    const tow_draft draft = {.type = TOW_TEXT};
    assert_int_equal(tow_hub_ask_publish(world.parts[0], &one.question, news, &draft), 0);
    tow_hub_forget(&one.question);
    assert_int_equal(tow_hub_ask_history(world.parts[0], &one.question, news, NULL, 1), 0);
    tow_loop_step(world.loop);
    tow_hub_forget(&one.question);
    settle();
    assert_int_equal(one.answers, 0);
    assert_int_equal(tow_hub_ask_history(world.parts[0], &one.question, news, NULL, 1), 0);
    settle();
    assert_int_equal(one.answers, 1);
    assert_int_equal(one.position.number, 1); /* what was asked for was published all the same */
}

/* Bounds. */

static int begin_small(void **state) {
    (void)state;
    world = (hub_world){.policy = {.history_count = 4}};
    hub_world_begin_late(&world, NULL, &(tow_hub_options){.max_pending = 100000}, 1);
    return 0;
}

static void what_waits_for_the_store_is_bounded(void **state) {
    (void)state;
    static const char data[1000] = {0};
    const tow_draft draft = {.type = TOW_BINARY, .data = {data, sizeof(data)}};
    tow_hub_counters counters;
    tow_hub_gauges now;
    late_store_hold(world.store, true);
    int count = 0;
    while (tow_hub_publish(world.hub, news, &draft) == 0)
        count++;
    assert_int_equal(tow_hub_publish(world.hub, news, &draft), TOW_ERROR_QUEUE_FULL);
    tow_hub_read(world.hub, &counters, &now);
    assert_in_range(count, 50, 100);
    assert_in_range(now.asked_bytes, 90000, 100000);
    assert_int_equal(counters.over_pending, 2);
    late_store_hold(world.store, false);
    while (late_store_waiting(world.store) > 0)
        tow_loop_step(world.loop);
    tow_hub_read(world.hub, &counters, &now);
    assert_int_equal(now.asked_bytes, 0);
    assert_int_equal(tow_hub_publish(world.hub, news, &draft), 0);
}

static void a_part_may_end_while_answers_are_out(void **state) {
    (void)state;
    listener one = {0};
    reader two = {.question = {.answered = answered}};
    reader three = {.question = {.answered = answered}};
    const tow_draft draft = {.type = TOW_TEXT};
    late_store_hold(world.store, true);
    listener_begin(&one, &world, 2, "news", NULL);
    assert_int_equal(tow_hub_ask_publish(world.parts[2], &two.question, news, &draft), 0);
    assert_int_equal(tow_hub_ask_history(world.parts[2], &three.question, news, NULL, 1), 0);
    tow_loop_step(world.loop);
    assert_int_equal(late_store_waiting(world.store), 3);
    tow_hub_part_end(world.parts[2]);
    world.parts[2] = NULL;
    late_store_hold(world.store, false);
    settle();
    assert_heard(&one, "over");
    assert_int_equal(two.answers + three.answers, 0);
    assert_int_equal(late_store_waiting(world.store), 0);
}

/* Presence. */

static void several_hubs_share_a_store(void **state) {
    (void)state;
    hub_world other = {.policy = world.policy};
    hub_world_begin_late(&other, &world, NULL, 2);
    listener here = {0};
    listener there = {0};
    const tow_member ann = {.user = {"ann", 3}};
    const tow_member bob = {.user = {"bob", 3}};
    const tow_subscribe_options as_ann = {.member = &ann, .wants_presence = true};
    const tow_subscribe_options as_bob = {.member = &bob, .wants_presence = true};
    listener_begin(&here, &world, 0, "news", &as_ann);
    settle();
    listener_begin(&there, &other, 1, "news", &as_bob);
    settle();
    say("a");
    settle();
    assert_heard(&here, "subscribed(ann) +bob a");
    assert_heard(&there, "subscribed(ann bob) a");
    tow_unsubscribe(&there.subscription);
    settle();
    assert_heard(&here, "-bob");
    tow_unsubscribe(&here.subscription);
    hub_world_end(&other);
}

static void who_vanishes_with_its_process_is_present_no_more(void **state) {
    (void)state;
    hub_world other = {.policy = world.policy};
    hub_world_begin_late(&other, &world, NULL, 2);
    listener here = {0};
    listener there = {0};
    const tow_member bob = {.user = {"bob", 3}};
    const tow_subscribe_options listens = {.wants_presence = true};
    const tow_subscribe_options as_bob = {.member = &bob};
    listener_begin(&here, &world, 0, "news", &listens);
    listener_begin(&there, &other, 1, "news", &as_bob);
    settle();
    assert_heard(&here, "subscribed +bob");
    late_store_cut(other.store); /* nothing is said any more */
    hub_world_end(&other);
    settle();
    assert_heard(&here, "");
    late_server_expire(world.server);
    settle();
    assert_heard(&here, "-bob");
    tow_unsubscribe(&here.subscription);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(subscribers_get_what_is_brought_behind_the_answer),
        TEST(who_comes_back_gets_what_it_missed),
        TEST(who_is_gone_before_the_answer_hears_nothing),
        TEST(a_store_that_is_lost_refuses_who_waits),
        TEST(an_answer_amid_a_delivery_is_heard),
        TEST(questions_are_answered_later),
        TEST(an_error_of_the_store_is_the_answer),
        TEST(too_many_members_are_told_apart),
        TEST(a_refusal_that_nobody_hears_is_counted),
        TEST(what_is_forgotten_is_not_answered),
        TEST(a_part_may_end_while_answers_are_out),
        TEST(several_hubs_share_a_store),
        TEST(who_vanishes_with_its_process_is_present_no_more),
        cmocka_unit_test_setup_teardown(what_waits_for_the_store_is_bounded, begin_small, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
