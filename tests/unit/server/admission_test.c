/* on_admit: who is let in, at once and later, and who is not. */
#include "world.h"

#include "server/exchange.h"

#include <towline/error.h>

enum { SEEDS = 12, ASKED_MAX = 8 };

/* What was asked, in the order in which it came. */
static struct asked {
    tow_exchange *exchange;
    int gone, ended, opened, closed;
    tow_websocket *socket;
} asked[ASKED_MAX];
static size_t count;

/* What handlers have said of it. */
static const tow_acceptance *at_once;

static void note_gone(tow_exchange *exchange, void *user) {
    struct asked *self = user;
    assert_ptr_equal(self->exchange, exchange);
    self->gone++;
    assert_int_equal(tow_exchange_accept(exchange, NULL), TOW_ERROR_STATE);
}

static void note_end(tow_exchange *exchange, void *user) {
    struct asked *self = user;
    self->ended++;
}

static void keep(tow_exchange *exchange, const tow_request *request) {
    struct asked *self = &asked[count++];
    self->exchange = exchange;
    const tow_exchange_events events = {.on_gone = note_gone, .on_end = note_end, .user = self};
    assert_int_equal(tow_exchange_keep(exchange, &events), 0);
}

static void answer_with_body(tow_exchange *exchange, void *user, const void *body, size_t length) {
    assert_int_equal(tow_exchange_respond(exchange, 200, "text/plain", body, length), 0);
}

static void say_at_once(tow_exchange *exchange, const tow_request *request) {
    struct asked *self = &asked[count++];
    tow_acceptance acceptance = *at_once;
    acceptance.user = self;
    self->exchange = exchange;
    assert_int_equal(tow_exchange_field(exchange, "Set-Cookie", "a=b"), 0);
    assert_int_equal(tow_exchange_read_body(exchange, 10, answer_with_body, NULL), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_accept(exchange, &(tow_acceptance){.protocol = "ftp"}), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_exchange_accept(exchange, &acceptance), 0);
    assert_int_equal(tow_exchange_accept(exchange, NULL), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_reject(exchange, 403, NULL), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_respond(exchange, 403, NULL, NULL, 0), TOW_ERROR_STATE);
}

static void note_open(tow_websocket *socket) {
    struct asked *self = tow_websocket_user(socket);
    self->socket = socket;
    self->opened++;
    assert_string_equal(tow_request_path(tow_websocket_request(socket)), "/later");
}

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static void note_close(tow_websocket *socket, const tow_close_event *event) {
    struct asked *self = tow_websocket_user(socket);
    self->closed++;
}

static void note_open_at_once(tow_websocket *socket) {
    struct asked *self = tow_websocket_user(socket);
    self->opened++;
}

static void answer(tow_exchange *exchange, const tow_request *request) {
    struct asked *self = tow_request_user(request);
    self->opened++;
    assert_int_equal(tow_exchange_accept(exchange, NULL), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_respond(exchange, 200, "text/plain", "come in", 7), 0);
}

static void want_body(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_read_body(exchange, 100, answer_with_body, NULL), 0);
}

static void begin(struct world *world, uint64_t seed) {
    static const char *const protocols[] = {"soap", "xmpp", NULL};
    count = 0;
    memset(asked, 0, sizeof(asked));
    world_make(world, &(tow_simulation_options){.seed = seed},
        &(tow_server_options){.status = "127.0.0.1:9999", .drain_seconds = 3});
    tow_handler handler = {.protocols = protocols,
        .on_admit = keep,
        .on_open = note_open,
        .on_message = echo,
        .on_close = note_close,
        .on_request = answer};
    assert_int_equal(tow_server_route(world->server, "/later", &handler), 0);
    handler.answer_seconds = 20;
    assert_int_equal(tow_server_route(world->server, "/soon", &handler), 0);
    handler.on_admit = say_at_once;
    handler.on_open = note_open_at_once;
    assert_int_equal(tow_server_route(world->server, "/now", &handler), 0);
    assert_int_equal(
        tow_server_route(world->server, "/body", &(tow_handler){.on_admit = keep, .on_request = want_body}),
        0);
    world_listen(world);
}

static void ask(struct peer *peer, struct world *world, const char *text) {
    size_t before = count;
    peer_connect(peer, world);
    peer_text(peer, text);
    for (int i = 0; i < 2000 && count == before; i++)
        world_run(world, 1);
    assert_int_equal(count, before + 1);
}

static void let_in(size_t index, const char *protocol) {
    assert_int_equal(tow_exchange_accept(asked[index].exchange,
                         &(tow_acceptance){.user = &asked[index], .protocol = protocol}),
        0);
    assert_int_equal(tow_exchange_accept(asked[index].exchange, NULL), TOW_ERROR_STATE);
    assert_int_equal(asked[index].opened, 0); /* not in the call */
}

#define OFFER "Sec-WebSocket-Protocol: xmpp, soap\r\n"

static void a_handshake_may_be_accepted_after_any_time(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, seed);
        ask(&peer, &world, OPENING_WITH("/later", OFFER));
        world_run(&world, seed == 0 ? 200000 : 10000);
        assert_int_equal(peer.in.length, 0);
        assert_int_equal(tow_exchange_field(asked[0].exchange, "X-Session", "12"), 0);
        let_in(0, "xmpp");
        peer_expect(&peer, "\r\n\r\n");
        assert_true(peer_has(&peer, OPENED) && peer_has(&peer, ACCEPTED));
        assert_true(peer_has(&peer, "\r\nSec-WebSocket-Protocol: xmpp\r\n"));
        assert_true(peer_has(&peer, "\r\nX-Session: 12\r\n"));
        peer_frame(&peer, 1, "hello", 5);
        peer_expect_frame(&peer, 1, "hello", 5);
        assert_int_equal(asked[0].opened, 1);
        assert_int_equal(asked[0].gone + asked[0].ended, 0);
        peer_reset(&peer);
        world_run(&world, 10);
        assert_int_equal(asked[0].closed, 1);
        assert_int_equal(asked[0].gone, 0);
        world_end(&world);
    }
}

/* They were sent before anybody knew whether they would be taken. */
static void frames_that_came_early_arrive_after_the_acceptance(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        char early[sizeof(OPENING("/later")) + 64];
        size_t length = sizeof(OPENING("/later")) - 1;
        memcpy(early, OPENING("/later"), length);
        begin(&world, seed);
        length += frame_write((uint8_t *)early + length, 1, "first", 5);
        peer_connect(&peer, &world);
        peer_send(&peer, early, length);
        world_run(&world, 100);
        assert_int_equal(count, 1);
        peer_frame(&peer, 1, "second", 6);
        world_run(&world, 10000);
        assert_int_equal(peer.in.length, 0);
        let_in(0, NULL);
        peer_expect_frame(&peer, 1, "first", 5);
        peer_expect_frame(&peer, 1, "second", 6);
        assert_int_equal(asked[0].opened, 1);
        peer_reset(&peer);
        world_end(&world);
    }
}

/* Of what a client sends meanwhile no more is taken than a read brings. */
static void who_is_not_let_in_yet_is_not_read(void **state) {
    (void)state;
    enum { MUCH = 4 * 1024 * 1024 };
    struct world world;
    struct peer peer;
    static char much[MUCH];
    begin(&world, 1);
    ask(&peer, &world, OPENING("/later"));
    peer_send(&peer, much, MUCH);
    world_run(&world, 10000);
    assert_true(peer.out.length > MUCH / 2);
    assert_int_equal(tow_exchange_reject(asked[0].exchange, 403, "not you"), 0);
    peer_expect(&peer, "HTTP/1.1 403 ");
    peer_reset(&peer);
    world_end(&world);
}

static void others_may_be_decided_on_in_another_order(void **state) {
    (void)state;
    struct world world;
    struct peer peers[3];
    begin(&world, 2);
    for (size_t i = 0; i < 3; i++)
        ask(&peers[i], &world, OPENING("/later"));
    let_in(2, NULL);
    peer_expect(&peers[2], OPENED);
    assert_int_equal(tow_exchange_reject(asked[1].exchange, 503, "full"), 0);
    peer_expect(&peers[1], "\r\n\r\nfull\n");
    assert_int_equal(peers[0].in.length, 0);
    let_in(0, NULL);
    peer_expect(&peers[0], OPENED);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(asked[i].gone, 0);
        peer_reset(&peers[i]);
    }
    world_end(&world);
}

static void a_refusal_may_have_fields_and_a_body(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, seed);
        ask(&peer, &world, OPENING("/later"));
        world_run(&world, 10000);
        tow_exchange *exchange = asked[0].exchange;
        assert_int_equal(tow_exchange_field(exchange, "WWW-Authenticate", "Basic realm=\"r\""), 0);
        assert_int_equal(tow_exchange_respond(exchange, 401, "application/json", "{}", 2), 0);
        assert_int_equal(tow_exchange_accept(exchange, NULL), TOW_ERROR_STATE);
        peer_expect_end(&peer);
        assert_true(peer_has(&peer, "HTTP/1.1 401 Unauthorized\r\n"));
        assert_true(peer_has(&peer, "WWW-Authenticate: Basic realm=\"r\"\r\n"));
        assert_true(peer_has(&peer, "Connection: close\r\n"));
        assert_true(peer_has(&peer, "\r\n\r\n{}"));
        assert_int_equal(world_metric(&world, "handshakes_refused_total"), 1);
        peer_close(&peer);
        assert_int_equal(asked[0].gone + asked[0].opened, 0);
        world_end(&world);
    }
}

static void what_would_end_a_header_field_is_refused(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, 3);
    ask(&peer, &world, OPENING("/later"));
    static const char *const fields[][2] = {{"X-A", "b\r\nSet-Cookie: c=d"}, {"X-A", "b\nc"}, {"X-A", "b\rc"},
        {"X-A: b\r\nX-B", "c"}, {"X A", "b"}, {"", "b"}, {"X-A", "b\x01"}, {"sec-websocket-accept", "x"},
        {"Sec-WebSocket-Protocol", "xmpp"}, {"Sec-WebSocket-Extensions", "permessage-deflate"},
        {"Upgrade", "h2c"}, {"Content-Length", "1"}};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        assert_int_equal(
            tow_exchange_field(asked[0].exchange, fields[i][0], fields[i][1]), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_exchange_accept(asked[0].exchange, &(tow_acceptance){.protocol = "a\r\nX-B: c"}),
        TOW_ERROR_ARGUMENT);
    let_in(0, NULL);
    peer_expect(&peer, "\r\n\r\n");
    assert_false(peer_has(&peer, "X-"));
    assert_false(peer_has(&peer, "Set-Cookie"));
    peer_reset(&peer);
    world_end(&world);
}

static void who_has_left_is_told_of(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, seed);
        ask(&peer, &world, OPENING("/later"));
        peer_reset(&peer);
        world_run(&world, 100);
        assert_int_equal(asked[0].gone, 1);
        assert_int_equal(asked[0].opened, 0);
        world_end(&world);
        assert_int_equal(asked[0].gone, 1);
    }
}

/* Whatever comes first, it is one of the two. */
static void who_leaves_as_he_is_let_in_is_opened_or_gone(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 4 * SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, seed);
        ask(&peer, &world, OPENING("/later"));
        if (seed % 4 == 0)
            tow_stream_reset(&peer.stream);
        else if (seed % 4 == 1)
            tow_stream_shutdown(&peer.stream);
        if (seed % 8 < 4)
            (void)tow_loop_step(world.loop);
        int error = asked[0].gone > 0
                        ? 0
                        : tow_exchange_accept(asked[0].exchange, &(tow_acceptance){.user = &asked[0]});
        assert_true(error == 0 || error == TOW_ERROR_CLOSED);
        if (seed % 4 == 2)
            tow_stream_reset(&peer.stream);
        else if (seed % 4 == 3)
            tow_stream_shutdown(&peer.stream);
        world_run(&world, 100);
        peer_close(&peer);
        world_run(&world, 100);
        assert_int_equal(asked[0].opened + asked[0].gone, 1);
        assert_int_equal(asked[0].closed, asked[0].opened);
        world_end(&world);
    }
}

static void what_is_not_decided_in_time_is_answered_503(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, 5);
    ask(&peer, &world, OPENING("/soon"));
    world_run(&world, 19000);
    assert_int_equal(peer.in.length, 0);
    assert_int_equal(asked[0].gone, 0);
    world_run(&world, 1500);
    peer_expect(&peer, "HTTP/1.1 503 ");
    assert_int_equal(asked[0].gone, 1);
    peer_close(&peer);
    world_end(&world);
}

static void nobody_is_let_in_while_the_server_drains(void **state) {
    (void)state;
    struct world world;
    struct peer accepted;
    struct peer rejected;
    struct peer forgotten;
    begin(&world, 6);
    ask(&accepted, &world, OPENING("/later"));
    ask(&rejected, &world, OPENING("/later"));
    ask(&forgotten, &world, OPENING("/later"));
    tow_server_stop(world.server);
    world_run(&world, 100);
    assert_int_equal(asked[0].gone + asked[1].gone, 0);
    let_in(0, NULL);
    peer_expect(&accepted, "HTTP/1.1 503 ");
    peer_expect(&accepted, "\r\nRetry-After: 5\r\n");
    assert_int_equal(asked[0].gone, 1);
    assert_int_equal(tow_exchange_reject(asked[1].exchange, 403, "not you"), 0);
    peer_expect(&rejected, "\r\n\r\nnot you\n");
    assert_int_equal(asked[1].gone, 0);
    peer_close(&accepted);
    peer_close(&rejected);
    world_run(&world, 4000);
    assert_int_equal(asked[2].gone, 1);
    peer_close(&forgotten);
    world_end(&world);
    assert_int_equal(asked[0].opened + asked[1].opened + asked[2].opened, 0);
}

static void a_server_that_is_freed_tells_of_those_who_wait(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    struct peer accepted;
    begin(&world, 7);
    ask(&peer, &world, OPENING("/later"));
    ask(&accepted, &world, OPENING("/later"));
    let_in(1, NULL);
    tow_server_free(world.server);
    assert_int_equal(asked[0].gone, 1);
    assert_int_equal(asked[1].gone, 1);
    peer_close(&peer);
    peer_close(&accepted);
    tow_loop_free(world.loop);
    tow_buffer_clear(&world.log);
    assert_int_equal(asked[0].gone + asked[1].gone, 2);
}

static void on_admit_may_let_in_at_once_with_all_there_is_to_say(void **state) {
    (void)state;
    static const struct {
        tow_acceptance acceptance;
        const char *field;
    } cases[] = {{{0}, "\r\nSec-WebSocket-Protocol: soap\r\n"},
        {{.protocol = "xmpp"}, "\r\nSec-WebSocket-Protocol: xmpp\r\n"},
        {{.protocol = "other"}, "\r\nSec-WebSocket-Protocol: other\r\n"}, {{.protocol = ""}, NULL}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world world;
        struct peer peer;
        begin(&world, i);
        at_once = &cases[i].acceptance;
        ask(&peer, &world, OPENING_WITH("/now", "Sec-WebSocket-Protocol: xmpp, soap, other\r\n"));
        peer_expect(&peer, "\r\n\r\n");
        assert_true(peer_has(&peer, "\r\nSet-Cookie: a=b\r\n"));
        if (cases[i].field != NULL)
            assert_true(peer_has(&peer, cases[i].field));
        else
            assert_false(peer_has(&peer, "Sec-WebSocket-Protocol"));
        assert_int_equal(asked[0].opened, 1);
        peer_reset(&peer);
        world_end(&world);
    }
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

/* Requests that are no handshakes are admitted as these are, and the next one waits for its turn. */
static void requests_are_decided_on_too(void **state) {
    (void)state;
    static const tow_acceptance nothing = {0};
    struct world world;
    struct peer peer;
    begin(&world, 8);
    at_once = &nothing;
    ask(&peer, &world, GET("/later") GET("/later") GET("/now"));
    assert_int_equal(tow_exchange_field(asked[0].exchange, "X-One", "1"), 0);
    let_in(0, NULL);
    peer_expect(&peer, "\r\n\r\ncome in");
    assert_true(peer_has(&peer, "\r\nX-One: 1\r\n"));
    assert_int_equal(asked[0].opened, 1);
    assert_int_equal(count, 2);
    assert_int_equal(tow_exchange_field(asked[1].exchange, "WWW-Authenticate", "Bearer"), 0);
    assert_int_equal(tow_exchange_respond(asked[1].exchange, 401, "text/plain", "who?", 4), 0);
    peer_expect(&peer, "\r\n\r\nwho?");
    peer_expect(&peer, "\r\nSet-Cookie: a=b\r\n"); /* of the third */
    assert_int_equal(asked[2].opened, 1);
    assert_false(peer.ended);
    assert_int_equal(asked[0].gone + asked[1].gone + asked[2].gone, 0);
    assert_int_equal(world_metric(&world, "handshakes_refused_total"), 0);
    peer_close(&peer);
    world_end(&world);
}

static void a_body_is_read_when_its_request_was_let_in(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, seed);
        ask(&peer, &world, "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nhalf");
        world_run(&world, 1000);
        peer_text(&peer, " way" GET("/nowhere"));
        assert_int_equal(tow_exchange_accept(asked[0].exchange, &(tow_acceptance){.protocol = "xmpp"}),
            TOW_ERROR_ARGUMENT);
        let_in(0, NULL);
        peer_expect(&peer, "\r\n\r\nhalf way");
        peer_expect(&peer, "HTTP/1.1 404 ");
        assert_int_equal(asked[0].gone, 0);
        peer_close(&peer);
        world_end(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_may_be_accepted_after_any_time),
        cmocka_unit_test(frames_that_came_early_arrive_after_the_acceptance),
        cmocka_unit_test(who_is_not_let_in_yet_is_not_read),
        cmocka_unit_test(others_may_be_decided_on_in_another_order),
        cmocka_unit_test(a_refusal_may_have_fields_and_a_body),
        cmocka_unit_test(what_would_end_a_header_field_is_refused),
        cmocka_unit_test(who_has_left_is_told_of),
        cmocka_unit_test(who_leaves_as_he_is_let_in_is_opened_or_gone),
        cmocka_unit_test(what_is_not_decided_in_time_is_answered_503),
        cmocka_unit_test(nobody_is_let_in_while_the_server_drains),
        cmocka_unit_test(a_server_that_is_freed_tells_of_those_who_wait),
        cmocka_unit_test(on_admit_may_let_in_at_once_with_all_there_is_to_say),
        cmocka_unit_test(requests_are_decided_on_too),
        cmocka_unit_test(a_body_is_read_when_its_request_was_let_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
