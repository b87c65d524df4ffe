/* The opening handshake as a client, from the URL to on_open or to the reason why not. */
#include "stage.h"

enum { SEEDS = 24 };

static bool request_has(const test_stage *stage, const char *line) {
    char pattern[300];
    snprintf(pattern, sizeof(pattern), "\r\n%s\r\n", line);
    return memmem(stage->request, stage->head_length, pattern, strlen(pattern)) != NULL;
}

static void a_connection_opens_and_talks(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_stage stage = {.simulation.seed = seed, .real = seed % 6 == 5};
        stage_open(&stage);
        stage_connect(&stage, "/echo?x");
        assert_int_equal(tow_websocket_send(stage.socket, TOW_TEXT, "early", 5), TOW_ERROR_CONNECTING);
        assert_int_equal(tow_websocket_ping(stage.socket, NULL, 0), TOW_ERROR_CONNECTING);
        assert_int_equal(stage.opens, 0);
        stage_until(&stage, stage.opens == 1);
        char line[64];
        snprintf(line, sizeof(line), "Host: localhost:%d", stage.port);
        assert_true(request_has(&stage, line));
        assert_true(request_has(&stage, "Upgrade: websocket"));
        assert_true(request_has(&stage, "Connection: Upgrade"));
        assert_true(request_has(&stage, "Sec-WebSocket-Version: 13"));
        assert_true(
            request_has(&stage, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"));
        assert_memory_equal(stage.request, "GET /echo?x HTTP/1.1\r\n", 22);
        assert_string_equal(tow_websocket_url(stage.socket), stage.url);
        assert_string_equal(tow_websocket_protocol(stage.socket), "");
        assert_string_equal(tow_websocket_extensions(stage.socket), "");
        stage_say(&stage, "\x81\x05hello", 7);
        stage_until(&stage, stage.messages == 1);
        assert_string_equal(stage.last_message, "hello");
        assert_int_equal(tow_websocket_close(stage.socket, 1000, NULL), 0);
        stage_until(&stage, stage.request_length >= stage.head_length + 8);
        stage_say(&stage, "\x88\x02\x03\xe8", 4);
        stage.hangs_up = true;
        stage_say(&stage, "", 0);
        stage_until(&stage, stage.closes == 1);
        assert_true(stage.close.was_clean);
        assert_int_equal(stage.close.code, 1000);
        assert_int_equal(stage.errors, 0);
        assert_int_equal(stage.heads_sent, 1);
        assert_int_equal(stage.heads_received, 1);
        assert_string_equal(tow_websocket_url(stage.socket), stage.url);
        stage_close(&stage);
    }
}

/* RFC 6455, section 5.5.1: our side ends, the peer's goes on until its own Close. */
static void what_comes_after_our_own_end_is_delivered(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_stage stage = {.simulation.seed = seed, .real = seed % 6 == 5};
        stage_open(&stage);
        stage_connect(&stage, "/");
        stage_until(&stage, stage.opens == 1);
        tow_client_shutdown(stage.socket);
        assert_int_equal(tow_websocket_send(stage.socket, TOW_TEXT, "late", 4), TOW_ERROR_CLOSED);
        stage_until(&stage, stage.request_length >= stage.head_length + 8);
        if (!stage.real)
            stage_run(&stage, 100 * TOW_SECOND); /* no time runs against the peer */
        stage_say(&stage, "\x81\x06sorted\x88\x02\x03\xe8", 12);
        stage.hangs_up = true;
        stage_say(&stage, "", 0);
        stage_until(&stage, stage.closes == 1);
        assert_int_equal(stage.messages, 1);
        assert_string_equal(stage.last_message, "sorted");
        assert_true(stage.close.was_clean);
        assert_int_equal(stage.close.code, 1000);
        assert_int_equal(stage.errors, 0);
        stage_close(&stage);
    }
}

static void say_everything(test_stage *stage) {
    stage_accept(stage, "");
    stage_say(stage, "\x81\x03one\x89\x00\x82\x03two", 12);
    stage_say(stage, "\x88\x04\x0f\xa0ok", 6);
}

/* Frames may come with the response, cut anywhere. */
static void the_response_may_be_cut_at_each_byte(void **state) {
    for (size_t step = 1; step < 180; step++) {
        test_stage stage = {
            .simulation.whole = true, .then_answer = say_everything, .step = step, .hangs_up = true};
        stage_open(&stage);
        stage_connect(&stage, "/");
        stage_until(&stage, stage.closes == 1);
        assert_int_equal(stage.opens, 1);
        assert_int_equal(stage.messages, 2);
        assert_string_equal(stage.last_message, "two");
        assert_int_equal(stage.close.code, 4000);
        assert_true(stage.close.was_clean);
        stage_close(&stage);
    }
}

static void interim_responses_are_passed_over(test_stage *stage) {
    stage_say(stage, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 40);
    stage_accept(stage, "");
    stage_say(stage, "\x81\x02hi", 4);
}

static void an_interim_response_may_come_first(void **state) {
    for (size_t step = 0; step < 60; step++) {
        test_stage stage = {
            .simulation.whole = true, .then_answer = interim_responses_are_passed_over, .step = step};
        stage_open(&stage);
        stage_connect(&stage, "/");
        stage_until(&stage, stage.messages == 1);
        assert_int_equal(stage.heads_received, 2);
        stage_close(&stage);
    }
}

/* What the options say. */

static void accept_soap_compressed(test_stage *stage) {
    stage_accept(stage, "Sec-WebSocket-Protocol: soap\r\nX-Note: seen\r\n"
                        "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                        "client_max_window_bits=10\r\n");
}

static void look_at_response(test_stage *stage) {
    const tow_response *response = tow_websocket_response(stage->socket);
    assert_string_equal(tow_response_header(response, "x-note"), "seen");
}

static void options_go_into_the_request(void **state) {
    static const char *const protocols[] = {"soap", "xmpp", NULL};
    static const tow_header_field headers[] = {
        {"Authorization", "Basic dTpw"}, {"X-Empty", ""}, {"host", "example.com"}, {NULL, NULL}};
    test_stage stage = {.simulation.seed = 3,
        .options = {.protocols = protocols, .origin = "http://example.com", .headers = headers},
        .then_answer = accept_soap_compressed,
        .then_open = look_at_response};
    stage_open(&stage);
    stage_connect(&stage, "");
    stage_until(&stage, stage.opens == 1);
    assert_true(request_has(&stage, "Sec-WebSocket-Protocol: soap, xmpp"));
    assert_true(request_has(&stage, "Origin: http://example.com"));
    assert_true(request_has(&stage, "Authorization: Basic dTpw"));
    assert_true(request_has(&stage, "X-Empty: "));
    assert_true(request_has(&stage, "Host: example.com"));
    assert_string_equal(tow_websocket_protocol(stage.socket), "soap");
    assert_string_equal(tow_websocket_extensions(stage.socket),
        "permessage-deflate; server_no_context_takeover; client_max_window_bits=10");
    look_at_response(&stage); /* it stays */
    stage_close(&stage);
}

static void answer_with_repeats(test_stage *stage) {
    stage_accept(stage, "X-A: 1\r\nx-b:  two \r\nX-a: 3\r\nX-C:\r\n");
}

static void see_no_response(test_stage *stage, bool sent) {
    if (sent)
        assert_null(tow_websocket_response(stage->socket));
}

static void assert_field(const tow_header_field *field, const char *name, const char *value) {
    assert_string_equal(field->name, name);
    assert_string_equal(field->value, value);
}

static void the_response_can_be_read_as_long_as_the_socket_is_there(void **state) {
    for (uint64_t seed = 0; seed < 20; seed++) {
        test_stage stage = {
            .simulation.seed = seed, .then_answer = answer_with_repeats, .then_head = see_no_response};
        stage_open(&stage);
        stage_connect(&stage, "/");
        assert_null(tow_websocket_response(stage.socket));
        stage_until(&stage, stage.opens == 1);
        const tow_response *response = tow_websocket_response(stage.socket);
        tow_websocket_close(stage.socket, 1000, NULL);
        stage.hangs_up = true;
        stage_say(&stage, "\x88\x02\x03\xe8", 4);
        stage_until(&stage, stage.closes == 1);
        assert_ptr_equal(tow_websocket_response(stage.socket), response);
        assert_int_equal(tow_response_status(response), 101);
        assert_string_equal(tow_response_reason(response), "Switching Protocols");
        assert_string_equal(tow_response_header(response, "X-A"), "1");
        assert_null(tow_response_header(response, "X-D"));
        const tow_header_field *headers = tow_response_headers(response);
        assert_field(&headers[0], "Upgrade", "websocket");
        assert_field(&headers[3], "X-A", "1");
        assert_field(&headers[4], "x-b", "two");
        assert_field(&headers[5], "X-a", "3");
        assert_field(&headers[6], "X-C", "");
        assert_null(headers[7].name);
        stage_close(&stage);
    }
}

static void refuse_with_a_challenge(test_stage *stage) {
    static const char answer[] =
        "HTTP/1.1 103 Early Hints\r\nX-A: no\r\n\r\nHTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: "
        "Basic\r\nWWW-Authenticate: Bearer\r\nContent-Length: 4\r\n\r\nno!\n";
    stage_say(stage, answer, strlen(answer));
}

static void look_at_refusal(test_stage *stage) {
    const tow_response *response = tow_websocket_response(stage->socket);
    assert_int_equal(tow_response_status(response), 401);
    assert_string_equal(tow_response_header(response, "www-authenticate"), "Basic");
    assert_field(&tow_response_headers(response)[1], "WWW-Authenticate", "Bearer");
    assert_null(tow_response_header(response, "X-A"));
}

static void a_refusal_can_be_read_from_on_error_on(void **state) {
    for (uint64_t seed = 0; seed < 20; seed++) {
        test_stage stage = {
            .simulation.seed = seed, .then_answer = refuse_with_a_challenge, .then_error = look_at_refusal};
        stage_open(&stage);
        stage_connect(&stage, "/");
        stage_until(&stage, stage.closes == 1);
        assert_int_equal(stage.errors, 1);
        look_at_refusal(&stage);
        stage_close(&stage);
    }
}

static void hang_up(test_stage *stage) {
    stage->hangs_up = true;
    stage_say(stage, "HTTP/1.1 101 Switching", 22);
}

static void there_is_no_response_that_is_not_whole(void **state) {
    test_stage stage = {.then_answer = hang_up};
    stage_open(&stage);
    stage_connect(&stage, "/");
    stage_until(&stage, stage.closes == 1);
    assert_null(tow_websocket_response(stage.socket));
    stage_close(&stage);
}

static void compression_may_be_off(void **state) {
    test_stage stage = {.simulation.seed = 3, .options.limits.compression = TOW_COMPRESSION_OFF};
    stage_open(&stage);
    stage_connect(&stage, "");
    stage_until(&stage, stage.opens == 1);
    assert_null(memmem(stage.request, stage.head_length, "Extensions", 10));
    stage_close(&stage);
}

static void keys_are_fresh(void **state) {
    char keys[2][64];
    for (uint64_t i = 0; i < 2; i++) {
        test_stage stage = {.simulation = {.seed = i, .whole = true}};
        stage_open(&stage);
        stage_connect(&stage, "");
        stage_until(&stage, stage.opens == 1);
        const char *key = memmem(stage.request, stage.head_length, "Sec-WebSocket-Key: ", 19);
        memcpy(keys[i], key, 43);
        stage_close(&stage);
    }
    assert_memory_not_equal(keys[0], keys[1], 43);
}

static int open_with(const tow_websocket_options *options, const char *url) {
    tow_loop *loop;
    tow_websocket *socket = NULL;
    assert_int_equal(tow_loop_new_simulated(&loop, NULL), 0);
    int error = tow_websocket_open(&socket, loop, url, options);
    assert_int_equal(socket == NULL, error != 0);
    tow_websocket_free(socket);
    tow_loop_free(loop);
    return error;
}

static void wrong_arguments_are_refused_at_once(void **state) {
    static const char *const spaced[] = {"a b", NULL};
    static const char *const empty[] = {"", NULL};
    static const char *const twice[] = {"a", "b", "a", NULL};
    static const char *const good[] = {"a", "b", "A", NULL};
    const tow_header_field broken[][2] = {{{"X Y", "z"}}, {{"", "z"}}, {{"X", "y\r\nZ: 1"}}, {{"X", "y\n"}},
        {{"X", "\x7f"}}, {{"X", NULL}}, {{"Connection", "close"}}, {{"upgrade", "h2c"}},
        {{"Sec-WebSocket-Key", "x"}}, {{"sec-websocket-protocol", "x"}}, {{"Content-Length", "3"}},
        {{"Transfer-Encoding", "chunked"}}, {{"Expect", "100-continue"}}};
    assert_int_equal(open_with(NULL, "ws://localhost:1"), 0);
    assert_int_equal(open_with(&(tow_websocket_options){.protocols = good}, "ws://localhost:1"), 0);
    assert_int_equal(open_with(NULL, "localhost:1"), TOW_ERROR_URL);
    assert_int_equal(open_with(NULL, "wss://localhost:1"), 0);
    assert_int_equal(
        open_with(&(tow_websocket_options){.protocols = spaced}, "ws://localhost"), TOW_ERROR_ARGUMENT);
    assert_int_equal(
        open_with(&(tow_websocket_options){.protocols = empty}, "ws://localhost"), TOW_ERROR_ARGUMENT);
    assert_int_equal(
        open_with(&(tow_websocket_options){.protocols = twice}, "ws://localhost"), TOW_ERROR_ARGUMENT);
    assert_int_equal(
        open_with(&(tow_websocket_options){.origin = "a\r\nb"}, "ws://localhost"), TOW_ERROR_ARGUMENT);
    assert_int_equal(
        open_with(&(tow_websocket_options){.limits.max_message = -2}, "ws://localhost"), TOW_ERROR_ARGUMENT);
    assert_int_equal(
        open_with(&(tow_websocket_options){.connect_seconds = -2}, "ws://localhost"), TOW_ERROR_ARGUMENT);
    assert_int_equal(
        open_with(&(tow_websocket_options){.limits.overflow = (tow_overflow)4}, "ws://localhost"),
        TOW_ERROR_ARGUMENT);
    const tow_websocket_options hole = {
        .limits = {.overflow = TOW_OVERFLOW_DROP_OLDEST, .compression = TOW_COMPRESSION_TAKEOVER}};
    assert_int_equal(open_with(&hole, "ws://localhost"), TOW_ERROR_ARGUMENT);
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        assert_int_equal(
            open_with(&(tow_websocket_options){.headers = broken[i]}, "ws://localhost"), TOW_ERROR_ARGUMENT);
}

/* An older program's shorter struct is understood. */
static void a_shorter_options_struct_is_taken(void **state) {
    static const char *const protocols[] = {"soap", NULL};
    test_stage stage = {.simulation.whole = true};
    stage_open(&stage);
    stage.options.protocols = protocols;
    stage.options.origin = "http://not-seen";
    snprintf(stage.url, sizeof(stage.url), "ws://127.0.0.1:%d/", stage.port);
    assert_int_equal(tow_websocket_open_sized(&stage.socket, stage.loop, stage.url, &stage.options,
                         offsetof(tow_websocket_options, origin)),
        0);
    stage_until(&stage, stage.head_length > 0);
    assert_true(request_has(&stage, "Sec-WebSocket-Protocol: soap"));
    assert_null(memmem(stage.request, stage.head_length, "not-seen", 8));
    stage_run(&stage, TOW_SECOND / 10);
    stage_close(&stage);
}

/* Refusals. */

static const char *raw_answer;

static void answer_raw(test_stage *stage) {
    stage_say(stage, raw_answer, strlen(raw_answer));
}

static void expect_failure(const char *answer, int error, int status, const char *text) {
    for (uint64_t seed = 0; seed < 6; seed++) {
        test_stage stage = {.simulation.seed = seed, .then_answer = answer_raw, .real = seed == 5};
        raw_answer = answer;
        stage_open(&stage);
        stage_connect(&stage, "/");
        stage_until(&stage, stage.closes == 1);
        assert_int_equal(stage.error.error, error);
        assert_int_equal(stage.error.http_status, status);
        if (text != NULL)
            assert_string_equal(stage.error_text, text);
        assert_int_equal(stage.errors, 1);
        assert_int_equal(stage.opens, 0);
        assert_int_equal(stage.close.code, 1006);
        assert_false(stage.close.was_clean);
        assert_int_equal(tow_websocket_ready_state(stage.socket), TOW_CLOSED);
        assert_int_equal(tow_websocket_send(stage.socket, TOW_TEXT, "late", 4), TOW_ERROR_CLOSED);
        stage_close(&stage);
    }
}

static void a_refusal_says_why(void **state) {
    expect_failure("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", TOW_ERROR_HTTP_STATUS, 403,
        "the server answered 403 Forbidden");
    expect_failure("HTTP/1.1 301 Moved\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n",
        TOW_ERROR_HTTP_STATUS, 301, "the server answered 301 Moved: http://x/");
    expect_failure("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", TOW_ERROR_HTTP_STATUS, 200,
        "the server answered 200 OK: hi");
    expect_failure("HTTP/1.1 500 \r\nContent-Length: 2\r\n\r\nhi", TOW_ERROR_HTTP_STATUS, 500,
        "the server answered 500: hi");
    expect_failure("nonsense\r\n\r\n", TOW_ERROR_HTTP_SYNTAX, 0, NULL);
    expect_failure("HTTP/1.0 101 Switching Protocols\r\n\r\n", TOW_ERROR_HTTP_SYNTAX, 0,
        "the server answered 101 in HTTP/1.0, which has none");
    expect_failure("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        TOW_ERROR_HANDSHAKE_ACCEPT, 0, NULL);
    expect_failure("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        TOW_ERROR_HANDSHAKE_ACCEPT, 0, NULL);
    expect_failure("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n",
        TOW_ERROR_HANDSHAKE_UPGRADE, 0, NULL);
}

static void a_long_location_is_whole_or_said_to_be_cut(void **state) {
    char address[700] = "https://login.example/";
    for (size_t length = 100; length <= 600; length += 100) {
        char answer[1000], text[1000];
        memset(address + strlen(address), 'x', length - strlen(address));
        snprintf(answer, sizeof(answer), "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
            address);
        int shown = 511 - (int)strlen("the server answered 302 Found: ");
        bool cut = (int)length > shown;
        snprintf(text, sizeof(text), "the server answered 302 Found: %.*s%s", cut ? shown - 3 : (int)length,
            address, cut ? "..." : "");
        expect_failure(answer, TOW_ERROR_HTTP_STATUS, 302, text);
    }
}

static const char *refusal_head, *refusal_body;

static void refuse_with_body(test_stage *stage) {
    stage_say(stage, refusal_head, strlen(refusal_head));
    stage_say(stage, refusal_body, strlen(refusal_body));
}

/* However it is cut; `text` is NULL where the body is not to be shown. */
static void expect_body(const char *head, const char *body, bool hangs_up, const char *text) {
    char expected[300];
    snprintf(expected, sizeof(expected), "the server answered 403 Forbidden%s%s", text != NULL ? ": " : "",
        text != NULL ? text : "");
    for (size_t step = 1; step < 40; step++) {
        test_stage stage = {
            .simulation.seed = step, .then_answer = refuse_with_body, .step = step, .hangs_up = hangs_up};
        refusal_head = head;
        refusal_body = body;
        stage_open(&stage);
        stage_connect(&stage, "/");
        stage_until(&stage, stage.closes == 1);
        assert_int_equal(stage.error.http_status, 403);
        assert_string_equal(stage.error_text, expected);
        stage_close(&stage);
    }
}

#define FORBIDDEN "HTTP/1.1 403 Forbidden\r\n"
#define X100                                                                                                 \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void the_body_of_a_refusal_is_part_of_the_reason(void **state) {
    expect_body(FORBIDDEN "Content-Type: text/plain\r\nContent-Length: 40\r\n\r\n",
        "origin not allowed: see --allow-origin\r\n", false, "origin not allowed: see --allow-origin");
    expect_body(FORBIDDEN "Content-Type: application/problem+json\r\nContent-Length: 23\r\n\r\n",
        "{\n\t\"title\": \"no \302\265s\"\n}\n", false, "{ \"title\": \"no \302\265s\" }");
    expect_body(FORBIDDEN "Transfer-Encoding: chunked\r\n\r\n", "4\r\nnot \r\n3\r\nyou\r\n0\r\n\r\n", false,
        "not you");
    expect_body(FORBIDDEN "\r\n", "<p>not\n\nyou</p>", true, "<p>not you</p>");
}

static void what_is_no_text_is_not_shown(void **state) {
    expect_body(FORBIDDEN "Content-Length: 6\r\n\r\n", "a\033[2Jb", false, NULL);
    expect_body(FORBIDDEN "Content-Length: 2\r\n\r\n", "a\007", false, NULL);
    expect_body(FORBIDDEN "Content-Length: 3\r\n\r\n", "a\302\233", false, NULL);
    expect_body(
        FORBIDDEN "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\n", "\037\213\010", false, NULL);
    expect_body(FORBIDDEN "Content-Length: 5\r\n\r\n", " \r\n\t ", false, NULL);
    expect_body(FORBIDDEN "Transfer-Encoding: chunked\r\n\r\n", "what?", false, NULL);
}

/* A body without end, or one that does not come, is not waited for. */
static void a_body_is_bounded_in_length_and_time(void **state) {
    expect_body(FORBIDDEN "\r\n", X100 X100 X100 X100 X100 X100 X100 X100 X100 X100 X100, false,
        X100 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
             "xx...");
    test_stage stage = {.then_answer = refuse_with_body};
    refusal_head = FORBIDDEN "Content-Length: 100\r\n\r\n";
    refusal_body = "not all";
    stage_open(&stage);
    stage_connect(&stage, "/");
    int64_t began = tow_loop_now(stage.loop);
    stage_until(&stage, stage.closes == 1);
    assert_in_range(stage.closed_at - began, TOW_SECOND, 2 * TOW_SECOND);
    assert_string_equal(stage.error_text, "the server answered 403 Forbidden: not all");
    stage_close(&stage);
}

static const char *accept_fields;

static void accept_with_fields(test_stage *stage) {
    stage_accept(stage, accept_fields);
}

static void what_was_not_offered_or_not_acknowledged_fails(void **state) {
    static const char *const protocols[] = {"soap", NULL};
    static const struct {
        const char *fields;
        bool offer;
        int error;
    } cases[] = {
        {"Sec-WebSocket-Protocol: soap\r\n", false, TOW_ERROR_HANDSHAKE_PROTOCOL},
        {"Sec-WebSocket-Protocol: xmpp\r\n", true, TOW_ERROR_HANDSHAKE_PROTOCOL},
        {"", true, TOW_ERROR_HANDSHAKE_PROTOCOL},
        {"Sec-WebSocket-Extensions: x-unknown\r\n", false, TOW_ERROR_HANDSHAKE_EXTENSION},
        {"Sec-WebSocket-Extensions: permessage-deflate; what\r\n", false, TOW_ERROR_HANDSHAKE_EXTENSION},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_stage stage = {.simulation.seed = i,
            .then_answer = accept_with_fields,
            .options.protocols = cases[i].offer ? protocols : NULL};
        accept_fields = cases[i].fields;
        stage_open(&stage);
        stage_connect(&stage, "/");
        stage_until(&stage, stage.closes == 1);
        assert_int_equal(stage.opens, 0);
        assert_int_equal(stage.error.error, cases[i].error);
        stage_close(&stage);
    }
}

static void flood_with_head(test_stage *stage) {
    static char head[40000] = "HTTP/1.1 200 OK\r\nX: ";
    memset(head + strlen(head), 'x', sizeof(head) - strlen(head) - 1);
    stage_say(stage, head, sizeof(head) - 1);
}

static void a_head_without_end_is_refused(void **state) {
    for (uint64_t seed = 0; seed < 6; seed++) {
        test_stage stage = {.simulation.seed = seed, .then_answer = flood_with_head};
        stage_open(&stage);
        stage_connect(&stage, "/");
        stage_until(&stage, stage.closes == 1);
        assert_int_equal(stage.error.error, TOW_ERROR_HTTP_TOO_LARGE);
        stage_close(&stage);
    }
}

static size_t hang_up_at;

static void answer_in_part(test_stage *stage) {
    stage_accept(stage, "");
    stage->answer_length = hang_up_at;
    stage->hangs_up = true;
}

static void a_server_may_vanish_at_each_byte_of_its_answer(void **state) {
    for (hang_up_at = 0; hang_up_at < 129; hang_up_at++) {
        test_stage stage = {.simulation.seed = hang_up_at, .then_answer = answer_in_part, .step = 1};
        stage_open(&stage);
        stage_connect(&stage, "/");
        stage_until(&stage, stage.closes == 1);
        assert_int_equal(stage.opens, 0);
        assert_int_equal(stage.error.error, TOW_ERROR_ENDED);
        stage_close(&stage);
    }
}

/* Reaching the server. */

static void the_next_address_is_tried(void **state) {
    for (uint64_t seed = 0; seed < 8; seed++) {
        test_stage stage = {.simulation.seed = seed, .listen = "[::1]:0", .real = seed == 7};
        stage_open(&stage);
        stage_connect(&stage, "/"); /* localhost is 127.0.0.1 first */
        stage_until(&stage, stage.opens == 1);
        stage_close(&stage);
    }
}

static void nobody_there_is_an_error_with_the_place(void **state) {
    for (uint64_t seed = 0; seed < 8; seed++) {
        test_stage stage = {.simulation.seed = seed, .real = seed == 7};
        char text[100];
        stage_open(&stage);
        tow_listener_stop(&stage.listener);
        stage_step(&stage);
        stage_connect(&stage, "/");
        stage_until(&stage, stage.closes == 1);
        assert_int_equal(stage.error.error, TOW_ERROR_REFUSED);
        snprintf(text, sizeof(text), "localhost port %d: connection refused", stage.port);
        assert_string_equal(stage.error_text, text);
        tow_websocket_free(stage.socket);
        tow_loop_free(stage.loop);
    }
}

static void a_name_that_is_not_found_is_named(void **state) {
    test_stage stage = {.simulation.whole = true};
    stage_open(&stage);
    assert_int_equal(tow_websocket_open(&stage.socket, stage.loop, "ws://example.com/", &stage.options), 0);
    assert_int_equal(stage.errors, 0);
    stage_until(&stage, stage.closes == 1);
    assert_int_equal(stage.error.error, TOW_ERROR_NAME_NOT_FOUND);
    assert_string_equal(stage.error_text, "example.com: the name was not found");
    stage_close(&stage);
}

static void a_unix_socket_may_stand_for_host_and_port(void **state) {
    for (uint64_t seed = 0; seed < 4; seed++) {
        test_stage stage = {
            .simulation.seed = seed, .listen = "unix:/simulated", .options.unix_path = "/simulated"};
        stage_open(&stage);
        stage.port = 99;
        stage_connect(&stage, "/");
        stage_until(&stage, stage.opens == 1);
        assert_true(request_has(&stage, "Host: localhost:99"));
        stage_close(&stage);
    }
    test_stage stage = {.simulation.whole = true, .options.unix_path = "/nowhere"};
    stage_open(&stage);
    stage_connect(&stage, "/");
    stage_until(&stage, stage.closes == 1);
    assert_string_equal(stage.error_text, "/nowhere: there is no such file");
    stage_close(&stage);
}

static void out_of_descriptors_is_an_error_event(void **state) {
    test_stage stage = {.simulation = {.whole = true, .descriptors = 1}};
    stage_open(&stage);
    stage_connect(&stage, "/");
    assert_int_equal(stage.errors, 0);
    stage_until(&stage, stage.closes == 1);
    assert_int_equal(stage.error.error, TOW_ERROR_DESCRIPTORS);
    stage_close(&stage);
}

static void a_server_that_does_not_answer_is_given_up(void **state) {
    for (int partly = 0; partly < 2; partly++) {
        test_stage stage = {.simulation.whole = true, .answers_nothing = true, .options.connect_seconds = 7};
        stage_open(&stage);
        int64_t since = tow_loop_now(stage.loop);
        stage_connect(&stage, "/");
        stage_until(&stage, stage.head_length > 0);
        if (partly)
            stage_say(&stage, "HTTP/1.1 101 Sw", 15);
        stage_until(&stage, stage.closes == 1);
        assert_int_equal(stage.error.error, TOW_ERROR_TIMED_OUT);
        assert_string_equal(stage.error_text, "no answer to the opening handshake within 7 seconds");
        assert_true(stage.closed_at - since >= 7 * TOW_SECOND && stage.closed_at - since < 8 * TOW_SECOND);
        stage_close(&stage);
    }
}

static void an_open_connection_has_no_connect_timer(void **state) {
    test_stage stage = {.simulation.whole = true, .options.connect_seconds = 1};
    stage_open(&stage);
    stage_connect(&stage, "/");
    stage_run(&stage, 1000 * TOW_SECOND);
    assert_int_equal(stage.opens, 1);
    assert_int_equal(stage.closes, 0);
    stage_close(&stage);
}

/* Giving up. */

static void close_while_connecting_fails_the_connection(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_stage stage = {.simulation.seed = seed};
        stage_open(&stage);
        stage_connect(&stage, "/");
        for (uint64_t i = 0; i < seed && stage.opens == 0; i++)
            stage_step(&stage);
        bool was_open = stage.opens == 1;
        assert_int_equal(tow_websocket_close(stage.socket, 1000, NULL), 0);
        assert_int_equal(tow_websocket_ready_state(stage.socket), TOW_CLOSING);
        assert_int_equal(tow_websocket_close(stage.socket, 1000, NULL), 0);
        assert_int_equal(stage.closes, 0);
        stage_until(&stage, stage.closes == 1);
        if (!was_open) {
            assert_int_equal(stage.error.error, TOW_ERROR_CLOSED);
            assert_int_equal(stage.opens, 0);
        }
        assert_int_equal(stage.close.code, 1006);
        stage_close(&stage);
    }
}

static void a_socket_may_be_freed_at_any_time_and_says_nothing_then(void **state) {
    for (uint64_t seed = 0; seed < 40; seed++) {
        test_stage stage = {.simulation.seed = seed, .then_answer = say_everything, .hangs_up = true};
        stage_open(&stage);
        stage_connect(&stage, "/");
        for (uint64_t i = 0; i < seed; i++)
            stage_step(&stage);
        size_t heard = stage.opens + stage.messages + stage.errors + stage.closes + stage.heads_sent;
        tow_websocket_free(stage.socket);
        stage.socket = NULL;
        stage_run(&stage, TOW_SECOND);
        assert_int_equal(
            stage.opens + stage.messages + stage.errors + stage.closes + stage.heads_sent, heard);
        stage_close(&stage);
    }
}

static void free_socket(test_stage *stage) {
    tow_websocket *socket = stage->socket;
    stage->socket = NULL;
    tow_websocket_free(socket);
}

static void free_at_head(test_stage *stage, bool sent) {
    free_socket(stage);
}

static void free_at_response(test_stage *stage, bool sent) {
    if (!sent)
        free_socket(stage);
}

static void a_socket_may_be_freed_in_each_of_its_callbacks(void **state) {
    for (int place = 0; place < 7; place++) {
        for (uint64_t seed = 0; seed < 8; seed++) {
            test_stage stage = {.simulation.seed = seed, .then_answer = say_everything, .hangs_up = true};
            raw_answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
            stage.then_open = place == 0 ? free_socket : NULL;
            stage.then_message = place == 1 ? free_socket : NULL;
            stage.then_close = place == 2 || place == 4 ? free_socket : NULL;
            stage.then_error = place == 3 ? free_socket : NULL;
            stage.then_head = place == 5 ? free_at_head : place == 6 ? free_at_response : NULL;
            if (place == 3 || place == 4)
                stage.then_answer = answer_raw;
            stage_open(&stage);
            stage_connect(&stage, "/");
            stage_until(&stage, stage.socket == NULL);
            stage_run(&stage, TOW_SECOND);
            assert_int_equal(stage.opens, place <= 2);
            assert_int_equal(stage.messages, place == 1 ? 1 : place == 2 ? 2 : 0);
            assert_int_equal(stage.closes, place == 2 || place == 4);
            assert_int_equal(stage.errors, place == 3 || place == 4);
            stage_close(&stage);
        }
    }
}

/* The loop lives as long as the connection, and tow_loop_run ends with it. */
static void the_loop_runs_until_the_connection_is_closed(void **state) {
    test_stage stage = {.simulation.whole = true, .then_answer = say_everything, .hangs_up = true};
    stage_open(&stage);
    stage_connect(&stage, "/");
    tow_listener_stop(&stage.listener);
    stage_until(&stage, stage.closes == 1);
    tow_websocket_free(stage.socket);
    tow_loop_free(stage.loop);
    tow_websocket_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_opens_and_talks),
        cmocka_unit_test(what_comes_after_our_own_end_is_delivered),
        cmocka_unit_test(the_response_may_be_cut_at_each_byte),
        cmocka_unit_test(an_interim_response_may_come_first),
        cmocka_unit_test(options_go_into_the_request),
        cmocka_unit_test(the_response_can_be_read_as_long_as_the_socket_is_there),
        cmocka_unit_test(a_refusal_can_be_read_from_on_error_on),
        cmocka_unit_test(there_is_no_response_that_is_not_whole),
        cmocka_unit_test(compression_may_be_off),
        cmocka_unit_test(keys_are_fresh),
        cmocka_unit_test(wrong_arguments_are_refused_at_once),
        cmocka_unit_test(a_shorter_options_struct_is_taken),
        cmocka_unit_test(a_refusal_says_why),
        cmocka_unit_test(a_long_location_is_whole_or_said_to_be_cut),
        cmocka_unit_test(the_body_of_a_refusal_is_part_of_the_reason),
        cmocka_unit_test(what_is_no_text_is_not_shown),
        cmocka_unit_test(a_body_is_bounded_in_length_and_time),
        cmocka_unit_test(what_was_not_offered_or_not_acknowledged_fails),
        cmocka_unit_test(a_head_without_end_is_refused),
        cmocka_unit_test(a_server_may_vanish_at_each_byte_of_its_answer),
        cmocka_unit_test(the_next_address_is_tried),
        cmocka_unit_test(nobody_there_is_an_error_with_the_place),
        cmocka_unit_test(a_name_that_is_not_found_is_named),
        cmocka_unit_test(a_unix_socket_may_stand_for_host_and_port),
        cmocka_unit_test(out_of_descriptors_is_an_error_event),
        cmocka_unit_test(a_server_that_does_not_answer_is_given_up),
        cmocka_unit_test(an_open_connection_has_no_connect_timer),
        cmocka_unit_test(close_while_connecting_fails_the_connection),
        cmocka_unit_test(a_socket_may_be_freed_at_any_time_and_says_nothing_then),
        cmocka_unit_test(a_socket_may_be_freed_in_each_of_its_callbacks),
        cmocka_unit_test(the_loop_runs_until_the_connection_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
