/* Requests through proxies, of which the test decides every byte: to http: as they are, to https: and by
 * SOCKS through a tunnel. */
#include "proxy_stage.h"

#include "../allocation.h"
#include "client/http_client.h"

enum { SEEDS = 16 };

static proxy_identities ends;

static int make_identities(void **state) {
    (void)state;
    proxy_identities_make(&ends);
    return 0;
}

static int free_identities(void **state) {
    (void)state;
    proxy_identities_clear(&ends);
    return 0;
}

static const test_turn *script; /* ends with a NULL */
static SSL_CTX *behind_tunnel;

static bool peer_hears(test_stage *stage) {
    while (stage_turn(stage, &script))
        if (script->heard != NULL && script[1].heard == NULL && behind_tunnel != NULL)
            stage_secure(stage, behind_tunnel);
    return true;
}

static struct result {
    int dones, error, status;
    char text[600];
    char body[16];
} result;

static void on_done(tow_http_call *call, const tow_http_result *done) {
    (void)call;
    result.dones++;
    result.error = done->error;
    result.status = done->head != NULL ? done->head->status : 0;
    snprintf(result.text, sizeof(result.text), "%s", done->text);
    snprintf(result.body, sizeof(result.body), "%.*s", (int)done->body_length, (const char *)done->body);
}

/* A loop, a proxy on it, and a client that knows the proxy as SCHEME127.0.0.1. */
typedef struct scene {
    test_stage stage;
    tow_proxy proxy;
    tow_tls_context *tls;
    tow_http_client *client;
    tow_http_call *call;
} test_scene;

static void begin(test_scene *scene, uint64_t seed, const char *scheme, const test_turn *turns, bool secure) {
    char url[64], why[TOW_TLS_TEXT_MAX];
    script = turns;
    behind_tunnel = secure ? ends.far_secret : NULL;
    memset(scene, 0, sizeof(*scene));
    scene->stage = (test_stage){.simulation.seed = seed,
        .then_bytes = peer_hears,
        .secret = strncmp(scheme, "https", 5) == 0 ? ends.proxy_secret : NULL};
    stage_open(&scene->stage);
    snprintf(url, sizeof(url), "%s127.0.0.1:%d", scheme, scene->stage.port);
    assert_int_equal(tow_proxy_read(&scene->proxy, url, NULL), 0);
    const tow_tls_settings settings = {.roots = ends.authority.pem, .verify = TOW_TLS_VERIFY_DEFAULT};
    assert_int_equal(tow_tls_client_context(scene->stage.loop, &settings, &scene->tls, why), 0);
    const tow_http_client_options options = {.proxy = &scene->proxy,
        .tls = scene->tls,
        .proxy_tls = scene->stage.secret != NULL ? scene->tls : NULL};
    assert_int_equal(tow_http_client_new(&scene->client, scene->stage.loop, &options), 0);
}

static void ask(test_scene *scene, const char *url) {
    const tow_http_call_options options = {.url = url, .on_done = on_done};
    memset(&result, 0, sizeof(result));
    assert_int_equal(tow_http_call_start(&scene->call, scene->client, &options), 0);
    stage_until(&scene->stage, result.dones == 1);
    tow_http_call_free(scene->call);
    scene->call = NULL;
}

static void end(test_scene *scene) {
    tow_http_call_free(scene->call);
    tow_http_client_free(scene->client);
    tow_proxy_clear(&scene->proxy);
    stage_close(&scene->stage);
}

#define REQUEST(line) line "Host: far.example\r\nUser-Agent: towline/0.1.0\r\n"
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define CONNECT "CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n"
#define OPEN "HTTP/1.1 200 OK\r\n\r\n"

static const test_turn forwarded[] = {
    TURN(REQUEST("GET http://far.example/a?b HTTP/1.1\r\n") "\r\n", ANSWER), {0}};
static const test_turn tunnelled[] = {
    TURN(CONNECT "\r\n", OPEN), TURN(REQUEST("GET /a?b HTTP/1.1\r\n") "\r\n", ANSWER), {0}};
static const test_turn by_socks[] = {TURN("\5\1\0", "\5\0"),
    TURN("\5\1\0\3\13far.example\0\x50", "\5\0\0\1\0\0\0\0\0\0"),
    TURN(REQUEST("GET /a?b HTTP/1.1\r\n") "\r\n", ANSWER), {0}};
static const test_turn by_socks_secure[] = {TURN("\5\1\0", "\5\0"),
    TURN("\5\1\0\3\13far.example\1\xbb", "\5\0\0\1\0\0\0\0\0\0"),
    TURN(REQUEST("GET /a?b HTTP/1.1\r\n") "\r\n", ANSWER), {0}};

static const struct {
    const char *scheme;
    const char *url;
    const test_turn *turns;
    size_t layers;
} ways[] = {
    {"http://", "http://far.example/a?b", forwarded, 0},
    {"https://", "http://far.example/a?b", forwarded, 1},
    {"http://", "https://far.example/a?b", tunnelled, 1},
    {"https://", "https://far.example/a?b", tunnelled, 2},
    {"socks5h://", "http://far.example/a?b", by_socks, 0},
    {"socks5h://", "https://far.example/a?b", by_socks_secure, 1},
};

static void each_kind_of_proxy_gets_the_request_through(void **state) {
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            test_scene scene;
            begin(&scene, seed, ways[i].scheme, ways[i].turns, strncmp(ways[i].url, "https", 5) == 0);
            ask(&scene, ways[i].url);
            assert_string_equal(result.text, "");
            assert_int_equal(result.status, 200);
            assert_string_equal(result.body, "ok");
            assert_int_equal(scene.stage.layer_count, ways[i].layers);
            end(&scene);
        }
    }
}

static void a_forwarded_request_has_the_proxys_password(void **state) {
    static const test_turn turns[] = {
        TURN(
            REQUEST("GET http://far.example/ HTTP/1.1\r\n") "Proxy-Authorization: Basic bWU6cGFzcw==\r\n\r\n",
            ANSWER),
        {0}};
    test_scene scene;
    begin(&scene, 1, "http://me:pass@", turns, false);
    ask(&scene, "http://far.example");
    assert_int_equal(result.status, 200);
    end(&scene);
}

static void the_proxys_password_does_not_go_through_a_tunnel(void **state) {
    static const test_turn turns[] = {TURN(CONNECT "Proxy-Authorization: Basic bWU6cGFzcw==\r\n\r\n", OPEN),
        TURN(REQUEST("GET / HTTP/1.1\r\n") "\r\n", ANSWER), {0}};
    test_scene scene;
    begin(&scene, 1, "http://me:pass@", turns, true);
    ask(&scene, "https://far.example");
    assert_int_equal(result.status, 200);
    end(&scene);
}

static void a_connection_through_a_proxy_is_used_again(void **state) {
    static const test_turn turns[] = {TURN(REQUEST("GET http://far.example/1 HTTP/1.1\r\n") "\r\n", ANSWER),
        TURN(REQUEST("GET http://far.example/2 HTTP/1.1\r\n") "\r\n", ANSWER), {0}};
    test_scene scene;
    begin(&scene, 1, "http://", turns, false);
    ask(&scene, "http://far.example/1");
    ask(&scene, "http://far.example/2");
    assert_int_equal(result.status, 200);
    assert_int_equal(scene.stage.accepts, 1);
    end(&scene);
}

static void a_refused_tunnel_is_an_error_of_the_proxy(void **state) {
    static const test_turn turns[] = {TURN(CONNECT "\r\n", "HTTP/1.1 403 Forbidden\r\n\r\n"), {0}};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_scene scene;
        char text[128];
        begin(&scene, seed, "http://", turns, false);
        ask(&scene, "https://far.example");
        assert_int_equal(result.error, TOW_ERROR_PROXY);
        snprintf(text, sizeof(text), "the proxy 127.0.0.1 port %d answered 403 Forbidden", scene.stage.port);
        assert_string_equal(result.text, text);
        end(&scene);
    }
}

static void a_silent_proxy_is_given_up(void **state) {
    static const test_turn turns[] = {{0}};
    test_scene scene;
    begin(&scene, 1, "socks5://", turns, false);
    ask(&scene, "http://far.example");
    assert_int_equal(result.error, TOW_ERROR_TIMED_OUT);
    assert_string_equal(result.text, "far.example port 80: the proxy did not reach it within 10 seconds");
    end(&scene);
}

static void a_proxy_and_a_unix_socket_contradict_each_other(void **state) {
    static const test_turn turns[] = {{0}};
    test_scene scene;
    begin(&scene, 1, "http://", turns, false);
    const tow_http_call_options options = {
        .url = "http://far.example", .unix_path = "/tmp/nowhere", .on_done = on_done};
    assert_int_equal(tow_http_call_start(&scene.call, scene.client, &options), TOW_ERROR_ARGUMENT);
    end(&scene);
}

/* Failing memory: the allocation that is to fail, counted where the stage does nothing itself. */

static size_t to_fail;

static void set_apart(bool begins) {
    if (begins) {
        size_t count = allocation_count();
        to_fail = to_fail > count ? to_fail - count : 0;
        allocation_fail_at(0);
    } else {
        allocation_fail_at(to_fail);
    }
}

/* Whether the allocation of that number took place. */
static bool run(size_t way, size_t failing) {
    test_scene scene;
    long before = allocation_outstanding();
    begin(&scene, 1, ways[way].scheme, ways[way].turns, strncmp(ways[way].url, "https", 5) == 0);
    const tow_http_call_options options = {.url = ways[way].url, .on_done = on_done};
    memset(&result, 0, sizeof(result));
    scene.stage.apart = set_apart;
    to_fail = failing;
    set_apart(false);
    int error = tow_http_call_start(&scene.call, scene.client, &options);
    for (int i = 0; error == 0 && result.dones == 0 && i < 2000 && !scene.stage.server_closed; i++)
        (void)tow_loop_step(scene.stage.loop);
    set_apart(true);
    bool failed = failing != 0 && to_fail == 0;
    if (!failed)
        assert_int_equal(result.status, 200);
    else if (error == 0 && result.dones == 1 && result.error == 0)
        assert_int_equal(result.status, 200); /* it went well without */
    scene.stage.apart = NULL;
    end(&scene);
    assert_int_equal(allocation_outstanding(), before);
    return failed;
}

static void each_allocation_on_the_way_may_fail(void **state) {
    for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
        assert_false(run(way, 0));
        size_t failing = 1;
        while (run(way, failing))
            failing++;
        assert_true(failing > 5);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_proxy_gets_the_request_through),
        cmocka_unit_test(a_forwarded_request_has_the_proxys_password),
        cmocka_unit_test(the_proxys_password_does_not_go_through_a_tunnel),
        cmocka_unit_test(a_connection_through_a_proxy_is_used_again),
        cmocka_unit_test(a_refused_tunnel_is_an_error_of_the_proxy),
        cmocka_unit_test(a_silent_proxy_is_given_up),
        cmocka_unit_test(a_proxy_and_a_unix_socket_contradict_each_other),
        cmocka_unit_test(each_allocation_on_the_way_may_fail),
    };
    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
