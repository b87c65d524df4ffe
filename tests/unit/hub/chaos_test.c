/* Everything at random, by seeds: subscribers on several parts come, stop taking, take again, go and come
 * back where they had been, while others publish. Each gets every message once, in order, or is told of the
 * gap. */
#include "listener.h"

#include <towline/error.h>

enum { SUBSCRIBERS = 12, CHANNELS = 3, STEPS = 600 };

static uint64_t state;

static unsigned dice(unsigned sides) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(state >> 33) % sides;
}

/* A subscriber that checks what it hears against the numbers. */
typedef struct checker {
    tow_subscription subscription; /* first */
    bool takes_more;
    bool is_told;     /* subscribed, and has heard so */
    bool knows;       /* where it has been */
    tow_position at;  /* the last that it got, or was told of */
    uint64_t gap_end; /* the last number that is told to be missing */
    uint64_t missing; /* told by gaps */
    uint64_t skipped; /* not seen */
    unsigned got;
    struct checker *victim; /* that it ends in its next delivery */
} checker;

/* Where the store lies: here, elsewhere, or at the end of a link that is cut now and then. What is published
 * while it is lost is not. */
typedef enum store { HERE, ELSEWHERE, CUT_OFF } store;
static store where;

static checker checkers[SUBSCRIBERS];
static unsigned ends;
static unsigned losses;

static void subscribed(tow_subscription *subscription, const tow_subscribed *what) {
    checker *self = (checker *)subscription;
    assert_false(self->is_told);
    self->is_told = true;
    if (self->knows && what->is_whole) {
        assert_true(what->position.epoch == self->at.epoch);
        assert_int_equal(what->position.number - self->at.number, what->missed);
    } else {
        self->at = what->position;
        self->at.number -= what->missed;
    }
    self->knows = true;
}

/* It is the number, where all that is published gets one. */
static void check_text(const checker *self, tow_slice data) {
    char number[24];
    snprintf(number, sizeof(number), "%llu", (unsigned long long)self->at.number);
    if (where == CUT_OFF)
        return;
    assert_int_equal(data.length, strlen(number));
    assert_memory_equal(data.data, number, data.length);
}

static void check(checker *self, const tow_published *published) {
    tow_position position = tow_published_position(published);
    assert_true(position.epoch == self->at.epoch);
    assert_true(position.number > self->at.number);
    uint64_t skipped = position.number - self->at.number - 1;
    assert_true(skipped == 0 || position.number - 1 <= self->gap_end);
    self->skipped += skipped;
    self->at = position;
    check_text(self, tow_published_data(published));
    self->got++;
}

static bool takes(const tow_subscription *subscription) {
    return ((const checker *)subscription)->takes_more;
}

static void deliver(tow_subscription *subscription, tow_burst *burst) {
    checker *self = (checker *)subscription;
    assert_true(self->is_told && self->takes_more);
    assert_true(tow_burst_count(burst) > 0);
    for (size_t i = 0; i < tow_burst_count(burst); i++)
        check(self, tow_burst_at(burst, i));
    self->takes_more = dice(8) > 0;
    checker *victim = self->victim;
    self->victim = NULL;
    if (victim != NULL) {
        tow_unsubscribe(&victim->subscription);
        victim->is_told = false;
    }
}

static void gap(tow_subscription *subscription, const tow_gap *what) {
    checker *self = (checker *)subscription;
    assert_true(what->count > 0);
    self->gap_end = what->position.number;
    self->missing += what->count;
}

static void ended(tow_subscription *subscription, tow_subscription_end why) {
    checker *self = (checker *)subscription;
    bool comes_back = why == TOW_SUBSCRIPTION_LOST || why == TOW_SUBSCRIPTION_REFUSED;
    assert_true(!comes_back || where == CUT_OFF);
    losses += why == TOW_SUBSCRIPTION_LOST;
    self->knows = comes_back && self->knows;
    self->is_told = false;
    ends += why == TOW_SUBSCRIPTION_SLOW;
}

static const tow_subscriber kind = {
    .subscribed = subscribed, .takes = takes, .deliver = deliver, .gap = gap, .ended = ended};

static const char *const names[CHANNELS] = {"a", "b", "c"};
static unsigned long published[CHANNELS];

/* The text is the number that it will have: the channel is there from the beginning on. */
static void publish(hub_world *world) {
    unsigned channel = dice(CHANNELS);
    for (unsigned count = 1 + dice(6); count > 0; count--) {
        char text[24];
        char key[2] = {(char)('a' + dice(3)), '\0'};
        snprintf(text, sizeof(text), "%lu", ++published[channel]);
        const tow_draft draft = {.type = TOW_TEXT,
            .data = tow_slice_from(text),
            .key = dice(2) == 0 ? tow_slice_from(key) : (tow_slice){0}};
        int error = tow_hub_publish(world->hub, tow_slice_from(names[channel]), &draft);
        assert_true(error == 0 || (error == TOW_ERROR_REFUSED && where == CUT_OFF));
    }
}

static void come(hub_world *world, checker *self, unsigned number) {
    tow_subscribe_options options = {0};
    if (dice(4) == 0)
        self->knows = false;
    if (self->knows)
        options.since = self->at;
    self->takes_more = dice(5) > 0;
    self->gap_end = self->missing = self->skipped = 0;
    self->is_told = false;
    int error = tow_subscribe(world->parts[dice(PARTS)], &self->subscription, &kind,
        tow_slice_from(names[number % CHANNELS]), &options);
    assert_true(error == 0 || (error == TOW_ERROR_REFUSED && where == CUT_OFF));
}

static void go(checker *self) {
    self->knows = self->knows && self->is_told;
    self->is_told = false;
    tow_unsubscribe(&self->subscription);
}

static void act(hub_world *world) {
    unsigned number = dice(SUBSCRIBERS);
    checker *self = &checkers[number];
    bool is_on = tow_subscription_is_on(&self->subscription);
    if (!is_on && dice(2) == 0) {
        come(world, self, number);
    } else if (is_on && dice(6) == 0) {
        go(self);
    } else if (is_on) {
        self->takes_more = true;
        tow_subscription_ready(&self->subscription);
        self->victim = dice(10) == 0 ? &checkers[dice(SUBSCRIBERS)] : NULL;
    }
}

static bool is_cut;

static void cut_or_mend(hub_world *world) {
    is_cut = !is_cut;
    if (is_cut)
        late_store_cut(world->store);
    else
        late_store_mend(world->store);
}

/* As far as the first of a channel's is: that all have the same, where it is not known how many there are. */
static unsigned long last_of(int number) {
    for (int i = number % CHANNELS; where == CUT_OFF && i < SUBSCRIBERS; i += CHANNELS)
        if (tow_subscription_is_on(&checkers[i].subscription))
            return checkers[i].at.number;
    return published[number % CHANNELS];
}

/* At the end everybody takes again, and has all that was not counted as missing. */
static void finish(hub_world *world) {
    if (is_cut)
        cut_or_mend(world);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < SUBSCRIBERS; i++) {
            checkers[i].takes_more = true;
            checkers[i].victim = NULL;
            tow_subscription_ready(&checkers[i].subscription);
        }
        hub_world_settle(world);
    }
    for (int i = SUBSCRIBERS - 1; i >= 0; i--) {
        if (!tow_subscription_is_on(&checkers[i].subscription))
            continue;
        assert_true(checkers[i].is_told);
        assert_int_equal(checkers[i].at.number, last_of(i));
        assert_int_equal(checkers[i].missing, checkers[i].skipped);
        tow_unsubscribe(&checkers[i].subscription);
    }
}

static void run(uint64_t seed) {
    state = seed;
    memset(checkers, 0, sizeof(checkers));
    memset(published, 0, sizeof(published));
    hub_world world = {.policy = {.history_count = 1 + dice(40),
                           .history_seconds = 1000000,
                           .slow_count = 5 + dice(30),
                           .slow = dice(3)}};
    if (where != HERE)
        hub_world_begin_late(&world, NULL, NULL, seed);
    else
        hub_world_begin(&world, NULL, seed);
    for (int i = 0; i < STEPS; i++) {
        if (dice(3) == 0)
            publish(&world);
        else
            act(&world);
        if (dice(4) == 0)
            tow_loop_step(world.loop);
        if (where == CUT_OFF && dice(40) == 0)
            cut_or_mend(&world);
    }
    finish(&world);
    tow_hub_counters counters;
    tow_hub_gauges now;
    tow_hub_read(world.hub, &counters, &now);
    assert_int_equal(now.subscriptions, 0);
    assert_int_equal(now.pending_bytes, 0);
    assert_int_equal(now.waiting_bytes, 0);
    hub_world_end(&world);
}

static void run_seeds(store lies) {
    where = lies;
    ends = losses = 0;
    unsigned seeds = unit_step(2) == 1 ? 2000 : 150;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        print_message("seed %llu\r", (unsigned long long)seed);
        run(seed);
    }
    assert_true(ends > 0 || where == CUT_OFF);
}

static void every_message_comes_once_and_in_order_or_its_absence_is_told(void **unused) {
    (void)unused;
    run_seeds(HERE);
}

static void the_same_with_a_store_that_answers_late(void **unused) {
    (void)unused;
    run_seeds(ELSEWHERE);
}

static void the_same_when_its_link_is_cut(void **unused) {
    (void)unused;
    run_seeds(CUT_OFF);
    assert_true(losses > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_comes_once_and_in_order_or_its_absence_is_told),
        cmocka_unit_test(the_same_with_a_store_that_answers_late),
        cmocka_unit_test(the_same_when_its_link_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
