#include "../unit.h"

#include "connect/race.h"
#include "transport/listener.h"
#include "transport/loop.h"
#include "transport/stream.h"

#include <towline/error.h>

/* A network in memory, on which an address accepts, refuses, or never answers. */
enum { FILLERS = 128 + 1 }; /* a listener's queue, and one more */

typedef struct course {
    tow_race race; /* first */
    tow_loop *loop;
    tow_listener listeners[4];
    size_t listener_count;
    size_t accepted;
    int wins, losses, error, fd;
    tow_address winner;
    int64_t begun;
} course;

static void on_won(tow_race *race, int fd, const tow_address *address) {
    course *self = (course *)(void *)race;
    self->wins++;
    self->fd = fd;
    self->winner = *address;
}

static void on_lost(tow_race *race, int error) {
    course *self = (course *)(void *)race;
    self->losses++;
    self->error = error;
}

static const tow_race_events race_events = {.on_won = on_won, .on_lost = on_lost};

static tow_address address_of(const char *text) {
    tow_address out[TOW_ADDRESSES_MAX];
    assert_int_equal(tow_address_parse(text, out), 1);
    return out[0];
}

static void set_up(course *self, uint64_t seed) {
    memset(self, 0, sizeof(*self));
    assert_int_equal(tow_loop_new_simulated(&self->loop, &(tow_simulation_options){.seed = seed}), 0);
    tow_race_init(&self->race, self->loop, &race_events);
    self->begun = tow_loop_now(self->loop);
}

static void step_for(course *self, int64_t nanoseconds);

static void tear_down(course *self) {
    tow_race_clear(&self->race);
    for (size_t i = 0; i < self->listener_count; i++)
        tow_listener_stop(&self->listeners[i]);
    if (self->wins > 0)
        tow_loop_discard(self->loop, self->fd);
    step_for(self, TOW_SECOND);
    tow_loop_free(self->loop);
}

static void accepted(tow_listener *listener, int fd) {
    course *self = listener->user;
    self->accepted++;
    tow_loop_discard(self->loop, fd);
}

/* An address that accepts. */
static void accepts(course *self, const tow_address *address) {
    int fd = tow_listen_socket(self->loop, address, &(tow_listen_options){0}, NULL);
    assert_true(fd >= 0);
    tow_listener *listener = &self->listeners[self->listener_count++];
    listener->user = self;
    assert_int_equal(tow_listener_start(listener, self->loop, fd, accepted), 0);
}

static void ignore_end(tow_stream *stream) {
    (void)stream;
}

static void ignore_error(tow_stream *stream, int error) {
    (void)stream;
    (void)error;
}

static const tow_stream_events filler_events = {
    .on_writable = ignore_end, .on_end = ignore_end, .on_error = ignore_error, .on_closed = ignore_end};

/* An address that never answers: its queue is full. Returns the descriptor that listens. */
static int stalls(course *self, const tow_address *address, tow_stream fillers[FILLERS]) {
    int fd = tow_listen_socket(self->loop, address, &(tow_listen_options){0}, NULL);
    assert_true(fd >= 0);
    for (size_t i = 0; i < FILLERS; i++)
        assert_int_equal(tow_stream_connect(&fillers[i], self->loop, address, &filler_events), 0);
    for (size_t i = 0; i < 200; i++)
        assert_true(tow_loop_step(self->loop) >= 0);
    self->begun = tow_loop_now(self->loop);
    return fd;
}

static void free_fillers(course *self, int fd, tow_stream fillers[FILLERS]) {
    for (size_t i = 0; i < FILLERS; i++)
        tow_stream_reset(&fillers[i]);
    tow_loop_discard(self->loop, fd);
    assert_true(tow_loop_step(self->loop) >= 0);
}

static void wake(tow_timer *timer) {
    (void)timer;
}

static void step_for(course *self, int64_t nanoseconds) {
    tow_timer timer = {0};
    tow_timer_set(self->loop, &timer, tow_loop_now(self->loop) + nanoseconds, wake);
    while (tow_timer_is_set(&timer))
        assert_true(tow_loop_step(self->loop) >= 0);
}

static void start_all(course *self, int family, const tow_address *first, const tow_address *second) {
    tow_race_add(&self->race, first);
    tow_race_add(&self->race, second);
    tow_race_start(&self->race, family);
    tow_race_complete(&self->race);
}

static void step_until_decided(course *self) {
    for (size_t i = 0; self->wins + self->losses == 0; i++) {
        assert_true(i < 100000);
        assert_true(tow_loop_step(self->loop) >= 0);
    }
}

static bool is_winner(const course *self, const tow_address *address) {
    return self->wins == 1 && self->losses == 0 &&
           memcmp(&self->winner.storage, &address->storage, address->length) == 0;
}

static void the_first_address_wins_when_it_answers(void **state) {
    for (uint64_t seed = 0; seed < 20; seed++) {
        course self;
        set_up(&self, seed);
        const tow_address a = address_of("10.0.0.1:80"), b = address_of("10.0.0.2:80");
        accepts(&self, &a);
        accepts(&self, &b);
        start_all(&self, AF_INET, &a, &b);
        assert_int_equal(self.wins, 0);
        step_until_decided(&self);
        assert_true(is_winner(&self, &a));
        step_for(&self, TOW_SECOND);
        assert_int_equal(self.accepted, 1);
        tear_down(&self);
    }
}

static void a_refusal_is_followed_by_the_next_at_once(void **state) {
    for (uint64_t seed = 0; seed < 20; seed++) {
        course self;
        set_up(&self, seed);
        const tow_address a = address_of("10.0.0.1:80"), b = address_of("10.0.0.2:80");
        accepts(&self, &b);
        start_all(&self, AF_INET, &a, &b);
        step_until_decided(&self);
        assert_true(is_winner(&self, &b));
        assert_true(tow_loop_now(self.loop) - self.begun < 20 * TOW_MILLISECOND);
        tear_down(&self);
    }
}

/* RFC 8305, section 5. */
static void silence_is_followed_by_the_next_after_250_milliseconds(void **state) {
    for (uint64_t seed = 0; seed < 10; seed++) {
        course self;
        set_up(&self, seed);
        static tow_stream fillers[FILLERS];
        const tow_address a = address_of("10.0.0.1:80"), b = address_of("10.0.0.2:80");
        int silent = stalls(&self, &a, fillers);
        accepts(&self, &b);
        start_all(&self, AF_INET, &a, &b);
        step_until_decided(&self);
        assert_true(is_winner(&self, &b));
        int64_t took = tow_loop_now(self.loop) - self.begun;
        assert_true(took >= 250 * TOW_MILLISECOND && took < 270 * TOW_MILLISECOND);
        free_fillers(&self, silent, fillers);
        tear_down(&self);
    }
}

/* RFC 8305, section 4: of all addresses but one nobody answers, so that the time tells the place in the row.
 */
static void expect_row(const char *const added[4], const char *const row[4], int family) {
    static tow_stream fillers[4][FILLERS];
    for (size_t place = 0; place < 4; place++) {
        course self;
        set_up(&self, place);
        int silent[4];
        const tow_address wanted = address_of(row[place]);
        for (size_t i = 0; i < 4; i++) {
            const tow_address address = address_of(row[i]);
            if (i != place)
                silent[i] = stalls(&self, &address, fillers[i]);
        }
        for (size_t i = 0; i < 4; i++) {
            const tow_address address = address_of(added[i]);
            tow_race_add(&self.race, &address);
        }
        accepts(&self, &wanted);
        self.begun = tow_loop_now(self.loop);
        tow_race_start(&self.race, family);
        tow_race_complete(&self.race);
        step_until_decided(&self);
        assert_true(is_winner(&self, &wanted));
        int64_t took = tow_loop_now(self.loop) - self.begun;
        int64_t expected = (int64_t)place * 250 * TOW_MILLISECOND;
        assert_true(took >= expected && took < expected + 50 * TOW_MILLISECOND);
        for (size_t i = 0; i < 4; i++)
            if (i != place)
                free_fillers(&self, silent[i], fillers[i]);
        tear_down(&self);
    }
}

static const char *const mixed[4] = {"[2001:db8::1]:80", "[2001:db8::2]:80", "10.0.0.1:80", "10.0.0.2:80"};

static void families_take_turns(void **state) {
    static const char *const row[4] = {"[2001:db8::1]:80", "10.0.0.1:80", "[2001:db8::2]:80", "10.0.0.2:80"};
    expect_row(mixed, row, AF_INET6);
}

static void the_other_family_may_be_first(void **state) {
    static const char *const row[4] = {"10.0.0.1:80", "[2001:db8::1]:80", "10.0.0.2:80", "[2001:db8::2]:80"};
    expect_row(mixed, row, AF_INET);
}

static void one_family_keeps_its_order(void **state) {
    static const char *const row[4] = {"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"};
    expect_row(row, row, AF_INET6);
}

static void when_all_refuse_the_race_is_lost_once_it_is_complete(void **state) {
    for (uint64_t seed = 0; seed < 10; seed++) {
        course self;
        set_up(&self, seed);
        const tow_address a = address_of("10.0.0.1:80"), b = address_of("[2001:db8::1]:80");
        tow_race_add(&self.race, &a);
        tow_race_add(&self.race, &b);
        tow_race_start(&self.race, AF_INET6);
        step_for(&self, TOW_SECOND);
        assert_int_equal(self.losses, 0);
        tow_race_complete(&self.race);
        assert_int_equal(self.losses, 0);
        step_until_decided(&self);
        assert_int_equal(self.error, TOW_ERROR_REFUSED);
        step_for(&self, TOW_SECOND);
        assert_int_equal(self.losses, 1);
        tear_down(&self);
    }
}

static void an_address_may_come_while_others_are_tried(void **state) {
    static tow_stream fillers[FILLERS];
    course self;
    set_up(&self, 1);
    const tow_address a = address_of("10.0.0.1:80"), b = address_of("[2001:db8::1]:80");
    int silent = stalls(&self, &a, fillers);
    accepts(&self, &b);
    tow_race_add(&self.race, &a);
    tow_race_start(&self.race, AF_INET6);
    step_for(&self, TOW_SECOND);
    self.begun = tow_loop_now(self.loop);
    tow_race_add(&self.race, &b);
    tow_race_extend(&self.race);
    tow_race_complete(&self.race);
    step_until_decided(&self);
    assert_true(is_winner(&self, &b));
    assert_true(tow_loop_now(self.loop) - self.begun < 270 * TOW_MILLISECOND);
    free_fillers(&self, silent, fillers);
    tear_down(&self);
}

static void an_address_that_comes_after_all_others_failed_is_tried_at_once(void **state) {
    course self;
    set_up(&self, 1);
    const tow_address a = address_of("10.0.0.1:80"), b = address_of("[2001:db8::1]:80");
    accepts(&self, &b);
    tow_race_add(&self.race, &a);
    tow_race_start(&self.race, AF_INET6);
    step_for(&self, TOW_SECOND);
    self.begun = tow_loop_now(self.loop);
    tow_race_add(&self.race, &b);
    tow_race_extend(&self.race);
    step_until_decided(&self);
    assert_true(is_winner(&self, &b));
    assert_true(tow_loop_now(self.loop) - self.begun < 20 * TOW_MILLISECOND);
    tear_down(&self);
}

static void a_race_that_is_cleared_says_nothing(void **state) {
    for (uint64_t steps = 0; steps < 12; steps++) {
        course self;
        set_up(&self, steps);
        const tow_address a = address_of("10.0.0.1:80"), b = address_of("10.0.0.2:80");
        accepts(&self, &b);
        start_all(&self, AF_INET6, &a, &b);
        for (uint64_t i = 0; i < steps && self.wins == 0; i++)
            assert_true(tow_loop_step(self.loop) >= 0);
        int wins = self.wins;
        tow_race_clear(&self.race);
        step_for(&self, TOW_SECOND);
        assert_int_equal(self.wins, wins);
        assert_int_equal(self.losses, 0);
        tear_down(&self);
    }
}

static void more_addresses_than_there_is_room_for_are_passed_over(void **state) {
    course self;
    set_up(&self, 3);
    tow_address address = address_of("10.0.0.1:1");
    for (uint16_t i = 0; i < 40; i++) {
        tow_address_set_port(&address, (uint16_t)(i + 1));
        tow_race_add(&self.race, &address);
    }
    tow_address_set_port(&address, TOW_RACE_ADDRESSES_MAX + 1);
    accepts(&self, &address);
    tow_race_start(&self.race, AF_INET6);
    tow_race_complete(&self.race);
    step_until_decided(&self);
    assert_int_equal(self.losses, 1);
    tear_down(&self);
}

static void no_descriptor_loses_the_race(void **state) {
    course self;
    set_up(&self, 3);
    tow_loop_free(self.loop);
    assert_int_equal(tow_loop_new_simulated(&self.loop, &(tow_simulation_options){.descriptors = 1}), 0);
    tow_race_init(&self.race, self.loop, &race_events);
    const tow_address a = address_of("10.0.0.1:80"), b = address_of("10.0.0.2:80");
    accepts(&self, &a);
    start_all(&self, AF_INET6, &a, &b);
    assert_int_equal(self.losses, 0);
    step_until_decided(&self);
    assert_int_equal(self.error, TOW_ERROR_DESCRIPTORS);
    tear_down(&self);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_address_wins_when_it_answers),
        cmocka_unit_test(a_refusal_is_followed_by_the_next_at_once),
        cmocka_unit_test(silence_is_followed_by_the_next_after_250_milliseconds),
        cmocka_unit_test(families_take_turns),
        cmocka_unit_test(the_other_family_may_be_first),
        cmocka_unit_test(one_family_keeps_its_order),
        cmocka_unit_test(when_all_refuse_the_race_is_lost_once_it_is_complete),
        cmocka_unit_test(an_address_may_come_while_others_are_tried),
        cmocka_unit_test(an_address_that_comes_after_all_others_failed_is_tried_at_once),
        cmocka_unit_test(a_race_that_is_cleared_says_nothing),
        cmocka_unit_test(more_addresses_than_there_is_room_for_are_passed_over),
        cmocka_unit_test(no_descriptor_loses_the_race),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
