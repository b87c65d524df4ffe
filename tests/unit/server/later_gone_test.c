/* On real sockets: whoever keeps a request is told when its client has left, though it is not read. */
#include "../transport/each_loop.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <towline.h>
#include <unistd.h>

static tow_exchange *kept;
static int gone, ended;
static bool asks_for_peer;
static char peer[128]; /* that it was told */

/* What the request knows is not forgotten with the client. */
static void note_gone(tow_exchange *exchange, void *user) {
    gone++;
    const tow_request *request = tow_exchange_request(exchange);
    if (peer[0] == '\0')
        assert_int_equal(strncmp(tow_request_peer(request), "127.0.0.1:", 10), 0);
    else
        assert_string_equal(tow_request_peer(request), peer);
}

static void note_end(tow_exchange *exchange, void *user) {
    ended++;
}

static void keep(tow_exchange *exchange, const tow_request *request) {
    const tow_exchange_events events = {.on_gone = note_gone, .on_end = note_end};
    assert_int_equal(tow_exchange_keep(exchange, &events), 0);
    kept = exchange;
    if (asks_for_peer)
        snprintf(peer, sizeof(peer), "%s", tow_request_peer(request));
}

static tow_server *begin_with(each_loop *each, bool secure) {
    tow_server *server;
    kept = NULL;
    gone = ended = 0;
    peer[0] = '\0';
    const tow_server_options options = {.listen = "127.0.0.1:0",
        .loop = each->loop,
        .drain_seconds = 1,
        .tls_self_signed = secure,
        .log_level = TOW_LOG_ERROR}; /* else its lines had asked for the peer */
    assert_int_equal(tow_server_new(&server, &options), 0);
    assert_int_equal(tow_server_route(server, "/", &(tow_handler){.on_request = keep}), 0);
    assert_int_equal(tow_server_listen(server), 0);
    return server;
}

static tow_server *begin(each_loop *each) {
    return begin_with(each, false);
}

static bool is_kept(void *argument) {
    return kept != NULL;
}

static bool is_gone(void *argument) {
    return gone > 0;
}

static bool has_ended(void *argument) {
    return ended > 0;
}

static bool is_done(void *argument) {
    return tow_server_is_done(argument);
}

static void end(each_loop *each, tow_server *server) {
    tow_server_stop(server);
    run_until(each, is_done, server);
    tow_server_free(server);
}

#define REQUEST "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

static int ask_with(each_loop *each, tow_server *server, const char *requests, bool ends) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)tow_server_port(server, 0)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(fd, requests, strlen(requests), 0), strlen(requests));
    if (ends)
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
    run_until(each, is_kept, NULL);
    return fd;
}

/* With more requests behind the one that is kept. */
static int ask(each_loop *each, tow_server *server) {
    return ask_with(each, server, REQUEST REQUEST, false);
}

static void reset(int fd) {
    const struct linger at_once = {.l_onoff = 1};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(fd);
}

static void a_reset_is_told(void **state) {
    each_loop *each = *state;
    for (int asks = 0; asks < 2; asks++) {
        tow_server *server = begin(each);
        asks_for_peer = asks;
        reset(ask(each, server));
        run_until(each, is_gone, NULL);
        assert_int_equal(gone, 1);
        end(each, server);
        assert_int_equal(gone, 1);
        asks_for_peer = false;
    }
}

static void so_is_one_after_the_end(void **state) {
    each_loop *each = *state;
    static const char *const requests[] = {REQUEST, REQUEST REQUEST};
    for (int i = 0; i < 4; i++) {
        tow_server *server = begin(each);
        int fd = ask_with(each, server, requests[i / 2], i % 2);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        run_until(each, has_ended, NULL);
        run_for(each, 20 * TOW_MILLISECOND);
        assert_int_equal(gone, 0);
        reset(fd);
        run_until(each, is_gone, NULL);
        end(each, server);
        assert_int_equal(gone, 1);
    }
}

static bool is_writable(void *argument) {
    return ((const test_end *)argument)->writable > 0;
}

/* A client of the same loop. */
static void ask_secretly(test_end *client, each_loop *each, tow_server *server) {
    char text[32];
    tow_address address[TOW_ADDRESSES_MAX];
    snprintf(text, sizeof(text), "127.0.0.1:%d", tow_server_port(server, 0));
    assert_int_equal(tow_address_parse(text, address), 1);
    assert_int_equal(tow_stream_connect(&client->stream, each->loop, address, &end_events), 0);
    run_until(each, is_writable, client);
    end_send(client, REQUEST, strlen(REQUEST));
    run_until(each, is_kept, NULL);
}

static void over_tls_too(void **state) {
    each_loop *each = *state;
    char why[TOW_TLS_TEXT_MAX];
    tow_tls_context *trusting;
    assert_int_equal(
        tow_tls_context_new(&trusting, &(tow_tls_settings){.verify = TOW_TLS_VERIFY_NONE}, why), 0);
    for (int ends = 0; ends < 2; ends++) {
        test_end client = {.tls = trusting};
        tow_server *server = begin_with(each, true);
        ask_secretly(&client, each, server);
        if (ends) {
            tow_stream_shutdown(&client.stream);
            run_until(each, has_ended, NULL);
            run_for(each, 20 * TOW_MILLISECOND);
        }
        assert_int_equal(gone, 0);
        tow_stream_reset(&client.stream);
        run_until(each, is_gone, NULL);
        end(each, server);
        end_clear(&client);
    }
    tow_tls_context_release(trusting);
}

/* And the answer to one who has left shows that. */
static void an_end_is_told_and_then_that_nobody_reads(void **state) {
    each_loop *each = *state;
    tow_server *server = begin(each);
    close(ask(each, server));
    run_until(each, has_ended, NULL);
    assert_int_equal(ended, 1);
    assert_int_equal(gone, 0);
    assert_int_equal(tow_exchange_begin(kept, 200, NULL, TOW_LENGTH_UNKNOWN), 0);
    for (int i = 0; i < 100 && gone == 0; i++) {
        int error = tow_exchange_write(kept, "x", 1);
        assert_true(error == 0 || error == TOW_ERROR_CLOSED);
        run_for(each, 10 * TOW_MILLISECOND);
    }
    assert_int_equal(gone, 1);
    end(each, server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_REAL_LOOPS(a_reset_is_told),
        ON_REAL_LOOPS(so_is_one_after_the_end),
        ON_REAL_LOOPS(over_tls_too),
        ON_REAL_LOOPS(an_end_is_told_and_then_that_nobody_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
