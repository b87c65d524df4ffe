/* A reconnector: what is lost is opened again, later and later, until it is of no use any more. */
#include "host.h"

#include "client/client.h"
#include "transport/loop.h"

#include <towline/error.h>
#include <towline/reconnector.h>
#include <towline/server.h>
#include <towline/stream.h>

enum { SEEDS = 24, WAITS_MAX = 64 };

/* Where a test frees the reconnector. */
typedef enum test_place {
    NOWHERE,
    IN_OPEN,
    IN_MESSAGE,
    IN_ERROR,
    IN_CLOSE,
    IN_WAIT,
    IN_GIVE_UP,
    PLACES
} test_place;

typedef struct test_scene {
    tow_simulation_options simulation;
    tow_websocket_options socket_options;
    tow_reconnector_options options;
    test_place free_in;
    test_place close_in;
    void (*then_open)(struct test_scene *, tow_websocket *);
    tow_loop *loop;
    test_host host;
    tow_reconnector *reconnector;
    size_t opens, messages, errors, closes, waits, give_ups, heads;
    int last_error, end_error;
    uint16_t last_code;
    int64_t delays[WAITS_MAX];
    int attempts[WAITS_MAX];
    int64_t waited_since[WAITS_MAX];
    tow_timer timer;
} test_scene;

static void visit(test_scene *scene, test_place here) {
    assert_int_equal(scene->give_ups, here == IN_GIVE_UP); /* it is the last */
    if (scene->close_in == here) {
        assert_int_equal(tow_reconnector_close(scene->reconnector, 1000, NULL), 0);
        assert_int_equal(scene->give_ups, here == IN_GIVE_UP);
    }
    if (scene->free_in != here)
        return;
    tow_reconnector_free(scene->reconnector);
    scene->reconnector = NULL;
}

static test_scene *of(const tow_websocket *socket) {
    test_scene *scene = tow_websocket_user(socket);
    assert_ptr_equal(tow_reconnector_socket(scene->reconnector), socket);
    return scene;
}

static void on_open(tow_websocket *socket) {
    test_scene *scene = of(socket);
    scene->opens++;
    if (scene->then_open != NULL)
        scene->then_open(scene, socket);
    visit(scene, IN_OPEN);
}

static void on_message(tow_websocket *socket, const tow_message *message) {
    (void)message;
    test_scene *scene = of(socket);
    scene->messages++;
    visit(scene, IN_MESSAGE);
}

static void on_error(tow_websocket *socket, const tow_error_event *event) {
    test_scene *scene = of(socket);
    scene->errors++;
    scene->last_error = event->error;
    visit(scene, IN_ERROR);
}

static void on_close(tow_websocket *socket, const tow_close_event *event) {
    test_scene *scene = of(socket);
    assert_int_equal(tow_websocket_ready_state(socket), TOW_CLOSED);
    scene->closes++;
    scene->last_code = event->code;
    visit(scene, IN_CLOSE);
}

static void on_wait(tow_reconnector *reconnector, int64_t milliseconds, int attempt) {
    test_scene *scene = tow_reconnector_user(reconnector);
    assert_null(tow_reconnector_socket(reconnector));
    assert_true(scene->waits < WAITS_MAX);
    scene->waited_since[scene->waits] = tow_loop_now(scene->loop);
    scene->delays[scene->waits] = milliseconds;
    scene->attempts[scene->waits++] = attempt;
    visit(scene, IN_WAIT);
}

static void on_give_up(tow_reconnector *reconnector, int error) {
    test_scene *scene = tow_reconnector_user(reconnector);
    assert_null(tow_reconnector_socket(reconnector));
    scene->give_ups++;
    scene->end_error = error;
    visit(scene, IN_GIVE_UP);
}

static void on_head(tow_websocket *socket, bool sent, const char *head, size_t length) {
    of(socket)->heads++;
}

static void scene_prepare(test_scene *scene, const host_act *acts, size_t count) {
    assert_int_equal(tow_loop_new_simulated(&scene->loop, &scene->simulation), 0);
    scene->host.acts = acts;
    scene->host.act_count = count;
    host_open(&scene->host, scene->loop);
    scene->socket_options.user = scene;
    scene->socket_options.on_open = on_open;
    scene->socket_options.on_message = on_message;
    scene->socket_options.on_error = on_error;
    scene->socket_options.on_close = on_close;
    scene->options.on_wait = on_wait;
    scene->options.on_give_up = on_give_up;
}

static int scene_connect(test_scene *scene) {
    char url[64];
    snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", scene->host.port);
    int error =
        tow_reconnector_new(&scene->reconnector, scene->loop, url, &scene->socket_options, &scene->options);
    memset(url, 'x', sizeof(url)); /* it was copied */
    return error;
}

static void scene_open(test_scene *scene, const host_act *acts, size_t count) {
    scene_prepare(scene, acts, count);
    assert_int_equal(scene_connect(scene), 0);
    assert_int_equal(scene->opens + scene->errors + scene->closes + scene->waits + scene->give_ups, 0);
}

static void scene_step(test_scene *scene) {
    assert_true(tow_loop_step(scene->loop) >= 0);
}

#define scene_until(scene, condition)                                                                        \
    for (size_t steps = 0; !(condition); steps++) {                                                          \
        if (steps > 200 * 1000)                                                                              \
            fail_msg(                                                                                        \
                "seed %llu: never happened: %s", (unsigned long long)(scene)->simulation.seed, #condition);  \
        scene_step(scene);                                                                                   \
    }

static void time_is_over(tow_timer *timer) {
    (void)timer;
}

static void scene_run(test_scene *scene, int64_t nanoseconds) {
    tow_timer_set(scene->loop, &scene->timer, tow_loop_now(scene->loop) + nanoseconds, time_is_over);
    scene_until(scene, !tow_timer_is_set(&scene->timer));
}

static void scene_close(test_scene *scene) {
    tow_reconnector_free(scene->reconnector);
    host_close(&scene->host);
    tow_loop_free(scene->loop);
}

#define FRAMES(bytes) .frames = (bytes), .length = sizeof(bytes) - 1
#define GOING_AWAY "\x88\x02\x03\xe9"
#define NORMAL "\x88\x02\x03\xe8"
#define UNAVAILABLE "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"

/* The life of a connection, again and again. */

static void each_loss_is_followed_by_a_new_socket(void **state) {
    static const host_act acts[] = {{FRAMES("\x81\x02hi" GOING_AWAY)}, {.vanishes = true},
        {.vanishes = true, .resets = true}, {.answer = UNAVAILABLE}, {.cut = 20}, {FRAMES("\x81\x02hi")},
        {FRAMES("\x81\x02hi" NORMAL)}};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_scene scene = {.simulation.seed = seed};
        scene_open(&scene, acts, 7);
        scene_until(&scene, scene.give_ups == 1);
        assert_int_equal(scene.host.accepts, 7);
        assert_int_equal(scene.opens, 3);
        assert_int_equal(scene.messages, 3);
        assert_int_equal(scene.closes, 7);
        assert_int_equal(scene.errors, 5);
        assert_int_equal(scene.waits, 6);
        assert_int_equal(scene.end_error, 0);
        assert_int_equal(scene.last_code, 1000);
        assert_null(tow_reconnector_socket(scene.reconnector));
        scene_run(&scene, 100 * TOW_SECOND);
        assert_int_equal(scene.host.accepts, 7);
        scene_close(&scene);
    }
}

static void attempts_come_when_the_wait_is_over_and_the_wait_is_within_its_bound(void **state) {
    static const host_act acts[] = {{.vanishes = true}};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_scene scene = {.simulation = {.seed = seed, .whole = true},
            .options = {.first_milliseconds = 100, .max_milliseconds = 1000, .max_attempts = 6}};
        static const int64_t bounds[] = {100, 200, 400, 800, 1000, 1000};
        scene_open(&scene, acts, 1);
        scene_until(&scene, scene.give_ups == 1);
        assert_int_equal(scene.waits, 6);
        assert_int_equal(scene.host.accepts, 7);
        assert_int_equal(scene.end_error, TOW_ERROR_ENDED);
        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(scene.attempts[i], i + 1);
            assert_in_range(scene.delays[i], 0, bounds[i]);
            int64_t passed = scene.host.accepted_at[i + 1] - scene.waited_since[i];
            assert_true(passed >= scene.delays[i] * TOW_MILLISECOND);
            assert_true(passed <= (scene.delays[i] + 10) * TOW_MILLISECOND);
        }
        scene_close(&scene);
    }
}

static void the_same_seed_waits_the_same_and_another_does_not(void **state) {
    static const host_act acts[] = {{.vanishes = true}};
    int64_t delays[3][8];
    for (int i = 0; i < 3; i++) {
        test_scene scene = {.simulation = {.seed = i == 2 ? 8 : 7, .whole = true}, .options.max_attempts = 8};
        scene_open(&scene, acts, 1);
        scene_until(&scene, scene.give_ups == 1);
        memcpy(delays[i], scene.delays, sizeof(delays[i]));
        scene_close(&scene);
    }
    assert_memory_equal(delays[0], delays[1], sizeof(delays[0]));
    assert_memory_not_equal(delays[0], delays[2], sizeof(delays[0]));
}

static void nobody_listening_is_tried_again(void **state) {
    static const host_act acts[] = {{0}};
    test_scene scene = {.simulation.whole = true, .options.max_attempts = 3};
    scene_prepare(&scene, acts, 1);
    tow_listener_stop(&scene.host.listener);
    scene_step(&scene);
    assert_int_equal(scene_connect(&scene), 0);
    scene_until(&scene, scene.give_ups == 1);
    assert_int_equal(scene.waits, 3);
    assert_int_equal(scene.errors, 4);
    assert_int_equal(scene.closes, 4);
    assert_int_equal(scene.end_error, TOW_ERROR_REFUSED);
    tow_reconnector_free(scene.reconnector);
    tow_loop_free(scene.loop);
}

/* The count of attempts. */

static void a_stable_connection_lets_the_count_begin_anew(void **state) {
    static const host_act acts[] = {{FRAMES(GOING_AWAY), .milliseconds = 4900}, {.vanishes = true},
        {FRAMES(GOING_AWAY), .milliseconds = 5100}, {FRAMES(GOING_AWAY), .milliseconds = 4900},
        {FRAMES(NORMAL)}};
    static const int attempts[] = {1, 2, 1, 2};
    test_scene scene = {.simulation.whole = true, .options.stable_seconds = 5};
    scene_open(&scene, acts, 5);
    scene_until(&scene, scene.give_ups == 1);
    assert_int_equal(scene.waits, 4);
    assert_memory_equal(scene.attempts, attempts, sizeof(attempts));
    scene_close(&scene);
}

static void without_stable_seconds_being_open_is_enough(void **state) {
    static const host_act acts[] = {
        {.vanishes = true}, {FRAMES(GOING_AWAY)}, {.vanishes = true}, {FRAMES(NORMAL)}};
    static const int attempts[] = {1, 1, 2};
    test_scene scene = {.simulation.whole = true, .options.stable_seconds = TOW_OFF};
    scene_open(&scene, acts, 4);
    scene_until(&scene, scene.give_ups == 1);
    assert_int_equal(scene.waits, 3);
    assert_memory_equal(scene.attempts, attempts, sizeof(attempts));
    scene_close(&scene);
}

static void a_server_that_accepts_and_goes_away_is_given_up_too(void **state) {
    static const host_act acts[] = {{FRAMES(GOING_AWAY)}};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_scene scene = {.simulation.seed = seed, .options.max_attempts = 2};
        scene_open(&scene, acts, 1);
        scene_until(&scene, scene.give_ups == 1);
        assert_int_equal(scene.opens, 3);
        assert_int_equal(scene.end_error, 0); /* it closed cleanly each time */
        scene_close(&scene);
    }
}

/* What is final. */

static void expect_end(const host_act *act, tow_after_clean_close after, bool ends, int error) {
    for (uint64_t seed = 0; seed < 4; seed++) {
        test_scene scene = {.simulation.seed = seed, .options.after_clean_close = after};
        scene_open(&scene, act, 1);
        scene_until(&scene, scene.give_ups + scene.waits == 1);
        assert_int_equal(scene.give_ups, ends);
        assert_int_equal(scene.closes, 1);
        if (ends)
            assert_int_equal(scene.end_error, error);
        scene_close(&scene);
    }
}

static void a_clean_close_of_the_server_is_looked_at_as_the_options_say(void **state) {
    static const host_act normal = {FRAMES(NORMAL)};
    static const host_act without_code = {FRAMES("\x88\x00")};
    static const host_act going_away = {FRAMES(GOING_AWAY)};
    static const host_act restart = {FRAMES("\x88\x02\x03\xf4")};
    static const host_act own = {FRAMES("\x88\x02\x0f\xa0")};
    static const host_act unclean = {FRAMES("\x81\x02hi")};
    expect_end(&normal, TOW_AFTER_CLEAN_CLOSE_BY_CODE, true, 0);
    expect_end(&without_code, TOW_AFTER_CLEAN_CLOSE_BY_CODE, true, 0);
    expect_end(&going_away, TOW_AFTER_CLEAN_CLOSE_BY_CODE, false, 0);
    expect_end(&restart, TOW_AFTER_CLEAN_CLOSE_BY_CODE, false, 0);
    expect_end(&own, TOW_AFTER_CLEAN_CLOSE_BY_CODE, false, 0);
    expect_end(&unclean, TOW_AFTER_CLEAN_CLOSE_BY_CODE, false, 0);
    expect_end(&normal, TOW_AFTER_CLEAN_CLOSE_RECONNECT, false, 0);
    expect_end(&going_away, TOW_AFTER_CLEAN_CLOSE_END, true, 0);
    expect_end(&own, TOW_AFTER_CLEAN_CLOSE_END, true, 0);
    expect_end(&unclean, TOW_AFTER_CLEAN_CLOSE_END, false, 0);
}

static void a_refusal_that_would_come_again_is_the_end_at_once(void **state) {
    static const host_act forbidden = {.answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"};
    static const host_act moved = {
        .answer = "HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"};
    static const host_act no_websocket = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
    static const host_act wrong_key = {
        .answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"};
    static const host_act unavailable = {.answer = UNAVAILABLE};
    static const host_act slow = {.answer = "HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n"};
    expect_end(&forbidden, TOW_AFTER_CLEAN_CLOSE_BY_CODE, true, TOW_ERROR_HTTP_STATUS);
    expect_end(&moved, TOW_AFTER_CLEAN_CLOSE_BY_CODE, true, TOW_ERROR_HTTP_STATUS);
    expect_end(&no_websocket, TOW_AFTER_CLEAN_CLOSE_BY_CODE, true, TOW_ERROR_HTTP_STATUS);
    expect_end(&wrong_key, TOW_AFTER_CLEAN_CLOSE_BY_CODE, true, TOW_ERROR_HANDSHAKE_ACCEPT);
    expect_end(&unavailable, TOW_AFTER_CLEAN_CLOSE_BY_CODE, false, 0);
    expect_end(&slow, TOW_AFTER_CLEAN_CLOSE_BY_CODE, false, 0);
}

static void a_certificate_that_is_not_valid_is_the_end_at_once(void **state) {
    static const host_act acts[] = {{0}};
    test_scene scene = {.simulation.whole = true};
    tow_server *server;
    char url[64];
    scene_prepare(&scene, acts, 1);
    assert_int_equal(
        tow_server_new(&server,
            &(tow_server_options){
                .listen = "127.0.0.1:0", .loop = scene.loop, .log_level = TOW_OFF, .tls_self_signed = true}),
        0);
    assert_int_equal(tow_server_listen(server), 0);
    snprintf(url, sizeof(url), "wss://localhost:%d/", tow_server_port(server, 0));
    assert_int_equal(
        tow_reconnector_new(&scene.reconnector, scene.loop, url, &scene.socket_options, &scene.options), 0);
    scene_until(&scene, scene.give_ups == 1);
    assert_int_equal(scene.end_error, TOW_ERROR_CERTIFICATE);
    assert_int_equal(scene.waits, 0);
    tow_server_stop(server);
    scene_until(&scene, tow_server_is_done(server));
    tow_server_free(server);
    scene_close(&scene);
}

static void retry_after_is_waited_for(void **state) {
    static const struct {
        const char *answer;
        int64_t seconds;
    } cases[] = {
        {"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", 7},
        {"HTTP/1.1 429 Too Many\r\nRetry-After: 99999999\r\nContent-Length: 0\r\n\r\n", 3600},
        {"HTTP/1.1 500 Broken\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", 0},
    };
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        const host_act acts[] = {{.answer = cases[seed % 3].answer}, {.vanishes = true}, {0}};
        int64_t seconds = cases[seed % 3].seconds;
        test_scene scene = {.simulation.seed = seed, .options.first_milliseconds = 10};
        scene_open(&scene, acts, 3);
        scene_until(&scene, scene.opens == 1);
        assert_in_range(scene.delays[0], seconds * 1000, seconds * 1000 + 10);
        assert_in_range(scene.delays[1], 0, 20); /* it was said for one time only */
        scene_close(&scene);
    }
}

static void what_cannot_be_opened_is_an_error_of_the_call(void **state) {
    tow_loop *loop;
    tow_reconnector *reconnector = NULL;
    static const char *const twice[] = {"a", "a", NULL};
    const tow_websocket_options wrong = {.protocols = twice};
    assert_int_equal(tow_loop_new_simulated(&loop, NULL), 0);
    assert_int_equal(tow_reconnector_new(&reconnector, loop, "ftp://x", NULL, NULL), TOW_ERROR_URL);
    assert_int_equal(
        tow_reconnector_new(&reconnector, loop, "ws://localhost", &wrong, NULL), TOW_ERROR_ARGUMENT);
    const tow_reconnector_options below[] = {{.first_milliseconds = -2}, {.max_milliseconds = -2},
        {.max_attempts = -2}, {.stable_seconds = -2}, {.after_clean_close = TOW_AFTER_CLEAN_CLOSE_END + 1}};
    for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++)
        assert_int_equal(
            tow_reconnector_new(&reconnector, loop, "ws://localhost", NULL, &below[i]), TOW_ERROR_ARGUMENT);
    assert_null(reconnector);
    assert_int_equal(tow_reconnector_new(&reconnector, loop, "ws://localhost:1", NULL, NULL), 0);
    tow_reconnector_free(reconnector);
    tow_reconnector_free(NULL);
    tow_loop_free(loop);
}

/* Older programs have shorter structs: what lies behind their end is not looked at. */
static void shorter_structs_are_taken(void **state) {
    static const host_act acts[] = {{.vanishes = true}};
    test_scene scene = {.simulation.whole = true, .options.max_attempts = 1};
    char url[64];
    scene_prepare(&scene, acts, 1);
    snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", scene.host.port);
    scene.socket_options.limits.max_message = -7;
    scene.options.on_give_up = NULL;
    assert_int_equal(tow_reconnector_new_sized(&scene.reconnector, scene.loop, url, &scene.socket_options,
                         offsetof(tow_websocket_options, limits), &scene.options,
                         offsetof(tow_reconnector_options, on_give_up)),
        0);
    scene_until(&scene, scene.closes == 2);
    assert_int_equal(scene.waits, 1);
    scene_close(&scene);
}

/* Ending it ourselves. */

static void close_socket(test_scene *scene, tow_websocket *socket) {
    assert_int_equal(tow_websocket_close(socket, 4000, "enough"), 0);
}

static void closing_the_socket_by_hand_is_the_end(void **state) {
    static const host_act closes[] = {{FRAMES(NORMAL), .milliseconds = 100}};
    static const host_act cuts[] = {{FRAMES(""), .milliseconds = 100}};
    static const host_act holds[] = {{0}};
    const host_act *const acts[] = {closes, cuts, holds};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_scene scene = {.simulation.seed = seed, .then_open = close_socket};
        scene_open(&scene, acts[seed % 3], 1);
        scene_until(&scene, scene.give_ups == 1);
        assert_int_equal(scene.end_error, 0);
        assert_int_equal(scene.closes, 1);
        assert_int_equal(scene.waits, 0);
        scene_close(&scene);
    }
}

static void closing_while_connecting_is_the_end(void **state) {
    static const host_act acts[] = {{.stalls = true}};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_scene scene = {.simulation.seed = seed, .socket_options.connect_seconds = TOW_OFF};
        scene_open(&scene, acts, 1);
        for (uint64_t i = 0; i < seed; i++)
            scene_step(&scene);
        if (seed % 2 == 0)
            assert_int_equal(tow_reconnector_close(scene.reconnector, 0, NULL), 0);
        else
            assert_int_equal(tow_websocket_close(tow_reconnector_socket(scene.reconnector), 0, NULL), 0);
        assert_int_equal(scene.give_ups, 0);
        scene_until(&scene, scene.give_ups == 1);
        assert_int_equal(scene.end_error, 0);
        assert_int_equal(scene.last_error, TOW_ERROR_CLOSED);
        scene_close(&scene);
    }
}

static void it_may_be_closed_while_it_waits(void **state) {
    static const host_act acts[] = {{.vanishes = true}};
    test_scene scene = {.simulation.whole = true, .options.first_milliseconds = 1000 * 1000};
    scene_open(&scene, acts, 1);
    scene_until(&scene, scene.waits == 1);
    assert_int_equal(tow_reconnector_close(scene.reconnector, 1001, NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_reconnector_close(scene.reconnector, 1000, NULL), 0);
    assert_int_equal(scene.give_ups, 0);
    int64_t since = tow_loop_now(scene.loop);
    scene_until(&scene, scene.give_ups == 1);
    assert_true(tow_loop_now(scene.loop) - since < 10 * TOW_MILLISECOND);
    assert_int_equal(scene.end_error, 0);
    assert_int_equal(tow_reconnector_close(scene.reconnector, 1000, NULL), 0);
    scene_run(&scene, TOW_SECOND);
    assert_int_equal(scene.host.accepts, 1);
    scene_close(&scene);
}

/* Each callback runs at least once in this script. */
static const host_act eventful[] = {{FRAMES("\x81\x02hi")}, {.vanishes = true}, {.answer = UNAVAILABLE}};

static void it_may_be_closed_in_each_callback(void **state) {
    for (test_place place = IN_OPEN; place < IN_GIVE_UP; place++) {
        for (uint64_t seed = 0; seed < 8; seed++) {
            test_scene scene = {.simulation.seed = seed, .close_in = place};
            scene_open(&scene, eventful, 3);
            scene_until(&scene, scene.give_ups == 1);
            assert_int_equal(scene.end_error, 0);
            assert_int_equal(scene.host.accepts, 1);
            assert_int_equal(scene.waits, place == IN_WAIT);
            scene_close(&scene);
        }
    }
}

static void it_may_be_freed_in_each_callback(void **state) {
    for (test_place place = IN_OPEN; place < PLACES; place++) {
        for (uint64_t seed = 0; seed < 8; seed++) {
            test_scene scene = {.simulation.seed = seed, .free_in = place, .options.max_attempts = 2};
            scene_open(&scene, eventful, 3);
            scene_until(&scene, scene.reconnector == NULL);
            size_t heard = scene.opens + scene.messages + scene.errors + scene.closes + scene.waits;
            scene_run(&scene, 100 * TOW_SECOND);
            assert_int_equal(scene.opens + scene.messages + scene.errors + scene.closes + scene.waits, heard);
            assert_int_equal(scene.give_ups, place == IN_GIVE_UP);
            scene_close(&scene);
        }
    }
}

static void it_may_be_freed_at_any_time_and_says_nothing_then(void **state) {
    for (uint64_t seed = 0; seed < 60; seed++) {
        test_scene scene = {.simulation.seed = seed, .options.first_milliseconds = 5};
        scene_open(&scene, eventful, 3);
        for (uint64_t i = 0; i < seed * 2; i++)
            scene_step(&scene);
        size_t heard = scene.opens + scene.messages + scene.errors + scene.closes + scene.waits;
        tow_reconnector_free(scene.reconnector);
        scene.reconnector = NULL;
        scene_run(&scene, TOW_SECOND);
        assert_int_equal(scene.opens + scene.messages + scene.errors + scene.closes + scene.waits, heard);
        scene_close(&scene);
    }
}

/* The server may go away at each byte of its answer: each time the next connection is a fresh one. */
static void the_server_may_vanish_at_each_byte(void **state) {
    enum { LENGTH = 129 };
    host_act acts[2] = {{0}, {FRAMES(NORMAL)}};
    for (size_t cut = 1; cut < LENGTH; cut++) {
        for (int reset = 0; reset < 2; reset++) {
            test_scene scene = {.simulation.seed = cut};
            acts[0].cut = cut;
            acts[0].resets = reset == 1;
            scene_open(&scene, acts, 2);
            scene_until(&scene, scene.give_ups == 1);
            assert_int_equal(scene.opens, 1);
            assert_int_equal(scene.errors, 1);
            assert_int_equal(scene.closes, 2);
            scene_close(&scene);
        }
    }
}

/* What later sockets are made of. */

static bool request_has(const host_connection *connection, const char *line) {
    return memmem(connection->request, connection->request_length, line, strlen(line)) != NULL;
}

static void options_are_copied_with_all_that_they_point_to(void **state) {
    static const host_act acts[] = {
        {.vanishes = false, .answer = UNAVAILABLE}, {.answer = UNAVAILABLE}, {.answer = UNAVAILABLE}};
    test_scene scene = {.simulation.whole = true, .options.max_attempts = 2};
    char protocol[] = "soap";
    char origin[] = "http://example.com";
    char name[] = "X-Name";
    char value[] = "some value";
    const char *protocols[] = {protocol, "xmpp", NULL};
    tow_header_field headers[] = {{name, value}, {"X-Other", ""}, {NULL, NULL}};
    scene.socket_options.protocols = protocols;
    scene.socket_options.origin = origin;
    scene.socket_options.headers = headers;
    scene_open(&scene, acts, 3);
    memset(protocol, 'p', 4);
    memset(origin, 'o', 7);
    memset(name, 'n', 6);
    memset(value, 'v', 10);
    memset(protocols, 0, sizeof(protocols));
    memset(headers, 0, sizeof(headers));
    scene.options.on_wait = NULL;
    scene_until(&scene, scene.give_ups == 1);
    assert_int_equal(scene.waits, 2);
    for (size_t i = 0; i < 3; i++) {
        const host_connection *connection = &scene.host.connections[i];
        assert_true(request_has(connection, "\r\nSec-WebSocket-Protocol: soap, xmpp\r\n"));
        assert_true(request_has(connection, "\r\nOrigin: http://example.com\r\n"));
        assert_true(request_has(connection, "\r\nX-Name: some value\r\nX-Other: \r\n"));
    }
    scene_close(&scene);
}

static void a_proxy_and_a_unix_path_are_copied_too(void **state) {
    static const host_act acts[] = {{.vanishes = true}};
    for (int which = 0; which < 2; which++) {
        test_scene scene = {.simulation.whole = true, .options.max_attempts = 2};
        char proxy[] = "http://127.0.0.1:1";
        char path[] = "/nowhere";
        scene_prepare(&scene, acts, 1);
        if (which == 0)
            scene.socket_options.proxy = proxy;
        else
            scene.socket_options.unix_path = path;
        assert_int_equal(scene_connect(&scene), 0);
        memset(proxy, 'x', sizeof(proxy));
        memset(path, 'x', sizeof(path));
        scene_until(&scene, scene.give_ups == 1);
        assert_int_equal(scene.errors, 3);
        assert_int_equal(scene.end_error, which == 0 ? TOW_ERROR_REFUSED : TOW_ERROR_NO_FILE);
        scene_close(&scene);
    }
}

static void each_handshake_is_traced(void **state) {
    static const host_act acts[] = {{FRAMES(GOING_AWAY)}, {FRAMES(NORMAL)}};
    test_scene scene = {.simulation.whole = true};
    scene_open(&scene, acts, 2);
    tow_client_trace_all(scene.reconnector, on_head);
    scene_until(&scene, scene.give_ups == 1);
    assert_int_equal(scene.heads, 4);
    scene_close(&scene);
}

/* The next socket, not made for want of descriptors, is tried again. */
static void an_attempt_that_finds_no_descriptor_is_followed_by_another(void **state) {
    static const host_act acts[] = {{0}};
    test_scene scene = {.simulation = {.whole = true, .descriptors = 1}, .options.max_attempts = 4};
    scene_open(&scene, acts, 1);
    scene_until(&scene, scene.give_ups == 1);
    assert_int_equal(scene.waits, 4);
    assert_int_equal(scene.end_error, TOW_ERROR_DESCRIPTORS);
    scene_close(&scene);
}

static void become_a_stream(test_scene *scene, tow_websocket *socket) {
    tow_byte_stream *stream = NULL;
    assert_int_equal(tow_byte_stream_from_websocket(&stream, socket, NULL), TOW_ERROR_STATE);
    assert_null(stream);
    (void)scene;
}

/* It would keep the end from the reconnector, and free the socket. */
static void its_socket_becomes_no_byte_stream(void **state) {
    static const host_act acts[] = {{FRAMES(GOING_AWAY)}, {FRAMES(NORMAL)}};
    test_scene scene = {.simulation.whole = true, .then_open = become_a_stream};
    scene_open(&scene, acts, 2);
    scene_until(&scene, scene.give_ups == 1);
    assert_int_equal(scene.opens, 2);
    assert_int_equal(scene.closes, 2);
    scene_close(&scene);
}

/* The wait keeps the loop alive, and the end lets it go. */
static void the_loop_runs_until_it_gives_up(void **state) {
    static const host_act acts[] = {{0}};
    test_scene scene = {.simulation.whole = true, .options.max_attempts = 2};
    scene_prepare(&scene, acts, 1);
    tow_listener_stop(&scene.host.listener);
    assert_int_equal(scene_connect(&scene), 0);
    assert_int_equal(tow_loop_run(scene.loop), 0);
    assert_int_equal(scene.give_ups, 1);
    tow_reconnector_free(scene.reconnector);
    tow_loop_free(scene.loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_loss_is_followed_by_a_new_socket),
        cmocka_unit_test(attempts_come_when_the_wait_is_over_and_the_wait_is_within_its_bound),
        cmocka_unit_test(the_same_seed_waits_the_same_and_another_does_not),
        cmocka_unit_test(nobody_listening_is_tried_again),
        cmocka_unit_test(a_stable_connection_lets_the_count_begin_anew),
        cmocka_unit_test(without_stable_seconds_being_open_is_enough),
        cmocka_unit_test(a_server_that_accepts_and_goes_away_is_given_up_too),
        cmocka_unit_test(a_clean_close_of_the_server_is_looked_at_as_the_options_say),
        cmocka_unit_test(a_refusal_that_would_come_again_is_the_end_at_once),
        cmocka_unit_test(a_certificate_that_is_not_valid_is_the_end_at_once),
        cmocka_unit_test(retry_after_is_waited_for),
        cmocka_unit_test(what_cannot_be_opened_is_an_error_of_the_call),
        cmocka_unit_test(shorter_structs_are_taken),
        cmocka_unit_test(closing_the_socket_by_hand_is_the_end),
        cmocka_unit_test(closing_while_connecting_is_the_end),
        cmocka_unit_test(it_may_be_closed_while_it_waits),
        cmocka_unit_test(it_may_be_closed_in_each_callback),
        cmocka_unit_test(it_may_be_freed_in_each_callback),
        cmocka_unit_test(it_may_be_freed_at_any_time_and_says_nothing_then),
        cmocka_unit_test(the_server_may_vanish_at_each_byte),
        cmocka_unit_test(options_are_copied_with_all_that_they_point_to),
        cmocka_unit_test(a_proxy_and_a_unix_path_are_copied_too),
        cmocka_unit_test(each_handshake_is_traced),
        cmocka_unit_test(an_attempt_that_finds_no_descriptor_is_followed_by_another),
        cmocka_unit_test(its_socket_becomes_no_byte_stream),
        cmocka_unit_test(the_loop_runs_until_it_gives_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
