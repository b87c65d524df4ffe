/* The times of a request: what its client has for the body, its handler for the answer, and the client to
 * take what was said; over TCP and over TLS, which keeps some of what it takes and tells nobody. */
#include "world.h"

#include <towline/error.h>

enum { CAPACITY = 8000, STALL_SECONDS = 30, MESSAGE_SECONDS = 60, ANSWER_SECONDS = 20 };

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define POST(path, field) "POST " path " HTTP/1.1\r\nHost: localhost\r\n" field "\r\n\r\n"

/* What handlers have seen. */
static struct seen {
    tow_exchange *exchange;
    int gone, pieces, last, drained;
    size_t length; /* of the pieces that /pieces says at once */
    bool pauses;
    tow_timer timer;
} seen;

static void note_gone(tow_exchange *exchange, void *user) {
    seen.gone++;
    assert_int_not_equal(tow_exchange_write(exchange, "x", 1), 0);
}

static void note_drain(tow_exchange *exchange, void *user) {
    seen.drained++;
}

static const tow_exchange_events events = {.on_gone = note_gone, .on_drain = note_drain};

static void keep(tow_exchange *exchange, const tow_request *request) {
    seen.exchange = exchange;
    assert_int_equal(tow_exchange_keep(exchange, &events), 0);
}

static void write_letters(size_t length) {
    char *text = malloc(length);
    memset(text, 'd', length);
    assert_int_equal(tow_exchange_write(seen.exchange, text, length), 0);
    free(text);
}

static void say_pieces(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_begin(exchange, 200, NULL, TOW_LENGTH_UNKNOWN), 0);
    keep(exchange, request);
    write_letters(seen.length);
}

static void say_much(tow_exchange *exchange, const tow_request *request) {
    static char text[CAPACITY + CAPACITY / 2];
    memset(text, 'd', sizeof(text));
    assert_int_equal(tow_exchange_respond(exchange, 200, NULL, text, sizeof(text)), 0);
}

static void go_on(tow_timer *timer) {
    tow_exchange_resume(seen.exchange);
}

/* With seen.pauses each piece takes the handler a moment. */
static void take_piece(tow_exchange *exchange, void *user, const void *data, size_t length, bool is_last) {
    seen.pieces += !is_last;
    seen.last += is_last;
    if (!is_last && seen.pauses) {
        tow_exchange_pause(exchange);
        tow_loop *loop = tow_exchange_loop(exchange);
        tow_timer_set(loop, &seen.timer, tow_loop_now(loop) + TOW_MILLISECOND, go_on);
    }
}

static void take_pieces(tow_exchange *exchange, const tow_request *request) {
    keep(exchange, request);
    assert_int_equal(tow_exchange_read_pieces(exchange, take_piece, NULL), 0);
}

static void keep_with_body(tow_exchange *exchange, void *user, const void *body, size_t length) {
    keep(exchange, NULL);
}

static void take_whole(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_read_body(exchange, 1000, keep_with_body, NULL), 0);
}

typedef struct scene {
    struct world world;
    tow_tls_context *tls; /* the client's; NULL: plain */
    struct peer peer;
} scene;

static tow_tls_context *trusting_client(void) {
    char why[TOW_TLS_TEXT_MAX];
    tow_tls_context *context;
    const tow_tls_settings settings = {.verify = TOW_TLS_VERIFY_NONE};
    assert_int_equal(tow_tls_context_new(&context, &settings, why), 0);
    return context;
}

static void begin(scene *now, uint64_t seed, bool secure) {
    memset(&seen, 0, sizeof(seen));
    now->tls = secure ? trusting_client() : NULL;
    world_make(&now->world, &(tow_simulation_options){.seed = seed, .stream_capacity = CAPACITY},
        &(tow_server_options){.status = "127.0.0.1:9999",
            .tls_self_signed = secure,
            .drain_seconds = 3,
            .limits = {.stall_seconds = STALL_SECONDS, .message_seconds = MESSAGE_SECONDS}});
    tow_server *server = now->world.server;
    const int seconds = ANSWER_SECONDS;
    tow_server_route(server, "/pieces", &(tow_handler){.on_request = say_pieces, .answer_seconds = seconds});
    tow_server_route(server, "/much", &(tow_handler){.on_request = say_much});
    tow_server_route(server, "/keep", &(tow_handler){.on_request = keep, .answer_seconds = seconds});
    tow_server_route(server, "/body", &(tow_handler){.on_request = take_pieces, .answer_seconds = seconds});
    tow_server_route(server, "/whole", &(tow_handler){.on_request = take_whole, .answer_seconds = seconds});
    world_listen(&now->world);
    if (secure)
        peer_connect_secure(&now->peer, &now->world, now->tls);
    else
        peer_connect(&now->peer, &now->world);
    while (!now->peer.connected)
        world_run(&now->world, 1);
}

static void end(scene *now) {
    peer_close(&now->peer);
    world_end(&now->world);
    if (now->tls != NULL)
        tow_tls_context_release(now->tls);
}

static void seconds_pass(scene *now, int seconds) {
    world_run(&now->world, seconds * 1000);
}

static long limit_reached(scene *now, const char *name) {
    char metric[80];
    snprintf(metric, sizeof(metric), "limit_reached_total{limit=\"%s\"}", name);
    return now->tls == NULL ? world_metric(&now->world, metric) : -1;
}

/* Answers in pieces */

static const size_t lengths[] = {10, CAPACITY + CAPACITY / 2, 20000, 200000};
enum { LENGTHS = sizeof(lengths) / sizeof(lengths[0]) };

/* Neither answer_seconds nor a look whether it takes something ends an answer that was begun. */
static void who_was_slow_for_a_moment_keeps_its_answer(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 4 * LENGTHS; seed++) {
        scene now;
        begin(&now, seed, seed % 2 == 0);
        seen.length = lengths[seed / 4];
        tow_stream_pause(&now.peer.stream);
        peer_text(&now.peer, GET("/pieces"));
        seconds_pass(&now, 5);
        tow_stream_resume(&now.peer.stream);
        seconds_pass(&now, 100);
        assert_int_equal(seen.gone, 0);
        assert_false(peer_has(&now.peer, "503"));
        assert_int_equal(tow_exchange_buffered_amount(seen.exchange), 0);
        assert_int_equal(tow_exchange_write(seen.exchange, "more", 4), 0);
        assert_int_equal(tow_exchange_end(seen.exchange), 0);
        peer_expect(&now.peer, "d\r\n4\r\nmore\r\n0\r\n\r\n");
        peer_text(&now.peer, GET("/much"));
        peer_expect(&now.peer, "0\r\n\r\nHTTP/1.1 200 OK\r\n");
        end(&now);
    }
}

static void who_takes_nothing_of_it_is_reset(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 4 * LENGTHS; seed++) {
        scene now;
        begin(&now, seed, seed % 2 == 0);
        seen.length = lengths[seed / 4];
        bool fits = seen.length < CAPACITY; /* the kernel has taken it */
        tow_stream_pause(&now.peer.stream);
        peer_text(&now.peer, GET("/pieces"));
        seconds_pass(&now, STALL_SECONDS - 2);
        assert_int_equal(seen.gone, 0);
        seconds_pass(&now, 6);
        assert_int_equal(seen.gone, fits ? 0 : 1);
        assert_int_equal(world_logged(&now.world, "closed by the server (stall-seconds)"), !fits);
        if (now.peer.used)
            tow_stream_resume(&now.peer.stream);
        end(&now);
    }
}

/* What is said now and then gives it no more time. */
static void nor_do_further_pieces_give_it_time(void **state) {
    (void)state;
    for (int secure = 0; secure < 2; secure++) {
        scene now;
        begin(&now, 1, secure != 0);
        seen.length = lengths[1];
        tow_stream_pause(&now.peer.stream);
        peer_text(&now.peer, GET("/pieces"));
        int seconds = 0;
        for (; seconds < 2 * STALL_SECONDS && seen.gone == 0; seconds++) {
            seconds_pass(&now, 1);
            if (seen.gone == 0)
                assert_int_equal(tow_exchange_write(seen.exchange, ":\n\n", 3), 0);
        }
        assert_true(seconds >= STALL_SECONDS - 1 && seconds <= STALL_SECONDS + 3);
        tow_stream_resume(&now.peer.stream);
        end(&now);
    }
}

static void drain_is_told_over_tls_too(void **state) {
    (void)state;
    scene now;
    begin(&now, 1, true);
    seen.length = 10;
    peer_text(&now.peer, GET("/pieces"));
    peer_expect(&now.peer, "dddddddddd");
    tow_stream_pause(&now.peer.stream);
    while (tow_exchange_buffered_amount(seen.exchange) <= 256 * 1024) {
        write_letters(10000);
        world_run(&now.world, 1);
    }
    assert_int_equal(seen.drained, 0);
    tow_stream_resume(&now.peer.stream);
    seconds_pass(&now, 2 * STALL_SECONDS);
    assert_int_equal(seen.drained, 1);
    assert_int_equal(seen.gone, 0);
    end(&now);
}

static void an_answer_in_pieces_ends_with_the_drain(void **state) {
    (void)state;
    for (int secure = 0; secure < 2; secure++) {
        scene now;
        begin(&now, 1, secure != 0);
        seen.length = 10;
        peer_text(&now.peer, GET("/pieces"));
        peer_expect(&now.peer, "dddddddddd");
        tow_server_stop(now.world.server);
        world_run(&now.world, 2900);
        assert_int_equal(tow_exchange_write(seen.exchange, "last", 4), 0);
        peer_expect(&now.peer, "last");
        assert_int_equal(seen.gone, 0);
        world_run(&now.world, 300);
        assert_int_equal(seen.gone, 1);
        assert_true(tow_server_is_done(now.world.server));
        end(&now);
    }
}

/* Bodies */

#define CHUNKS_17                                                                                            \
    "1\r\nx\r\n1\r\nx\r\n1\r\nx\r\n1\r\nx\r\n1\r\nx\r\n1\r\nx\r\n1\r\nx\r\n1\r\nx\r\n1\r\nx\r\n1\r\nx\r\n"   \
    "1\r\nx\r\n1\r\nx\r\n1\r\nx\r\n1\r\nx\r\n1\r\nx\r\n1\r\nx\r\n1\r\nx\r\n"

/* However it is divided: a turn of the loop has sixteen pieces. */
static void many_small_chunks_gain_no_time(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 8; seed++) {
        scene now;
        begin(&now, seed, false);
        peer_text(&now.peer, POST("/body", "Transfer-Encoding: chunked"));
        for (int i = 0; i < 3; i++) {
            peer_text(&now.peer, CHUNKS_17);
            seconds_pass(&now, MESSAGE_SECONDS / 2 - 1);
        }
        assert_int_equal(seen.gone, 1);
        assert_true(seen.pieces >= 17);
        assert_true(peer_has(&now.peer, "HTTP/1.1 408 "));
        assert_int_equal(limit_reached(&now, "message-seconds"), 1);
        end(&now);
    }
}

/* A handler that pauses does not give the client time: it has what it had left. */
static void nor_do_pauses_of_the_handler(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 8; seed++) {
        scene now;
        begin(&now, seed, false);
        seen.pauses = true;
        peer_text(&now.peer, POST("/body", "Content-Length: 1000"));
        for (int i = 0; i < 7; i++) {
            assert_int_equal(seen.gone, 0);
            peer_text(&now.peer, "x");
            seconds_pass(&now, 9);
        }
        assert_int_equal(seen.gone, 1);
        assert_true(peer_has(&now.peer, "HTTP/1.1 408 "));
        assert_int_equal(limit_reached(&now, "message-seconds"), 1);
        tow_timer_cancel(now.world.loop, &seen.timer);
        end(&now);
    }
}

static void nor_do_they_take_any(void **state) {
    (void)state;
    scene now;
    begin(&now, 1, false);
    peer_text(&now.peer, POST("/body", "Content-Length: 3") "x");
    seconds_pass(&now, MESSAGE_SECONDS - 2);
    tow_exchange_pause(seen.exchange);
    seconds_pass(&now, ANSWER_SECONDS - 1);
    tow_exchange_resume(seen.exchange);
    world_run(&now.world, 1500);
    peer_text(&now.peer, "yz");
    world_run(&now.world, 100);
    assert_int_equal(seen.last, 1);
    assert_int_equal(seen.gone, 0);
    end(&now);
}

/* The handler has paused it, so it is not for the client to send; also when that takes an earlier answer. */
static void a_paused_body_is_not_too_slow(void **state) {
    (void)state;
    for (int secure = 0; secure < 2; secure++) {
        scene now;
        begin(&now, 1, secure != 0);
        tow_stream_pause(&now.peer.stream);
        peer_text(&now.peer, GET("/much") POST("/body", "Content-Length: 10") "01234");
        for (int i = 0; i < 2000 && seen.exchange == NULL; i++) {
            world_run(&now.world, 1);
            if (i == 1000)
                tow_stream_resume(&now.peer.stream); /* over TCP it is read only then */
        }
        assert_non_null(seen.exchange);
        tow_exchange_pause(seen.exchange);
        world_run(&now.world, 200);
        tow_stream_resume(&now.peer.stream);
        seconds_pass(&now, ANSWER_SECONDS - 2);
        assert_int_equal(seen.gone, 0);
        assert_false(peer_has(&now.peer, "HTTP/1.1 408 "));
        end(&now);
    }
}

/* Answers that are kept */

static void a_slow_body_takes_nothing_of_the_time_for_the_answer(void **state) {
    (void)state;
    scene now;
    begin(&now, 1, false);
    peer_text(&now.peer, POST("/whole", "Content-Length: 4") "fo");
    seconds_pass(&now, ANSWER_SECONDS + 5);
    peer_text(&now.peer, "ur");
    seconds_pass(&now, ANSWER_SECONDS - 1);
    assert_non_null(seen.exchange);
    assert_int_equal(seen.gone, 0);
    seconds_pass(&now, 2);
    assert_int_equal(seen.gone, 1);
    assert_int_equal(limit_reached(&now, "answer-seconds"), 1);
    end(&now);
}

/* A client that takes an earlier answer slowly gains its own request no time. */
static void an_answer_is_due_while_an_earlier_one_is_taken(void **state) {
    (void)state;
    for (int secure = 0; secure < 2; secure++) {
        scene now;
        begin(&now, 1, secure != 0);
        tow_stream_pause(&now.peer.stream);
        peer_text(&now.peer, GET("/much") GET("/keep"));
        world_run(&now.world, 100);
        bool began = seen.exchange != NULL;
        seconds_pass(&now, ANSWER_SECONDS + 1);
        assert_int_equal(seen.gone, began);
        tow_stream_resume(&now.peer.stream);
        seconds_pass(&now, ANSWER_SECONDS + 1);
        assert_int_equal(seen.gone, 1);
        assert_true(peer_has(&now.peer, "HTTP/1.1 503 "));
        end(&now);
    }
}

/* Between requests the time of who is idle begins when it has taken the last answer. */
static void who_takes_the_last_answer_is_not_idle(void **state) {
    (void)state;
    for (int secure = 0; secure < 2; secure++) {
        scene now;
        begin(&now, 1, secure != 0);
        seen.length = 0;
        tow_stream_pause(&now.peer.stream);
        peer_text(&now.peer, GET("/much"));
        seconds_pass(&now, STALL_SECONDS - 2);
        tow_stream_resume(&now.peer.stream);
        seconds_pass(&now, 58);
        assert_false(now.peer.ended || now.peer.failed);
        peer_text(&now.peer, GET("/keep"));
        world_run(&now.world, 100);
        assert_non_null(seen.exchange);
        end(&now);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_was_slow_for_a_moment_keeps_its_answer),
        cmocka_unit_test(who_takes_nothing_of_it_is_reset),
        cmocka_unit_test(nor_do_further_pieces_give_it_time),
        cmocka_unit_test(drain_is_told_over_tls_too),
        cmocka_unit_test(an_answer_in_pieces_ends_with_the_drain),
        cmocka_unit_test(many_small_chunks_gain_no_time),
        cmocka_unit_test(nor_do_pauses_of_the_handler),
        cmocka_unit_test(nor_do_they_take_any),
        cmocka_unit_test(a_paused_body_is_not_too_slow),
        cmocka_unit_test(a_slow_body_takes_nothing_of_the_time_for_the_answer),
        cmocka_unit_test(an_answer_is_due_while_an_earlier_one_is_taken),
        cmocka_unit_test(who_takes_the_last_answer_is_not_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
