/* Posting from other threads, and sockets that outlive their connection. */
#include "world.h"

#include "../../../src/server/state.h"
#include "server/carried.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <towline/error.h>
#include <unistd.h>

enum { IDS_MAX = 4096 };

/* What the handler saw, in the order in which it came. */
static struct {
    tow_websocket *sockets[16];
    tow_websocket_id ids[16];
    int opened, closed;
    uint16_t code;
    bool retains;
    bool releases; /* in on_close */
} seen;

static void on_open(tow_websocket *socket) {
    seen.sockets[seen.opened] = socket;
    seen.ids[seen.opened++] = tow_websocket_identify(socket);
    if (seen.retains)
        assert_int_equal(tow_websocket_retain(socket), 0);
}

static void on_close(tow_websocket *socket, const tow_close_event *event) {
    seen.closed++;
    seen.code = event->code;
    if (seen.releases)
        tow_websocket_release(socket);
}

static void on_message(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static const tow_handler handler = {.on_open = on_open, .on_close = on_close, .on_message = on_message};

static void begin_with(struct world *world, uint64_t seed, tow_limits limits) {
    memset(&seen, 0, sizeof(seen));
    world_make(world, &(tow_simulation_options){.seed = seed},
        &(tow_server_options){.status = "127.0.0.1:9999", .limits = limits});
    assert_int_equal(tow_server_route(world->server, "/", &handler), 0);
    world_listen(world);
}

static void begin(struct world *world, uint64_t seed) {
    begin_with(world, seed, (tow_limits){0});
}

static void open_peer(struct peer *peer, struct world *world) {
    peer_connect(peer, world);
    peer_text(peer, OPENING("/"));
    peer_expect(peer, "\r\n\r\n");
}

static int post_text(struct world *world, tow_websocket_id id, const char *text) {
    char copy[32];
    snprintf(copy, sizeof(copy), "%s", text);
    int error = tow_post_message(
        world->server, id, &(tow_message){.type = TOW_TEXT, .data = copy, .length = strlen(copy)});
    memset(copy, 'x', sizeof(copy)); /* it was copied */
    return error;
}

static void what_is_posted_arrives_in_order(void **state) {
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct world world;
        struct peer one;
        struct peer other;
        tow_shared *shared;
        begin(&world, seed);
        open_peer(&one, &world);
        open_peer(&other, &world);
        assert_int_not_equal(seen.ids[0], 0);
        assert_int_not_equal(seen.ids[0], seen.ids[1]);
        assert_int_equal(tow_shared_new(&shared, TOW_BINARY, "both", 4), 0);
        assert_int_equal(post_text(&world, seen.ids[0], "first"), 0);
        assert_int_equal(tow_post_shared(world.server, seen.ids[0], shared), 0);
        assert_int_equal(tow_post_shared(world.server, seen.ids[1], shared), 0);
        assert_int_equal(post_text(&world, seen.ids[0], "last"), 0);
        tow_shared_release(shared);
        peer_expect_frame(&other, 2, "both", 4);
        peer_expect_frame(&one, 1, "last", 4);
        assert_true(peer_has(&one, "\r\n\r\n\x81\x05"
                                   "first\x82\x04"
                                   "both\x81\x04last"));
        assert_false(peer_has(&other, "first"));
        peer_close(&one);
        peer_close(&other);
        world_end(&world);
    }
}

static void a_posted_close_is_the_closing_handshake(void **state) {
    struct world world;
    struct peer peer;
    begin(&world, 1);
    open_peer(&peer, &world);
    assert_int_equal(post_text(&world, seen.ids[0], "bye"), 0);
    assert_int_equal(tow_post_close(world.server, seen.ids[0], 4000, "enough"), 0);
    assert_int_equal(post_text(&world, seen.ids[0], "late"), 0);
    peer_expect_frame(&peer, 1, "bye", 3);
    peer_expect_frame(&peer, 8,
        "\x0f\xa0"
        "enough",
        8);
    peer_frame(&peer, 8, "\x0f\xa0", 2);
    peer_expect_end(&peer);
    assert_false(peer_has(&peer, "late"));
    peer_close(&peer);
    world_run(&world, 100);
    assert_int_equal(seen.closed, 1);
    assert_int_equal(seen.code, 4000);
    world_end(&world);
}

static void send_piece(const char *text, bool first, bool last) {
    const tow_message_piece piece = {
        .type = TOW_TEXT, .data = text, .length = strlen(text), .first = first, .last = last};
    assert_true(tow_websocket_send_piece(seen.sockets[0], &piece) >= 0);
}

static void a_post_into_the_midst_of_another_message_waits_for_its_end(void **state) {
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, seed);
        open_peer(&peer, &world);
        send_piece("begun", true, false);
        assert_int_equal(post_text(&world, seen.ids[0], "between"), 0);
        assert_int_equal(post_text(&world, seen.ids[0], "second"), 0);
        world_run(&world, 10);
        assert_int_equal(tow_websocket_buffered_amount(seen.sockets[0]), 13);
        send_piece("more", false, false);
        send_piece("done", false, true);
        assert_int_equal(post_text(&world, seen.ids[0], "behind"), 0);
        peer_expect_frame(&peer, 1, "behind", 6);
        assert_true(peer_has(&peer, "\x01\x05"
                                    "begun"));
        assert_true(peer_has(&peer, "more\x80\x04"
                                    "done\x81\x07"
                                    "between\x81\x06"
                                    "second\x81\x06"
                                    "behind"));
        assert_int_equal(tow_websocket_buffered_amount(seen.sockets[0]), 0);
        peer_close(&peer);
        world_end(&world);
    }
}

/* And is of no use when that end never comes. */
static void what_waits_for_the_end_of_a_message_counts_in_max_queue(void **state) {
    struct world world;
    struct peer peer;
    begin_with(&world, 4, (tow_limits){.max_queue = 100});
    open_peer(&peer, &world);
    send_piece("begun", true, false);
    for (int i = 0; i < 3; i++)
        assert_int_equal(post_text(&world, seen.ids[0], "thirty bytes of text, or so it "), 0);
    world_run(&world, 10);
    assert_int_equal(world_metric(&world, "limit_reached_total{limit=\"max-queue\"}"), 0);
    assert_int_equal(post_text(&world, seen.ids[0], "one more"), 0);
    peer_expect(&peer, "\x03\xf0more than max-queue");
    assert_int_equal(world_metric(&world, "limit_reached_total{limit=\"max-queue\"}"), 1);
    assert_false(peer_has(&peer, "thirty"));
    peer_close(&peer);
    world_run(&world, 100);
    assert_int_equal(seen.closed, 1);
    world_end(&world);
}

/* Nobody else hears of it. */
static void a_post_that_is_refused_counts_as_dropped(void **state) {
    struct world world;
    struct peer peer;
    begin_with(&world, 5, (tow_limits){.max_queue = 20, .overflow = TOW_OVERFLOW_REFUSE});
    open_peer(&peer, &world);
    send_piece("begun", true, false);
    for (int i = 0; i < 3; i++)
        assert_int_equal(post_text(&world, seen.ids[0], "waits"), 0);
    world_run(&world, 10);
    assert_int_equal(tow_websocket_dropped(seen.sockets[0]), 2);
    send_piece("", false, true);
    peer_expect_frame(&peer, 1, "waits", 5);
    assert_int_equal(world_metric(&world, "messages_dropped_total"), 2);
    assert_int_equal(world_metric(&world, "limit_reached_total{limit=\"max-queue\"}"), 2);
    assert_int_equal(seen.closed, 0);
    peer_close(&peer);
    world_end(&world);
}

/* The oldest of those that wait for the end of a message in pieces. */
static void posts_that_wait_are_dropped_oldest_first(void **state) {
    struct world world;
    struct peer peer;
    begin_with(&world, 6, (tow_limits){.max_queue = 50, .overflow = TOW_OVERFLOW_DROP_OLDEST});
    open_peer(&peer, &world);
    send_piece("begun", true, false);
    for (int i = 0; i < 9; i++)
        assert_int_equal(post_text(&world, seen.ids[0], (const char[]){(char)('a' + i), '\0'}), 0);
    world_run(&world, 10);
    send_piece("", false, true);
    peer_expect_frame(&peer, 1, "i", 1);
    assert_true(peer_has_frame(&peer, 1, "h", 1));
    assert_false(peer_has_frame(&peer, 1, "a", 1));
    assert_true(tow_websocket_dropped(seen.sockets[0]) >= 4);
    peer_close(&peer);
    world_end(&world);
}

/* To many. */

enum { MANY = 5 };

static void open_many(struct peer *peers, struct world *world) {
    for (int i = 0; i < MANY; i++)
        open_peer(&peers[i], world);
}

static void close_many(struct peer *peers) {
    for (int i = 0; i < MANY; i++)
        peer_close(&peers[i]);
}

static int post_many(struct world *world, const tow_websocket_id *ids, size_t count, const char *text) {
    tow_shared *shared;
    assert_int_equal(tow_shared_new(&shared, TOW_TEXT, text, strlen(text)), 0);
    int error = tow_post_shared_many(world->server, ids, count, shared);
    tow_shared_release(shared);
    return error;
}

/* However it was posted, and in whatever order for others. */
static void what_is_posted_to_many_reaches_each_in_order(void **state) {
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct world world;
        struct peer peers[MANY];
        begin(&world, seed);
        open_many(peers, &world);
        const tow_websocket_id *ids = seen.ids;
        assert_int_equal(post_many(&world, ids, MANY, "a"), 0);
        assert_int_equal(post_many(&world, ids, MANY, "b"), 0);
        assert_int_equal(post_text(&world, ids[3], "c"), 0);
        assert_int_equal(post_text(&world, ids[0], "c"), 0);
        assert_int_equal(post_text(&world, ids[3], "d"), 0);
        assert_int_equal(post_many(&world, ids + 1, MANY - 1, "e"), 0);
        assert_int_equal(post_many(&world, ids, 0, "nobody"), 0);
        assert_int_equal(post_many(&world, ids, MANY, "last"), 0);
        for (int i = 0; i < MANY; i++)
            peer_expect_frame(&peers[i], 1, "last", 4);
        assert_true(peer_has(&peers[0], "\r\n\x81\x01"
                                        "a\x81\x01"
                                        "b\x81\x01"
                                        "c\x81\x04last"));
        assert_true(peer_has(&peers[1], "\r\n\x81\x01"
                                        "a\x81\x01"
                                        "b\x81\x01"
                                        "e\x81\x04last"));
        assert_true(peer_has(&peers[3], "\r\n\x81\x01"
                                        "a\x81\x01"
                                        "b\x81\x01"
                                        "c\x81\x01"
                                        "d\x81\x01"
                                        "e\x81\x04last"));
        close_many(peers);
        world_end(&world);
    }
}

/* Ids in a row are one letter's, which no later post overtakes; an id may come twice. */
static void a_message_to_one_after_another_is_few_letters_in_order(void **state) {
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct world world;
        struct peer peers[MANY];
        tow_shared *shared[4];
        begin(&world, seed);
        open_many(peers, &world);
        for (int i = 0; i < 4; i++)
            assert_int_equal(tow_shared_new(&shared[i], TOW_TEXT, (const char[]){(char)('a' + i)}, 1), 0);
        int64_t amounts[3];
        for (int round = 0; round < 3; round++) {
            int64_t before = tow_server_posted_amount(world.server);
            for (int i = 0; i < MANY; i++)
                assert_int_equal(tow_post_shared(world.server, seen.ids[i], shared[round]), 0);
            amounts[round] = tow_server_posted_amount(world.server) - before;
        }
        assert_true(amounts[1] < amounts[0] && amounts[1] == amounts[2]); /* five letters' ids in one */
        assert_int_equal(post_many(&world, seen.ids, MANY, "many"), 0);
        assert_int_equal(tow_post_shared(world.server, seen.ids[0], shared[2]), 0);
        assert_int_equal(tow_post_shared(world.server, seen.ids[0], shared[2]), 0);
        assert_int_equal(tow_post_shared(world.server, seen.ids[0], shared[3]), 0);
        assert_int_equal(tow_post_shared(world.server, seen.ids[0], shared[3]), 0);
        assert_int_equal(post_many(&world, seen.ids, MANY, "last"), 0);
        peer_expect_frame(&peers[0], 1, "last", 4);
        peer_expect_frame(&peers[4], 1, "last", 4);
        assert_true(peer_has(&peers[0], "\r\n\x81\x01"
                                        "a\x81\x01"
                                        "b\x81\x01"
                                        "c\x81\x04many\x81\x01"
                                        "c\x81\x01"
                                        "c\x81\x01"
                                        "d\x81\x01"
                                        "d\x81\x04last"));
        assert_true(peer_has(&peers[4], "\r\n\x81\x01"
                                        "a\x81\x01"
                                        "b\x81\x01"
                                        "c\x81\x04many\x81\x04last"));
        assert_int_equal(tow_server_posted_amount(world.server), 0);
        for (int i = 0; i < 4; i++)
            tow_shared_release(shared[i]);
        close_many(peers);
        world_end(&world);
    }
}

/* More than one letter's worth; all but the last are of nobody. */
static void many_ids_are_as_many_letters_as_it_takes(void **state) {
    enum { IDS = 2 * TOW_LETTER_WORK_MAX + 1 };
    static tow_websocket_id ids[IDS];
    struct world world;
    struct peer peer;
    begin(&world, 1);
    open_peer(&peer, &world);
    for (int i = 0; i < IDS; i++)
        ids[i] = seen.ids[0] + (tow_websocket_id)(IDS - 1 - i);
    assert_int_equal(post_many(&world, ids, IDS, "there"), 0);
    int64_t each = 5 + 200; /* a message and what keeps it */
    assert_in_range(tow_server_posted_amount(world.server), IDS * 8, IDS * 8 + 3 * each);
    peer_expect_frame(&peer, 1, "there", 5);
    assert_int_equal(tow_server_posted_amount(world.server), 0);
    assert_int_equal(world_metric(&world, "stale_posts_total"), IDS - 1);
    peer_close(&peer);
    world_end(&world);
}

static void one_id_that_is_none_keeps_a_post_from_all(void **state) {
    struct world world;
    struct peer peers[MANY];
    begin(&world, 2);
    open_many(peers, &world);
    tow_websocket_id ids[MANY];
    memcpy(ids, seen.ids, sizeof(ids));
    ids[2] = 0;
    assert_int_equal(post_many(&world, ids, MANY, "bad"), TOW_ERROR_ARGUMENT);
    ids[2] = seen.ids[2] + (UINT64_C(1) << 54); /* another worker's */
    assert_int_equal(post_many(&world, ids, MANY, "bad"), TOW_ERROR_ARGUMENT);
    assert_int_equal(post_many(&world, NULL, MANY, "bad"), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_post_shared_many(world.server, ids, MANY, NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_post_shared(world.server, ids[0], NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_server_posted_amount(world.server), 0);
    assert_int_equal(post_many(&world, seen.ids, MANY, "good"), 0);
    for (int i = 0; i < MANY; i++) {
        peer_expect_frame(&peers[i], 1, "good", 4);
        assert_false(peer_has(&peers[i], "bad"));
    }
    close_many(peers);
    world_end(&world);
}

/* The loop is not stepped meanwhile. */
static void more_than_max_posted_on_the_way_is_refused_and_counted(void **state) {
    struct world world;
    struct peer peers[MANY];
    memset(&seen, 0, sizeof(seen));
    world_make(&world, &(tow_simulation_options){0},
        &(tow_server_options){.status = "127.0.0.1:9999", .max_posted = 1000});
    assert_int_equal(tow_server_route(world.server, "/", &handler), 0);
    world_listen(&world);
    open_many(peers, &world);
    int posts = 0;
    int error;
    while ((error = post_text(&world, seen.ids[0], "posted")) == 0)
        posts++;
    assert_int_equal(error, TOW_ERROR_QUEUE_FULL);
    assert_in_range(posts, 2, 50);
    assert_true(tow_server_posted_amount(world.server) > 1000);
    assert_int_equal(post_many(&world, seen.ids, MANY, "refused"), TOW_ERROR_QUEUE_FULL);
    assert_int_equal(tow_post_close(world.server, seen.ids[0], 1000, NULL), TOW_ERROR_QUEUE_FULL);
    world_run(&world, 10);
    assert_int_equal(tow_server_posted_amount(world.server), 0);
    assert_int_equal(world_metric(&world, "posted_bytes"), 0);
    assert_int_equal(world_metric(&world, "limit_reached_total{limit=\"max-posted\"}"), 3);
    assert_int_equal(post_many(&world, seen.ids, MANY, "again"), 0);
    for (int i = 0; i < MANY; i++) {
        peer_expect_frame(&peers[i], 1, "again", 5);
        assert_false(peer_has(&peers[i], "refused"));
    }
    assert_int_equal(peers[0].in.length - peers[1].in.length, (size_t)posts * 8);
    close_many(peers);
    world_end(&world);
}

static void a_close_for_good_is_not_refused(void **state) {
    struct world world;
    struct peer peers[MANY];
    memset(&seen, 0, sizeof(seen));
    world_make(&world, &(tow_simulation_options){0}, &(tow_server_options){.max_posted = 1000});
    assert_int_equal(tow_server_route(world.server, "/", &handler), 0);
    world_listen(&world);
    open_many(peers, &world);
    while (post_text(&world, seen.ids[0], "posted") == 0)
        continue;
    assert_int_equal(tow_server_close_socket(world.server, seen.ids[1], 1005, NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_server_close_socket(world.server, seen.ids[1], 4000, "for good"), 0);
    peer_expect_frame(&peers[1], 8,
        "\x0f\xa0"
        "for good",
        10);
    assert_int_equal(tow_server_posted_amount(world.server), 0);
    close_many(peers);
    world_end(&world);
}

/* The next connection has the same slot, and is another one. */
static void the_id_of_a_connection_that_is_gone_is_a_counted_no_op(void **state) {
    struct world world;
    struct peer peer;
    begin(&world, 2);
    open_peer(&peer, &world);
    peer_close(&peer);
    world_run(&world, 100);
    assert_int_equal(seen.closed, 1);
    assert_int_equal(post_text(&world, seen.ids[0], "nobody"), 0);
    world_run(&world, 10);
    open_peer(&peer, &world);
    assert_ptr_equal(seen.sockets[0], seen.sockets[1]);
    assert_int_not_equal(seen.ids[0], seen.ids[1]);
    assert_int_equal(post_text(&world, seen.ids[0], "nobody"), 0);
    assert_int_equal(tow_post_close(world.server, seen.ids[0], 1000, NULL), 0);
    assert_int_equal(post_text(&world, seen.ids[1], "somebody"), 0);
    peer_expect_frame(&peer, 1, "somebody", 8);
    assert_false(peer_has(&peer, "nobody"));
    assert_int_equal(world_metric(&world, "stale_posts_total"), 3);
    peer_close(&peer);
    world_end(&world);
}

/* A number that was never given out, in a slot that was never used or has speaks HTTP only. */
static void an_id_of_nobody_reaches_nobody(void **state) {
    struct world world;
    struct peer peer;
    begin(&world, 3);
    open_peer(&peer, &world);
    struct peer http;
    peer_connect(&http, &world);
    world_run(&world, 10);
    tow_websocket_id next_slot = seen.ids[0] + (UINT64_C(1) << 28);
    tow_websocket_id far_slot = seen.ids[0] | UINT64_C(0x3ffffff) << 28;
    tow_websocket_id other_worker = seen.ids[0] + (UINT64_C(1) << 54);
    assert_int_equal(post_text(&world, next_slot + 1, "x"), 0);
    assert_int_equal(post_text(&world, far_slot, "x"), 0);
    assert_int_equal(post_text(&world, other_worker, "x"), TOW_ERROR_ARGUMENT);
    assert_int_equal(post_text(&world, 0, "x"), TOW_ERROR_ARGUMENT);
    assert_int_equal(post_text(&world, UINT64_MAX, "x"), TOW_ERROR_ARGUMENT);
    assert_int_equal(world_metric(&world, "stale_posts_total"), 2);
    peer_close(&http);
    peer_close(&peer);
    world_end(&world);
}

static void what_could_never_be_sent_is_refused_at_once(void **state) {
    struct world world;
    struct peer peer;
    begin(&world, 4);
    open_peer(&peer, &world);
    tow_websocket_id id = seen.ids[0];
    assert_int_equal(post_text(&world, id, "\xff"), TOW_ERROR_UTF8);
    assert_int_equal(
        tow_post_message(world.server, id, &(tow_message){.type = (tow_message_type)9}), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_post_close(world.server, id, 1005, NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_post_close(world.server, id, 1000, "\xff"), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_post_close(world.server, id, 0, "reason"), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_post_close(world.server, 0, 1000, NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_post_close(world.server, id, 0, NULL), 0);
    peer_expect_frame(&peer, 8, "", 0);
    peer_close(&peer);
    world_end(&world);
}

static void a_server_that_does_not_serve_takes_nothing(void **state) {
    struct world world;
    struct peer peer;
    const tow_websocket_id any = 1;
    world_make(&world, &(tow_simulation_options){0}, &(tow_server_options){0});
    assert_int_equal(post_text(&world, any, "x"), TOW_ERROR_STATE);
    tow_server_free(world.server);
    tow_loop_free(world.loop);
    begin(&world, 5);
    open_peer(&peer, &world);
    assert_int_equal(post_text(&world, seen.ids[0], "in time"), 0); /* and the drain waits for it */
    tow_server_stop(world.server);
    peer_expect_frame(&peer, 1, "in time", 7);
    world_run(&world, 100);
    assert_int_equal(post_text(&world, seen.ids[0], "late"), TOW_ERROR_STATE);
    assert_int_equal(tow_post_close(world.server, seen.ids[0], 1000, NULL), TOW_ERROR_STATE);
    peer_close(&peer);
    world_run(&world, 100);
    assert_true(tow_server_is_done(world.server));
    assert_int_equal(post_text(&world, seen.ids[0], "late"), TOW_ERROR_STATE);
    world_end(&world);
}

/* The loop is never stepped again; the leak check sees what is left. */
static void letters_that_nobody_opens_are_freed_with_the_loop(void **state) {
    struct world world;
    struct peer peer;
    begin(&world, 6);
    open_peer(&peer, &world);
    peer_close(&peer);
    world_run(&world, 100);
    assert_int_equal(post_text(&world, seen.ids[0], "unread"), 0);
    assert_int_equal(tow_post_close(world.server, seen.ids[0], 1000, "unread"), 0);
    tow_timer_cancel(world.loop, &world.clock);
    tow_server_free(world.server);
    tow_loop_free(world.loop);
    tow_buffer_clear(&world.log);
}

static void a_client_has_no_id_and_needs_no_retaining(void **state) {
    const tow_behaviour behaviour = {.role = TOW_ROLE_CLIENT};
    tow_websocket socket = {.behaviour = &behaviour};
    assert_int_equal(tow_websocket_identify(&socket), 0);
    assert_int_equal(tow_websocket_retain(&socket), 0);
    tow_websocket_release(&socket);
    assert_null(socket.extra);
}

/* Retained sockets. */

static void a_retained_socket_answers_after_its_end(void **state) {
    struct world world;
    struct peer peer;
    begin(&world, 7);
    seen.retains = true;
    open_peer(&peer, &world);
    tow_websocket *socket = seen.sockets[0];
    assert_int_equal(tow_websocket_retain(socket), 0);
    tow_websocket_set_user(socket, &seen);
    peer_close(&peer);
    world_run(&world, 100);
    assert_int_equal(seen.closed, 1);
    assert_int_equal(world_metric(&world, "connections"), 0);
    assert_int_equal(tow_websocket_ready_state(socket), TOW_CLOSED);
    assert_int_equal(tow_websocket_send(socket, TOW_TEXT, "late", 4), TOW_ERROR_CLOSED);
    assert_int_equal(tow_websocket_buffered_amount(socket), 4);
    assert_int_equal(tow_websocket_close(socket, 1000, NULL), 0);
    assert_int_equal(tow_websocket_ping(socket, NULL, 0), TOW_ERROR_CLOSED);
    assert_string_equal(tow_websocket_protocol(socket), "");
    assert_string_equal(tow_websocket_extensions(socket), "");
    assert_ptr_equal(tow_websocket_user(socket), &seen);
    assert_ptr_equal(tow_websocket_loop(socket), world.loop);
    assert_null(tow_websocket_request(socket));
    assert_int_equal(tow_websocket_identify(socket), seen.ids[0]);
    tow_websocket_pause(socket);
    tow_websocket_resume(socket);
    assert_int_equal(post_text(&world, seen.ids[0], "late"), 0);
    seen.retains = false;
    open_peer(&peer, &world); /* in another slot */
    assert_ptr_not_equal(seen.sockets[1], socket);
    assert_int_equal(world_metric(&world, "stale_posts_total"), 1);
    tow_websocket_release(socket);
    assert_int_equal(tow_websocket_ready_state(socket), TOW_CLOSED);
    tow_websocket_release(socket);
    struct peer third;
    open_peer(&third, &world);
    assert_ptr_equal(seen.sockets[2], socket);
    peer_close(&peer);
    peer_close(&third);
    world_end(&world);
}

static void a_socket_may_be_released_before_or_in_its_close_event(void **state) {
    struct world world;
    struct peer peer;
    begin(&world, 8);
    seen.retains = true;
    open_peer(&peer, &world);
    tow_websocket_release(seen.sockets[0]);
    assert_null(seen.sockets[0]->extra);
    tow_websocket_release(seen.sockets[0]); /* one too many */
    peer_close(&peer);
    world_run(&world, 100);
    seen.releases = true;
    open_peer(&peer, &world);
    assert_ptr_equal(seen.sockets[0], seen.sockets[1]);
    peer_close(&peer);
    world_run(&world, 100);
    open_peer(&peer, &world);
    assert_ptr_equal(seen.sockets[1], seen.sockets[2]);
    assert_int_equal(seen.closed, 2);
    peer_close(&peer);
    world_end(&world);
}

static void the_drain_does_not_wait_for_retained_sockets(void **state) {
    struct world world;
    struct peer peers[3];
    begin(&world, 9);
    seen.retains = true;
    for (int i = 0; i < 3; i++)
        open_peer(&peers[i], &world);
    peer_close(&peers[0]);
    world_run(&world, 100);
    tow_server_stop(world.server);
    for (int i = 1; i < 3; i++) {
        peer_expect_frame(&peers[i], 8, "\x03\xe9", 2);
        peer_close(&peers[i]);
    }
    world_run(&world, 100);
    assert_true(tow_server_is_done(world.server));
    assert_int_equal(tow_websocket_ready_state(seen.sockets[1]), TOW_CLOSED);
    tow_websocket_release(seen.sockets[1]); /* the others go with the server */
    world_end(&world);
}

/* Threads: some post to whatever ids there are, while connections come and go and the server drains. */

static struct storm {
    tow_server *server;
    _Atomic uint64_t ids[IDS_MAX];
    atomic_int count;
    atomic_bool over;
    atomic_long posted, refused;
    tow_shared *common; /* posted to one after another, by all threads */
} storm;

static void storm_open(tow_websocket *socket) {
    int place = atomic_fetch_add(&storm.count, 1) % IDS_MAX;
    atomic_store(&storm.ids[place], tow_websocket_identify(socket));
    tow_websocket_retain(socket);
    if (place % 2 == 0)
        tow_websocket_release(socket);
}

static void storm_close(tow_websocket *socket, const tow_close_event *event) {
    if (event->code != 4001)
        tow_websocket_release(socket);
}

static int post_to_all(const char *text, size_t length) {
    tow_websocket_id ids[60];
    size_t count = 0;
    tow_shared *shared;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        ids[count] = atomic_load(&storm.ids[i]);
        count += ids[count] != 0;
    }
    assert_int_equal(tow_shared_new(&shared, TOW_TEXT, text, length), 0);
    int error = count == 0 ? TOW_ERROR_STATE : tow_post_shared_many(storm.server, ids, count, shared);
    tow_shared_release(shared);
    return error;
}

static int post_something(unsigned number, tow_websocket_id id) {
    char text[300];
    memset(text, 'a', sizeof(text));
    if (number % 50 == 0)
        return tow_post_close(storm.server, id, 4001, "posted");
    if (number % 10 == 0)
        return post_to_all(text, number % 300);
    if (number % 2 == 0)
        return tow_post_shared(storm.server, id, storm.common);
    return tow_post_message(
        storm.server, id, &(tow_message){.type = TOW_TEXT, .data = text, .length = number % 300});
}

static void *post_on(void *argument) {
    unsigned number = (unsigned)(uintptr_t)argument;
    while (!atomic_load(&storm.over)) {
        int count = atomic_load(&storm.count);
        tow_websocket_id id = count == 0 ? 1 : atomic_load(&storm.ids[number % (unsigned)count % IDS_MAX]);
        int error = post_something(number, id);
        if (error == 0)
            atomic_fetch_add(&storm.posted, 1);
        else if (error == TOW_ERROR_STATE)
            atomic_fetch_add(&storm.refused, 1);
        else if (id != 0)
            abort();
        number = number * 1664525 + 1013904223;
        if (number / 256 % 8 == 0)
            usleep(500); /* loops get a turn */
    }
    return NULL;
}

static void *run_server(void *argument) {
    int *result = argument;
    *result = tow_server_run(storm.server);
    return NULL;
}

static int connect_to(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = 10};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Opens a connection and reads a little. */
static int visit(int port) {
    char bytes[2048];
    int fd = connect_to(port);
    assert_true(send(fd, OPENING("/"), strlen(OPENING("/")), MSG_NOSIGNAL) > 0);
    ssize_t got;
    do /* with a time limit it is not begun again after a signal, of which sanitizers send some */
        got = recv(fd, bytes, sizeof(bytes), 0);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        fail_msg("no answer: %zd, %s", got, strerror(errno));
    return fd;
}

static void storm_on(tow_io io) {
    pthread_t threads[3];
    pthread_t server;
    int result = -1;
    int fds[60];
    memset(&storm, 0, sizeof(storm));
    assert_int_equal(tow_shared_new(&storm.common, TOW_TEXT, "common", 6), 0);
    assert_int_equal(
        tow_server_new(&storm.server,
            &(tow_server_options){.listen = "127.0.0.1:0", .workers = 2, .io = io, .drain_seconds = 1}),
        0);
    assert_int_equal(
        tow_server_route(storm.server, "/", &(tow_handler){.on_open = storm_open, .on_close = storm_close}),
        0);
    for (uintptr_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post_on, (void *)(i + 1)), 0);
    assert_int_equal(tow_server_listen(storm.server), 0);
    assert_int_equal(pthread_create(&server, NULL, run_server, &result), 0);
    for (int i = 0; i < 60; i++) {
        fds[i] = visit(tow_server_port(storm.server, 0));
        if (i % 3 == 0)
            close(fds[i]);
    }
    usleep(20 * 1000);
    tow_server_stop(storm.server);
    for (int i = 0; i < 60; i++) {
        if (i % 3 != 0)
            close(fds[i]);
    }
    assert_int_equal(pthread_join(server, NULL), 0);
    usleep(5 * 1000);
    atomic_store(&storm.over, true);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(result, 0);
    assert_true(atomic_load(&storm.posted) > 0 && atomic_load(&storm.refused) > 0);
    tow_server_free(storm.server);
    tow_shared_release(storm.common);
}

static void threads_may_post_while_connections_go_and_the_server_drains_on_epoll(void **state) {
    storm_on(TOW_IO_EPOLL);
}

static void threads_may_post_while_connections_go_and_the_server_drains_on_io_uring(void **state) {
    tow_loop *loop;
    if (tow_loop_new(&loop, &(tow_loop_options){.io = TOW_IO_URING}) == TOW_ERROR_UNSUPPORTED)
        skip();
    tow_loop_free(loop);
    storm_on(TOW_IO_URING);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_posted_arrives_in_order),
        cmocka_unit_test(a_posted_close_is_the_closing_handshake),
        cmocka_unit_test(a_post_into_the_midst_of_another_message_waits_for_its_end),
        cmocka_unit_test(what_waits_for_the_end_of_a_message_counts_in_max_queue),
        cmocka_unit_test(a_post_that_is_refused_counts_as_dropped),
        cmocka_unit_test(posts_that_wait_are_dropped_oldest_first),
        cmocka_unit_test(what_is_posted_to_many_reaches_each_in_order),
        cmocka_unit_test(a_message_to_one_after_another_is_few_letters_in_order),
        cmocka_unit_test(many_ids_are_as_many_letters_as_it_takes),
        cmocka_unit_test(one_id_that_is_none_keeps_a_post_from_all),
        cmocka_unit_test(more_than_max_posted_on_the_way_is_refused_and_counted),
        cmocka_unit_test(a_close_for_good_is_not_refused),
        cmocka_unit_test(the_id_of_a_connection_that_is_gone_is_a_counted_no_op),
        cmocka_unit_test(an_id_of_nobody_reaches_nobody),
        cmocka_unit_test(what_could_never_be_sent_is_refused_at_once),
        cmocka_unit_test(a_server_that_does_not_serve_takes_nothing),
        cmocka_unit_test(letters_that_nobody_opens_are_freed_with_the_loop),
        cmocka_unit_test(a_client_has_no_id_and_needs_no_retaining),
        cmocka_unit_test(a_retained_socket_answers_after_its_end),
        cmocka_unit_test(a_socket_may_be_released_before_or_in_its_close_event),
        cmocka_unit_test(the_drain_does_not_wait_for_retained_sockets),
        cmocka_unit_test(threads_may_post_while_connections_go_and_the_server_drains_on_epoll),
        cmocka_unit_test(threads_may_post_while_connections_go_and_the_server_drains_on_io_uring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
