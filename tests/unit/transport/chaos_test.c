/* Streams that are written to, paused, ended, closed and reset at random, inside callbacks and outside, while
 * others do the same: what arrives is a beginning of what was sent, nothing comes after the end, every stream
 * is closed once. */
#include "each_loop.h"

enum { COUPLES = 10, STEPS = 3000, QUEUE_LIMIT = 1024 * 1024 };

struct actor {
    tow_stream stream; /* first */
    struct chaos *chaos;
    struct actor *peer;
    uint64_t sent, received; /* bytes */
    tow_buffer queue;        /* what the loop did not take */
    bool open;               /* adopted or connected, on_closed to come */
    bool closing;            /* by us: nothing but on_closed may come */
    bool shut, ended, failed;
};

struct couple {
    tow_listener listener; /* first */
    struct actor client, server;
};

struct chaos {
    each_loop *each;
    struct couple couples[COUPLES];
    uint64_t chance;
    size_t closed, delivered, resets, unsent, ended;
};

static size_t dice(struct chaos *chaos, size_t sides) {
    chaos->chance = chaos->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(chaos->chance >> 33) % sides;
}

static uint8_t byte_at(uint64_t place) {
    return (uint8_t)(place * 7 + place / 251);
}

static void fill(uint8_t *bytes, size_t length, uint64_t place) {
    for (size_t i = 0; i < length; i++)
        bytes[i] = byte_at(place + i);
}

static void say_corked(struct actor *actor, size_t length) {
    uint8_t *room = actor->queue.length == 0 ? tow_stream_cork(&actor->stream, length, length) : NULL;
    if (room != NULL) {
        fill(room, length, actor->sent);
    } else if (actor->queue.length < QUEUE_LIMIT) {
        assert_int_equal(tow_buffer_reserve(&actor->queue, length), 0);
        fill(actor->queue.data + actor->queue.length, length, actor->sent);
        actor->queue.length += length;
    } else
        return;
    actor->sent += length;
}

static void say_at_once(struct actor *actor, size_t length) {
    static uint8_t bytes[300000];
    if (actor->queue.length > 0)
        return;
    fill(bytes, length, actor->sent);
    struct iovec pieces[2] = {{bytes, length / 3}, {bytes + length / 3, length - length / 3}};
    ssize_t taken = tow_stream_write(&actor->stream, pieces, 2);
    if (taken > 0)
        actor->sent += (uint64_t)taken;
}

static void leave(struct actor *actor, bool reset) {
    actor->closing = true;
    if (reset) {
        actor->chaos->resets++;
        tow_stream_reset(&actor->stream);
    } else
        tow_stream_close(&actor->stream);
}

static void act(struct actor *actor) {
    struct chaos *chaos = actor->chaos;
    if (!actor->open || actor->closing)
        return;
    size_t choice = dice(chaos, 100);
    if (choice < 40 && !actor->shut && !actor->failed)
        say_corked(actor, 1 + dice(chaos, choice < 5 ? 60000 : 500));
    else if (choice < 50 && !actor->shut && !actor->failed)
        say_at_once(actor, 3 + dice(chaos, choice < 43 ? 299000 : 3000));
    else if (choice < 60)
        tow_stream_pause(&actor->stream);
    else if (choice < 78)
        tow_stream_resume(&actor->stream);
    else if (choice < 82)
        tow_stream_flush(&actor->stream);
    else if (choice < 84 && actor->queue.length == 0) {
        actor->shut = true;
        tow_stream_shutdown(&actor->stream);
    } else if (choice < 86)
        leave(actor, false);
    else if (choice < 87)
        leave(actor, true);
}

/* Two that speak in turn, so that each has many segments in the cork. */
static void talk(struct chaos *chaos) {
    struct couple *couples[2] = {
        &chaos->couples[dice(chaos, COUPLES)], &chaos->couples[dice(chaos, COUPLES)]};
    for (size_t i = dice(chaos, 50); i > 0; i--)
        for (int j = 0; j < 2; j++) {
            struct actor *actor = dice(chaos, 2) ? &couples[j]->client : &couples[j]->server;
            if (actor->open && !actor->closing && !actor->shut && !actor->failed)
                say_corked(actor, 1 + dice(chaos, 3000));
        }
}

static void act_on_anybody(struct chaos *chaos) {
    if (dice(chaos, 10) == 0)
        talk(chaos);
    struct couple *couple = &chaos->couples[dice(chaos, COUPLES)];
    act(dice(chaos, 2) ? &couple->client : &couple->server);
}

static struct actor *alive(tow_stream *stream) {
    struct actor *actor = (struct actor *)stream;
    assert_true(actor->open);
    assert_false(actor->closing);
    return actor;
}

static void on_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    struct actor *actor = alive(stream);
    assert_false(actor->ended);
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != byte_at(actor->received + i))
            fail_msg("byte %llu is wrong", (unsigned long long)(actor->received + i));
    actor->received += length;
    actor->chaos->delivered += length;
    memset(bytes, 0xee, length);
    for (size_t i = dice(actor->chaos, 3); i > 0; i--)
        act(actor);
    if (dice(actor->chaos, 4) == 0)
        act_on_anybody(actor->chaos);
}

static void on_unsent(tow_stream *stream, const uint8_t *segment, size_t length, size_t taken) {
    struct actor *actor = (struct actor *)stream;
    assert_true(actor->open);
    assert_true(taken < length);
    actor->chaos->unsent++;
    assert_int_equal(tow_buffer_append(&actor->queue, segment + taken, length - taken), 0);
}

static void on_writable(tow_stream *stream) {
    struct actor *actor = alive(stream);
    assert_false(actor->failed);
    if (actor->queue.length > 0 && !actor->shut) {
        struct iovec piece = {actor->queue.data, actor->queue.length};
        ssize_t taken = tow_stream_write(stream, &piece, 1);
        if (taken > 0)
            tow_buffer_consume(&actor->queue, (size_t)taken);
    }
    act(actor);
}

static void on_end(tow_stream *stream) {
    struct actor *actor = alive(stream);
    assert_false(actor->ended);
    assert_false(actor->failed);
    actor->ended = true;
    actor->chaos->ended++;
    if (!actor->peer->closing && actor->peer->open && actor->peer->queue.length == 0)
        assert_true(actor->received == actor->peer->sent); /* an orderly end loses nothing */
    act(actor);
}

static void on_error(tow_stream *stream, int error) {
    struct actor *actor = alive(stream);
    assert_false(actor->failed);
    assert_int_equal(error, TOW_ERROR_RESET);
    actor->failed = true;
    if (dice(actor->chaos, 2))
        leave(actor, false);
}

static void on_closed(tow_stream *stream) {
    struct actor *actor = (struct actor *)stream;
    assert_true(actor->open);
    assert_true(actor->closing);
    actor->open = false;
    actor->chaos->closed++;
    tow_buffer_clear(&actor->queue);
    memset(stream, 0xee, sizeof(*stream));
}

static const tow_stream_events events = {
    .on_bytes = on_bytes,
    .on_unsent = on_unsent,
    .on_writable = on_writable,
    .on_end = on_end,
    .on_error = on_error,
    .on_closed = on_closed,
};

static void begin(struct chaos *chaos, struct actor *actor, struct actor *peer) {
    *actor = (struct actor){.chaos = chaos, .peer = peer, .open = true};
}

static void on_accept(tow_listener *listener, int fd) {
    struct couple *couple = (struct couple *)listener;
    struct chaos *chaos = couple->client.chaos;
    begin(chaos, &couple->server, &couple->client);
    assert_int_equal(tow_stream_adopt(&couple->server.stream, listener->loop, fd, &events), 0);
    tow_listener_stop(listener);
}

static void meet(struct chaos *chaos, struct couple *couple) {
    tow_address address[TOW_ADDRESSES_MAX], bound;
    tow_loop *loop = chaos->each->loop;
    assert_int_equal(tow_address_parse("127.0.0.1:0", address), 1);
    int fd = tow_listen_socket(loop, &address[0], NULL, &bound);
    assert_true(fd >= 0);
    assert_int_equal(tow_listener_start(&couple->listener, loop, fd, on_accept), 0);
    begin(chaos, &couple->client, &couple->server);
    assert_int_equal(tow_stream_connect(&couple->client.stream, loop, &bound, &events), 0);
}

static void run_chaos(each_loop *each, uint64_t seed) {
    static struct chaos chaos;
    chaos = (struct chaos){.each = each, .chance = seed};
    size_t met = 0;
    for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < COUPLES; i++) {
            struct couple *couple = &chaos.couples[i];
            if (!couple->client.open && !couple->server.open && !tow_listener_is_started(&couple->listener)) {
                meet(&chaos, couple);
                met++;
            }
        }
        for (size_t i = dice(&chaos, 6); i > 0; i--)
            act_on_anybody(&chaos);
        assert_true(tow_loop_step(each->loop) >= 0);
    }
    for (int i = 0; i < COUPLES; i++) {
        tow_listener_stop(&chaos.couples[i].listener);
        struct actor *actors[2] = {&chaos.couples[i].client, &chaos.couples[i].server};
        for (int j = 0; j < 2; j++)
            if (actors[j]->open && !actors[j]->closing)
                leave(actors[j], false);
    }
    run_to_the_end(each);
    for (int i = 0; i < COUPLES; i++) {
        assert_false(chaos.couples[i].client.open);
        assert_false(chaos.couples[i].server.open);
    }
    /* That it was a test at all: */
    assert_true(met > COUPLES);
    assert_true(chaos.closed > met);
    assert_true(chaos.delivered > 100000);
    assert_true(chaos.ended > 0);
    assert_true(chaos.resets > 0);
}

static void streams_keep_their_promises_in_chaos(void **state) {
    const char *seeds = getenv("TOW_TEST_SEEDS");
    uint64_t count = seeds != NULL ? strtoull(seeds, NULL, 10) : 3;
    for (uint64_t seed = 1; seed <= count; seed++)
        run_chaos(*state, seed);
}

static void networks_of_many_seeds_keep_them_too(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        each_loop each = {.timed_out = false};
        assert_int_equal(tow_loop_new_simulated(&each.loop, &(tow_simulation_options){.seed = seed,
                                                                .stream_capacity = seed % 2 ? 1000 : 0,
                                                                .whole = seed % 5 == 0}),
            0);
        run_chaos(&each, seed);
        tow_loop_free(each.loop);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_EACH_LOOP(streams_keep_their_promises_in_chaos),
        cmocka_unit_test(networks_of_many_seeds_keep_them_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
