/* Programs for many connections in the simulator: what is lost, doubled and in which order when they die at
 * any moment, and those that mean no good. */
#include "service_world.h"

#include <towline/error.h>

enum { CLIENTS = 3, MESSAGES = 20 };

static void open(struct peer *peer, struct world *world) {
    peer_connect(peer, world);
    peer_text(peer, OPENING("/worker"));
    peer_expect(peer, OPENED);
}

static void say(struct peer *peer, const char *text) {
    peer_frame(peer, 1, text, strlen(text));
}

static void expect(struct peer *peer, const char *text) {
    peer_expect_frame(peer, 1, text, strlen(text));
}

/* How often a frame of the server with this text is there. */
static int count_of(const struct peer *peer, const char *text) {
    size_t length = strlen(text);
    int count = 0;
    for (size_t i = 0; i + 2 + length <= peer->in.length; i++)
        count += peer->in.data[i] == 0x81 && peer->in.data[i + 1] == length &&
                 memcmp(peer->in.data + i + 2, text, length) == 0;
    return count;
}

/* Dying. */

/* Nobody but the last dies; the others do so at some moment, and may have said half of a frame by then. */
static void die_soon(worker *self, uint8_t type, const uint8_t *data, size_t length) {
    worker_echo(self, type, data, length);
    if (self->number < 2 && type == TOW_SERVICE_MESSAGE && self->chance % 5 == 0)
        worker_kill(self);
    self->chance = self->chance * 25 + 1;
}

static void converse(struct peer *peers, struct world *world) {
    char text[20];
    for (int i = 0; i < MESSAGES; i++) {
        for (int j = 0; j < CLIENTS; j++) {
            snprintf(text, sizeof(text), "%d", i);
            say(&peers[j], text);
        }
        world_run(world, i % 4 * 3);
    }
    world_run(world, 20000);
}

/* A message is answered, or its process died when the answer was on its way; then the next one answers. */
static void check_answers(const struct peer *peer, uint64_t seed) {
    char text[20], again[30];
    for (int i = 0; i < MESSAGES; i++) {
        snprintf(text, sizeof(text), "%d", i);
        snprintf(again, sizeof(again), "again %d", i);
        int first = count_of(peer, text), second = count_of(peer, again);
        if (first + second == 0 || first > 1)
            fail_msg("seed %d: %d was answered %d times, and %d times marked", (int)seed, i, first, second);
    }
}

static void nothing_is_lost_and_what_comes_twice_is_marked(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct world world;
        struct peer peers[CLIENTS];
        service_world_make(&world, seed, die_soon, &(tow_program_settings){0});
        for (int i = 0; i < CLIENTS; i++)
            open(&peers[i], &world);
        converse(peers, &world);
        for (int i = 0; i < CLIENTS; i++) {
            assert_false(peers[i].ended);
            check_answers(&peers[i], seed);
            peer_close(&peers[i]);
        }
        service_world_end(&world);
    }
}

static void die_of_poison(worker *self, uint8_t type, const uint8_t *data, size_t length) {
    bool is_poison = type == TOW_SERVICE_MESSAGE && length == 9 + 6 && memcmp(data + 9, "poison", 6) == 0;
    if (is_poison)
        worker_kill(self);
    else
        worker_echo(self, type, data, length);
}

static void a_message_of_which_each_process_dies_ends_its_connection_alone(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct world world;
        struct peer bad, good;
        service_world_make(&world, seed, die_of_poison, &(tow_program_settings){0});
        open(&bad, &world);
        open(&good, &world);
        say(&good, "before");
        say(&bad, "poison");
        say(&good, "after");
        world_run(&world, 20000);
        assert_true(peer_has_frame(&bad, 8, "\x03\xf3the program ended of this message", 35));
        assert_true(count_of(&good, "before") + count_of(&good, "again before") > 0);
        assert_true(count_of(&good, "after") + count_of(&good, "again after") > 0);
        say(&good, "on");
        expect(&good, "on");
        peer_close(&bad);
        peer_close(&good);
        service_world_end(&world);
    }
}

/* Hostile ones: the first process does it, those behind it are good. */

typedef struct hostile {
    const char *name;
    void (*act)(worker *self, const uint8_t *id);
    const char *said;  /* in the log */
    bool acknowledges; /* the message as well */
} hostile;

static const hostile *act;

static void say_garbage(worker *self, const uint8_t *id) {
    (void)id;
    worker_say_bytes(self, "HTTP/1.1 200 OK\r\n\r\n", 19);
}

static void say_too_much(worker *self, const uint8_t *id) {
    (void)id;
    worker_say_bytes(self, "\xff\xff\xff\xff\x12", 5);
}

static void be_ready_twice(worker *self, const uint8_t *id) {
    (void)id;
    worker_say(self, TOW_SERVICE_READY, "", 0);
}

static void acknowledge_too_much(worker *self, const uint8_t *id) {
    worker_acknowledge(self, id, 1000);
}

static void attach_too_much(worker *self, const uint8_t *id) {
    static uint8_t state[8 + TOW_SERVICE_STATE_MAX + 1];
    memcpy(state, id, 8);
    worker_say(self, TOW_SERVICE_ATTACH, state, sizeof(state));
}

static void close_at_length(worker *self, const uint8_t *id) {
    uint8_t frame[8 + 2 + TOW_SERVICE_REASON_MAX + 1] = {0};
    memcpy(frame, id, 8);
    worker_say(self, TOW_SERVICE_CLOSE, frame, sizeof(frame));
}

static void say_what_the_server_says(worker *self, const uint8_t *id) {
    worker_say(self, TOW_SERVICE_MESSAGE, id, 8);
}

static void say_half_a_list(worker *self, const uint8_t *id) {
    worker_say(self, TOW_SERVICE_ACKNOWLEDGE, id, 7);
}

static void say_half_a_frame_and_end(worker *self, const uint8_t *id) {
    (void)id;
    worker_say_bytes(self, "\0\0\0\x10\x12half", 9);
    worker_exit(self, 0);
}

static void end_with_a_status(worker *self, const uint8_t *id) {
    (void)id;
    worker_exit(self, 7);
}

static void stall(worker *self, const uint8_t *id) {
    (void)self, (void)id;
}

static const hostile deeds[] = {{"garbage", say_garbage, "what is no frame"},
    {"a frame without end", say_too_much, "longer than max-output"},
    {"ready twice", be_ready_twice, "what is no frame, or not now"},
    {"an acknowledgement of what was not given", acknowledge_too_much, "what is no frame, or not now", true},
    {"a state that is too long", attach_too_much, "what is no frame, or not now"},
    {"a reason that is too long", close_at_length, "what is no frame, or not now"},
    {"a frame of the server's", say_what_the_server_says, "what is no frame, or not now"},
    {"half a list", say_half_a_list, "what is no frame, or not now"},
    {"half a frame and the end", say_half_a_frame_and_end, "half a frame was dropped"},
    {"an end", end_with_a_status, "ended with status 7"},
    {"nothing at all", stall, "it has acknowledged nothing for answer-seconds"}};

static void mean_no_good(worker *self, uint8_t type, const uint8_t *data, size_t length) {
    if (self->number > 0 || type != TOW_SERVICE_MESSAGE)
        worker_echo(self, type, data, length);
    else
        act->act(self, data);
}

static void one_that_breaks_the_rules_is_replaced_and_its_message_given_again(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        struct world world;
        struct peer peer;
        act = &deeds[i];
        service_world_make(&world, i + 1, mean_no_good, &(tow_program_settings){.answer_seconds = 3});
        open(&peer, &world);
        say(&peer, "hello");
        world_run(&world, 10000);
        if (!world_logged(&world, deeds[i].said))
            fail_msg(
                "%s: not in the log: %s\n%s", deeds[i].name, deeds[i].said, (const char *)world.log.data);
        assert_int_equal(workers_started(), 2);
        assert_int_equal(workers_running(), 1);
        assert_int_equal(count_of(&peer, "again hello"), !deeds[i].acknowledges);
        say(&peer, "on");
        expect(&peer, "on");
        peer_close(&peer);
        service_world_end(&world);
    }
}

/* What a stranger may say of connections that are gone, or of another's. */
static void speak_of_strangers(worker *self, uint8_t type, const uint8_t *data, size_t length) {
    static const uint8_t nobody[8] = {0, 0, 0, 77, 0, 0, 0, 99};
    uint8_t frame[20] = {0};
    if (type == TOW_SERVICE_MESSAGE) {
        memcpy(frame, nobody, 8);
        worker_say(self, TOW_SERVICE_SEND, frame, 12);
        worker_say(self, TOW_SERVICE_ATTACH, frame, 12);
        frame[8] = 3, frame[9] = 0xe8;
        worker_say(self, TOW_SERVICE_CLOSE, frame, 10);
        worker_acknowledge(self, nobody, 3);
    }
    worker_echo(self, type, data, length);
}

static void what_is_said_of_connections_that_are_not_there_does_nothing(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    service_world_make(&world, 1, speak_of_strangers, &(tow_program_settings){0});
    open(&peer, &world);
    say(&peer, "hello");
    expect(&peer, "hello");
    assert_int_equal(workers_started(), 1);
    peer_close(&peer);
    service_world_end(&world);
}

static void never_get_ready(worker *self, uint8_t type, const uint8_t *data, size_t length) {
    (void)self, (void)type, (void)data, (void)length;
}

static void one_that_does_not_get_ready_is_tried_again_and_its_clients_get_1011_then_503(void **state) {
    (void)state;
    struct world world;
    struct peer peer, late;
    service_world_make(&world, 1, never_get_ready, &(tow_program_settings){0});
    open(&peer, &world);
    say(&peer, "hello");
    world_run(&world, 60000);
    assert_true(workers_started() >= 3);
    assert_int_equal(workers_running() <= 1, 1);
    assert_true(peer_has(&peer, "the program can't be started"));
    peer_connect(&late, &world);
    peer_text(&late, OPENING("/worker"));
    peer_expect(&late, "HTTP/1.1 503 ");
    peer_close(&peer);
    peer_close(&late);
    service_world_end(&world);
}

/* Floods all of them; one does not read. */
static void flood(worker *self, uint8_t type, const uint8_t *data, size_t length) {
    static const uint8_t frame[5 + 10000];
    for (int i = 0; type == TOW_SERVICE_MESSAGE && i < 10; i++)
        worker_say(self, TOW_SERVICE_BROADCAST, frame, sizeof(frame));
    worker_echo(self, type, data, length);
}

static void a_flood_ends_the_client_that_does_not_take_it_and_no_other(void **state) {
    (void)state;
    struct world world;
    struct peer slow, other;
    service_world_make(&world, 1, flood, &(tow_program_settings){0});
    open(&slow, &world);
    open(&other, &world);
    tow_stream_pause(&slow.stream);
    for (int i = 0; i < 30; i++) {
        say(&other, "more");
        expect(&other, "more");
        tow_buffer_consume(&other.in, other.in.length);
    }
    world_run(&world, 40000);
    assert_true(world_logged(&world, "(max-queue)"));
    assert_int_equal(workers_started(), 1);
    assert_false(other.ended);
    tow_stream_resume(&slow.stream);
    peer_close(&slow);
    peer_close(&other);
    service_world_end(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_and_what_comes_twice_is_marked),
        cmocka_unit_test(a_message_of_which_each_process_dies_ends_its_connection_alone),
        cmocka_unit_test(one_that_breaks_the_rules_is_replaced_and_its_message_given_again),
        cmocka_unit_test(what_is_said_of_connections_that_are_not_there_does_nothing),
        cmocka_unit_test(one_that_does_not_get_ready_is_tried_again_and_its_clients_get_1011_then_503),
        cmocka_unit_test(a_flood_ends_the_client_that_does_not_take_it_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
