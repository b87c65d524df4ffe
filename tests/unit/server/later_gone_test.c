/* On real sockets: whoever keeps a request is told when its client has left, though it is not read. */
#include "../transport/each_loop.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <towline.h>
#include <unistd.h>

static tow_exchange *kept;
static int gone, ended;

static void note_gone(tow_exchange *exchange, void *user) {
    gone++;
}

static void note_end(tow_exchange *exchange, void *user) {
    ended++;
}

static void keep(tow_exchange *exchange, const tow_request *request) {
    const tow_exchange_events events = {.on_gone = note_gone, .on_end = note_end};
    assert_int_equal(tow_exchange_keep(exchange, &events), 0);
    kept = exchange;
}

static tow_server *begin(each_loop *each) {
    tow_server *server;
    kept = NULL;
    gone = ended = 0;
    const tow_server_options options = {.listen = "127.0.0.1:0", .loop = each->loop, .drain_seconds = 1};
    assert_int_equal(tow_server_new(&server, &options), 0);
    assert_int_equal(tow_server_route(server, "/", &(tow_handler){.on_request = keep}), 0);
    assert_int_equal(tow_server_listen(server), 0);
    return server;
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

/* With more requests behind the one that is kept. */
static int ask(each_loop *each, tow_server *server) {
    static const char requests[] =
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)tow_server_port(server, 0)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(fd, requests, strlen(requests), 0), strlen(requests));
    run_until(each, is_kept, NULL);
    return fd;
}

static void a_reset_is_told(void **state) {
    each_loop *each = *state;
    tow_server *server = begin(each);
    int fd = ask(each, server);
    const struct linger at_once = {.l_onoff = 1};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(fd);
    run_until(each, is_gone, NULL);
    assert_int_equal(gone, 1);
    end(each, server);
    assert_int_equal(gone, 1);
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
        ON_REAL_LOOPS(an_end_is_told_and_then_that_nobody_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
