/* The tunnel's handler in the simulator: a peer whose bytes the test decides, a target that the test plays.
 */
#include "../server/world.h"

#include "handler/tunnel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/stream.h>
#include <unistd.h>

enum { SEEDS = 20 };

typedef struct test_target {
    tow_byte_listener *listener;
    tow_byte_stream *stream;
    tow_buffer heard;
    int accepted, ends, errors;
    bool echoes, ends_with_peer;
} test_target;

typedef struct tunnel_scene {
    struct world world; /* first */
    tow_tunnel_options options;
    tow_tunnel *tunnel;
    test_target target;
    char logged[4000];
} tunnel_scene;

/* The target. */

static void target_bytes(tow_byte_stream *stream, void *bytes, size_t length) {
    test_target *one = tow_byte_stream_user(stream);
    tow_buffer_append(&one->heard, bytes, length);
    if (one->echoes)
        tow_byte_stream_write(stream, &(tow_bytes){bytes, length}, 1); /* who has gone does not hear it */
}

static void target_ended(tow_byte_stream *stream) {
    test_target *one = tow_byte_stream_user(stream);
    one->ends++;
    if (one->ends_with_peer)
        tow_byte_stream_shutdown(stream);
}

static void target_failed(tow_byte_stream *stream, int error, const char *text) {
    ((test_target *)tow_byte_stream_user(stream))->errors++;
}

static void target_closed(tow_byte_stream *stream) {
    test_target *one = tow_byte_stream_user(stream);
    if (one->stream == stream)
        one->stream = NULL;
}

static void target_accepted(tow_byte_listener *listener, tow_byte_stream *stream) {
    test_target *one = tow_byte_stream_user(stream);
    one->accepted++;
    if (one->stream != NULL)
        tow_byte_stream_reset(one->stream);
    one->stream = stream;
}

static void target_listen(tunnel_scene *scene) {
    tow_byte_stream_options options = {.user = &scene->target,
        .on_bytes = target_bytes,
        .on_end = target_ended,
        .on_error = target_failed,
        .on_closed = target_closed};
    assert_int_equal(tow_byte_listener_new(&scene->target.listener, scene->world.loop, "127.0.0.1:7000",
                         target_accepted, &options),
        0);
}

/* The scene. */

static void on_log(void *user, int level, const char *line) {
    char *logged = user;
    size_t used = strlen(logged);
    snprintf(logged + used, 4000 - used, "%d %s\n", level, line);
}

static void begin(tunnel_scene *scene, const tow_simulation_options *simulation, bool with_target) {
    char why[TOW_HANDLER_TEXT_MAX];
    world_make(&scene->world, simulation, &(tow_server_options){0});
    if (scene->options.map == NULL && scene->options.target == NULL)
        scene->options.target = "tcp:127.0.0.1:7000";
    scene->options.on_log = on_log;
    scene->options.log_user = scene->logged;
    assert_int_equal(tow_tunnel_new(&scene->tunnel, &scene->options, why), 0);
    tow_handler handler = tow_tunnel_handler(scene->tunnel);
    assert_int_equal(tow_server_route(scene->world.server, "/*", &handler), 0);
    if (with_target)
        target_listen(scene);
    world_listen(&scene->world);
}

static void finish(tunnel_scene *scene) {
    if (scene->target.stream != NULL)
        tow_byte_stream_reset(scene->target.stream);
    tow_byte_listener_free(scene->target.listener);
    world_run(&scene->world, 10);
    world_end(&scene->world);
    tow_tunnel_free(scene->tunnel);
    tow_buffer_clear(&scene->target.heard);
}

static void open_peer(tunnel_scene *scene, struct peer *peer, const char *request) {
    peer_connect(peer, &scene->world);
    peer_text(peer, request);
    peer_expect(peer, OPENED);
}

static bool heard(const tunnel_scene *scene, const char *text) {
    return scene->target.heard.length == strlen(text) &&
           memcmp(scene->target.heard.data, text, strlen(text)) == 0;
}

#define RUN_UNTIL(scene, condition)                                                                          \
    for (int i = 0; !(condition); i++) {                                                                     \
        if (i >= 5000)                                                                                       \
            fail_msg("never happened: %s", #condition);                                                      \
        world_run(&(scene)->world, 1);                                                                       \
    }

/* Bytes and ends. */

static void bytes_go_to_the_target_and_back(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        tunnel_scene scene = {.target = {.echoes = true, .ends_with_peer = true}};
        struct peer peer;
        begin(&scene, &(tow_simulation_options){.seed = seed}, true);
        open_peer(&scene, &peer, OPENING_WITH("/x", "Sec-WebSocket-Protocol: binary\r\n"));
        peer_expect(&peer, "Sec-WebSocket-Protocol: binary\r\n");
        peer_frame(&peer, 2, "hello", 5);
        RUN_UNTIL(&scene, heard(&scene, "hello"));
        peer_frame(&peer, 8, "\x03\xe8", 2);
        peer_expect_frame(&peer, 8, "\x03\xe8", 2);
        RUN_UNTIL(&scene, scene.target.ends == 1);
        peer_expect_end(&peer);
        peer_close(&peer);
        world_run(&scene.world, 100);
        assert_int_equal(scene.target.errors, 0);
        assert_non_null(strstr(scene.logged, " s, 5 bytes to it, "));
        finish(&scene);
    }
}

static void the_end_of_the_target_is_a_close_with_1000(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        tunnel_scene scene = {0};
        struct peer peer;
        begin(&scene, &(tow_simulation_options){.seed = seed}, true);
        open_peer(&scene, &peer, OPENING("/"));
        RUN_UNTIL(&scene, scene.target.stream != NULL);
        tow_byte_stream_write(scene.target.stream, &(tow_bytes){"bye", 3}, 1);
        tow_byte_stream_shutdown(scene.target.stream);
        peer_expect_frame(&peer, 8, "\x03\xe8", 2);
        peer_frame(&peer, 2, "more", 4); /* the peer has not ended yet */
        RUN_UNTIL(&scene, heard(&scene, "more"));
        peer_frame(&peer, 8, "\x03\xe8", 2);
        RUN_UNTIL(&scene, scene.target.ends == 1);
        peer_expect_end(&peer);
        peer_close(&peer);
        assert_int_equal(scene.target.errors, 0);
        finish(&scene);
    }
}

static void what_comes_before_the_target_is_reached_waits(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        tunnel_scene scene = {0};
        struct peer peer;
        begin(&scene, &(tow_simulation_options){.seed = seed}, true);
        peer_connect(&peer, &scene.world);
        peer_text(&peer, OPENING("/"));
        peer_frame(&peer, 2, "early", 5);
        peer_frame(&peer, 8, "\x03\xe8", 2);
        RUN_UNTIL(&scene, heard(&scene, "early") && scene.target.ends == 1);
        peer_close(&peer);
        finish(&scene);
    }
}

/* Failures. */

static void a_target_that_cannot_be_reached_closes_with_1014_and_why(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        tunnel_scene scene = {0};
        struct peer peer;
        begin(&scene, &(tow_simulation_options){.seed = seed}, false);
        open_peer(&scene, &peer, OPENING("/"));
        static const char payload[] =
            "\x03\xf6the target can't be reached: 127.0.0.1 port 7000: connection refused";
        peer_expect_frame(&peer, 8, payload, sizeof(payload) - 1);
        peer_close(&peer);
        world_run(&scene.world, 6000);
        assert_non_null(strstr(scene.logged, "tcp:127.0.0.1:7000: 127.0.0.1 port 7000: connection refused"));
        finish(&scene);
    }
}

static void a_target_that_breaks_off_closes_with_1011(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        tunnel_scene scene = {0};
        struct peer peer;
        begin(&scene, &(tow_simulation_options){.seed = seed}, true);
        open_peer(&scene, &peer, OPENING("/"));
        peer_frame(&peer, 2, "x", 1);
        RUN_UNTIL(&scene, heard(&scene, "x"));
        tow_byte_stream_reset(scene.target.stream);
        static const char payload[] = "\x03\xf3the connection was reset by the peer";
        peer_expect_frame(&peer, 8, payload, sizeof(payload) - 1);
        peer_close(&peer);
        world_run(&scene.world, 6000);
        finish(&scene);
    }
}

/* After so many rounds the client goes, in one way or another: the target is always let go. */
static void a_client_that_vanishes_at_any_moment_frees_the_target(void **state) {
    for (int rounds = 0; rounds < 40; rounds++) {
        for (int how = 0; how < 3; how++) {
            tunnel_scene scene = {.target = {.echoes = true, .ends_with_peer = true}};
            struct peer peer;
            begin(&scene, &(tow_simulation_options){.seed = (uint64_t)rounds}, true);
            peer_connect(&peer, &scene.world);
            peer_text(&peer, OPENING("/"));
            peer_frame(&peer, 2, "abc", 3);
            for (int i = 0; i < rounds; i++)
                tow_loop_step(scene.world.loop);
            if (how == 0)
                peer_reset(&peer);
            else if (how == 1)
                peer_close(&peer);
            else
                peer_shutdown(&peer);
            world_run(&scene.world, 2000);
            if (how == 2)
                peer_close(&peer);
            world_run(&scene.world, 12000);
            if (scene.target.stream != NULL)
                assert_true(scene.target.ends + scene.target.errors > 0);
            finish(&scene);
        }
    }
}

static void a_client_that_sends_what_is_not_websocket_resets_the_target(void **state) {
    tunnel_scene scene = {0};
    struct peer peer;
    begin(&scene, &(tow_simulation_options){.whole = true}, true);
    open_peer(&scene, &peer, OPENING("/"));
    RUN_UNTIL(&scene, scene.target.stream != NULL);
    peer_text(&peer, "\x82\x01x"); /* not masked */
    RUN_UNTIL(&scene, scene.target.errors == 1);
    peer_close(&peer);
    finish(&scene);
}

/* Admission. */

static void subprotocols_that_are_not_known_are_refused(void **state) {
    static const struct {
        const char *offer;
        const char *answer;
    } cases[] = {{"base64", "HTTP/1.1 400 "}, {"base64, binary", "Sec-WebSocket-Protocol: binary\r\n"},
        {"binary,base64", "Sec-WebSocket-Protocol: binary\r\n"}, {"binaryx", "HTTP/1.1 400 "}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tunnel_scene scene = {0};
        struct peer peer;
        char request[400];
        begin(&scene, &(tow_simulation_options){.whole = true}, true);
        snprintf(
            request, sizeof(request), OPENING_WITH("/", "Sec-WebSocket-Protocol: %s\r\n"), cases[i].offer);
        peer_connect(&peer, &scene.world);
        peer_text(&peer, request);
        peer_expect(&peer, "\r\n\r\n");
        assert_true(peer_has(&peer, cases[i].answer));
        peer_close(&peer);
        finish(&scene);
    }
}

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
}

static void assert_answer(tunnel_scene *scene, const char *request, const char *answer) {
    struct peer peer;
    peer_connect(&peer, &scene->world);
    peer_text(&peer, request);
    peer_expect(&peer, answer);
    peer_close(&peer);
    world_run(&scene->world, 10);
}

static void a_map_leads_by_token_or_path_and_is_read_again(void **state) {
    char path[] = "/tmp/towline-map-XXXXXX";
    close(mkstemp(path));
    write_file(path, "desk%1: tcp:127.0.0.1:7000\n/a/b: tcp:127.0.0.1:7000\n");
    tunnel_scene scene = {.options.map = path};
    begin(&scene, &(tow_simulation_options){.whole = true}, true);
    assert_answer(&scene, OPENING("/?token=desk%251"), OPENED);
    assert_answer(&scene, OPENING("/any?x=y&token=desk%251&z"), OPENED);
    assert_answer(&scene, OPENING("/a/b"), OPENED);
    assert_answer(&scene, OPENING("/"), "HTTP/1.1 404 ");
    assert_answer(&scene, OPENING("/?token="), "HTTP/1.1 404 ");
    assert_answer(&scene, OPENING("/?token=desk%2"), "HTTP/1.1 404 ");
    assert_answer(&scene, OPENING("/?token=/a/b"), "HTTP/1.1 404 ");
    assert_answer(&scene, OPENING("/?Token=desk%251"), "HTTP/1.1 404 ");
    write_file(path, "new: tcp:127.0.0.1:7000\n");
    tow_tunnel_look_at_map(scene.tunnel);
    assert_answer(&scene, OPENING("/?token=desk%251"), "HTTP/1.1 404 ");
    assert_answer(&scene, OPENING("/?token=new"), OPENED);
    write_file(path, "new: tcp:127.0.0.1:7000\nbroken\n");
    tow_tunnel_look_at_map(scene.tunnel);
    assert_non_null(strstr(scene.logged, "line 2: a line is KEY: TARGET"));
    assert_non_null(strstr(scene.logged, "the map stays as it was"));
    assert_answer(&scene, OPENING("/?token=new"), OPENED);
    size_t lines = strlen(scene.logged);
    tow_tunnel_look_at_map(scene.tunnel);
    world_run(&scene.world, 100);
    assert_null(strstr(scene.logged + lines, "the map stays"));
    unlink(path);
    tow_tunnel_reload_map(scene.tunnel);
    assert_non_null(strstr(scene.logged, "No such file or directory; the map stays as it was"));
    finish(&scene);
}

static void the_target_hears_of_the_client_first(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        tunnel_scene scene = {.options.send_proxy = 1};
        struct peer peer;
        begin(&scene, &(tow_simulation_options){.seed = seed}, true);
        peer_connect(&peer, &scene.world);
        peer_text(&peer, OPENING("/"));
        peer_frame(&peer, 2, "body", 4);
        RUN_UNTIL(
            &scene, scene.target.heard.length > 10 &&
                        memcmp(scene.target.heard.data + scene.target.heard.length - 4, "body", 4) == 0);
        assert_memory_equal(scene.target.heard.data, "PROXY TCP4 127.0.0.1 127.0.0.1 ", 31);
        tow_buffer_append(&scene.target.heard, "", 1);
        assert_non_null(strstr((const char *)scene.target.heard.data, " 7000\r\nbody"));
        peer_close(&peer);
        finish(&scene);
    }
}

static void text_goes_in_text_messages(void **state) {
    tunnel_scene scene = {.options.text = true, .target.echoes = true};
    struct peer peer;
    begin(&scene, &(tow_simulation_options){.whole = true}, true);
    open_peer(&scene, &peer, OPENING("/"));
    peer_frame(&peer, 1, "gr\xc3\xbc\xc3\x9f", 6);
    peer_expect_frame(&peer, 1, "gr\xc3\xbc\xc3\x9f", 6);
    tow_byte_stream_write(scene.target.stream, &(tow_bytes){"\xff", 1}, 1);
    peer_expect(&peer, "\x03\xefwhat was to be sent is not UTF-8");
    peer_close(&peer);
    finish(&scene);
}

static void what_is_no_target_or_map_is_refused(void **state) {
    char why[TOW_HANDLER_TEXT_MAX];
    tow_tunnel *tunnel = NULL;
    assert_int_equal(tow_tunnel_new(&tunnel, &(tow_tunnel_options){.target = "x"}, why), TOW_ERROR_ARGUMENT);
    assert_string_equal(why, "'x': a target is tcp:HOST:PORT, unix:PATH or exec:COMMAND");
    assert_int_equal(
        tow_tunnel_new(&tunnel, &(tow_tunnel_options){.map = "/no/such/file"}, why), TOW_ERROR_SYSTEM);
    assert_string_equal(why, "/no/such/file: No such file or directory");
    assert_null(tunnel);
    tow_tunnel_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_to_the_target_and_back),
        cmocka_unit_test(the_end_of_the_target_is_a_close_with_1000),
        cmocka_unit_test(what_comes_before_the_target_is_reached_waits),
        cmocka_unit_test(a_target_that_cannot_be_reached_closes_with_1014_and_why),
        cmocka_unit_test(a_target_that_breaks_off_closes_with_1011),
        cmocka_unit_test(a_client_that_vanishes_at_any_moment_frees_the_target),
        cmocka_unit_test(a_client_that_sends_what_is_not_websocket_resets_the_target),
        cmocka_unit_test(subprotocols_that_are_not_known_are_refused),
        cmocka_unit_test(a_map_leads_by_token_or_path_and_is_read_again),
        cmocka_unit_test(the_target_hears_of_the_client_first),
        cmocka_unit_test(text_goes_in_text_messages),
        cmocka_unit_test(what_is_no_target_or_map_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
