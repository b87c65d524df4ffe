/* What one connection may have of the server: memory for what it sends, and a share of each round. */
#include "world.h"

#include "server/exchange.h"

#include <towline/error.h>

enum { SENT = 6 * 1024 * 1024, TAKEN_MAX = 1024 * 1024, TURN_MAX = 16 };

/* Work of one round, and the most that there was in any. */
static struct work {
    uint64_t round;
    int now, most, all;
} requests, pieces, steps, messages;

static void count(struct work *work, const tow_loop *loop) {
    uint64_t round = tow_loop_count(loop)->rounds;
    work->now = round == work->round ? work->now + 1 : 1;
    work->round = round;
    work->most = work->now > work->most ? work->now : work->most;
    work->all++;
}

static void hello(tow_exchange *exchange, const tow_request *request) {
    count(&requests, tow_exchange_loop(exchange));
    tow_exchange_respond(exchange, 200, "text/plain", "hello", 5);
}

static void send_length_back(tow_exchange *exchange, void *user, const void *body, size_t length) {
    tow_exchange_respond(exchange, 200, "text/plain", "thanks", 6);
}

static void want_body(tow_exchange *exchange, const tow_request *request) {
    tow_exchange_read_body(exchange, 100, send_length_back, NULL);
}

static int64_t read_letters(void *user, void *out, size_t length) {
    count(&pieces, user);
    memset(out, 'x', length);
    return (int64_t)length;
}

static void large(tow_exchange *exchange, const tow_request *request) {
    const tow_body_source source = {.read = read_letters, .user = tow_exchange_loop(exchange)};
    uint64_t length = strtoull(tow_request_query(request), NULL, 10);
    assert_int_equal(tow_exchange_stream(exchange, 200, NULL, length, &source), 0);
}

enum { STEPS = 10 };
static int works_freed;

static bool do_step(tow_exchange *exchange, void *user) {
    int *done = user;
    count(&steps, tow_exchange_loop(exchange));
    if (++*done < STEPS)
        return true;
    assert_int_equal(tow_exchange_respond(exchange, 200, NULL, "worked", 6), 0);
    return false;
}

static bool give_no_answer(tow_exchange *exchange, void *user) {
    return false;
}

static void free_work(void *user) {
    works_freed++;
    free(user);
}

static void work(tow_exchange *exchange, const tow_request *request) {
    bool answers = strcmp(tow_request_query(request), "nothing") != 0;
    const tow_exchange_work job = {
        .step = answers ? do_step : give_no_answer, .free = free_work, .user = calloc(1, sizeof(int))};
    assert_int_equal(tow_exchange_answer_by(exchange, &job), 0);
    assert_int_equal(tow_exchange_read_body(exchange, 1, send_length_back, NULL), TOW_ERROR_STATE);
}

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static tow_loop *message_loop;

static void count_message(tow_websocket *socket, const tow_message *message) {
    count(&messages, message_loop);
}

static tow_tls_context *trusting_client(void) {
    char why[TOW_TLS_TEXT_MAX];
    tow_tls_context *context;
    const tow_tls_settings settings = {.verify = TOW_TLS_VERIFY_NONE};
    assert_int_equal(tow_tls_context_new(&context, &settings, why), 0);
    return context;
}

enum { WHOLE = 8 * 1024 * 1024 };

static void whole(tow_exchange *exchange, const tow_request *request) {
    char *body = malloc(WHOLE);
    memset(body, 'x', WHOLE);
    assert_int_equal(tow_exchange_respond(exchange, 200, NULL, body, WHOLE), 0);
    free(body);
}

static void begin_on(struct world *world, const tow_simulation_options *network, bool secure) {
    requests = pieces = steps = messages = (struct work){0};
    works_freed = 0;
    world_make(world, network, &(tow_server_options){.tls_self_signed = secure, .status = "127.0.0.1:9999"});
    tow_server_route(world->server, "/hello", &(tow_handler){.on_request = hello});
    tow_server_route(world->server, "/body", &(tow_handler){.on_request = want_body});
    tow_server_route(world->server, "/large", &(tow_handler){.on_request = large});
    tow_server_route(world->server, "/work", &(tow_handler){.on_request = work});
    tow_server_route(world->server, "/echo", &(tow_handler){.on_message = echo});
    tow_server_route(world->server, "/count", &(tow_handler){.on_message = count_message});
    message_loop = world->loop;
    tow_server_route(world->server, "/whole", &(tow_handler){.on_request = whole});
    world_listen(world);
}

static void begin(struct world *world, uint64_t seed, bool secure) {
    begin_on(world, &(tow_simulation_options){.seed = seed, .stream_capacity = 20000}, secure);
}

static void meet(struct peer *peer, struct world *world, tow_tls_context *tls) {
    if (tls != NULL)
        peer_connect_secure(peer, world, tls);
    else
        peer_connect(peer, world);
}

static void send_again_and_again(struct peer *peer, const char *text, size_t total) {
    size_t length = strlen(text);
    char *bytes = malloc(total + length);
    size_t filled = 0;
    for (; filled < total; filled += length)
        memcpy(bytes + filled, text, length);
    peer_send(peer, bytes, filled);
    free(bytes);
}

/* What a client says that never reads, in each state of a connection. */
static const struct {
    const char *first, *again;
} silent_readers[] = {
    {"", "HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"},
    {"", "HEAD /hello HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n"},
    {"", "GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n"},
    {"", "GET /large?300000 HTTP/1.1\r\nHost: localhost\r\n\r\n"},
    {"", "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nfour"},
    {"", "POST /body HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"},
    {"", "POST /body HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nfour"},
    {"", "POST /hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nfour"},
    {"", OPENING("/nothing")},
    {OPENING("/echo"), "\x82\xfe\x10\x10    "},
    {OPENING("/echo"), "\x89\x84    ping"},
};

static void who_takes_no_answers_is_not_read(void **state) {
    (void)state;
    tow_tls_context *client = trusting_client();
    for (size_t i = 0; i < 2 * sizeof(silent_readers) / sizeof(silent_readers[0]); i++) {
        struct world world;
        struct peer peer;
        begin(&world, i, i % 2 == 1);
        meet(&peer, &world, i % 2 == 1 ? client : NULL);
        peer_text(&peer, silent_readers[i / 2].first);
        world_run(&world, 20);
        tow_stream_pause(&peer.stream);
        send_again_and_again(&peer, silent_readers[i / 2].again, SENT);
        world_run(&world, 4000);
        bool is_over = world_metric(&world, "connections") == 0; /* refused */
        if (peer.out.length < SENT - TAKEN_MAX && !is_over)
            fail_msg("client %zu: %zu bytes were taken", i, SENT - peer.out.length);
        tow_stream_resume(&peer.stream);
        peer_reset(&peer);
        world_end(&world);
    }
    tow_tls_context_release(client);
}

static size_t count_of(const struct peer *peer, const char *text) {
    size_t count = 0;
    const char *at = (const char *)peer->in.data;
    for (; (at = strstr(at, text)) != NULL; at += strlen(text))
        count++;
    return count;
}

static void all_is_answered_once_the_peer_reads_again(void **state) {
    (void)state;
    static const char request[] = "HEAD /hello HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n";
    tow_tls_context *client = trusting_client();
    for (uint64_t seed = 0; seed < 6; seed += unit_step(3)) {
        struct world world;
        struct peer peer;
        begin(&world, seed, seed % 2 == 1);
        meet(&peer, &world, seed % 2 == 1 ? client : NULL);
        world_run(&world, 20);
        tow_stream_pause(&peer.stream);
        send_again_and_again(&peer, request, 3000 * (sizeof(request) - 1));
        world_run(&world, 1000);
        assert_true(world_metric(&world, "requests_total") < 3000);
        tow_stream_resume(&peer.stream);
        peer_shutdown(&peer);
        peer_expect_end(&peer);
        assert_int_equal(count_of(&peer, "HTTP/1.1 200 OK\r\n"), 3000);
        peer_close(&peer);
        world_end(&world);
    }
    tow_tls_context_release(client);
}

/* Another client is served meanwhile. */
static void expect_echo(struct peer *other, int number) {
    char text[16];
    int length = snprintf(text, sizeof(text), "echo %d", number);
    peer_frame(other, 1, text, (size_t)length);
    peer_expect_frame(other, 1, text, (size_t)length);
}

static void a_round_has_a_bounded_number_of_a_peers_requests(void **state) {
    (void)state;
    static const char request[] = "HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
    tow_tls_context *client = trusting_client();
    for (uint64_t seed = 0; seed < 6; seed += unit_step(3)) {
        struct world world;
        struct peer peer, other;
        begin(&world, seed, seed % 2 == 1);
        meet(&peer, &world, seed % 2 == 1 ? client : NULL);
        meet(&other, &world, seed % 2 == 1 ? client : NULL);
        peer_text(&other, OPENING("/echo"));
        peer_expect(&other, OPENED);
        send_again_and_again(&peer, request, 2000 * (sizeof(request) - 1));
        peer_shutdown(&peer);
        for (int i = 0; requests.all < 2000; i++)
            expect_echo(&other, i);
        peer_expect_end(&peer);
        assert_int_equal(count_of(&peer, "HTTP/1.1 200 OK\r\n"), 2000);
        assert_int_equal(requests.most, TURN_MAX);
        peer_close(&other);
        peer_close(&peer);
        world_end(&world);
    }
    tow_tls_context_release(client);
}

/* Each gets less of a round, the more there are who want much. */
static void a_crowd_shares_a_round(void **state) {
    (void)state;
    enum { CROWD = 128, EACH = 100, ROUND_MAX = 64 * TURN_MAX };
    static const char request[] = "HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static struct peer peers[CROWD];
    struct world world;
    begin_on(&world, &(tow_simulation_options){.seed = 1, .whole = true}, false);
    for (int i = 0; i < CROWD; i++) {
        peer_connect(&peers[i], &world);
        send_again_and_again(&peers[i], request, EACH * (sizeof(request) - 1));
    }
    while (requests.all < CROWD * EACH / 2) /* before it shows that they are many */
        assert_true(tow_loop_step(world.loop) >= 0);
    requests.most = 0;
    while (requests.all < CROWD * EACH)
        assert_true(tow_loop_step(world.loop) >= 0);
    assert_true(requests.most <= ROUND_MAX);
    for (int i = 0; i < CROWD; i++)
        peer_close(&peers[i]);
    world_end(&world);
}

/* Of WebSockets, too: of those that would do more than a turn, and of those that do less, but together too
 * much. */
static void a_crowd_of_websockets_shares_a_round(void **state) {
    (void)state;
    enum { CROWD = 128, MESSAGES_A_ROUND_MAX = 16 * 1024 };
    static const int each[] = {6000, 600};
    static struct peer peers[CROWD];
    for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
        struct world world;
        begin_on(
            &world, &(tow_simulation_options){.seed = i, .whole = true, .stream_capacity = 1 << 20}, false);
        for (int k = 0; k < CROWD; k++) {
            peer_connect(&peers[k], &world);
            peer_text(&peers[k], OPENING("/count"));
            peer_expect(&peers[k], OPENED);
        }
        for (int k = 0; k < CROWD; k++)
            send_again_and_again(&peers[k], "\x81\x81    x", (size_t)each[i] * 7);
        long kept = 0;
        while (messages.all < CROWD * each[i]) {
            assert_true(tow_loop_step(world.loop) >= 0);
            if (kept == 0)
                kept = world_metric(&world, "kept_bytes");
        }
        assert_in_range(messages.most, 1, MESSAGES_A_ROUND_MAX);
        assert_in_range(kept, 1, CROWD * each[i] * 7);
        assert_int_equal(world_metric(&world, "kept_bytes"), 0);
        for (int k = 0; k < CROWD; k++)
            peer_close(&peers[k]);
        world_end(&world);
    }
}

/* One body, and many small ones that would each be a turn by itself. */
static void a_round_has_a_bounded_number_of_pieces_of_bodies(void **state) {
    (void)state;
    static const char *const asked[] = {"GET /large?8000000 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /large?200000 HTTP/1.1\r\nHost: localhost\r\n\r\n"};
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        struct world world;
        struct peer peer;
        begin(&world, i, false);
        peer_connect(&peer, &world);
        send_again_and_again(&peer, asked[i], 20 * strlen(asked[i]));
        peer_shutdown(&peer);
        while (!peer.ended)
            assert_true(tow_loop_step(world.loop) >= 0);
        assert_int_equal(count_of(&peer, "HTTP/1.1 200 OK\r\n"), 20);
        assert_true(pieces.most <= TURN_MAX + 1);
        peer_close(&peer);
        world_end(&world);
    }
}

/* A network that takes all at once is given no more than a turn's pieces. */
static void a_large_answer_in_memory_leaves_in_pieces_too(void **state) {
    (void)state;
    tow_tls_context *client = trusting_client();
    const tow_simulation_options network = {.seed = 1, .whole = true, .stream_capacity = 4 * WHOLE};
    for (int i = 0; i < 2; i++) {
        struct world world;
        struct peer peer;
        begin_on(&world, &network, i == 1);
        meet(&peer, &world, i == 1 ? client : NULL);
        peer_text(&peer, "GET /whole HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        peer_expect_end(&peer);
        assert_true(peer.in.length > WHOLE && peer.in.length < WHOLE + 1000);
        assert_true(tow_loop_count(world.loop)->turns >= WHOLE / (TURN_MAX * 64 * 1024) - 1);
        peer_close(&peer);
        world_end(&world);
    }
    tow_tls_context_release(client);
}

static void work_goes_on_a_step_in_a_round(void **state) {
    (void)state;
    static const char request[] = "GET /work HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, seed, false);
        peer_connect(&peer, &world);
        for (int i = 0; i < 5; i++)
            peer_text(&peer, request);
        peer_text(&peer, "HEAD /work HTTP/1.1\r\nHost: localhost\r\n\r\n");
        peer_text(&peer, "GET /work?nothing HTTP/1.1\r\nHost: localhost\r\n\r\n");
        if (seed % 2 == 0)
            peer_shutdown(&peer);
        peer_expect(&peer, "the handler gave no answer\n");
        assert_int_equal(count_of(&peer, "\r\n\r\nworkedHTTP/1.1 "), 5);
        assert_int_equal(count_of(&peer, "HTTP/1.1 200 OK\r\n"), 6);
        assert_int_equal(steps.all, 6 * STEPS);
        assert_int_equal(steps.most, 1);
        assert_int_equal(works_freed, 7);
        peer_close(&peer);
        world_end(&world);
    }
}

static void work_is_given_up_when_the_peer_vanishes(void **state) {
    (void)state;
    int unfinished = 0;
    for (int rounds = 0; rounds < 60; rounds++) {
        struct world world;
        struct peer peer;
        begin(&world, 1, false);
        peer_connect(&peer, &world);
        peer_text(&peer, "GET /work HTTP/1.1\r\nHost: localhost\r\n\r\n");
        for (int i = 0; i < rounds; i++)
            tow_loop_step(world.loop);
        peer_reset(&peer);
        world_run(&world, 20);
        assert_int_equal(works_freed, steps.all > 0 || requests.all > 0);
        unfinished += steps.all > 0 && steps.all < STEPS;
        world_end(&world);
    }
    assert_true(unfinished > 0);
}

/* Of a queue of requests the one that is under way is the last. */
static void a_drain_waits_for_work_under_way(void **state) {
    (void)state;
    static const char request[] = "GET /work HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, seed, false);
        peer_connect(&peer, &world);
        send_again_and_again(&peer, request, 1000 * (sizeof(request) - 1));
        while (steps.all < 20 * STEPS + (int)seed)
            tow_loop_step(world.loop);
        tow_server_stop(world.server);
        peer_expect_end(&peer);
        assert_false(peer.failed);
        assert_true(steps.all < 1000 * STEPS);
        assert_int_equal(count_of(&peer, "\r\n\r\nworked"), steps.all / STEPS);
        assert_int_equal(count_of(&peer, "Connection: close\r\n\r\nworked"), 1);
        assert_int_equal(works_freed, steps.all / STEPS);
        peer_close(&peer);
        world_end(&world);
    }
}

static void a_long_download_is_no_stall(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, 1, false);
    peer_connect(&peer, &world);
    peer_text(&peer, "GET /large?400000000000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    int64_t end = tow_loop_now(world.loop) + (unit_step(2) == 1 ? 100 : 40) * TOW_SECOND;
    while (tow_loop_now(world.loop) < end) {
        assert_true(tow_loop_step(world.loop) >= 0);
        peer.in.length = 0;
        assert_false(peer.ended || peer.failed);
    }
    peer_reset(&peer);
    world_end(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_takes_no_answers_is_not_read),
        cmocka_unit_test(all_is_answered_once_the_peer_reads_again),
        cmocka_unit_test(a_round_has_a_bounded_number_of_a_peers_requests),
        cmocka_unit_test(a_crowd_shares_a_round),
        cmocka_unit_test(a_crowd_of_websockets_shares_a_round),
        cmocka_unit_test(a_round_has_a_bounded_number_of_pieces_of_bodies),
        cmocka_unit_test(a_large_answer_in_memory_leaves_in_pieces_too),
        cmocka_unit_test(work_goes_on_a_step_in_a_round),
        cmocka_unit_test(work_is_given_up_when_the_peer_vanishes),
        cmocka_unit_test(a_drain_waits_for_work_under_way),
        cmocka_unit_test(a_long_download_is_no_stall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
