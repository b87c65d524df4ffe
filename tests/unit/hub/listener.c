#include "listener.h"

#include "transport/timer.h"

static void find_policy(void *user, tow_slice name, tow_channel_policy *policy) {
    (void)name;
    *policy = *(const tow_channel_policy *)user;
}

static void begin_hub(hub_world *self, tow_hub_options given, uint64_t seed) {
    given.seed = seed;
    given.find = find_policy;
    given.find_user = &self->policy;
    assert_int_equal(tow_hub_new(&self->hub, PARTS, &given), 0);
    if (self->store != NULL)
        tow_hub_set_store(self->hub, self->store);
    for (size_t i = 0; i < PARTS; i++) {
        assert_int_equal(tow_hub_part_begin(self->hub, i, self->loop), 0);
        self->parts[i] = tow_hub_part_at(self->hub, i);
    }
}

void hub_world_begin(hub_world *self, const tow_hub_options *options, uint64_t seed) {
    tow_hub_options given = options != NULL ? *options : (tow_hub_options){0};
    assert_int_equal(tow_loop_new_simulated(&self->loop, &(tow_simulation_options){.seed = seed}), 0);
    begin_hub(self, given, seed);
}

void hub_world_begin_late(
    hub_world *self, const hub_world *like, const tow_hub_options *options, uint64_t seed) {
    enum { MEMBERS_MAX = 40 };
    tow_hub_options given = options != NULL ? *options : (tow_hub_options){0};
    if (like != NULL) {
        self->loop = like->loop;
        self->server = like->server;
    } else {
        assert_int_equal(tow_loop_new_simulated(&self->loop, &(tow_simulation_options){.seed = seed}), 0);
        self->server = late_server_new(self->loop, seed, self->policy.history_count, MEMBERS_MAX);
    }
    self->is_guest = like != NULL;
    self->store = late_store_new(self->server);
    begin_hub(self, given, seed);
}

void hub_world_end(hub_world *self) {
    for (size_t i = 0; i < PARTS; i++)
        tow_hub_part_end(self->parts[i]);
    tow_hub_free(self->hub);
    if (self->is_guest)
        return;
    if (self->server != NULL)
        late_server_free(self->server);
    tow_loop_free(self->loop);
}

void hub_world_settle(hub_world *self) {
    for (int i = 0; i < 50; i++)
        tow_loop_step(self->loop);
}

static void note_fired(tow_timer *timer) {
    (void)timer;
}

void hub_world_wait(hub_world *self, int seconds) {
    tow_timer timer = {0};
    tow_timer_set(self->loop, &timer, tow_loop_now(self->loop) + seconds * TOW_SECOND, note_fired);
    while (tow_timer_is_set(&timer))
        tow_loop_step(self->loop);
}

void hub_world_say(hub_world *self, const char *channel, const char *text) {
    const tow_draft draft = {.type = TOW_TEXT, .data = tow_slice_from(text)};
    assert_int_equal(tow_hub_publish(self->hub, tow_slice_from(channel), &draft), 0);
}

__attribute__((format(printf, 2, 3))) static void note(listener *self, const char *format, ...) {
    size_t length = strlen(self->heard);
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(self->heard + length, sizeof(self->heard) - length, format, arguments);
    va_end(arguments);
    assert_true(more >= 0 && (size_t)more < sizeof(self->heard) - length);
}

static void subscribed(tow_subscription *subscription, const tow_subscribed *what) {
    listener *self = (listener *)subscription;
    self->told = *what;
    self->told.members = NULL;
    note(self, " subscribed%s", what->is_whole ? "" : "(gone)");
    for (size_t i = 0; i < what->member_count; i++)
        note(self, "%s%.*s%s", i == 0 ? "(" : " ", (int)what->members[i].user.length,
            what->members[i].user.data, i + 1 == what->member_count ? ")" : "");
}

static void note_published(listener *self, const tow_published *published) {
    tow_slice data = tow_published_data(published);
    tow_slice user = tow_published_user(published);
    if (tow_published_kind_of(published) == TOW_PUBLISHED_MESSAGE)
        note(self, " %.*s", (int)data.length, data.data);
    else if (tow_published_kind_of(published) == TOW_PUBLISHED_COUNT)
        note(self, " #%.*s", (int)data.length, data.data);
    else
        note(self, " %c%.*s", tow_published_kind_of(published) == TOW_PUBLISHED_JOINED ? '+' : '-',
            (int)user.length, user.data);
}

static bool takes(const tow_subscription *subscription) {
    const listener *self = (const listener *)subscription;
    return !self->takes_no_more || !self->has_taken;
}

static void deliver(tow_subscription *subscription, tow_burst *burst) {
    listener *self = (listener *)subscription;
    self->has_taken = true;
    if (self->shows_bursts)
        note(self, " [");
    for (size_t i = 0; i < tow_burst_count(burst); i++)
        note_published(self, tow_burst_at(burst, i));
    if (self->shows_bursts)
        note(self, " ]");
    if (self->on_deliver != NULL)
        self->on_deliver(self);
}

static void gap(tow_subscription *subscription, const tow_gap *what) {
    note((listener *)subscription, " gap(%d)", (int)what->count);
}

static void ended(tow_subscription *subscription, tow_subscription_end why) {
    static const char *const reasons[] = {"slow", "revoked", "refused", "full", "lost", "over"};
    note((listener *)subscription, " %s", reasons[why]);
}

static bool may_stay(const tow_subscription *subscription) {
    return ((const listener *)subscription)->is_proven;
}

static uint64_t identify(const tow_subscription *subscription) {
    return ((const listener *)subscription)->identity;
}

const tow_subscriber listener_kind = {.subscribed = subscribed,
    .takes = takes,
    .deliver = deliver,
    .gap = gap,
    .ended = ended,
    .identify = identify,
    .may_stay = may_stay};

void listener_begin(
    listener *self, hub_world *world, int part, const char *channel, const tow_subscribe_options *options) {
    assert_int_equal(tow_subscribe(world->parts[part], &self->subscription, &listener_kind,
                         tow_slice_from(channel), options),
        0);
}

void assert_heard(listener *self, const char *expected) {
    assert_string_equal(self->heard[0] == ' ' ? self->heard + 1 : self->heard, expected);
    self->heard[0] = '\0';
}
