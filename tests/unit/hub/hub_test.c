/* The hub as its subscribers see it: order, bursts, what is kept, who is slow, who is there. */
#include "listener.h"

#include <towline/error.h>

static hub_world world;

static int begin(void **state) {
    (void)state;
    world = (hub_world){0};
    hub_world_begin(&world, NULL, 1);
    return 0;
}

static int begin_with_history(void **state) {
    (void)state;
    world = (hub_world){.policy = {.history_count = 4, .history_seconds = 10}};
    hub_world_begin(&world, NULL, 1);
    return 0;
}

static int begin_with_presence(void **state) {
    (void)state;
    world = (hub_world){.policy = {.presence = true}};
    hub_world_begin(&world, NULL, 1);
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

static int publish(const tow_draft *draft) {
    return tow_hub_publish(world.hub, tow_slice_from("news"), draft);
}

static void those_who_are_subscribed_get_what_is_published(void **state) {
    (void)state;
    listener one = {0};
    listener two = {0};
    listener other = {0};
    listener_begin(&one, &world, 0, "news", NULL);
    listener_begin(&two, &world, 1, "news", NULL);
    listener_begin(&other, &world, 1, "sports", NULL);
    say("a");
    settle();
    assert_heard(&one, "subscribed a");
    assert_heard(&two, "subscribed a");
    assert_heard(&other, "subscribed");
    tow_unsubscribe(&one.subscription);
    tow_unsubscribe(&one.subscription);
    say("b");
    settle();
    assert_heard(&one, "");
    assert_heard(&two, "b");
    tow_unsubscribe(&two.subscription);
    tow_unsubscribe(&other.subscription);
}

static void no_callback_runs_inside_a_call(void **state) {
    (void)state;
    listener one = {0};
    listener_begin(&one, &world, 0, "news", NULL);
    say("a");
    assert_heard(&one, "");
    settle();
    assert_heard(&one, "subscribed a");
    say("b");
    tow_unsubscribe(&one.subscription);
    settle();
    assert_heard(&one, "");
}

static void what_was_published_before_is_not_for_who_comes_after(void **state) {
    (void)state;
    listener one = {0};
    listener two = {.shows_bursts = true};
    listener_begin(&one, &world, 0, "news", NULL);
    settle();
    say("a");
    listener_begin(&two, &world, 0, "news", NULL);
    say("b");
    settle();
    assert_heard(&one, "subscribed a b");
    assert_heard(&two, "subscribed [ b ]");
    tow_unsubscribe(&one.subscription);
    tow_unsubscribe(&two.subscription);
}

static void what_comes_in_a_round_is_one_burst(void **state) {
    (void)state;
    listener one = {.shows_bursts = true};
    listener_begin(&one, &world, 2, "news", NULL);
    settle();
    assert_heard(&one, "subscribed");
    say("a");
    say("b");
    say("c");
    settle();
    assert_heard(&one, "[ a b c ]");
    tow_unsubscribe(&one.subscription);
}

static void who_said_it_can_be_left_out(void **state) {
    (void)state;
    listener one = {.identity = 7, .shows_bursts = true};
    listener two = {.identity = 8, .shows_bursts = true};
    listener_begin(&one, &world, 0, "news", NULL);
    listener_begin(&two, &world, 0, "news", NULL);
    settle();
    say("a");
    assert_int_equal(publish(&(tow_draft){.type = TOW_TEXT, .data = tow_slice_from("b"), .leave_out = 7}), 0);
    say("c");
    settle();
    assert_heard(&one, "subscribed [ a c ]");
    assert_heard(&two, "subscribed [ a b c ]");
    tow_unsubscribe(&one.subscription);
    tow_unsubscribe(&two.subscription);
}

static listener *victims[3];

static void end_others(listener *self) {
    (void)self;
    for (int i = 0; i < 3; i++)
        if (victims[i] != NULL)
            tow_unsubscribe(&victims[i]->subscription);
}

static void anybody_may_be_unsubscribed_in_a_delivery(void **state) {
    (void)state;
    listener many[3];
    memset(many, 0, sizeof(many));
    many[0].on_deliver = end_others;
    for (int i = 0; i < 3; i++) {
        listener_begin(&many[i], &world, 0, "news", NULL);
        victims[i] = &many[i];
    }
    settle();
    say("a");
    settle();
    assert_heard(&many[0], "subscribed a");
    assert_heard(&many[1], "subscribed");
    assert_heard(&many[2], "subscribed");
    assert_int_equal(tow_hub_subscriber_count(world.hub, tow_slice_from("news")), 0);
}

static void who_is_away_gets_what_it_missed(void **state) {
    (void)state;
    listener one = {0};
    listener_begin(&one, &world, 0, "news", NULL);
    say("a");
    settle();
    assert_heard(&one, "subscribed a");
    tow_position since = {one.told.position.epoch, 1};
    tow_unsubscribe(&one.subscription);
    say("b");
    say("c");
    listener_begin(&one, &world, 1, "news", &(tow_subscribe_options){.since = since});
    say("d");
    settle();
    assert_heard(&one, "subscribed b c d");
    assert_int_equal(one.told.missed, 2);
    assert_int_equal(one.told.position.number, 3);
    tow_unsubscribe(&one.subscription);
}

static void who_was_away_too_long_is_told_that_it_is_gone(void **state) {
    (void)state;
    listener one = {0};
    listener_begin(&one, &world, 0, "news", NULL);
    say("a");
    settle();
    tow_position since = {one.told.position.epoch, 1};
    tow_unsubscribe(&one.subscription);
    for (int i = 0; i < 4; i++)
        say("b");
    listener two = {0};
    listener_begin(&two, &world, 0, "news", &(tow_subscribe_options){.since = since});
    settle();
    assert_heard(&two, "subscribed b b b b");
    tow_unsubscribe(&two.subscription);
    say("c");
    listener_begin(&two, &world, 0, "news", &(tow_subscribe_options){.since = since, .last = 1});
    settle();
    assert_heard(&two, "subscribed(gone) c");
    tow_unsubscribe(&two.subscription);
}

static void history_goes_with_time(void **state) {
    (void)state;
    listener one = {0};
    say("a");
    hub_world_wait(&world, 6);
    say("b");
    hub_world_wait(&world, 6);
    listener_begin(&one, &world, 0, "news", &(tow_subscribe_options){.last = 10});
    settle();
    assert_heard(&one, "subscribed b");
    tow_unsubscribe(&one.subscription);
}

static void another_epoch_is_gone(void **state) {
    (void)state;
    listener one = {0};
    say("a");
    listener_begin(&one, &world, 0, "news", &(tow_subscribe_options){.since = {12345, 0}});
    settle();
    assert_heard(&one, "subscribed(gone)");
    tow_position future = {one.told.position.epoch, 2};
    tow_unsubscribe(&one.subscription);
    listener_begin(&one, &world, 0, "news", &(tow_subscribe_options){.since = future});
    settle();
    assert_heard(&one, "subscribed(gone)");
    tow_unsubscribe(&one.subscription);
}

static void without_history_nothing_is_lost_if_nothing_was_said(void **state) {
    (void)state;
    listener one = {0};
    listener_begin(&one, &world, 0, "news", NULL);
    say("a");
    settle();
    assert_heard(&one, "subscribed a");
    tow_position since = {one.told.position.epoch, 1};
    tow_unsubscribe(&one.subscription);
    hub_world_wait(&world, 20);
    listener_begin(&one, &world, 0, "news", &(tow_subscribe_options){.since = since});
    settle();
    assert_heard(&one, "subscribed");
    tow_unsubscribe(&one.subscription);
    say("b");
    listener_begin(&one, &world, 0, "news", &(tow_subscribe_options){.since = since});
    settle();
    assert_heard(&one, "subscribed(gone)");
    tow_unsubscribe(&one.subscription);
}

static uint64_t channels_now(void) {
    tow_hub_counters counters;
    tow_hub_gauges now;
    tow_hub_read(world.hub, &counters, &now);
    return now.channels;
}

static void a_channel_without_subscribers_lingers_and_goes(void **state) {
    (void)state;
    listener one = {0};
    listener_begin(&one, &world, 0, "news", NULL);
    settle();
    tow_unsubscribe(&one.subscription);
    hub_world_wait(&world, 25);
    assert_int_equal(channels_now(), 1);
    hub_world_wait(&world, 10);
    assert_int_equal(channels_now(), 0);
}

static void what_is_not_kept_has_no_number(void **state) {
    (void)state;
    listener one = {0};
    say("a");
    assert_int_equal(
        publish(&(tow_draft){.type = TOW_TEXT, .data = tow_slice_from("b"), .not_kept = true}), 0);
    listener_begin(&one, &world, 0, "news", &(tow_subscribe_options){.last = 10});
    settle();
    assert_heard(&one, "subscribed a");
    assert_int_equal(one.told.position.number, 1);
    tow_unsubscribe(&one.subscription);
}

static void a_slow_subscriber_is_ended(void **state) {
    (void)state;
    world.policy = (tow_channel_policy){.slow_count = 2};
    listener one = {.takes_no_more = true};
    listener_begin(&one, &world, 0, "news", NULL);
    say("a");
    settle();
    say("b");
    say("c");
    settle();
    assert_heard(&one, "subscribed a");
    say("d");
    settle();
    assert_heard(&one, "slow");
    assert_false(tow_subscription_is_on(&one.subscription));
}

static void a_slow_subscriber_loses_the_oldest_and_is_told(void **state) {
    (void)state;
    world.policy = (tow_channel_policy){.slow = TOW_SLOW_OLDEST, .slow_count = 2};
    listener one = {.takes_no_more = true};
    listener_begin(&one, &world, 0, "news", NULL);
    say("a");
    settle();
    for (const char *text = "b\0c\0d\0e\0"; *text != '\0'; text += 2)
        say(text);
    settle();
    assert_heard(&one, "subscribed a");
    one.takes_no_more = false;
    tow_subscription_ready(&one.subscription);
    tow_subscription_ready(&one.subscription);
    say("f");
    settle();
    assert_heard(&one, "gap(2) d e f");
    tow_unsubscribe(&one.subscription);
}

static void say_key(const char *key, const char *text) {
    const tow_draft draft = {.type = TOW_TEXT, .data = tow_slice_from(text), .key = tow_slice_from(key)};
    assert_int_equal(publish(&draft), 0);
}

static void a_slow_subscriber_gets_the_latest_of_each_key(void **state) {
    (void)state;
    world.policy = (tow_channel_policy){.slow = TOW_SLOW_LATEST, .slow_count = 3};
    listener one = {.takes_no_more = true};
    listener_begin(&one, &world, 0, "news", NULL);
    say("a");
    settle();
    say_key("x", "x1");
    say_key("y", "y1");
    say_key("x", "x2");
    say("b");
    say_key("y", "y2");
    settle();
    assert_heard(&one, "subscribed a");
    one.takes_no_more = false;
    tow_subscription_ready(&one.subscription);
    settle();
    assert_heard(&one, "gap(2) x2 b y2");
    tow_unsubscribe(&one.subscription);
}

static void a_slow_subscriber_holds_nobody_up(void **state) {
    (void)state;
    listener slow = {.takes_no_more = true};
    listener fast = {0};
    listener_begin(&slow, &world, 0, "news", NULL);
    listener_begin(&fast, &world, 0, "news", NULL);
    say("a");
    settle();
    say("b");
    settle();
    assert_heard(&slow, "subscribed a");
    assert_heard(&fast, "subscribed a b");
    tow_unsubscribe(&slow.subscription);
    tow_unsubscribe(&fast.subscription);
}

static void who_takes_nothing_when_it_begins_gets_it_when_it_does(void **state) {
    (void)state;
    say("a");
    listener one = {.takes_no_more = true, .has_taken = true};
    listener_begin(&one, &world, 0, "news", NULL);
    say("b");
    settle();
    assert_heard(&one, "subscribed");
    one.takes_no_more = false;
    tow_subscription_ready(&one.subscription);
    settle();
    assert_heard(&one, "b");
    tow_unsubscribe(&one.subscription);
}

static const tow_member ann = {.user = {"ann", 3}};
static const tow_member bob = {.user = {"bob", 3}};

static void members_come_and_go_once_however_many_subscriptions_they_have(void **state) {
    (void)state;
    listener watching = {0};
    listener first = {0};
    listener second = {0};
    listener other = {0};
    listener_begin(&watching, &world, 0, "news", &(tow_subscribe_options){.wants_presence = true});
    listener_begin(&first, &world, 1, "news", &(tow_subscribe_options){.member = &ann});
    listener_begin(&second, &world, 2, "news", &(tow_subscribe_options){.member = &ann});
    listener_begin(
        &other, &world, 0, "news", &(tow_subscribe_options){.member = &bob, .wants_presence = true});
    say("a");
    settle();
    assert_heard(&watching, "subscribed +ann +bob a");
    assert_heard(&first, "subscribed(ann) a");
    assert_heard(&second, "subscribed(ann) a");
    assert_heard(&other, "subscribed(ann bob) a");
    tow_unsubscribe(&first.subscription);
    settle();
    assert_heard(&watching, "");
    tow_unsubscribe(&second.subscription);
    say("b");
    settle();
    assert_heard(&watching, "-ann b");
    assert_heard(&other, "-ann b");
    tow_unsubscribe(&watching.subscription);
    tow_unsubscribe(&other.subscription);
}

static void count(const char *number) {
    const tow_draft draft = {
        .type = TOW_TEXT, .data = tow_slice_from(number), .not_kept = true, .is_count = true};
    assert_int_equal(tow_hub_publish(world.hub, tow_slice_from("news"), &draft), 0);
}

/* All come in one burst, of which each gets its part. */
static void counts_are_for_who_wants_them(void **state) {
    (void)state;
    enum { PLAIN, COUNTING, WATCHING, BOTH, DEAF, KINDS };
    const tow_subscribe_options kinds[KINDS] = {[COUNTING] = {.wants_counts = true},
        [WATCHING] = {.wants_presence = true},
        [BOTH] = {.wants_presence = true, .wants_counts = true},
        [DEAF] = {.wants_presence = true, .no_messages = true}};
    listener all[KINDS] = {0};
    listener joining = {0};
    for (size_t i = 0; i < KINDS; i++)
        listener_begin(&all[i], &world, 0, "news", &kinds[i]);
    settle();
    for (size_t i = 0; i < KINDS; i++) {
        assert_heard(&all[i], "subscribed");
        all[i].shows_bursts = true;
    }
    say("a");
    count("5");
    listener_begin(&joining, &world, 0, "news", &(tow_subscribe_options){.member = &ann});
    say("b");
    settle();
    assert_heard(&all[PLAIN], "[ a b ]");
    assert_heard(&all[COUNTING], "[ a #5 b ]");
    assert_heard(&all[WATCHING], "[ a +ann b ]");
    assert_heard(&all[BOTH], "[ a #5 +ann b ]");
    assert_heard(&all[DEAF], "[ +ann ]");
    count("6");
    settle();
    assert_heard(&all[PLAIN], "");
    assert_heard(&all[COUNTING], "[ #6 ]");
    assert_heard(&all[WATCHING], "");
    for (size_t i = 0; i < KINDS; i++)
        tow_unsubscribe(&all[i].subscription);
    tow_unsubscribe(&joining.subscription);
}

static void who_joins_must_be_allowed_to(void **state) {
    (void)state;
    listener one = {0};
    const tow_member nobody = {0};
    assert_int_equal(tow_subscribe(world.parts[0], &one.subscription, &listener_kind, tow_slice_from("news"),
                         &(tow_subscribe_options){.member = &nobody}),
        TOW_ERROR_ARGUMENT);
    hub_world_end(&world);
    world = (hub_world){0};
    hub_world_begin(&world, NULL, 1);
    assert_int_equal(tow_subscribe(world.parts[0], &one.subscription, &listener_kind, tow_slice_from("news"),
                         &(tow_subscribe_options){.member = &ann}),
        TOW_ERROR_UNSUPPORTED);
    assert_false(tow_subscription_is_on(&one.subscription));
}

static void publications_are_checked(void **state) {
    (void)state;
    char name[TOW_CHANNEL_NAME_MAX + 2];
    memset(name, 'a', sizeof(name));
    const tow_draft draft = {.type = TOW_TEXT};
    assert_int_equal(
        tow_hub_publish(world.hub, (tow_slice){name, sizeof(name) - 1}, &draft), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_hub_publish(world.hub, tow_slice_from(""), &draft), TOW_ERROR_ARGUMENT);
    assert_int_equal(publish(&(tow_draft){.type = 0}), TOW_ERROR_ARGUMENT);
    assert_int_equal(publish(&(tow_draft){.type = TOW_TEXT, .data = tow_slice_from("\xff")}), TOW_ERROR_UTF8);
    assert_int_equal(publish(&(tow_draft){.type = TOW_BINARY, .data = tow_slice_from("\xff")}), 0);
    assert_int_equal(
        publish(&(tow_draft){.type = TOW_TEXT, .event = tow_slice_from("\xff")}), TOW_ERROR_ARGUMENT);
    assert_int_equal(publish(&(tow_draft){.type = TOW_TEXT, .event = {name, TOW_EVENT_MAX}}), 0);
    assert_int_equal(
        publish(&(tow_draft){.type = TOW_TEXT, .event = {name, TOW_EVENT_MAX + 1}}), TOW_ERROR_ARGUMENT);
    assert_int_equal(
        publish(&(tow_draft){.type = TOW_TEXT, .key = {name, TOW_KEY_MAX + 1}}), TOW_ERROR_ARGUMENT);
    assert_int_equal(
        publish(&(tow_draft){.type = TOW_TEXT, .key = tow_slice_from("\xff")}), TOW_ERROR_ARGUMENT);
}

static void limits_are_kept(void **state) {
    (void)state;
    hub_world_end(&world);
    world = (hub_world){.policy = {.history_count = 1}};
    hub_world_begin(
        &world, &(tow_hub_options){.max_publication = 3, .max_channels = 1, .max_pending = 1000}, 1);
    listener one = {0};
    listener two = {0};
    listener_begin(&one, &world, 0, "news", NULL);
    assert_int_equal(
        tow_subscribe(world.parts[0], &two.subscription, &listener_kind, tow_slice_from("more"), NULL),
        TOW_ERROR_LIMIT);
    assert_int_equal(publish(&(tow_draft){.type = TOW_TEXT, .data = tow_slice_from("abc")}), 0);
    assert_int_equal(
        publish(&(tow_draft){.type = TOW_TEXT, .data = tow_slice_from("abcd")}), TOW_ERROR_MESSAGE_TOO_LARGE);
    int error = 0;
    for (int i = 0; i < 100 && error == 0; i++)
        error = publish(&(tow_draft){.type = TOW_TEXT, .data = tow_slice_from("abc")});
    assert_int_equal(error, TOW_ERROR_QUEUE_FULL);
    settle();
    assert_int_equal(publish(&(tow_draft){.type = TOW_TEXT, .data = tow_slice_from("abc")}), 0);
    tow_unsubscribe(&one.subscription);
    settle();
}

static void what_is_kept_makes_no_room_for_others(void **state) {
    (void)state;
    hub_world_end(&world);
    world = (hub_world){.policy = {.history_count = 1}};
    hub_world_begin(&world, &(tow_hub_options){.max_channels = 1}, 1);
    listener one = {0};
    listener two = {0};
    listener_begin(&one, &world, 0, "news", NULL);
    say("a");
    settle();
    tow_unsubscribe(&one.subscription);
    assert_int_equal(
        tow_subscribe(world.parts[0], &two.subscription, &listener_kind, tow_slice_from("more"), NULL),
        TOW_ERROR_LIMIT);
    listener_begin(&one, &world, 0, "news", NULL);
    settle();
    tow_unsubscribe(&one.subscription);
    settle();
}

/* Somebody asks for names that nobody uses. */
static void flood(void) {
    enum { MANY = 150000, MOST = 4096 };
    static int count;
    tow_hub_counters counters;
    tow_hub_gauges now;
    for (int i = 0; i < MANY; i++) {
        listener other = {0};
        char name[20];
        snprintf(name, sizeof(name), "channel %d", count++);
        assert_int_equal(
            tow_subscribe(world.parts[0], &other.subscription, &listener_kind, tow_slice_from(name), NULL),
            0);
        tow_unsubscribe(&other.subscription);
    }
    tow_hub_read(world.hub, &counters, &now);
    assert_in_range(now.channels, MOST * 9 / 10, MOST + 2);
}

static tow_position leave(listener *self) {
    tow_position position = self->told.position;
    settle();
    tow_unsubscribe(&self->subscription);
    return position;
}

static void assert_comes_back(const char *name, tow_position since, const char *hears) {
    listener one = {0};
    listener_begin(&one, &world, 0, name, &(tow_subscribe_options){.since = since});
    settle();
    assert_heard(&one, hears);
    tow_unsubscribe(&one.subscription);
}

static void names_that_nobody_uses_push_nobody_out(void **state) {
    (void)state;
    listener used = {0}, one = {0}, quiet = {0};
    listener_begin(&used, &world, 0, "used", NULL);
    listener_begin(&one, &world, 0, "news", NULL);
    listener_begin(&quiet, &world, 0, "quiet", NULL);
    say("a");
    settle();
    tow_position since = leave(&one);
    since.number++;
    tow_position beginning = leave(&quiet);
    flood();
    assert_comes_back("news", since, "subscribed");
    assert_comes_back("quiet", beginning, "subscribed");
    flood();
    hub_world_say(&world, "used", "hello");
    settle();
    assert_heard(&used, "subscribed hello");
    tow_unsubscribe(&used.subscription);
    hub_world_wait(&world, 60);
    assert_int_equal(channels_now(), 0);
}

static void note(void *user, const tow_channel_count *count) {
    (void)count;
    ++*(size_t *)user;
}

/* Anybody may ask for names; nobody is told of those that somebody has left. */
static void who_was_there_is_in_no_list(void **state) {
    (void)state;
    listener one = {0}, quiet = {0};
    size_t there = 0, left = 0;
    listener_begin(&one, &world, 0, "news", NULL);
    listener_begin(&quiet, &world, 0, "quiet", NULL);
    say("a");
    settle();
    assert_int_equal(tow_hub_each_channel(world.hub, (tow_slice){0}, note, &there), 2);
    tow_unsubscribe(&one.subscription);
    tow_unsubscribe(&quiet.subscription);
    assert_int_equal(tow_hub_each_channel(world.hub, (tow_slice){0}, note, &left), 0);
    assert_int_equal(there, 2);
    assert_int_equal(left, 0);
}

/* However long that takes: nothing need be kept for it. */
static void who_comes_back_is_told_whether_something_was_said(void **state) {
    (void)state;
    listener one = {0};
    listener_begin(&one, &world, 0, "quiet", NULL);
    settle();
    tow_position since = leave(&one);
    hub_world_wait(&world, 60);
    assert_int_equal(
        publish(&(tow_draft){.type = TOW_TEXT, .data = tow_slice_from("a"), .not_kept = true}), 0);
    hub_world_say(&world, "another", "a");
    assert_comes_back("quiet", since, "subscribed");
    hub_world_wait(&world, 60);
    hub_world_say(&world, "quiet", "a"); /* nobody hears it */
    assert_comes_back("quiet", since, "subscribed(gone)");
}

static void a_channel_that_has_gone_with_its_number_is_gone(void **state) {
    (void)state;
    listener one = {0};
    listener_begin(&one, &world, 0, "news", NULL);
    settle();
    tow_position since = leave(&one);
    assert_comes_back("news", since, "subscribed");
    listener_begin(&one, &world, 0, "news", NULL);
    say("a");
    settle();
    tow_unsubscribe(&one.subscription);
    hub_world_wait(&world, 60);
    assert_int_equal(channels_now(), 0);
    assert_comes_back("news", since, "subscribed(gone)");
}

static void channels_that_keep_nothing_of_what_is_published_linger(void **state) {
    (void)state;
    enum { MANY = 150000, MOST = 65536 };
    world.policy = (tow_channel_policy){.history_count = 1, .history_bytes = 1};
    tow_hub_counters counters;
    tow_hub_gauges now;
    char name[20];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "channel %d", i);
        hub_world_say(&world, name, "more than that");
    }
    tow_hub_read(world.hub, &counters, &now);
    assert_in_range(now.channels, MOST * 9 / 10, MOST);
}

static void nobody_may(void *user, tow_slice name, tow_channel_policy *policy) {
    (void)user;
    (void)name;
    policy->subscribe = TOW_ACCESS_NOBODY;
}

static void world_policy(void *user, tow_slice name, tow_channel_policy *policy) {
    (void)name;
    *policy = ((const hub_world *)user)->policy;
}

static void a_policy_that_is_for_nobody_ends_subscriptions(void **state) {
    (void)state;
    listener one = {0};
    listener_begin(&one, &world, 0, "news", NULL);
    settle();
    tow_hub_renew(world.hub, nobody_may, NULL);
    settle();
    assert_heard(&one, "subscribed revoked");
    assert_int_equal(tow_hub_subscriber_count(world.hub, tow_slice_from("news")), 0);
}

static void who_has_no_proof_does_not_stay_where_it_is_needed_now(void **state) {
    (void)state;
    listener proven = {.is_proven = true};
    listener other = {0};
    listener_begin(&proven, &world, 0, "news", NULL);
    listener_begin(&other, &world, 1, "news", NULL);
    settle();
    world.policy.history_count = 1;
    tow_hub_renew(world.hub, world_policy, &world);
    settle();
    assert_heard(&other, "subscribed");
    world.policy.subscribe = TOW_ACCESS_TOKEN;
    tow_hub_renew(world.hub, world_policy, &world);
    say("a");
    settle();
    assert_heard(&proven, "subscribed a");
    assert_heard(&other, "revoked");
    tow_unsubscribe(&proven.subscription);
}

static void who_is_present_does_not_stay_where_nobody_is_any_more(void **state) {
    (void)state;
    listener member = {.is_proven = true};
    listener watching = {.is_proven = true};
    listener other = {.is_proven = true};
    listener_begin(&member, &world, 0, "news", &(tow_subscribe_options){.member = &ann});
    listener_begin(&watching, &world, 0, "news", &(tow_subscribe_options){.wants_presence = true});
    listener_begin(&other, &world, 0, "news", NULL);
    settle();
    world.policy.presence = false;
    tow_hub_renew(world.hub, world_policy, &world);
    say("a");
    settle();
    assert_heard(&member, "subscribed(ann) revoked");
    assert_heard(&watching, "subscribed(ann) revoked");
    assert_heard(&other, "subscribed a");
    tow_unsubscribe(&other.subscription);
}

/* Many that have to go do so in several rounds; what is published meanwhile is for none of them. */
static void those_who_may_not_stay_go_in_bounded_turns(void **state) {
    (void)state;
    enum { MANY = 5000 };
    listener *all = calloc(MANY, sizeof(*all));
    assert_non_null(all);
    for (int i = 0; i < MANY; i++) {
        all[i].is_proven = i % 2 == 0;
        listener_begin(&all[i], &world, 0, "news", NULL);
    }
    settle();
    world.policy.subscribe = TOW_ACCESS_TOKEN;
    tow_hub_renew(world.hub, world_policy, &world);
    say("a");
    tow_loop_step(world.loop);
    assert_in_range(tow_hub_subscriber_count(world.hub, tow_slice_from("news")), MANY - 1100, MANY - 100);
    tow_unsubscribe(&all[MANY - 1].subscription);
    settle();
    for (int i = 0; i < MANY - 1; i++) {
        assert_heard(&all[i], i % 2 == 0 ? "subscribed a" : "subscribed revoked");
        tow_unsubscribe(&all[i].subscription);
    }
    free(all);
}

static void a_part_that_ends_ends_its_subscriptions(void **state) {
    (void)state;
    listener many[40] = {0};
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof(name), "c%d", i / 2);
        listener_begin(&many[i], &world, i % 2, name, NULL);
    }
    say("a");
    settle();
    hub_world_say(&world, "c3", "x");
    tow_hub_part_end(world.parts[1]);
    world.parts[1] = NULL;
    for (int i = 0; i < 40; i++)
        assert_heard(&many[i], i % 2 == 1 ? "subscribed over" : "subscribed");
    settle();
    assert_heard(&many[6], "x");
    for (int i = 0; i < 40; i += 2)
        tow_unsubscribe(&many[i].subscription);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define HISTORY(name) cmocka_unit_test_setup_teardown(name, begin_with_history, end)
#define PRESENCE(name) cmocka_unit_test_setup_teardown(name, begin_with_presence, end)
    const struct CMUnitTest tests[] = {
        TEST(those_who_are_subscribed_get_what_is_published),
        TEST(no_callback_runs_inside_a_call),
        TEST(what_was_published_before_is_not_for_who_comes_after),
        TEST(what_comes_in_a_round_is_one_burst),
        TEST(who_said_it_can_be_left_out),
        TEST(anybody_may_be_unsubscribed_in_a_delivery),
        HISTORY(who_is_away_gets_what_it_missed),
        HISTORY(who_was_away_too_long_is_told_that_it_is_gone),
        HISTORY(history_goes_with_time),
        HISTORY(another_epoch_is_gone),
        TEST(without_history_nothing_is_lost_if_nothing_was_said),
        TEST(a_channel_without_subscribers_lingers_and_goes),
        HISTORY(what_is_not_kept_has_no_number),
        TEST(a_slow_subscriber_is_ended),
        TEST(a_slow_subscriber_loses_the_oldest_and_is_told),
        TEST(a_slow_subscriber_gets_the_latest_of_each_key),
        TEST(a_slow_subscriber_holds_nobody_up),
        TEST(who_takes_nothing_when_it_begins_gets_it_when_it_does),
        PRESENCE(members_come_and_go_once_however_many_subscriptions_they_have),
        PRESENCE(counts_are_for_who_wants_them),
        PRESENCE(who_joins_must_be_allowed_to),
        TEST(publications_are_checked),
        TEST(limits_are_kept),
        TEST(what_is_kept_makes_no_room_for_others),
        TEST(names_that_nobody_uses_push_nobody_out),
        TEST(who_was_there_is_in_no_list),
        TEST(who_comes_back_is_told_whether_something_was_said),
        TEST(a_channel_that_has_gone_with_its_number_is_gone),
        TEST(channels_that_keep_nothing_of_what_is_published_linger),
        TEST(a_policy_that_is_for_nobody_ends_subscriptions),
        TEST(who_has_no_proof_does_not_stay_where_it_is_needed_now),
        PRESENCE(who_is_present_does_not_stay_where_nobody_is_any_more),
        TEST(those_who_may_not_stay_go_in_bounded_turns),
        TEST(a_part_that_ends_ends_its_subscriptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
