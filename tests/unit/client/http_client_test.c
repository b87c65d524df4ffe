/* The HTTP client in the simulator: what is sent, what is delivered, which connection is used, what is sent
 * twice, what limits do. */
#include "http_world.h"

#include <towline/error.h>
#include <towline/version.h>

enum { SEEDS = 20 };

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Note: so\r\n\r\nhello"

static const world_act answering[] = {{.response = OK}};
static const world_act silent[] = {{0}};

static void assert_body(const world_call *call, const char *text) {
    assert_int_equal(call->body.length, strlen(text));
    assert_memory_equal(call->body.data, text, strlen(text));
}

static void assert_whole(world_call *call) {
    if (world_wait(call) != 0)
        fail_msg("%s", call->text);
    assert_int_equal(call->status, 200);
    assert_body(call, "hello");
}

/* What is sent. */

static const char *request_of(test_world *world, const tow_http_call_options *options) {
    static size_t index;
    index = (index + 1) % WORLD_CALLS;
    assert_int_equal(world_wait(world_ask(world, index, "/a?b=c d", options)), 0);
    assert_int_equal(tow_buffer_append(&world->last, "", 1), 0);
    return (const char *)world->last.data;
}

static void a_request_says_what_it_must_and_what_was_asked_for(void **state) {
    (void)state;
    test_world world = {.acts = answering, .act_count = 1};
    static const tow_header_field headers[] = {{"Host", "example.test"}, {"X-A", "1"}, {"X-A", "2"},
        {"User-Agent", "me"}, {"Authorization", "Bearer x"}, {NULL, NULL}};
    char expected[512], url[128];
    world_open(&world);
    snprintf(expected, sizeof(expected),
        "GET /a?b=c%%20d HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: towline/%s\r\n\r\n", world.port,
        tow_version());
    assert_string_equal(request_of(&world, &(tow_http_call_options){0}), expected);
    snprintf(expected, sizeof(expected),
        "POST /a?b=c%%20d HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: towline/%s\r\nContent-Length: "
        "3\r\n\r\nxyz",
        world.port, tow_version());
    assert_string_equal(
        request_of(&world, &(tow_http_call_options){.body = "xyz", .body_length = 3}), expected);
    snprintf(url, sizeof(url), "http://user:pass@127.0.0.1:%u", world.port);
    snprintf(expected, sizeof(expected),
        "PUT / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: towline/%s\r\nAuthorization: Basic "
        "dXNlcjpwYXNz\r\nContent-Length: 0\r\n\r\n",
        world.port, tow_version());
    assert_string_equal(request_of(&world, &(tow_http_call_options){.method = "PUT", .url = url}), expected);
    assert_string_equal(request_of(&world, &(tow_http_call_options){.url = url, .headers = headers}),
        "GET / HTTP/1.1\r\nHost: example.test\r\nX-A: 1\r\nX-A: 2\r\nUser-Agent: me\r\nAuthorization: Bearer "
        "x\r\n\r\n");
    world_close(&world);
}

static int error_of(test_world *world, tow_http_call_options options) {
    world_call *call = world_ask(world, 0, "/", &options);
    assert_true(call->error == 0 || call->call == NULL);
    tow_http_call_free(call->call);
    call->call = NULL;
    return call->error;
}

static int error_of_header(test_world *world, const char *name, const char *value) {
    const tow_header_field headers[] = {{name, value}, {NULL, NULL}};
    return error_of(world, (tow_http_call_options){.headers = headers});
}

static void what_can_not_be_asked_is_refused_at_once(void **state) {
    (void)state;
    test_world world = {.acts = answering, .act_count = 1};
    static const char *const ours[] = {"Content-Length", "transfer-encoding", "Connection", "Upgrade",
        "Expect", "TE", "Trailer", "Keep-Alive", "Proxy-Connection"};
    static const char *const urls[] = {"ws://127.0.0.1/", "127.0.0.1", "", "http://", "ftp://a/",
        "http://a/\r\nX: y", "http://a b/", "http://a/#b"};
    world_open(&world);
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        assert_int_equal(error_of_header(&world, ours[i], "1"), TOW_ERROR_ARGUMENT);
    assert_int_equal(error_of_header(&world, "X", "a\r\nY: b"), TOW_ERROR_ARGUMENT);
    assert_int_equal(error_of_header(&world, "X Y", "a"), TOW_ERROR_ARGUMENT);
    assert_int_equal(error_of_header(&world, "Host", "a\r\nY: b"), TOW_ERROR_ARGUMENT);
    assert_int_equal(error_of_header(&world, "X", NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(error_of_header(&world, "X", "a"), 0);
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        assert_int_equal(error_of(&world, (tow_http_call_options){.url = urls[i]}), TOW_ERROR_URL);
    assert_int_equal(error_of(&world, (tow_http_call_options){.method = "CONNECT"}), TOW_ERROR_ARGUMENT);
    assert_int_equal(error_of(&world, (tow_http_call_options){.method = "GET /"}), TOW_ERROR_ARGUMENT);
    assert_int_equal(error_of(&world, (tow_http_call_options){.method = ""}), TOW_ERROR_ARGUMENT);
    assert_int_equal(error_of(&world, (tow_http_call_options){.body_length = 1}), TOW_ERROR_ARGUMENT);
    assert_int_equal(error_of(&world, (tow_http_call_options){.max_body = -2}), TOW_ERROR_ARGUMENT);
    assert_int_equal(error_of(&world, (tow_http_call_options){.total_seconds = -2}), TOW_ERROR_ARGUMENT);
    assert_int_equal(
        tow_http_client_new(&world.client, world.loop, &(tow_http_client_options){.max_waiting = -2}),
        TOW_ERROR_ARGUMENT);
    assert_int_equal(
        tow_http_client_new(&world.client, world.loop, &(tow_http_client_options){.tls_roots = "/nowhere"}),
        TOW_ERROR_NO_FILE);
    assert_int_equal(tow_http_client_new(&world.client, world.loop,
                         &(tow_http_client_options){.tls_roots = "a", .tls_insecure = true}),
        TOW_ERROR_ARGUMENT);
    world_run(&world, 100);
    assert_int_equal(world.requests, 0);
    world_close(&world);
}

/* What is delivered. */

typedef struct response_case {
    const char *method, *response, *body;
    int status;
    bool ends, reused;
} response_case;

static const response_case cases[] = {
    {"GET", OK, "hello", 200, false, true},
    {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nA: b\r\n\r\n",
        "hello", 200, false, true},
    {"GET", "HTTP/1.1 200 OK\r\n\r\nhello", "hello", 200, true, false},
    {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, false, false},
    {"GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", "hello", 200,
        false, true},
    {"GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, false,
        false},
    {"GET", "HTTP/1.1 204 No Content\r\n\r\n", "", 204, false, true},
    {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "", 304, false, true},
    {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "", 200, false, true},
    {"GET", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "", 404, false, true},
    {"GET",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 500 No\r\nContent-Length: "
        "1\r\n\r\nx",
        "x", 500, false, true},
    {"GET", OK "+", "hello", 200, false, false}, /* nobody has asked for what is behind it */
};

static void run_case(test_world world, const response_case *one) {
    const world_act acts[] = {{.response = one->response, .ends = one->ends}, {.response = OK}};
    world.acts = acts;
    world.act_count = 2;
    world_open(&world);
    world_call *call = world_ask(&world, 0, "/", &(tow_http_call_options){.method = one->method});
    if (world_wait(call) != 0)
        fail_msg("%s: %s", one->response, call->text);
    assert_int_equal(call->status, one->status);
    assert_int_equal(call->heads, 1);
    assert_body(call, one->body);
    world_run(&world, 100);
    assert_int_equal(tow_http_client_count(world.client).idle, one->reused);
    assert_whole(world_ask(&world, 1, "/again", NULL));
    assert_int_equal(tow_http_client_count(world.client).opened, one->reused ? 1 : 2);
    assert_int_equal(tow_http_client_count(world.client).reused, one->reused);
    world_close(&world);
}

static void check_case(const response_case *one, uint64_t seed) {
    run_case((test_world){.simulation.seed = seed}, one);
}

static void a_response_is_delivered_and_its_connection_used_again_where_it_may_be(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (uint64_t seed = 0; seed < SEEDS; seed++)
            check_case(&cases[i], seed);
}

static void all_is_so_over_tls_too(void **state) {
    (void)state;
    char *certificate, *key, fingerprint[96], why[TOW_TLS_TEXT_MAX];
    tow_tls_context *tls;
    assert_int_equal(tow_tls_self_signed(&certificate, &key, fingerprint), 0);
    const tow_tls_settings settings = {.server = true, .certificate = certificate, .key = key};
    assert_int_equal(tow_tls_context_new(&tls, &settings, why), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (uint64_t seed = 0; seed < 6; seed++)
            run_case(
                (test_world){
                    .simulation.seed = seed, .scheme = "https", .tls = tls, .options.tls_insecure = true},
                &cases[i]);
    tow_tls_context_release(tls);
    free(certificate);
    free(key);
}

static void the_head_is_there_in_the_end_too(void **state) {
    (void)state;
    test_world world = {.acts = answering, .act_count = 1};
    world_open(&world);
    world_call *call = world_ask(&world, 0, "/", NULL);
    assert_whole(call);
    assert_string_equal(call->note, "so");
    world_close(&world);
}

/* Where the server goes away. */

static void assert_cut(const response_case *one, size_t cut, bool resets, uint64_t seed) {
    const world_act acts[] = {{.response = one->response,
        .ends = !resets,
        .resets = resets,
        .cut = cut == 0 ? (size_t)CUT_ALL : cut}};
    test_world world = {.acts = acts, .act_count = 1, .simulation.seed = seed};
    bool is_whole = false;
    size_t head = (size_t)(strstr(one->response, "\r\n\r\n") - one->response) + 4;
    if (one->ends)
        is_whole = !resets && cut >= head;
    world_open(&world);
    world_call *call = world_ask(&world, 0, "/", &(tow_http_call_options){.method = one->method});
    int error = world_wait(call);
    if (resets && !is_whole)
        assert_true(error == TOW_ERROR_RESET || error == TOW_ERROR_ENDED);
    else
        assert_int_equal(error, is_whole ? 0 : TOW_ERROR_ENDED);
    if (error != 0)
        assert_non_null(strstr(call->text, "127.0.0.1 port "));
    assert_int_equal(tow_http_client_count(world.client).connections, 0);
    assert_int_equal(world.requests, 1);
    world_close(&world);
}

static void a_response_that_is_cut_is_none(void **state) {
    (void)state;
    for (size_t i = 0; i < 4; i++)
        for (size_t cut = 0; cut < strlen(cases[i].response); cut++)
            for (uint64_t seed = 0; seed < 3; seed++) {
                assert_cut(&cases[i], cut, false, seed);
                assert_cut(&cases[i], cut, true, seed);
            }
}

static void a_host_that_is_not_there_is_told(void **state) {
    (void)state;
    test_world world = {.acts = answering, .act_count = 1};
    world_open(&world);
    world_call *call = world_ask(&world, 0, "/", &(tow_http_call_options){.url = "http://127.0.0.1:1/"});
    assert_int_equal(world_wait(call), TOW_ERROR_REFUSED);
    assert_string_equal(call->text, "127.0.0.1 port 1: connection refused");
    call = world_ask(
        &world, 1, "/", &(tow_http_call_options){.url = "http://localhost/", .unix_path = "/nowhere/at/all"});
    assert_int_equal(world_wait(call), TOW_ERROR_NO_FILE);
    char path[200];
    memset(path, 'x', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    call = world_ask(&world, 2, "/", &(tow_http_call_options){.url = "http://localhost/", .unix_path = path});
    assert_int_equal(world_wait(call), TOW_ERROR_ADDRESS);
    assert_int_equal(tow_http_client_count(world.client).hosts, 0);
    world_close(&world);
}

static void a_response_that_is_not_valid_ends_the_connection(void **state) {
    (void)state;
    static const char *const responses[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n", "hello", "\r\n"};
    for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++)
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            const world_act acts[] = {{.response = responses[i]}, {.response = OK}};
            test_world world = {.acts = acts, .act_count = 2, .simulation.seed = seed};
            world_open(&world);
            world_call *call = world_ask(&world, 0, "/", NULL);
            assert_int_equal(world_wait(call), TOW_ERROR_HTTP_SYNTAX);
            assert_whole(world_ask(&world, 1, "/", NULL));
            assert_int_equal(tow_http_client_count(world.client).opened, 2);
            world_close(&world);
        }
}

static void a_response_is_bounded(void **state) {
    (void)state;
    size_t head = strlen(OK) - 5;
    for (int64_t more = -1; more <= 1; more++) {
        test_world world = {.acts = answering, .act_count = 1};
        world_open(&world);
        world_call *call =
            world_ask(&world, 0, "/", &(tow_http_call_options){.max_head = (int64_t)head + more});
        assert_int_equal(world_wait(call), more < 0 ? TOW_ERROR_HTTP_TOO_LARGE : 0);
        call = world_ask(&world, 1, "/", &(tow_http_call_options){.max_body = 5 + more});
        assert_int_equal(world_wait(call), more < 0 ? TOW_ERROR_HTTP_TOO_LARGE : 0);
        assert_int_equal(strstr(call->text, "too large a body") != NULL, more < 0);
        world_close(&world);
    }
}

/* What is sent twice. */

/* The second request of a connection comes while the server ends it. */
typedef struct repeat_case {
    tow_http_call_options options;
    bool is_repeated;
} repeat_case;

static void check_repeat(const repeat_case *one, bool resets, uint64_t seed) {
    const world_act acts[] = {{.response = OK},
        {.response = OK, .cut = (size_t)CUT_ALL, .ends = !resets, .resets = resets}, {.response = OK}};
    test_world world = {.acts = acts, .act_count = 3, .simulation.seed = seed};
    world_open(&world);
    assert_whole(world_ask(&world, 0, "/first", NULL));
    world_call *call = world_ask(&world, 1, "/", &one->options);
    int error = world_wait(call);
    if (one->is_repeated)
        assert_int_equal(error, 0);
    else
        assert_true(error == TOW_ERROR_ENDED || error == TOW_ERROR_RESET);
    assert_int_equal(world.requests, one->is_repeated ? 3 : 2);
    assert_int_equal(tow_http_client_count(world.client).repeated, one->is_repeated);
    world_close(&world);
}

static void only_what_does_no_harm_twice_is_repeated(void **state) {
    (void)state;
    static const repeat_case repeats[] = {{{.method = "GET"}, true},
        {{.method = "PUT", .body = "x", .body_length = 1}, true}, {{.method = "DELETE"}, true},
        {{.method = "OPTIONS"}, true}, {{.method = "POST"}, false},
        {{.method = "PATCH", .body = "x", .body_length = 1}, false}, {{.method = "get"}, false},
        {{.method = "POST", .may_repeat = true, .body = "x", .body_length = 1}, true},
        {{.method = "GET", .never_repeat = true}, false}};
    for (size_t i = 0; i < sizeof(repeats) / sizeof(repeats[0]); i++)
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            check_repeat(&repeats[i], false, seed);
            check_repeat(&repeats[i], true, seed);
        }
}

static void nothing_is_repeated_twice_nor_on_a_fresh_connection(void **state) {
    (void)state;
    const world_act acts[] = {{.response = OK}, {.response = OK, .cut = (size_t)CUT_ALL, .ends = true}};
    test_world world = {.acts = acts, .act_count = 2};
    world_open(&world);
    assert_whole(world_ask(&world, 0, "/", NULL));
    assert_int_equal(world_wait(world_ask(&world, 1, "/", NULL)), TOW_ERROR_ENDED);
    assert_int_equal(world.requests, 3);
    assert_int_equal(world_wait(world_ask(&world, 2, "/", NULL)), TOW_ERROR_ENDED);
    assert_int_equal(world.requests, 4);
    world_close(&world);
}

static void what_was_answered_with_one_byte_is_not_repeated(void **state) {
    (void)state;
    const world_act acts[] = {{.response = OK}, {.response = OK, .cut = 1, .ends = true}, {.response = OK}};
    test_world world = {.acts = acts, .act_count = 3};
    world_open(&world);
    assert_whole(world_ask(&world, 0, "/", NULL));
    assert_int_equal(world_wait(world_ask(&world, 1, "/", NULL)), TOW_ERROR_ENDED);
    assert_int_equal(world.requests, 2);
    world_close(&world);
}

/* Several idle connections die together: the repeat does not meet the next dead one. */
static void a_repeat_opens_a_new_connection(void **state) {
    (void)state;
    const world_act acts[] = {{.response = OK, .milliseconds = 10}, {.response = OK, .milliseconds = 10},
        {.response = OK, .milliseconds = 10}, {.response = OK, .cut = (size_t)CUT_ALL, .ends = true},
        {.response = OK}};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {
            .acts = acts, .act_count = 5, .simulation.seed = seed, .options.max_host_connections = 3};
        world_open(&world);
        for (size_t i = 0; i < 3; i++)
            world_ask(&world, i, "/", NULL);
        for (size_t i = 0; i < 3; i++)
            assert_whole(&world.calls[i]);
        assert_int_equal(tow_http_client_count(world.client).idle, 3);
        assert_whole(world_ask(&world, 3, "/", NULL));
        assert_int_equal(tow_http_client_count(world.client).opened, 4);
        assert_int_equal(tow_http_client_count(world.client).connections, 3);
        assert_true(world.most_open <= 3);
        world_close(&world);
    }
}

/* Connections that nobody uses. */

static void an_idle_connection_that_the_server_ends_is_not_used(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        for (int way = 0; way < 3; way++) {
            test_world world = {.acts = answering, .act_count = 1, .simulation.seed = seed};
            world_open(&world);
            assert_whole(world_ask(&world, 0, "/", NULL));
            if (way == 2) /* what nobody has asked for could be taken for the next response */
                world_say(&world, 0, OK);
            else
                world_end(&world, 0, way == 1);
            world_run(&world, 100);
            assert_int_equal(tow_http_client_count(world.client).connections, 0);
            assert_int_equal(tow_http_client_count(world.client).hosts, 0);
            assert_whole(world_ask(&world, 1, "/", &(tow_http_call_options){.method = "POST"}));
            assert_int_equal(tow_http_client_count(world.client).repeated, 0);
            world_close(&world);
        }
}

static void an_idle_connection_is_kept_for_a_while(void **state) {
    (void)state;
    test_world world = {.acts = answering, .act_count = 1, .options.idle_seconds = 5};
    world_open(&world);
    assert_whole(world_ask(&world, 0, "/", NULL));
    world_run(&world, 4900);
    assert_whole(world_ask(&world, 1, "/", NULL));
    assert_int_equal(tow_http_client_count(world.client).opened, 1);
    world_run(&world, 4900);
    assert_int_equal(tow_http_client_count(world.client).idle, 1);
    world_run(&world, 200);
    assert_int_equal(tow_http_client_count(world.client).connections, 0);
    world_close(&world);
    test_world lasting = {.acts = answering, .act_count = 1, .options.idle_seconds = TOW_OFF};
    world_open(&lasting);
    assert_whole(world_ask(&lasting, 0, "/", NULL));
    world_run(&lasting, 10 * 60 * 1000);
    assert_int_equal(tow_http_client_count(lasting.client).idle, 1);
    world_close(&lasting);
}

static void the_connection_used_last_is_used_first(void **state) {
    (void)state;
    const world_act acts[] = {
        {.response = OK, .milliseconds = 100}, {.response = OK, .milliseconds = 200}, {.response = OK}};
    test_world world = {.acts = acts, .act_count = 3};
    world_open(&world);
    world_ask(&world, 0, "/", NULL);
    world_ask(&world, 1, "/", NULL);
    assert_whole(&world.calls[0]);
    assert_whole(&world.calls[1]);
    for (size_t i = 2; i < 6; i++)
        assert_whole(world_ask(&world, i, "/", NULL));
    assert_true(world.connections[0].requests == 1 || world.connections[1].requests == 1);
    assert_int_equal(world.connections[0].requests + world.connections[1].requests, 6);
    world_close(&world);
}

/* An answer that comes before the whole request makes an end of both. */
static void an_early_answer_counts_and_ends_the_connection(void **state) {
    (void)state;
    enum { LENGTH = 4 * 1024 * 1024 };
    char *body = calloc(1, LENGTH);
    const world_act acts[] = {
        {.response = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n", .early = true},
        {.response = OK}};
    for (uint64_t seed = 0; seed < 3; seed++) {
        test_world world = {.acts = acts, .act_count = 2, .simulation.seed = seed};
        world_open(&world);
        world_call *call =
            world_ask(&world, 0, "/", &(tow_http_call_options){.body = body, .body_length = LENGTH});
        assert_int_equal(world_wait(call), 0);
        assert_int_equal(call->status, 413);
        world_run(&world, 100);
        assert_int_equal(tow_http_client_count(world.client).connections, 0);
        world_close(&world);
    }
    free(body);
}

static void a_large_request_gets_there(void **state) {
    (void)state;
    enum { LENGTH = 2 * 1024 * 1024 };
    char *body = malloc(LENGTH);
    for (size_t i = 0; i < LENGTH; i++)
        body[i] = (char)('a' + i % 23);
    for (uint64_t seed = 0; seed < 3; seed++) {
        test_world world = {.acts = answering, .act_count = 1, .simulation.seed = seed};
        world_open(&world);
        assert_whole(
            world_ask(&world, 0, "/", &(tow_http_call_options){.body = body, .body_length = LENGTH}));
        assert_memory_equal(world.last.data + world.last.length - LENGTH, body, LENGTH);
        world_close(&world);
    }
    free(body);
}

/* Limits of the pool. */

static void more_calls_than_connections_wait_for_their_turn(void **state) {
    (void)state;
    const world_act acts[] = {{.response = OK, .milliseconds = 20}};
    for (int limit = 1; limit <= 4; limit++)
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            test_world world = {.acts = acts, .act_count = 1, .simulation.seed = seed};
            if (seed % 2 == 0)
                world.options.max_connections = limit;
            else
                world.options.max_host_connections = limit;
            world_open(&world);
            for (size_t i = 0; i < 12; i++) {
                char path[8];
                snprintf(path, sizeof(path), "/%c", (char)('a' + i));
                assert_int_equal(world_ask(&world, i, path, NULL)->error, 0);
            }
            assert_int_equal(tow_http_client_count(world.client).waiting, 12 - limit);
            for (size_t i = 0; i < 12; i++)
                assert_whole(&world.calls[i]);
            assert_int_equal(world.most_open, limit);
            assert_int_equal(tow_http_client_count(world.client).opened, limit);
            assert_int_equal(tow_http_client_count(world.client).waiting, 0);
            if (limit == 1)
                assert_string_equal(world.seen, "GET /a\nGET /b\nGET /c\nGET /d\nGET /e\nGET /f\nGET /g\nGET "
                                                "/h\nGET /i\nGET /j\nGET /k\nGET /l\n");
            world_close(&world);
        }
}

static void only_so_many_calls_may_wait(void **state) {
    (void)state;
    for (int way = 0; way < 2; way++) {
        test_world world = {.acts = silent, .act_count = 1, .options.max_connections = 1};
        if (way == 0)
            world.options.max_waiting = 3;
        else
            world.options.max_host_waiting = 3;
        world_open(&world);
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(world_ask(&world, i, "/", NULL)->error, 0);
        assert_int_equal(world_ask(&world, 4, "/", NULL)->error, TOW_ERROR_LIMIT);
        int other = world_ask(&world, 5, "/", &(tow_http_call_options){.url = "http://127.0.0.1:1/"})->error;
        assert_int_equal(other, way == 0 ? TOW_ERROR_LIMIT : 0);
        tow_http_call_free(world.calls[2].call);
        world.calls[2].call = NULL;
        assert_int_equal(world_ask(&world, 6, "/", NULL)->error, 0);
        assert_int_equal(world_ask(&world, 7, "/", NULL)->error, TOW_ERROR_LIMIT);
        world_close(&world);
    }
}

/* One host that is full does not keep another one waiting; an idle connection makes room. */
static void hosts_do_not_wait_for_each_other(void **state) {
    (void)state;
    char other[64];
    test_world world = {.acts = silent, .act_count = 1, .options.max_host_connections = 1};
    world_open(&world);
    snprintf(other, sizeof(other), "http://localhost:%u/", world.port);
    world_ask(&world, 0, "/", NULL);
    world_ask(&world, 1, "/", NULL);
    world_ask(&world, 2, "/other", &(tow_http_call_options){.url = other});
    assert_int_equal(tow_http_client_count(world.client).connections, 2);
    assert_int_equal(tow_http_client_count(world.client).waiting, 1);
    assert_int_equal(tow_http_client_count(world.client).hosts, 2);
    world_until(&world, world.requests == 2);
    world_close(&world);

    test_world full = {.acts = answering, .act_count = 1, .options.max_connections = 1};
    world_open(&full);
    snprintf(other, sizeof(other), "http://localhost:%u/", full.port);
    assert_whole(world_ask(&full, 0, "/", NULL));
    assert_whole(world_ask(&full, 1, "/", &(tow_http_call_options){.url = other}));
    assert_whole(world_ask(&full, 2, "/", NULL));
    assert_int_equal(tow_http_client_count(full.client).opened, 3);
    assert_int_equal(tow_http_client_count(full.client).connections, 1);
    world_close(&full);
}

/* Time. */

static void everything_has_its_time(void **state) {
    (void)state;
    static const world_act half[] = {{.response = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"}};
    test_world world = {.acts = silent, .act_count = 1, .options.max_connections = 1};
    world_open(&world);
    int64_t began = tow_loop_now(world.loop);
    world_ask(&world, 0, "/", &(tow_http_call_options){.total_seconds = 3});
    world_ask(&world, 1, "/", &(tow_http_call_options){.total_seconds = 2});
    world_ask(&world, 2, "/", &(tow_http_call_options){.total_seconds = 5});
    assert_int_equal(world_wait(&world.calls[1]), TOW_ERROR_TIMED_OUT);
    assert_int_equal((tow_loop_now(world.loop) - began) / (100 * TOW_MILLISECOND), 20);
    assert_non_null(strstr(world.calls[1].text, ": no connection was free within 2 seconds"));
    assert_int_equal(world_wait(&world.calls[0]), TOW_ERROR_TIMED_OUT);
    assert_int_equal((tow_loop_now(world.loop) - began) / (100 * TOW_MILLISECOND), 30);
    assert_non_null(strstr(world.calls[0].text, ": it did not answer within 3 seconds"));
    assert_int_equal(world_wait(&world.calls[2]), TOW_ERROR_TIMED_OUT);
    assert_int_equal((tow_loop_now(world.loop) - began) / (100 * TOW_MILLISECOND), 50);
    assert_int_equal(tow_http_client_count(world.client).connections, 0);
    world.acts = half;
    assert_int_equal(world_wait(world_ask(&world, 3, "/", NULL)), TOW_ERROR_TIMED_OUT);
    assert_non_null(strstr(world.calls[3].text, ": the response was not whole within 60 seconds"));
    assert_int_equal(world.calls[3].status, 200);
    world_close(&world);
}

static void what_comes_slowly_is_waited_for_where_it_may(void **state) {
    (void)state;
    static const char *const pieces[] = {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "h", "e", "l", "l"};
    const tow_http_call_options options = {.total_seconds = 3, .may_be_slow = true};
    for (size_t ends = 0; ends < 2; ends++) {
        test_world world = {.acts = silent, .act_count = 1, .simulation.whole = true};
        world_open(&world);
        world_call *call = world_ask(&world, 0, "/", &options);
        for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
            world_run(&world, 2000);
            world_say(&world, 0, pieces[i]);
        }
        if (ends == 1)
            world_say(&world, 0, "o");
        assert_int_equal(world_wait(call), ends == 1 ? 0 : TOW_ERROR_TIMED_OUT);
        assert_true(ends == 1 || strstr(call->text, ": the response was not whole within 3 seconds"));
        world_close(&world);
    }
}

static void a_server_that_reads_nothing_ends_by_time(void **state) {
    (void)state;
    enum { LENGTH = 4 * 1024 * 1024 };
    char *body = calloc(1, LENGTH);
    test_world world = {.acts = silent, .act_count = 1, .is_deaf = true};
    world_open(&world);
    world_call *call =
        world_ask(&world, 0, "/", &(tow_http_call_options){.body = body, .body_length = LENGTH});
    free(body); /* it was copied */
    assert_int_equal(world_wait(call), TOW_ERROR_TIMED_OUT);
    world_run(&world, 100);
    assert_int_equal(tow_http_client_count(world.client).connections, 0);
    world_close(&world);
}

static void a_handshake_of_tls_has_its_time(void **state) {
    (void)state;
    test_world world = {.acts = silent,
        .act_count = 1,
        .scheme = "https",
        .is_deaf = true,
        .options = {.connect_seconds = 3, .tls_insecure = true}};
    world_open(&world);
    int64_t began = tow_loop_now(world.loop);
    world_call *call = world_ask(&world, 0, "/", NULL);
    assert_int_equal(world_wait(call), TOW_ERROR_TIMED_OUT);
    assert_int_equal((tow_loop_now(world.loop) - began) / (100 * TOW_MILLISECOND), 30);
    assert_non_null(strstr(call->text, ": the TLS handshake was not finished within 3 seconds"));
    world_close(&world);
}

static void a_server_that_speaks_no_tls_is_told(void **state) {
    (void)state;
    for (int way = 0; way < 3; way++) {
        const world_act acts[] = {{.response = OK}};
        test_world world = {
            .acts = acts, .act_count = 1, .scheme = "https", .is_deaf = true, .options.tls_insecure = true};
        world_open(&world);
        world_call *call = world_ask(&world, 0, "/", NULL);
        world_until(&world, world.accepts == 1);
        if (way == 0)
            world_say(&world, 0, OK);
        else
            world_end(&world, 0, way == 1);
        assert_int_equal(world_wait(call), TOW_ERROR_TLS);
        world_close(&world);
    }
}

/* Freeing. */

typedef enum free_place { FREE_HEAD, FREE_BODY, FREE_DONE, FREE_PLACES } free_place;

static void free_it(world_call *call) {
    tow_http_call_free(call->call);
    call->call = NULL;
}

static void free_all(world_call *call) {
    tow_http_client_free(call->world->client);
    call->world->client = NULL;
}

static void free_both(world_call *call) {
    free_all(call);
    free_it(call);
}

static void everything_may_be_freed_in_each_callback(void **state) {
    (void)state;
    void (*const ways[])(world_call * call) = {free_it, free_all, free_both};
    const world_act acts[] = {{.response = cases[1].response, .milliseconds = 5}};
    for (free_place place = FREE_HEAD; place < FREE_PLACES; place++)
        for (size_t way = 0; way < 3; way++)
            for (uint64_t seed = 0; seed < SEEDS; seed++) {
                test_world world = {
                    .acts = acts, .act_count = 1, .simulation.seed = seed, .options.max_connections = 2};
                world_open(&world);
                world_call *call = &world.calls[0];
                *(place == FREE_HEAD     ? &call->then_head
                    : place == FREE_BODY ? &call->then_body
                                         : &call->then_done) = ways[way];
                call->in_pieces = place == FREE_BODY;
                world_ask(&world, 0, "/", NULL);
                for (size_t i = 1; i < 5; i++)
                    world_ask(&world, i, "/", NULL);
                if (way == 0)
                    for (size_t i = 1; i < 5; i++)
                        assert_whole(&world.calls[i]);
                else
                    world_run(&world, 1000);
                assert_int_equal(call->dones, place == FREE_DONE);
                world_close(&world);
            }
}

static void everything_may_be_freed_in_each_round(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        for (size_t rounds = 0; rounds < 40; rounds++)
            for (size_t way = 0; way < 2; way++) {
                test_world world = {
                    .acts = answering, .act_count = 1, .simulation.seed = seed, .options.max_connections = 2};
                world_open(&world);
                for (size_t i = 0; i < 4; i++)
                    world_ask(&world, i, "/", NULL);
                for (size_t i = 0; i < rounds; i++)
                    assert_true(tow_loop_step(world.loop) >= 0);
                if (way == 0)
                    for (size_t i = 0; i < 3; i++)
                        free_it(&world.calls[i]);
                else
                    free_all(&world.calls[0]);
                if (way == 0)
                    assert_whole(&world.calls[3]);
                world_run(&world, 100);
                world_close(&world);
            }
}

static void nothing_is_told_inside_a_call(void **state) {
    (void)state;
    test_world world = {.acts = answering, .act_count = 1};
    world_open(&world);
    world_call *call = world_ask(&world, 0, "/", &(tow_http_call_options){.url = "http://127.0.0.1:1/"});
    assert_int_equal(call->dones, 0); /* world_ask looks itself, too */
    assert_int_equal(world_wait(call), TOW_ERROR_REFUSED);
    tow_http_call_free(NULL);
    tow_http_client_free(NULL);
    world_close(&world);
}

/* A callback asks the next one. */
static void ask_again(world_call *call) {
    size_t index = (size_t)(call - call->world->calls);
    if (index + 1 == WORLD_CALLS)
        return;
    call[1].then_done = ask_again;
    world_ask(call->world, index + 1, "/", NULL);
}

static void calls_may_be_made_in_callbacks(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.acts = answering, .act_count = 1, .simulation.seed = seed};
        world_open(&world);
        world.calls[0].then_done = ask_again;
        world_ask(&world, 0, "/", NULL);
        world_until(&world, world.calls[WORLD_CALLS - 1].dones == 1);
        assert_int_equal(tow_http_client_count(world.client).opened, 1);
        world_close(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_says_what_it_must_and_what_was_asked_for),
        cmocka_unit_test(what_can_not_be_asked_is_refused_at_once),
        cmocka_unit_test(a_response_is_delivered_and_its_connection_used_again_where_it_may_be),
        cmocka_unit_test(all_is_so_over_tls_too),
        cmocka_unit_test(the_head_is_there_in_the_end_too),
        cmocka_unit_test(a_response_that_is_cut_is_none),
        cmocka_unit_test(a_host_that_is_not_there_is_told),
        cmocka_unit_test(a_response_that_is_not_valid_ends_the_connection),
        cmocka_unit_test(a_response_is_bounded),
        cmocka_unit_test(only_what_does_no_harm_twice_is_repeated),
        cmocka_unit_test(nothing_is_repeated_twice_nor_on_a_fresh_connection),
        cmocka_unit_test(what_was_answered_with_one_byte_is_not_repeated),
        cmocka_unit_test(a_repeat_opens_a_new_connection),
        cmocka_unit_test(an_idle_connection_that_the_server_ends_is_not_used),
        cmocka_unit_test(an_idle_connection_is_kept_for_a_while),
        cmocka_unit_test(the_connection_used_last_is_used_first),
        cmocka_unit_test(an_early_answer_counts_and_ends_the_connection),
        cmocka_unit_test(a_large_request_gets_there),
        cmocka_unit_test(more_calls_than_connections_wait_for_their_turn),
        cmocka_unit_test(only_so_many_calls_may_wait),
        cmocka_unit_test(hosts_do_not_wait_for_each_other),
        cmocka_unit_test(everything_has_its_time),
        cmocka_unit_test(what_comes_slowly_is_waited_for_where_it_may),
        cmocka_unit_test(a_server_that_reads_nothing_ends_by_time),
        cmocka_unit_test(a_handshake_of_tls_has_its_time),
        cmocka_unit_test(a_server_that_speaks_no_tls_is_told),
        cmocka_unit_test(everything_may_be_freed_in_each_callback),
        cmocka_unit_test(everything_may_be_freed_in_each_round),
        cmocka_unit_test(nothing_is_told_inside_a_call),
        cmocka_unit_test(calls_may_be_made_in_callbacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
