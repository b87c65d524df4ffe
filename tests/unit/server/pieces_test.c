/* Answers and bodies in pieces. */
#include "world.h"

#include "server/exchange.h"

#include <fcntl.h>
#include <towline/error.h>
#include <unistd.h>

enum { SEEDS = 12 };

#define REQUEST(method, path) method " " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

/* What handlers have seen. */
static struct seen {
    tow_exchange *exchange;
    int gone, ended, drained;
    tow_buffer body;
    int pieces, last;
    bool pauses, answers_early;
} seen;

static void note_gone(tow_exchange *exchange, void *user) {
    seen.gone++;
}

static void note_end(tow_exchange *exchange, void *user) {
    seen.ended++;
}

static void note_drain(tow_exchange *exchange, void *user) {
    seen.drained++;
}

static const tow_exchange_events events = {.on_gone = note_gone, .on_end = note_end, .on_drain = note_drain};

static void begin_unknown(tow_exchange *exchange, const tow_request *request) {
    seen.exchange = exchange;
    assert_int_equal(tow_exchange_write(exchange, "x", 1), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_end(exchange), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_begin(exchange, 100, NULL, 0), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_exchange_begin(exchange, 200, NULL, -2), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_exchange_begin(exchange, 200, "text/plain", TOW_LENGTH_UNKNOWN), 0);
    assert_int_equal(tow_exchange_begin(exchange, 200, NULL, 0), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_keep(exchange, &events), 0);
}

static void begin_known(tow_exchange *exchange, const tow_request *request) {
    seen.exchange = exchange;
    assert_int_equal(tow_exchange_begin(exchange, 200, "text/plain", 10), 0);
    assert_int_equal(tow_exchange_keep(exchange, &events), 0);
}

static void all_at_once(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_begin(exchange, 200, NULL, TOW_LENGTH_UNKNOWN), 0);
    assert_int_equal(tow_exchange_write(exchange, "one", 3), 0);
    assert_int_equal(tow_exchange_write(exchange, NULL, 0), 0);
    assert_int_equal(tow_exchange_write(exchange, "three", 5), 0);
    assert_int_equal(tow_exchange_end(exchange), 0);
    assert_int_equal(tow_exchange_end(exchange), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_write(exchange, "x", 1), TOW_ERROR_STATE);
}

static void bodiless(tow_exchange *exchange, const tow_request *request) {
    int status = atoi(tow_request_query(request));
    assert_int_equal(tow_exchange_begin(exchange, status, NULL, TOW_LENGTH_UNKNOWN), 0);
    assert_int_equal(tow_exchange_write(exchange, "ignored", 7), 0);
    assert_int_equal(tow_exchange_end(exchange), 0);
}

static void note_piece(tow_exchange *exchange, void *user, const void *data, size_t length, bool is_last) {
    assert_int_equal(tow_buffer_append(&seen.body, data, length), 0);
    assert_int_equal(seen.last, 0);
    seen.pieces += !is_last;
    seen.last += is_last;
    if (seen.pauses && !is_last)
        tow_exchange_pause(exchange);
    if (is_last || (seen.answers_early && seen.pieces == 1))
        assert_int_equal(tow_exchange_respond(exchange, 200, NULL, "taken", 5), 0);
}

static void take_pieces(tow_exchange *exchange, const tow_request *request) {
    seen.exchange = exchange;
    assert_int_equal(tow_exchange_read_pieces(exchange, note_piece, NULL), 0);
    assert_int_equal(tow_exchange_read_pieces(exchange, note_piece, NULL), TOW_ERROR_STATE);
}

static void inject(tow_exchange *exchange, const tow_request *request) {
    static const struct {
        const char *name, *value;
    } bad[] = {{"X", "a\r\nSet-Cookie: b"}, {"X", "a\nb"}, {"X", "a\rb"}, {"X\r\nY", "a"}, {"X:", "a"},
        {"", "a"}, {"Content-Length", "1"}, {"transfer-encoding", "chunked"}, {"Connection", "close"},
        {"Date", "now"}, {"Keep-Alive", "1"}, {"Upgrade", "h2c"}, {"X", "\x01"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(tow_exchange_field(exchange, bad[i].name, bad[i].value), TOW_ERROR_ARGUMENT);
    assert_int_equal(
        tow_exchange_respond(exchange, 200, "text/plain\r\n\r\n<b>", "x", 1), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_exchange_begin(exchange, 200, "a\nb", 1), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_exchange_field(exchange, "Set-Cookie", "a=1"), 0);
    assert_int_equal(tow_exchange_field(exchange, "Set-Cookie", "b=2"), 0);
    assert_int_equal(tow_exchange_respond(exchange, 200, NULL, "clean", 5), 0);
}

static void send_file(tow_exchange *exchange, const tow_request *request) {
    char name[] = "/tmp/towline-pieces-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    int64_t length = strtoll(tow_request_query(request), NULL, 10);
    assert_int_equal(tow_exchange_send_file(exchange, 206, "text/plain", fd, 3, length), 0);
    assert_int_equal(tow_exchange_send_file(exchange, 206, "text/plain", -1, 0, 1), TOW_ERROR_ARGUMENT);
}

static void refuse_file(tow_exchange *exchange, const tow_request *request) {
    int fd = open("/dev/null", O_RDONLY);
    assert_int_equal(tow_exchange_send_file(exchange, 200, NULL, fd, 0, -1), TOW_ERROR_ARGUMENT);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(tow_exchange_respond(exchange, 200, NULL, "none", 4), 0);
}

static void begin(struct world *world, const tow_simulation_options *simulation) {
    memset(&seen, 0, sizeof(seen));
    world_make(world, simulation, &(tow_server_options){.status = "127.0.0.1:9999", .drain_seconds = 3});
    tow_server_route(world->server, "/unknown", &(tow_handler){.on_request = begin_unknown});
    tow_server_route(world->server, "/known", &(tow_handler){.on_request = begin_known});
    tow_server_route(world->server, "/once", &(tow_handler){.on_request = all_at_once});
    tow_server_route(world->server, "/bodiless", &(tow_handler){.on_request = bodiless});
    tow_server_route(world->server, "/take", &(tow_handler){.on_request = take_pieces});
    tow_server_route(world->server, "/inject", &(tow_handler){.on_request = inject});
    tow_server_route(world->server, "/file", &(tow_handler){.on_request = send_file});
    tow_server_route(world->server, "/refused", &(tow_handler){.on_request = refuse_file});
    world_listen(world);
}

static void end(struct world *world) {
    world_end(world);
    tow_buffer_clear(&seen.body);
}

static void ask(struct peer *peer, struct world *world, const char *text) {
    peer_connect(peer, world);
    peer_text(peer, text);
    for (int i = 0; i < 2000 && seen.exchange == NULL; i++)
        world_run(world, 1);
    assert_non_null(seen.exchange);
}

static void an_answer_of_unknown_length_is_chunked(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = seed, .stream_capacity = seed % 2 == 0 ? 0 : 700});
        ask(&peer, &world, REQUEST("GET", "/unknown") REQUEST("GET", "/once"));
        peer_expect(&peer, "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");
        world_run(&world, 100000);
        assert_int_equal(tow_exchange_write(seen.exchange, "tick", 4), 0);
        peer_expect(&peer, "\r\n\r\n4\r\ntick\r\n");
        world_run(&world, 100000);
        assert_int_equal(tow_exchange_buffered_amount(seen.exchange), 0);
        assert_int_equal(tow_exchange_write(seen.exchange, "0123456789abcdef0", 17), 0);
        assert_int_equal(tow_exchange_buffered_amount(seen.exchange), 17 + 6);
        assert_int_equal(tow_exchange_end(seen.exchange), 0);
        peer_expect(&peer, "11\r\n0123456789abcdef0\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n");
        peer_expect(&peer, "\r\n\r\n3\r\none\r\n5\r\nthree\r\n0\r\n\r\n");
        assert_int_equal(seen.gone + seen.ended + seen.drained, 0);
        peer_close(&peer);
        end(&world);
    }
}

static void to_an_old_client_it_ends_with_the_connection(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = seed});
        ask(&peer, &world, "GET /unknown HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        assert_int_equal(tow_exchange_write(seen.exchange, "tick", 4), 0);
        peer_expect(&peer, "Connection: close\r\n\r\ntick");
        assert_false(peer_has(&peer, "chunked"));
        assert_int_equal(tow_exchange_write(seen.exchange, "tock", 4), 0);
        assert_int_equal(tow_exchange_end(seen.exchange), 0);
        peer_expect_end(&peer);
        assert_true(peer_has(&peer, "\r\n\r\nticktock"));
        assert_false(peer.failed);
        peer_close(&peer);
        end(&world);
    }
}

static void an_announced_length_is_kept(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1});
    ask(&peer, &world, REQUEST("GET", "/known") REQUEST("GET", "/once"));
    assert_int_equal(tow_exchange_write(seen.exchange, "0123456789x", 11), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_exchange_write(seen.exchange, "012345678", 9), 0);
    assert_int_equal(tow_exchange_end(seen.exchange), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_write(seen.exchange, "9x", 2), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_exchange_write(seen.exchange, "9", 1), 0);
    assert_int_equal(tow_exchange_end(seen.exchange), 0);
    peer_expect(&peer, "Content-Length: 10\r\n\r\n0123456789HTTP/1.1 200");
    peer_close(&peer);
    end(&world);
}

static void head_204_and_304_have_no_body(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1});
    peer_connect(&peer, &world);
    peer_text(&peer, REQUEST("GET", "/bodiless?204") REQUEST("GET", "/bodiless?304")
                         REQUEST("HEAD", "/bodiless?200") REQUEST("GET", "/once"));
    peer_expect(&peer, "three");
    assert_false(peer_has(&peer, "ignored"));
    assert_false(peer_has(&peer, "Content-Length"));
    assert_true(peer_has(&peer, "HTTP/1.1 304 Not Modified\r\n"));
    const char *at = strstr((const char *)peer.in.data, "HTTP/1.1 304");
    assert_non_null(strstr(at, "GMT\r\n\r\nHTTP/1.1 200"));
    assert_non_null(strstr(at, "chunked\r\n\r\nHTTP/1.1 200"));
    peer_close(&peer);
    end(&world);
}

/* As much as it may, then no more: what waits has a bound, and time is up in the end. */
static void who_does_not_read_an_unending_answer_is_reset(void **state) {
    (void)state;
    static char piece[10000];
    memset(piece, 'x', sizeof(piece));
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1, .stream_capacity = 10000});
    ask(&peer, &world, REQUEST("GET", "/unknown"));
    peer_expect(&peer, "\r\n\r\n");
    tow_stream_pause(&peer.stream);
    int error = 0;
    size_t written = 0;
    for (; error == 0 && written < 10 * 1024 * 1024; written += sizeof(piece)) {
        error = tow_exchange_write(seen.exchange, piece, sizeof(piece));
        world_run(&world, 1);
    }
    assert_int_equal(error, TOW_ERROR_QUEUE_FULL);
    assert_true(written > 1024 * 1024 && written < 1200 * 1024);
    assert_true(tow_exchange_buffered_amount(seen.exchange) < 1100 * 1024);
    world_run(&world, 31000);
    assert_int_equal(seen.gone, 1);
    assert_int_equal(seen.drained, 0);
    assert_int_equal(world_metric(&world, "limit_reached_total{limit=\"stall-seconds\"}"), 1);
    tow_stream_resume(&peer.stream);
    peer_close(&peer);
    end(&world);
    assert_int_equal(seen.gone, 1);
}

/* A handler that has something to say again and again gives the peer no more time. */
static void nor_is_one_waited_for_who_is_told_a_little(void **state) {
    (void)state;
    static char piece[50000];
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1, .stream_capacity = 10000});
    ask(&peer, &world, REQUEST("GET", "/unknown"));
    peer_expect(&peer, "\r\n\r\n");
    tow_stream_pause(&peer.stream);
    assert_int_equal(tow_exchange_write(seen.exchange, piece, sizeof(piece)), 0);
    int seconds = 0;
    for (; seconds < 60 && seen.gone == 0; seconds++) {
        assert_int_equal(tow_exchange_write(seen.exchange, ":\n\n", 3), 0);
        world_run(&world, 1000);
    }
    assert_true(seconds >= 29 && seconds <= 33);
    tow_stream_resume(&peer.stream);
    peer_close(&peer);
    end(&world);
}

static void who_reads_slowly_gets_all_and_drain_is_told(void **state) {
    (void)state;
    static char piece[10000];
    memset(piece, 'x', sizeof(piece));
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = seed, .stream_capacity = 10000});
        ask(&peer, &world, REQUEST("GET", "/unknown"));
        peer_expect(&peer, "\r\n\r\n");
        size_t head = peer.in.length, sent = 0;
        for (int round = 1; round <= 3; round++) {
            tow_stream_pause(&peer.stream);
            while (tow_exchange_buffered_amount(seen.exchange) <= 256 * 1024) {
                assert_int_equal(tow_exchange_write(seen.exchange, piece, sizeof(piece)), 0);
                sent += sizeof(piece) + 8; /* "2710" and two line ends */
                world_run(&world, 1);
            }
            assert_int_equal(seen.drained, round - 1);
            tow_stream_resume(&peer.stream);
            for (int i = 0; i < 5000 && seen.drained < round; i++)
                world_run(&world, 1);
            assert_int_equal(seen.drained, round);
            assert_true(tow_exchange_buffered_amount(seen.exchange) < 64 * 1024);
        }
        assert_int_equal(tow_exchange_end(seen.exchange), 0);
        peer_expect(&peer, "\r\n0\r\n\r\n");
        assert_int_equal(peer.in.length - head, sent + 5);
        peer_close(&peer);
        end(&world);
        assert_int_equal(seen.gone, 0);
    }
}

static void a_peer_may_vanish_at_each_step(void **state) {
    (void)state;
    for (int step = 0; step < 60; step++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = (uint64_t)step, .stream_capacity = 5000});
        peer_connect(&peer, &world);
        peer_text(&peer, REQUEST("GET", "/unknown"));
        for (int i = 0; i < step; i++) {
            tow_loop_step(world.loop);
            if (seen.exchange != NULL && seen.gone == 0)
                assert_int_equal(tow_exchange_write(seen.exchange, "0123456789", 10), 0);
        }
        if (step % 2 == 0)
            peer_close(&peer);
        else
            peer_reset(&peer);
        for (int i = 0; i < 200; i++) {
            if (seen.exchange != NULL && seen.gone == 0) {
                int error = tow_exchange_write(seen.exchange, "0123456789", 10);
                assert_true(error == 0 || error == TOW_ERROR_CLOSED);
            }
            world_run(&world, 1);
        }
        assert_int_equal(world_metric(&world, "connections"), 0);
        assert_int_equal(seen.gone, seen.exchange != NULL);
        end(&world);
    }
}

static void what_is_broken_off_resets_the_client(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1});
    ask(&peer, &world, REQUEST("GET", "/unknown"));
    assert_int_equal(tow_exchange_write(seen.exchange, "part", 4), 0);
    peer_expect(&peer, "part");
    tow_exchange_reset(seen.exchange);
    assert_int_equal(tow_exchange_write(seen.exchange, "part", 4), TOW_ERROR_CLOSED);
    assert_int_equal(tow_exchange_end(seen.exchange), TOW_ERROR_CLOSED);
    assert_int_equal(seen.gone, 0); /* not in the call */
    peer_expect_end(&peer);
    assert_true(peer.failed);
    assert_int_equal(seen.gone, 1);
    peer_close(&peer);
    end(&world);
}

static void an_unending_answer_ends_with_the_drain(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1});
    ask(&peer, &world, REQUEST("GET", "/unknown"));
    peer_expect(&peer, "\r\n\r\n");
    tow_server_stop(world.server);
    world_run(&world, 2900);
    assert_int_equal(tow_exchange_write(seen.exchange, "last", 4), 0);
    peer_expect(&peer, "last");
    assert_int_equal(seen.gone, 0);
    world_run(&world, 300);
    assert_int_equal(seen.gone, 1);
    assert_true(tow_server_is_done(world.server));
    peer_close(&peer);
    end(&world);
}

static void fields_cannot_split_an_answer(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1});
    peer_connect(&peer, &world);
    peer_text(&peer, REQUEST("GET", "/inject"));
    peer_expect(&peer, "\r\nContent-Length: 5\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nclean");
    peer_close(&peer);
    end(&world);
}

static void a_file_is_an_answer(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1});
    peer_connect(&peer, &world);
    peer_text(&peer, REQUEST("GET", "/file?5") REQUEST("HEAD", "/file?5") REQUEST("GET", "/refused"));
    peer_expect(&peer, "\r\n\r\n34567HTTP/1.1 206");
    peer_expect(&peer, "\r\n\r\nHTTP/1.1 200");
    peer_expect(&peer, "none");
    peer_text(&peer, REQUEST("GET", "/file?8"));
    peer_expect_end(&peer); /* too short */
    assert_true(peer.failed);
    peer_close(&peer);
    end(&world);
}

/* Bodies */

#define POST(fields) "POST /take HTTP/1.1\r\nHost: localhost\r\n" fields "\r\n"

static void a_body_comes_as_it_is_sent(void **state) {
    (void)state;
    static const char *const requests[] = {POST("Content-Length: 10\r\n") "0123456789",
        POST("Transfer-Encoding: chunked\r\n") "3\r\n012\r\n1\r\n3\r\n6;x=y\r\n456789\r\n0\r\nT: z\r\n\r\n"};
    for (uint64_t seed = 0; seed < 2 * SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = seed});
        seen.pauses = seed % 4 >= 2;
        ask(&peer, &world, requests[seed % 2]);
        peer_text(&peer, REQUEST("GET", "/once"));
        for (int i = 0; i < 200; i++) {
            world_run(&world, 10);
            if (seen.last == 0)
                tow_exchange_resume(seen.exchange);
        }
        assert_int_equal(seen.last, 1);
        assert_int_equal(seen.body.length, 10);
        assert_memory_equal(seen.body.data, "0123456789", 10);
        assert_true(peer_has(&peer, "\r\n\r\ntakenHTTP/1.1 200"));
        assert_true(peer_has(&peer, "three"));
        peer_close(&peer);
        end(&world);
    }
}

static void who_pauses_stops_the_client(void **state) {
    (void)state;
    enum { SENT = 4 * 1024 * 1024 };
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1, .stream_capacity = 20000});
    seen.pauses = true;
    ask(&peer, &world, POST("Content-Length: 4194304\r\n"));
    char *body = calloc(1, SENT);
    peer_send(&peer, body, SENT);
    free(body);
    world_run(&world, 200000); /* no time runs while it is the handler who waits */
    assert_int_equal(seen.pieces, 1);
    assert_true(seen.body.length < 300000);
    assert_true(peer.out.length > SENT - 1024 * 1024);
    seen.pauses = false;
    tow_exchange_resume(seen.exchange);
    peer_expect(&peer, "taken");
    assert_int_equal(seen.body.length, SENT);
    peer_close(&peer);
    end(&world);
}

static void a_body_of_many_small_chunks_has_its_turns(void **state) {
    (void)state;
    enum { CHUNKS = 5000 };
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.whole = true});
    ask(&peer, &world, POST("Transfer-Encoding: chunked\r\n"));
    uint64_t before = tow_loop_count(world.loop)->rounds;
    for (size_t i = 0; i < CHUNKS; i++)
        peer_text(&peer, "1\r\nx\r\n");
    peer_text(&peer, "0\r\n\r\n");
    peer_expect(&peer, "taken");
    assert_int_equal(seen.pieces, CHUNKS);
    assert_true(tow_loop_count(world.loop)->rounds - before >= CHUNKS / 16);
    peer_close(&peer);
    end(&world);
}

static void an_answer_may_come_before_the_body_has(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = seed});
        seen.answers_early = true;
        ask(&peer, &world, POST("Content-Length: 10\r\n") "01234");
        peer_expect(&peer, "\r\n\r\ntaken");
        peer_text(&peer, "56789" REQUEST("GET", "/once"));
        peer_expect(&peer, "three");
        assert_int_equal(seen.last, 0);
        assert_true(seen.body.length <= 5);
        peer_close(&peer);
        end(&world);
    }
}

static void a_bad_or_slow_body_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *request, *answer;
    } cases[] = {
        {POST("Transfer-Encoding: chunked\r\n") "1\r\nx\r\nzz\r\n", "HTTP/1.1 400 "},
        {POST("Transfer-Encoding: chunked\r\n") "1\r\nxy", "HTTP/1.1 400 "},
        {POST("Content-Length: 10\r\n") "0123", "HTTP/1.1 408 "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = i});
        ask(&peer, &world, cases[i].request);
        world_run(&world, 61000);
        assert_int_equal(seen.last, 0);
        assert_true(peer_has(&peer, cases[i].answer));
        assert_true(peer.ended);
        peer_close(&peer);
        end(&world);
    }
}

static void upgrade_required(tow_exchange *exchange, const tow_request *request) {
    seen.exchange = exchange;
    assert_int_equal(tow_exchange_respond(exchange, 426, NULL, "other", 5), 0);
}

/* As its field Connection says. */
static void the_connection_ends_after_426(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1});
    tow_server_route(world.server, "/426", &(tow_handler){.on_request = upgrade_required});
    ask(&peer, &world, REQUEST("GET", "/426") REQUEST("GET", "/once"));
    peer_expect_end(&peer);
    assert_true(peer_has(&peer, "Connection: Upgrade, close\r\n"));
    assert_false(peer_has(&peer, "HTTP/1.1 200 "));
    peer_close(&peer);
    end(&world);
}

/* What it sends now and then gains it no more time than its bytes are worth. */
static void who_sends_a_little_again_and_again_is_refused(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1});
    ask(&peer, &world, POST("Content-Length: 1000\r\n"));
    for (int i = 0; i < 4; i++) {
        peer_text(&peer, "x");
        world_run(&world, 19000);
    }
    assert_int_equal(seen.pieces, 4);
    assert_int_equal(seen.last, 0);
    assert_true(peer_has(&peer, "HTTP/1.1 408 "));
    peer_close(&peer);
    end(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_of_unknown_length_is_chunked),
        cmocka_unit_test(to_an_old_client_it_ends_with_the_connection),
        cmocka_unit_test(an_announced_length_is_kept),
        cmocka_unit_test(head_204_and_304_have_no_body),
        cmocka_unit_test(who_does_not_read_an_unending_answer_is_reset),
        cmocka_unit_test(nor_is_one_waited_for_who_is_told_a_little),
        cmocka_unit_test(who_reads_slowly_gets_all_and_drain_is_told),
        cmocka_unit_test(a_peer_may_vanish_at_each_step),
        cmocka_unit_test(what_is_broken_off_resets_the_client),
        cmocka_unit_test(an_unending_answer_ends_with_the_drain),
        cmocka_unit_test(fields_cannot_split_an_answer),
        cmocka_unit_test(a_file_is_an_answer),
        cmocka_unit_test(a_body_comes_as_it_is_sent),
        cmocka_unit_test(who_pauses_stops_the_client),
        cmocka_unit_test(a_body_of_many_small_chunks_has_its_turns),
        cmocka_unit_test(an_answer_may_come_before_the_body_has),
        cmocka_unit_test(a_bad_or_slow_body_is_refused),
        cmocka_unit_test(the_connection_ends_after_426),
        cmocka_unit_test(who_sends_a_little_again_and_again_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
