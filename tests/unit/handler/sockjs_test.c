/* SockJS, as a client speaks it byte by byte, on a simulated network. */
#include "../server/world.h"

#include "carried_echo.h"
#include "handler/sockjs.h"
#include "server/entrance.h"
#include "sockjs/frames.h"
#include "sockjs/place.h"
#include "sockjs/session.h"
#include "websocket/websocket.h"

#include <stdlib.h>
#include <towline/error.h>

enum { SEEDS = 8 };

struct scene {
    struct world world;
    tow_sockjs *sockjs;
    struct peer peer, other;
};

static void begin(struct scene *scene, uint64_t seed) {
    tow_handler handler = {0};
    const tow_sockjs_settings settings = {.max_half_made = 3};
    carried_echo_begin(&handler);
    memset(scene, 0, sizeof(*scene));
    world_make(&scene->world, &(tow_simulation_options){.seed = seed},
        &(tow_server_options){.status = "127.0.0.1:9999", .drain_seconds = 3});
    assert_int_equal(tow_server_route(scene->world.server, "/echo", &handler), 0);
    assert_int_equal(tow_sockjs_new(&scene->sockjs, scene->world.server, &settings), 0);
    world_listen(&scene->world);
}

static void end(struct scene *scene) {
    if (scene->peer.used)
        peer_close(&scene->peer);
    if (scene->other.used)
        peer_close(&scene->other);
    world_end(&scene->world);
    tow_sockjs_free(scene->sockjs);
    assert_int_equal(heard.opens, heard.closes);
}

static void ask(
    struct scene *scene, struct peer *peer, const char *method, const char *target, const char *body) {
    char request[600];
    if (!peer->used)
        peer_connect(peer, &scene->world);
    snprintf(request, sizeof(request),
        "%s /echo%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s", method, target,
        strlen(body), body);
    peer->in.length = 0;
    peer_text(peer, request);
}

static void expect(struct peer *peer, const char *status, const char *body) {
    char line[32];
    snprintf(line, sizeof(line), "HTTP/1.1 %s ", status);
    peer_expect(peer, line);
    peer_expect(peer, "\r\n\r\n");
    if (body[0] != '\0')
        peer_expect(peer, body);
}

static void open_websocket(struct scene *scene) {
    peer_connect(&scene->peer, &scene->world);
    peer_text(&scene->peer, OPENING("/echo/sockjs/000/abc/websocket"));
    peer_expect_frame(&scene->peer, 1, "o", 1);
}

static void a_drain_does_not_wait_for_who_does_not_come(void **state) {
    struct scene scene;
    begin(&scene, 1);
    ask(&scene, &scene.peer, "POST", "/sockjs/000/abc/xhr", "");
    expect(&scene.peer, "200", "o\n");
    tow_server_stop(scene.world.server);
    world_run(&scene.world, 400);
    assert_int_equal(heard.closes, 1);
    end(&scene);
}

static int drains;

static void note_drain(tow_websocket *socket) {
    (void)socket;
    drains++;
}

/* More waits than the route's high mark, and less than any other. */
static void a_websocket_has_the_marks_of_its_route(void **state) {
    struct scene scene;
    char text[1000];
    tow_handler handler = {0};
    begin(&scene, 0);
    drains = 0;
    carried_echo_begin(&handler);
    handler.on_drain = note_drain;
    handler.limits = (tow_limits){.high_mark = 2000, .low_mark = 500};
    assert_int_equal(tow_server_route(scene.world.server, "/small", &handler), 0);
    peer_connect(&scene.peer, &scene.world);
    peer_text(&scene.peer, OPENING("/small/sockjs/000/abc/websocket"));
    peer_expect(&scene.peer, "\x81\x01o");
    tow_stream_pause(&scene.peer.stream);
    memset(text, 'x', sizeof(text));
    while (tow_websocket_buffered_amount(heard.socket) < 3000) {
        assert_true(tow_websocket_send(heard.socket, TOW_TEXT, text, sizeof(text)) >= 0);
        world_run(&scene.world, 10);
    }
    assert_int_equal(drains, 0);
    tow_stream_resume(&scene.peer.stream);
    world_run(&scene.world, 100);
    assert_int_equal(tow_websocket_buffered_amount(heard.socket), 0);
    assert_int_equal(drains, 1);
    end(&scene);
}

/* What was said at once is given to the WebSocket after that, and it may be above no mark of its own then. */
static void who_was_above_the_high_mark_hears_that_less_waits(void **state) {
    for (uint64_t seed = 0; seed < 10 * SEEDS; seed++) {
        struct scene scene;
        char text[1000];
        tow_handler handler = {0};
        begin(&scene, seed);
        drains = 0;
        carried_echo_begin(&handler);
        handler.on_drain = note_drain;
        handler.limits = (tow_limits){.high_mark = 2000, .low_mark = 500};
        assert_int_equal(tow_server_route(scene.world.server, "/small", &handler), 0);
        peer_connect(&scene.peer, &scene.world);
        peer_text(&scene.peer, OPENING("/small/sockjs/000/abc/websocket"));
        peer_expect(&scene.peer, "\x81\x01o");
        memset(text, 'x', sizeof(text));
        for (int i = 0; i < 3; i++)
            assert_true(tow_websocket_send(heard.socket, TOW_TEXT, text, sizeof(text)) >= 0);
        world_run(&scene.world, 1000);
        assert_int_equal(drains, 1);
        end(&scene);
    }
}

static void a_base_greets_and_informs(void **state) {
    struct scene scene;
    begin(&scene, 1);
    ask(&scene, &scene.peer, "GET", "/sockjs", "");
    expect(&scene.peer, "200", "Welcome to SockJS!\n");
    ask(&scene, &scene.peer, "GET", "/sockjs/info", "");
    expect(
        &scene.peer, "200", "{\"websocket\":true,\"origins\":[\"*:*\"],\"cookie_needed\":false,\"entropy\":");
    assert_true(peer_has(&scene.peer, "Cache-Control: no-store\r\n"));
    ask(&scene, &scene.peer, "GET", "/sockjs/000/abc/xhr", "");
    expect(&scene.peer, "405", "");
    ask(&scene, &scene.peer, "POST", "/sockjs/000/a.c/xhr", "");
    expect(&scene.peer, "404", "");
    end(&scene);
}

static void xhr_brings_a_frame_an_answer(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        begin(&scene, seed);
        ask(&scene, &scene.peer, "POST", "/sockjs/000/abc/xhr", "");
        expect(&scene.peer, "200", "o\n");
        assert_true(peer_has(&scene.peer, "Content-Type: application/javascript; charset=UTF-8\r\n"));
        ask(&scene, &scene.peer, "POST", "/sockjs/000/abc/xhr_send", "[\"a\",\"z\xc3\xbcrich \\u2028\"]");
        expect(&scene.peer, "204", "");
        ask(&scene, &scene.peer, "POST", "/sockjs/000/abc/xhr", "");
        expect(&scene.peer, "200", "a[\"a\",\"z\xc3\xbcrich \\u2028\"]\n");
        ask(&scene, &scene.peer, "POST", "/sockjs/000/abc/xhr", "");
        world_run(&scene.world, 50);
        assert_int_equal(scene.peer.in.length, 0);
        ask(&scene, &scene.other, "POST", "/sockjs/000/abc/xhr_send", "[\"late\"]");
        expect(&scene.other, "204", "");
        expect(&scene.peer, "200", "a[\"late\"]\n");
        end(&scene);
    }
}

static void a_stream_brings_frame_after_frame(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        begin(&scene, seed);
        ask(&scene, &scene.peer, "POST", "/sockjs/7/abc/xhr_streaming", "");
        expect(&scene.peer, "200", "hhhh\n");
        peer_expect(&scene.peer, "o\n");
        for (int i = 0; i < 3; i++) {
            ask(&scene, &scene.other, "POST", "/sockjs/7/abc/xhr_send", i == 1 ? "[]" : "[\"x\"]");
            expect(&scene.other, "204", "");
        }
        peer_expect(&scene.peer, "\"x\"]\n"); /* both alone, or together */
        assert_int_equal(tow_websocket_close(heard.socket, 4000, "enough"), 0);
        peer_expect(&scene.peer, "c[4000,\"enough\"]\n");
        peer_expect(&scene.peer, "0\r\n\r\n");
        world_run(&scene.world, 10);
        assert_int_equal(heard.closes, 1);
        end(&scene);
    }
}

/* As pusher-js asks for it. */
static void transports_stand_below_the_path_itself_too(void **state) {
    struct scene scene;
    begin(&scene, 1);
    heard.closes_at_once = true;
    ask(&scene, &scene.peer, "POST", "/59/0a1b2c3d/xhr?protocol=7&t=1&n=1", "");
    expect(&scene.peer, "200", "o\n");
    ask(&scene, &scene.peer, "POST", "/59/0a1b2c3d/xhr?protocol=7&t=2&n=2", "");
    expect(&scene.peer, "200", "c[4001,\"no such app\"]\n");
    end(&scene);
}

static void what_is_sent_wrongly_is_refused(void **state) {
    static const struct {
        const char *body, *status, *answer;
    } rows[] = {{"", "500", "Payload expected."}, {"x", "500", "Broken JSON encoding."},
        {"{}", "500", "Broken JSON encoding."}, {"[1]", "500", "Broken JSON encoding."},
        {"[\"a\"", "500", "Broken JSON encoding."}, {"\"a\"", "500", "Broken JSON encoding."}};
    struct scene scene;
    begin(&scene, 1);
    ask(&scene, &scene.peer, "POST", "/sockjs/000/abc/xhr_send", "[\"a\"]");
    expect(&scene.peer, "404", "");
    ask(&scene, &scene.peer, "POST", "/sockjs/000/abc/xhr", "");
    expect(&scene.peer, "200", "o\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ask(&scene, &scene.peer, "POST", "/sockjs/000/abc/xhr_send", rows[i].body);
        expect(&scene.peer, rows[i].status, rows[i].answer);
    }
    assert_int_equal(heard.closes, 0);
    end(&scene);
}

/* Who knows the name of a session has it. */
static void a_sessions_name_is_not_logged(void **state) {
    static const char *const whats[] = {"xhr", "xhr_send", "xhr_streaming"};
    for (size_t i = 0; i < 3; i++) {
        struct scene scene;
        char target[60];
        begin(&scene, i);
        snprintf(
            target, sizeof(target), i == 0 ? "/000/s3cret/%s?t=s3cret" : "/sockjs/000/s3cret/%s", whats[i]);
        ask(&scene, &scene.peer, "POST", target, i == 1 ? "[]" : "");
        peer_expect(&scene.peer, i == 1 ? "HTTP/1.1 404 " : "HTTP/1.1 200 ");
        ask(&scene, &scene.other, "PUT", target, "");
        expect(&scene.other, "405", "");
        assert_true(world_logged(&scene.world, "POST /echo "));
        assert_true(world_logged(&scene.world, "PUT /echo 405"));
        assert_false(world_logged(&scene.world, "s3cret"));
        end(&scene);
    }
}

static void refuse(tow_exchange *exchange, const tow_request *request) {
    (void)request;
    tow_exchange_reject(exchange, 401, "who are you?");
}

static void a_refusal_can_be_read_by_whom_its_origin_lets_in(void **state) {
    struct scene scene;
    tow_handler handler = {.any_origin = true, .on_admit = refuse};
    begin(&scene, 1);
    carried_echo_begin(&handler);
    assert_int_equal(tow_server_route(scene.world.server, "/shut", &handler), 0);
    peer_connect(&scene.peer, &scene.world);
    peer_text(&scene.peer,
        "POST /shut/sockjs/000/abc/xhr HTTP/1.1\r\nHost: localhost\r\nOrigin: http://example.com\r\n"
        "Content-Length: 0\r\n\r\n");
    peer_expect(&scene.peer, "HTTP/1.1 401 ");
    peer_expect(&scene.peer, "\r\n\r\n");
    assert_true(peer_has(&scene.peer, "Access-Control-Allow-Origin: http://example.com\r\n"));
    end(&scene);
}

static bool (*looks)(tow_entrance *entrance, const tow_request *request);

/* As if another worker ended the session in between. */
static bool look_and_end(tow_entrance *entrance, const tow_request *request) {
    bool begins = looks(entrance, request);
    if (!begins)
        tow_websocket_abort(heard.socket, TOW_CAUSE_APPLICATION_RESET, 0);
    return begins;
}

static void who_was_not_let_in_begins_no_session(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        begin(&scene, seed);
        tow_entrance *entrance = (tow_entrance *)(void *)scene.sockjs;
        looks = entrance->begins;
        entrance->begins = look_and_end;
        ask(&scene, &scene.peer, "POST", "/sockjs/000/abc/xhr", "");
        expect(&scene.peer, "200", "o\n");
        ask(&scene, &scene.peer, "POST", "/sockjs/000/abc/xhr", "");
        expect(&scene.peer, "404", "");
        assert_int_equal(heard.opens, 1);
        ask(&scene, &scene.peer, "POST", "/sockjs/000/abc/xhr", "");
        expect(&scene.peer, "200", "o\n");
        assert_int_equal(heard.opens, 2);
        end(&scene);
    }
}

static void a_second_receiver_is_refused_and_the_first_goes_on(void **state) {
    struct scene scene;
    begin(&scene, 1);
    ask(&scene, &scene.peer, "POST", "/sockjs/000/abc/xhr_streaming", "");
    peer_expect(&scene.peer, "o\n");
    ask(&scene, &scene.other, "POST", "/sockjs/000/abc/xhr", "");
    expect(&scene.other, "200", "c[2010,\"Another connection still open\"]\n");
    ask(&scene, &scene.other, "POST", "/sockjs/000/abc/xhr_send", "[\"x\"]");
    peer_expect(&scene.peer, "a[\"x\"]\n");
    end(&scene);
}

static void a_session_without_a_receiver_ends_after_five_seconds(void **state) {
    for (int cut = 0; cut < 2; cut++) {
        struct scene scene;
        begin(&scene, 1);
        ask(&scene, &scene.peer, "POST", cut ? "/sockjs/000/abc/xhr_streaming" : "/sockjs/000/abc/xhr", "");
        peer_expect(&scene.peer, "o\n");
        if (cut)
            peer_reset(&scene.peer);
        world_run(&scene.world, 4900);
        assert_int_equal(heard.closes, 0);
        world_run(&scene.world, 200);
        assert_int_equal(heard.closes, 1);
        assert_int_equal(heard.code, 1006);
        end(&scene);
    }
}

/* What it was given may still be on its way to who fetches it: by a request for one frame, or a stream. */
static void a_long_answer_has_more_time(void **state) {
    enum { LENGTH = 160000, SECONDS = 5 + LENGTH / 16000 };
    static char text[LENGTH];
    memset(text, 'x', LENGTH);
    for (int streams = 0; streams < 2; streams++) {
        const char *target = streams ? "/sockjs/000/abc/xhr_streaming" : "/sockjs/000/abc/xhr";
        struct scene scene;
        begin(&scene, 1);
        ask(&scene, &scene.peer, "POST", target, "");
        peer_expect(&scene.peer, "o\n");
        if (!streams)
            ask(&scene, &scene.peer, "POST", target, "");
        assert_true(tow_websocket_send(heard.socket, TOW_TEXT, text, LENGTH) >= 0);
        peer_expect(&scene.peer, "xxx\"]\n");
        world_run(&scene.world, SECONDS * 1000 - 1000);
        assert_int_equal(heard.closes, 0);
        world_run(&scene.world, 2000);
        assert_int_equal(heard.closes, 1);
        end(&scene);
    }
}

static void too_many_that_nobody_comes_back_to_end_the_oldest(void **state) {
    (void)state;
    struct scene scene;
    char target[40];
    begin(&scene, 1);
    ask(&scene, &scene.peer, "POST", "/sockjs/000/met/xhr", "");
    expect(&scene.peer, "200", "o\n");
    ask(&scene, &scene.peer, "POST", "/sockjs/000/met/xhr", "");
    for (int i = 0; i < 5; i++) {
        snprintf(target, sizeof(target), "/sockjs/000/s%d/xhr", i);
        ask(&scene, &scene.other, "POST", target, "");
        expect(&scene.other, "200", "o\n");
    }
    world_run(&scene.world, 10);
    assert_int_equal(heard.opens, 6);
    assert_int_equal(heard.closes, 2);
    assert_int_equal(world_metric(&scene.world, "sockjs_sessions"), 4);
    assert_int_equal(world_metric(&scene.world, "sockjs_half_made"), 3);
    assert_int_equal(world_metric(&scene.world, "sockjs_receivers"), 1);
    assert_int_equal(world_metric(&scene.world, "limit_reached_total{limit=\"sockjs-half-made\"}"), 2);
    ask(&scene, &scene.other, "POST", "/sockjs/000/s0/xhr_send", "[\"x\"]");
    expect(&scene.other, "404", "");
    ask(&scene, &scene.other, "POST", "/sockjs/000/s4/xhr_send", "[\"x\"]");
    expect(&scene.other, "204", "");
    assert_int_equal(world_metric(&scene.world, "sockjs_half_made"), 2);
    peer_close(&scene.peer);
    world_run(&scene.world, 10);
    assert_int_equal(world_metric(&scene.world, "sockjs_receivers"), 0);
    end(&scene);
}

static void a_heart_beats_for_who_receives(void **state) {
    struct scene scene;
    begin(&scene, 1);
    ask(&scene, &scene.peer, "POST", "/sockjs/000/abc/xhr_streaming", "");
    peer_expect(&scene.peer, "o\n");
    scene.peer.in.length = 0;
    world_run(&scene.world, 25100);
    peer_expect(&scene.peer, "h\n");
    world_run(&scene.world, 60000);
    assert_int_equal(heard.closes, 0);
    end(&scene);
}

static void frames_go_over_a_websocket(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        begin(&scene, seed);
        open_websocket(&scene);
        peer_frame(&scene.peer, 1, "[\"a\",\"b\"]", 9);
        peer_expect_frame(&scene.peer, 1, "a[\"a\",\"b\"]", 10);
        peer_frame(&scene.peer, 1, "\"c\"", 3);
        peer_expect_frame(&scene.peer, 1, "a[\"c\"]", 6);
        peer_frame(&scene.peer, 1, "", 0);
        assert_int_equal(tow_websocket_close(heard.socket, 4000, "enough"), 0);
        peer_expect_frame(&scene.peer, 1, "c[4000,\"enough\"]", 16);
        peer_frame(&scene.peer, 8, "\x03\xe8", 2);
        peer_expect_end(&scene.peer);
        end(&scene);
    }
}

/* Whichever of the two the drain comes to first. */
static void a_drain_gives_the_close_over_a_websocket(void **state) {
    struct scene scene;
    begin(&scene, 1);
    open_websocket(&scene);
    tow_server_stop(scene.world.server);
    peer_expect_frame(&scene.peer, 1, "c[1001,\"\"]", 10);
    peer_frame(&scene.peer, 8, "\x03\xe8", 2);
    peer_expect_end(&scene.peer);
    end(&scene);
}

/* Neither what it came in nor what it was decoded in stays as long as the session. */
static void a_large_string_leaves_nothing_behind(void **state) {
    for (size_t as_array = 0; as_array < 2; as_array++) {
        struct scene scene;
        static char text[100000];
        begin(&scene, as_array);
        open_websocket(&scene);
        memset(text, 'x', sizeof(text));
        text[as_array] = text[sizeof(text) - 1 - as_array] = '"';
        if (as_array == 1) {
            text[0] = '[';
            text[sizeof(text) - 1] = ']';
        }
        peer_long_frame(&scene.peer, 1, text, sizeof(text));
        peer_expect(&scene.peer, "xxx\"]");
        const tow_sockjs_session *session = heard.socket->carried;
        assert_int_equal(session->posted.capacity, 0);
        assert_in_range(session->room.capacity, 0, 65536);
        end(&scene);
    }
}

static void a_websocket_waits_until_the_last_message_is_told(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        begin(&scene, seed);
        open_websocket(&scene);
        heard.pauses = true;
        peer_frame(&scene.peer, 1, "[\"a\",\"b\"]", 9);
        peer_frame(&scene.peer, 1, "[\"c\",\"d\"]", 9);
        peer_frame(&scene.peer, 1, "\"e\"", 3);
        for (char c = 'a'; c <= 'e'; c++) {
            const char frame[] = {'a', '[', '"', c, '"', ']'};
            peer_expect_frame(&scene.peer, 1, frame, sizeof(frame));
            world_run(&scene.world, seed % 2 == 0 ? 0 : 10);
            assert_non_null(heard.socket);
            tow_websocket_resume(heard.socket);
        }
        end(&scene);
    }
}

static void many_strings_come_before_the_next_message(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        char many[2001] = "[";
        begin(&scene, seed);
        for (size_t i = 0; i < 500; i++)
            memcpy(many + 1 + 4 * i, "\"x\",", 4);
        many[sizeof(many) - 1] = ']';
        open_websocket(&scene);
        for (int i = 0; i < 3; i++)
            peer_long_frame(&scene.peer, 1, many, sizeof(many));
        peer_frame(&scene.peer, 1, "\"last\"", 6);
        peer_expect(&scene.peer, "\"last\"]");
        end(&scene);
    }
}

static void strings_that_cost_much_are_few_a_round(void **state) {
    static const char many[] = "[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\"]";
    struct scene scene;
    begin(&scene, 1);
    open_websocket(&scene);
    heard.work = 1000;
    peer_frame(&scene.peer, 1, many, sizeof(many) - 1);
    while (heard.messages < 8) {
        int before = heard.messages;
        assert_true(tow_loop_step(scene.world.loop) >= 0);
        assert_in_range(heard.messages - before, 0, 5);
    }
    end(&scene);
}

static void broken_json_ends_a_websocket(void **state) {
    struct scene scene;
    begin(&scene, 1);
    open_websocket(&scene);
    peer_frame(&scene.peer, 1, "[\"a", 3);
    peer_expect_frame(&scene.peer, 8, "", 0);
    world_run(&scene.world, 10);
    assert_int_equal(heard.closes, 1);
    end(&scene);
}

static void the_raw_websocket_is_the_routes_own(void **state) {
    struct scene scene;
    begin(&scene, 1);
    peer_connect(&scene.peer, &scene.world);
    peer_text(&scene.peer, OPENING("/echo/sockjs/websocket"));
    peer_expect(&scene.peer, OPENED);
    peer_frame(&scene.peer, 2, "\1\2", 2);
    peer_expect_frame(&scene.peer, 2, "\1\2", 2);
    end(&scene);
}

static void paths_are_told_apart(void **state) {
    static const struct {
        const char *path;
        tow_sockjs_what what;
        const char *base;
    } rows[] = {{"/a/sockjs", TOW_SOCKJS_GREETING, "/a"}, {"/a/sockjs/", TOW_SOCKJS_GREETING, "/a"},
        {"/sockjs/info", TOW_SOCKJS_INFO, "/"}, {"/a/sockjs/websocket", TOW_SOCKJS_RAW, "/a"},
        {"/a/sockjs/1/x/websocket", TOW_SOCKJS_WEBSOCKET, "/a"},
        {"/a/sockjs/1/x/xhr_send", TOW_SOCKJS_SEND, "/a"}, {"/a/1/x/xhr", TOW_SOCKJS_XHR, "/a"},
        {"/1/x/xhr_streaming", TOW_SOCKJS_STREAM, "/"}, {"/a/1/x/websocket", TOW_SOCKJS_NOTHING, NULL},
        {"/a/b/x/xhr", TOW_SOCKJS_NOTHING, NULL}, {"/a/1000/x/xhr", TOW_SOCKJS_NOTHING, NULL},
        {"/a/sockjs/1//xhr", TOW_SOCKJS_NOTHING, NULL}, {"/a/sockjsx", TOW_SOCKJS_NOTHING, NULL},
        {"/", TOW_SOCKJS_NOTHING, NULL}, {"", TOW_SOCKJS_NOTHING, NULL}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tow_sockjs_place place = tow_sockjs_place_of(tow_slice_from(rows[i].path));
        assert_int_equal(place.what, rows[i].what);
        if (rows[i].base != NULL)
            assert_true(tow_slice_equals(place.base, rows[i].base));
    }
}

static void delicate_characters_are_escaped(void **state) {
    tow_packets packets = {0};
    tow_buffer out = {0};
    bool is_close;
    static const char text[] = "a\xe2\x80\x8c\xe2\x80\x90\xe2\x81\xa0\xef\xbf\xb0\xe2\x82\xac\"";
    assert_int_equal(tow_packets_put(&packets, TOW_PACKET_TEXT, text, sizeof(text) - 1), 0);
    assert_int_equal(tow_sockjs_append(&out, &packets, 100, &is_close), 0);
    static const char expected[] = "a[\"a\\u200c\xe2\x80\x90\\u2060\\ufff0\xe2\x82\xac\\\"\"]";
    assert_int_equal(out.length, sizeof(expected) - 1);
    assert_memory_equal(out.data, expected, out.length);
    tow_buffer_clear(&out);
    tow_packets_clear(&packets);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_base_greets_and_informs),
        cmocka_unit_test(a_drain_does_not_wait_for_who_does_not_come),
        cmocka_unit_test(a_websocket_has_the_marks_of_its_route),
        cmocka_unit_test(who_was_above_the_high_mark_hears_that_less_waits),
        cmocka_unit_test(xhr_brings_a_frame_an_answer),
        cmocka_unit_test(a_stream_brings_frame_after_frame),
        cmocka_unit_test(transports_stand_below_the_path_itself_too),
        cmocka_unit_test(what_is_sent_wrongly_is_refused),
        cmocka_unit_test(a_sessions_name_is_not_logged),
        cmocka_unit_test(a_refusal_can_be_read_by_whom_its_origin_lets_in),
        cmocka_unit_test(who_was_not_let_in_begins_no_session),
        cmocka_unit_test(a_second_receiver_is_refused_and_the_first_goes_on),
        cmocka_unit_test(a_session_without_a_receiver_ends_after_five_seconds),
        cmocka_unit_test(a_long_answer_has_more_time),
        cmocka_unit_test(too_many_that_nobody_comes_back_to_end_the_oldest),
        cmocka_unit_test(a_heart_beats_for_who_receives),
        cmocka_unit_test(frames_go_over_a_websocket),
        cmocka_unit_test(a_drain_gives_the_close_over_a_websocket),
        cmocka_unit_test(a_large_string_leaves_nothing_behind),
        cmocka_unit_test(a_websocket_waits_until_the_last_message_is_told),
        cmocka_unit_test(many_strings_come_before_the_next_message),
        cmocka_unit_test(strings_that_cost_much_are_few_a_round),
        cmocka_unit_test(broken_json_ends_a_websocket),
        cmocka_unit_test(the_raw_websocket_is_the_routes_own),
        cmocka_unit_test(paths_are_told_apart),
        cmocka_unit_test(delicate_characters_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
