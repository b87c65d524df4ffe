#include "../unit.h"

#include "connect/connector.h"
#include "connect/names.h"
#include "transport/listener.h"
#include "transport/loop.h"
#include "transport/stream.h"
#include "transport/timer.h"
#include "transport/watch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <towline/error.h>
#include <unistd.h>

/* A name server of our own: it answers as the test says, a family at a time. */
typedef struct record {
    const char *addresses[4]; /* of the family; none: the name has none */
    int code;                 /* 0 no error, 2 server failure, 3 no such name, -1: no answer at all */
    int delay_milliseconds;
} test_record;

typedef struct zone {
    test_record ipv4, ipv6;
} test_zone;

typedef struct pending {
    tow_timer timer;
    struct course *course;
    uint8_t bytes[512];
    size_t length;
    struct sockaddr_in from;
} pending;

typedef struct course {
    tow_loop *loop;
    tow_watch server;
    test_zone zone;
    int questions;
    pending answers[32];
    size_t answer_count;
    tow_listener listeners[2];
    uint16_t port;
    tow_connector *connector;
    int connected, failed, error, fd;
    char text[512];
    int family; /* of the peer */
    tow_timer deadline;
} course;

static void on_connected(void *user, int fd) {
    course *self = user;
    struct sockaddr_storage peer;
    socklen_t length = sizeof(peer);
    self->connected++;
    self->connector = NULL;
    self->fd = fd;
    if (getpeername(fd, (struct sockaddr *)&peer, &length) == 0)
        self->family = peer.ss_family;
}

static void on_failed(void *user, int error, const char *text) {
    course *self = user;
    self->failed++;
    self->connector = NULL;
    self->error = error;
    snprintf(self->text, sizeof(self->text), "%s", text);
}

static const tow_connector_events connector_events = {.on_connected = on_connected, .on_failed = on_failed};

/* RFC 1035, section 4: the question is sent back, and answers with a pointer to its name. */
static size_t write_answer(const test_record *record, int family, uint8_t *bytes, size_t length) {
    size_t count = 0;
    bytes[2] = 0x81; /* a response */
    bytes[3] = (uint8_t)(0x80 | record->code);
    memset(bytes + 6, 0, 6);
    for (; record->code == 0 && count < 4 && record->addresses[count] != NULL; count++) {
        uint8_t size = family == AF_INET6 ? 16 : 4;
        const uint8_t head[] = {0xc0, 12, 0, family == AF_INET6 ? 28 : 1, 0, 1, 0, 0, 0, 60, 0, size};
        memcpy(bytes + length, head, sizeof(head));
        assert_int_equal(inet_pton(family, record->addresses[count], bytes + length + sizeof(head)), 1);
        length += sizeof(head) + size;
    }
    bytes[7] = (uint8_t)count;
    return length;
}

static void send_answer(tow_timer *timer) {
    pending *answer = (pending *)(void *)((char *)timer - offsetof(pending, timer));
    assert_int_equal(sendto(answer->course->server.fd, answer->bytes, answer->length, 0,
                         (const struct sockaddr *)&answer->from, sizeof(answer->from)),
        answer->length);
}

/* The end of the question: behind the name, its type and class. */
static size_t question_end(const uint8_t *bytes) {
    size_t at = 12;
    while (bytes[at] != 0)
        at += 1U + bytes[at];
    return at + 5;
}

static void question_came(tow_watch *watch, int ready) {
    (void)ready;
    course *self = watch->user;
    pending *answer = &self->answers[self->answer_count++];
    assert_true(self->answer_count < 32);
    socklen_t size = sizeof(answer->from);
    ssize_t got =
        recvfrom(watch->fd, answer->bytes, sizeof(answer->bytes), 0, (struct sockaddr *)&answer->from, &size);
    assert_true(got > 12);
    self->questions++;
    size_t end = question_end(answer->bytes);
    bool ipv6 = answer->bytes[end - 3] == 28;
    const test_record *record = ipv6 ? &self->zone.ipv6 : &self->zone.ipv4;
    if (record->code < 0)
        return;
    answer->course = self;
    answer->length = write_answer(record, ipv6 ? AF_INET6 : AF_INET, answer->bytes, end);
    tow_timer_set(self->loop, &answer->timer,
        tow_loop_now(self->loop) + record->delay_milliseconds * TOW_MILLISECOND, send_answer);
}

static void accepted(tow_listener *listener, int fd) {
    tow_loop_discard(((course *)listener->user)->loop, fd);
}

static void listen_on(course *self, size_t index, const char *text) {
    tow_address addresses[TOW_ADDRESSES_MAX], bound;
    assert_int_equal(tow_address_parse(text, addresses), 1);
    if (self->port != 0)
        tow_address_set_port(&addresses[0], self->port);
    int fd = tow_listen_socket(self->loop, &addresses[0], &(tow_listen_options){0}, &bound);
    assert_true(fd >= 0);
    self->port = tow_address_port(&bound);
    self->listeners[index].user = self;
    assert_int_equal(tow_listener_start(&self->listeners[index], self->loop, fd, accepted), 0);
}

static void serve_names(course *self) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(name);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
    self->server = (tow_watch){.user = self};
    assert_int_equal(tow_watch_start(&self->server, self->loop, fd, TOW_READABLE, question_came), 0);
    char servers[32];
    snprintf(servers, sizeof(servers), "127.0.0.1:%u", ntohs(name.sin_port));
    assert_int_equal(tow_names_use_servers(self->loop, servers), 0);
}

static void set_up(course *self, tow_io io, test_zone zone) {
    memset(self, 0, sizeof(*self));
    self->zone = zone;
    self->fd = -1;
    assert_int_equal(tow_loop_new(&self->loop, &(tow_loop_options){.io = io}), 0);
    serve_names(self);
}

static void tear_down(course *self) {
    tow_connector_stop(self->connector);
    if (self->fd >= 0)
        tow_loop_discard(self->loop, self->fd);
    for (size_t i = 0; i < 2; i++)
        if (tow_listener_is_started(&self->listeners[i]))
            tow_listener_stop(&self->listeners[i]);
    for (size_t i = 0; i < self->answer_count; i++)
        tow_timer_cancel(self->loop, &self->answers[i].timer);
    tow_watch_stop(&self->server);
    close(self->server.fd);
    tow_loop_free(self->loop);
}

static void start(course *self, const char *host) {
    const tow_place place = {.host = host, .port = self->port};
    assert_int_equal(tow_connector_start(&self->connector, self->loop, &place, &connector_events, self), 0);
    assert_int_equal(self->connected + self->failed, 0);
}

static void out_of_time(tow_timer *timer) {
    (void)timer;
}

/* Returns how many milliseconds it took. */
static int64_t until_decided(course *self) {
    int64_t begun = tow_loop_clock(self->loop);
    tow_timer_set(self->loop, &self->deadline, tow_loop_now(self->loop) + 20 * TOW_SECOND, out_of_time);
    while (self->connected + self->failed == 0 && tow_timer_is_set(&self->deadline)) {
        usleep(500);
        assert_true(tow_loop_step(self->loop) >= 0);
    }
    assert_true(tow_timer_is_set(&self->deadline));
    tow_timer_cancel(self->loop, &self->deadline);
    assert_int_equal(self->connected + self->failed, 1);
    return (tow_loop_clock(self->loop) - begun) / TOW_MILLISECOND;
}

static const test_zone both = {.ipv4 = {{"127.0.0.1"}}, .ipv6 = {{"::1"}}};
static const tow_io kinds[] = {TOW_IO_EPOLL, TOW_IO_URING};

static void a_name_is_asked_for_in_both_families_and_ipv6_is_first(void **state) {
    for (size_t i = 0; i < 2; i++) {
        course self;
        set_up(&self, kinds[i], both);
        listen_on(&self, 0, "127.0.0.1:0");
        listen_on(&self, 1, "[::1]:0");
        start(&self, "ws.example");
        until_decided(&self);
        assert_int_equal(self.connected, 1);
        assert_int_equal(self.questions, 2);
        assert_int_equal(self.family, AF_INET6);
        tear_down(&self);
    }
}

static void the_other_family_follows_a_refusal(void **state) {
    course self;
    set_up(&self, TOW_IO_EPOLL, both);
    listen_on(&self, 0, "127.0.0.1:0");
    start(&self, "ws.example");
    until_decided(&self);
    assert_int_equal(self.family, AF_INET);
    tear_down(&self);
}

/* RFC 8305, section 3. */
static void ipv4_waits_50_milliseconds_for_ipv6(void **state) {
    course self;
    test_zone zone = both;
    zone.ipv6.delay_milliseconds = 5000;
    set_up(&self, TOW_IO_EPOLL, zone);
    listen_on(&self, 0, "127.0.0.1:0");
    listen_on(&self, 1, "[::1]:0");
    start(&self, "ws.example");
    assert_true(until_decided(&self) >= 50);
    assert_int_equal(self.family, AF_INET);
    tear_down(&self);
}

static void ipv6_that_comes_within_50_milliseconds_is_first(void **state) {
    course self;
    test_zone zone = both;
    zone.ipv6.delay_milliseconds = 15;
    set_up(&self, TOW_IO_EPOLL, zone);
    listen_on(&self, 0, "127.0.0.1:0");
    listen_on(&self, 1, "[::1]:0");
    start(&self, "ws.example");
    until_decided(&self);
    assert_int_equal(self.family, AF_INET6);
    tear_down(&self);
}

static void ipv4_does_not_wait_when_there_is_no_ipv6(void **state) {
    course self;
    test_zone zone = {.ipv4 = {{"127.0.0.1"}}, .ipv6 = {.code = 3}};
    set_up(&self, TOW_IO_EPOLL, zone);
    listen_on(&self, 0, "127.0.0.1:0");
    start(&self, "ws.example");
    until_decided(&self);
    assert_int_equal(self.family, AF_INET);
    tear_down(&self);
}

static void ipv6_does_not_wait_for_ipv4(void **state) {
    course self;
    test_zone zone = both;
    zone.ipv4.delay_milliseconds = 15000;
    set_up(&self, TOW_IO_EPOLL, zone);
    listen_on(&self, 1, "[::1]:0");
    start(&self, "ws.example");
    assert_true(until_decided(&self) < 2000);
    assert_int_equal(self.family, AF_INET6);
    tear_down(&self);
}

static void a_name_that_does_not_exist_is_not_found(void **state) {
    for (int code = 0; code < 4; code += 3) {
        course self;
        set_up(&self, TOW_IO_EPOLL, (test_zone){.ipv4 = {.code = code}, .ipv6 = {.code = code}});
        start(&self, "absent.example");
        until_decided(&self);
        assert_int_equal(self.error, TOW_ERROR_NAME_NOT_FOUND);
        assert_string_equal(self.text, "absent.example: the name was not found");
        tear_down(&self);
    }
}

/* RFC 6761, section 6.4. */
static void an_invalid_name_is_not_asked_for(void **state) {
    static const char *const names[] = {"absent.invalid", "a.b.INVALID."};
    for (size_t i = 0; i < 2; i++) {
        course self;
        set_up(&self, TOW_IO_EPOLL, both);
        start(&self, names[i]);
        until_decided(&self);
        assert_int_equal(self.error, TOW_ERROR_NAME_NOT_FOUND);
        assert_int_equal(self.questions, 0);
        tear_down(&self);
    }
}

static void a_name_server_that_fails_is_told(void **state) {
    course self;
    set_up(&self, TOW_IO_EPOLL, (test_zone){.ipv4 = {.code = 2}, .ipv6 = {.code = 2}});
    start(&self, "ws.example");
    until_decided(&self);
    assert_int_equal(self.error, TOW_ERROR_NAME_NOT_FOUND);
    assert_non_null(strstr(self.text, "ws.example: "));
    tear_down(&self);
}

static void refusals_name_the_place(void **state) {
    course self;
    set_up(&self, TOW_IO_EPOLL, both);
    listen_on(&self, 0, "127.0.0.1:0");
    tow_listener_stop(&self.listeners[0]);
    tow_loop_step(self.loop);
    start(&self, "ws.example");
    until_decided(&self);
    char text[64];
    snprintf(text, sizeof(text), "ws.example port %u: connection refused", self.port);
    assert_string_equal(self.text, text);
    assert_int_equal(self.error, TOW_ERROR_REFUSED);
    tear_down(&self);
}

/* RFC 6761, section 6.3. */
static void localhost_never_leaves_the_machine(void **state) {
    static const char *const names[] = {"localhost", "a.localhost", "LOCALHOST.", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        course self;
        set_up(&self, kinds[i % 2], (test_zone){.ipv4 = {{"192.0.2.1"}}});
        listen_on(&self, 0, "127.0.0.1:0");
        listen_on(&self, 1, "[::1]:0");
        start(&self, names[i]);
        until_decided(&self);
        assert_int_equal(self.connected, 1);
        assert_int_equal(self.questions, 0);
        tear_down(&self);
    }
}

/* A name that stands there besides localhost, as each machine's own does. */
static bool name_in_hosts_file(char out[128]) {
    FILE *file = fopen("/etc/hosts", "r");
    char line[256];
    bool found = false;
    while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL)
        found = sscanf(line, "127.0.0.1 %127s", out) == 1 && strstr(out, "localhost") == NULL;
    if (file != NULL)
        fclose(file);
    return found;
}

static void the_hosts_file_is_honoured(void **state) {
    char name[128];
    if (!name_in_hosts_file(name))
        skip(); /* nothing but localhost stands there */
    course self;
    set_up(&self, TOW_IO_EPOLL, (test_zone){.ipv4 = {.code = 3}, .ipv6 = {.code = 3}});
    listen_on(&self, 0, "127.0.0.1:0");
    start(&self, name);
    until_decided(&self);
    assert_int_equal(self.connected, 1);
    tear_down(&self);
}

static void a_unix_socket_is_reached_by_its_path(void **state) {
    course self;
    char path[64], listen[80];
    snprintf(path, sizeof(path), "/tmp/towline-connector-%d", (int)getpid());
    snprintf(listen, sizeof(listen), "unix:%s", path);
    set_up(&self, TOW_IO_EPOLL, both);
    listen_on(&self, 0, listen);
    const tow_place place = {.host = "ignored.example", .unix_path = path};
    assert_int_equal(tow_connector_start(&self.connector, self.loop, &place, &connector_events, &self), 0);
    until_decided(&self);
    assert_int_equal(self.family, AF_UNIX);
    tear_down(&self);
    unlink(path);
}

static void a_unix_socket_without_a_listener_is_told_by_its_path(void **state) {
    course self;
    set_up(&self, TOW_IO_EPOLL, both);
    const tow_place place = {.unix_path = "/nowhere/socket"};
    assert_int_equal(tow_connector_start(&self.connector, self.loop, &place, &connector_events, &self), 0);
    until_decided(&self);
    assert_int_equal(self.error, TOW_ERROR_NO_FILE);
    assert_string_equal(self.text, "/nowhere/socket: there is no such file");
    char left[] = "/tmp/towline-connector-XXXXXX"; /* nobody ever listened here */
    char expected[64];
    close(mkstemp(left));
    const tow_place no_listener = {.unix_path = left};
    self.failed = 0;
    assert_int_equal(
        tow_connector_start(&self.connector, self.loop, &no_listener, &connector_events, &self), 0);
    until_decided(&self);
    assert_int_equal(self.error, TOW_ERROR_REFUSED);
    snprintf(expected, sizeof(expected), "%s: nobody listens on it", left);
    assert_string_equal(self.text, expected);
    unlink(left);
    char path[200];
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    const tow_place too_long = {.unix_path = path};
    assert_int_equal(tow_connector_start(&self.connector, self.loop, &too_long, &connector_events, &self),
        TOW_ERROR_ADDRESS);
    const tow_place no_name = {.host = "a b"};
    assert_int_equal(tow_connector_start(&self.connector, self.loop, &no_name, &connector_events, &self),
        TOW_ERROR_ADDRESS);
    tear_down(&self);
}

static void it_may_be_stopped_at_any_time_and_says_nothing_then(void **state) {
    for (int steps = 0; steps < 30; steps++) {
        course self;
        test_zone zone = both;
        zone.ipv6.delay_milliseconds = steps % 5;
        set_up(&self, kinds[steps % 2], zone);
        listen_on(&self, 0, "127.0.0.1:0");
        start(&self, "ws.example");
        for (int i = 0; i < steps && self.connected == 0; i++) {
            usleep(300);
            tow_loop_step(self.loop);
        }
        int connected = self.connected;
        tow_connector_stop(self.connector);
        self.connector = NULL;
        for (int i = 0; i < 20; i++) {
            usleep(200);
            tow_loop_step(self.loop);
        }
        assert_int_equal(self.connected, connected);
        assert_int_equal(self.failed, 0);
        tear_down(&self);
    }
}

/* The loop ends when nobody waits for a name any more, and frees what a query left behind. */
static void a_loop_ends_after_its_last_query(void **state) {
    for (int io = 0; io < 2; io++) {
        tow_loop *loop;
        course self = {.fd = -1};
        assert_int_equal(tow_loop_new(&loop, &(tow_loop_options){.io = kinds[io]}), 0);
        const tow_place place = {.host = "absent.test", .port = 1};
        for (int i = 0; i < 3; i++) {
            assert_int_equal(tow_connector_start(&self.connector, loop, &place, &connector_events, &self), 0);
            tow_connector_stop(self.connector);
        }
        assert_int_equal(tow_loop_run(loop), 0);
        assert_null(tow_loop_get_companion(loop, TOW_COMPANION_NAMES));
        assert_int_equal(tow_connector_start(&self.connector, loop, &place, &connector_events, &self), 0);
        tow_connector_stop(self.connector);
        tow_loop_free(loop);
        assert_int_equal(self.connected + self.failed, 0);
    }
}

static void in_the_simulator_no_name_is_found(void **state) {
    course self = {.fd = -1};
    assert_int_equal(tow_loop_new_simulated(&self.loop, NULL), 0);
    assert_int_equal(tow_names_use_servers(self.loop, "127.0.0.1"), TOW_ERROR_UNSUPPORTED);
    start(&self, "ws.example");
    while (self.failed == 0)
        assert_true(tow_loop_step(self.loop) >= 0);
    assert_int_equal(self.error, TOW_ERROR_NAME_NOT_FOUND);
    tow_loop_free(self.loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_asked_for_in_both_families_and_ipv6_is_first),
        cmocka_unit_test(the_other_family_follows_a_refusal),
        cmocka_unit_test(ipv4_waits_50_milliseconds_for_ipv6),
        cmocka_unit_test(ipv6_that_comes_within_50_milliseconds_is_first),
        cmocka_unit_test(ipv4_does_not_wait_when_there_is_no_ipv6),
        cmocka_unit_test(ipv6_does_not_wait_for_ipv4),
        cmocka_unit_test(a_name_that_does_not_exist_is_not_found),
        cmocka_unit_test(an_invalid_name_is_not_asked_for),
        cmocka_unit_test(a_name_server_that_fails_is_told),
        cmocka_unit_test(refusals_name_the_place),
        cmocka_unit_test(localhost_never_leaves_the_machine),
        cmocka_unit_test(the_hosts_file_is_honoured),
        cmocka_unit_test(a_unix_socket_is_reached_by_its_path),
        cmocka_unit_test(a_unix_socket_without_a_listener_is_told_by_its_path),
        cmocka_unit_test(it_may_be_stopped_at_any_time_and_says_nothing_then),
        cmocka_unit_test(a_loop_ends_after_its_last_query),
        cmocka_unit_test(in_the_simulator_no_name_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
