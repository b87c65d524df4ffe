/* Wherever an allocation of the opening handshake fails, the call or the connection fails, and nothing leaks.
 */
#include "stage.h"

#include "../allocation.h"

#include <unistd.h>

/* The allocation that is to fail, counted over all calls of the library; calls of the test itself and of the
 * loop don't count. */
static size_t to_fail;

static void begin_call(void) {
    allocation_fail_at(to_fail);
}

static void end_call(void) {
    size_t count = allocation_count();
    to_fail = to_fail > count ? to_fail - count : 0;
    allocation_fail_at(0);
}

static int open_socket(test_stage *stage) {
    snprintf(stage->url, sizeof(stage->url), "ws://127.0.0.1:%d/echo", stage->port);
    begin_call();
    int error = tow_websocket_open(&stage->socket, stage->loop, stage->url, &stage->options);
    end_call();
    return error;
}

/* The response in pieces, as if the stream had brought it. */
static void answer(test_stage *stage, size_t step) {
    char text[512];
    size_t length = (size_t)snprintf(text, sizeof(text),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
        "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        "%c%c%s",
        stage->accept, 0x81, 5, "hello");
    tow_stream *stream = &stage->socket->stream;
    for (size_t offset = 0; offset < length && stage->errors == 0; offset += step) {
        begin_call();
        stream->events->on_bytes(
            stream, (uint8_t *)text + offset, step < length - offset ? step : length - offset);
        end_call();
    }
}

static bool run(size_t failing, size_t step) {
    static const char *const protocols[] = {"chat", "soap", NULL};
    static const tow_header_field headers[] = {{"X-Header", "value"}, {NULL, NULL}};
    long before = allocation_outstanding();
    test_stage stage = {.simulation.whole = true,
        .answers_nothing = true,
        .options = {.protocols = protocols, .headers = headers, .origin = "http://localhost"}};
    stage_open(&stage);
    to_fail = failing;
    int error = open_socket(&stage);
    if (error == 0) {
        stage_until(&stage, stage.head_length > 0 || stage.closes == 1); /* connecting takes memory, too */
        if (stage.closes == 0)
            answer(&stage, step);
        stage_run(&stage, TOW_MILLISECOND);
    }
    bool failed = failing != 0 && to_fail == 0;
    if (error != 0) {
        assert_int_equal(error, TOW_ERROR_MEMORY);
        assert_true(failed);
    } else if (stage.messages == 0) {
        stage_until(&stage, stage.closes == 1);
        assert_int_equal(stage.error.error, TOW_ERROR_MEMORY);
    } else {
        assert_int_equal(stage.messages, 1);
    }
    if (!failed) {
        assert_int_equal(stage.opens, 1);
        assert_string_equal(tow_websocket_protocol(stage.socket), "chat");
    }
    stage_close(&stage);
    assert_int_equal(allocation_outstanding(), before);
    return failed;
}

/* A refusal whose body comes behind the head. */
static bool refuse(size_t failing) {
    static const char *const pieces[] = {"HTTP/1.1 403 Forbidden\r\nContent-Le", "ngth: 6\r\n\r\nnot", "you"};
    long before = allocation_outstanding();
    test_stage stage = {.simulation.whole = true, .answers_nothing = true};
    stage_open(&stage);
    to_fail = failing;
    int error = open_socket(&stage);
    stage_until(&stage, error != 0 || stage.head_length > 0 || stage.closes == 1);
    for (size_t i = 0; i < 3 && error == 0 && stage.closes == 0; i++) {
        tow_stream *stream = &stage.socket->stream;
        char piece[64];
        memcpy(piece, pieces[i], strlen(pieces[i]) + 1);
        begin_call();
        stream->events->on_bytes(stream, (uint8_t *)piece, strlen(piece));
        end_call();
    }
    bool failed = failing != 0 && to_fail == 0;
    if (error == 0) {
        stage_until(&stage, stage.closes == 1);
        assert_int_equal(
            stage.error.error, stage.error.http_status == 403 ? TOW_ERROR_HTTP_STATUS : TOW_ERROR_MEMORY);
    }
    if (!failed)
        assert_string_equal(stage.error_text, "the server answered 403 Forbidden: notyou");
    stage_close(&stage);
    assert_int_equal(allocation_outstanding(), before);
    return failed;
}

static void each_allocation_of_a_refusal_may_fail(void **state) {
    size_t failing = 0;
    do
        failing++;
    while (refuse(failing));
    assert_true(failing > 5);
}

static void each_allocation_of_the_handshake_may_fail(void **state) {
    static const size_t steps[] = {1000, 100, 1};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        assert_false(run(0, steps[i]));
        size_t failing = 1;
        while (run(failing, steps[i]))
            failing++;
        assert_true(failing > 8);
    }
}

/* The same over TLS, where the loop's own allocations count as well: what fails there ends the connection
 * too. */

static test_authority authority;
static test_identity identity;
static SSL_CTX *secret;
static char roots[] = "/tmp/towline-test-XXXXXX";

static int make_files(void **state) {
    (void)state;
    authority_make(&authority, "Test Authority");
    authority_issue(&authority, &(test_subject){.names = "DNS:localhost"}, &identity);
    secret = layer_context(&identity, NULL);
    int fd = mkstemp(roots);
    assert_int_equal(write(fd, authority.pem, strlen(authority.pem)), strlen(authority.pem));
    close(fd);
    return 0;
}

static int remove_files(void **state) {
    (void)state;
    unlink(roots);
    SSL_CTX_free(secret);
    identity_clear(&identity);
    authority_clear(&authority);
    return 0;
}

static void set_apart(bool begins) {
    if (begins)
        end_call();
    else
        begin_call();
}

static bool is_decided(const test_stage *stage) {
    return stage->opens + stage->closes > 0 || stage->server_closed;
}

static bool run_secure(size_t failing) {
    long before = allocation_outstanding();
    test_stage stage = {
        .simulation.whole = true, .secret = secret, .apart = set_apart, .options.tls_roots = roots};
    stage_open(&stage);
    to_fail = failing;
    snprintf(stage.url, sizeof(stage.url), "wss://me:pass@localhost:%d/echo", stage.port);
    begin_call();
    int error = tow_websocket_open(&stage.socket, stage.loop, stage.url, &stage.options);
    for (int i = 0; error == 0 && i < 1000 && !is_decided(&stage); i++)
        (void)tow_loop_step(stage.loop);
    end_call();
    bool failed = failing != 0 && to_fail == 0;
    if (error != 0)
        assert_int_equal(error, TOW_ERROR_MEMORY);
    if (!failed)
        assert_int_equal(stage.opens, 1);
    stage_close(&stage);
    assert_int_equal(allocation_outstanding(), before);
    return failed;
}

static void each_allocation_of_a_handshake_over_tls_may_fail(void **state) {
    assert_false(run_secure(0));
    size_t failing = 1;
    while (run_secure(failing))
        failing++;
    assert_true(failing > 15);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_of_the_handshake_may_fail),
        cmocka_unit_test(each_allocation_of_a_refusal_may_fail),
        cmocka_unit_test(each_allocation_of_a_handshake_over_tls_may_fail),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
