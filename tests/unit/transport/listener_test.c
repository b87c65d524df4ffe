#include "each_loop.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static tow_address parse(const char *text) {
    tow_address addresses[TOW_ADDRESSES_MAX];
    assert_true(tow_address_parse(text, addresses) >= 1);
    return addresses[0];
}

static int listen_at(each_loop *each, const char *text, bool reuse_port, tow_address *bound) {
    tow_address address = parse(text);
    return tow_listen_socket(each->loop, &address, &(tow_listen_options){.reuse_port = reuse_port}, bound);
}

static int listen_at_port(each_loop *each, const char *host, int port, bool reuse_port) {
    char text[64];
    snprintf(text, sizeof(text), "%s:%d", host, port);
    return listen_at(each, text, reuse_port, NULL);
}

/* Accepts into an array of ends. */
enum { GUESTS = 300 };
struct house {
    tow_listener listener; /* first */
    each_loop *each;
    tow_address address;
    test_end guests[GUESTS];
    int count;
    int discarded;
    int stop_after; /* guests */
    bool discard;
};

static void let_in(tow_listener *listener, int fd) {
    struct house *house = (struct house *)listener;
    if (house->discard) {
        house->discarded++;
        tow_loop_discard(listener->loop, fd);
        return;
    }
    test_end *guest = &house->guests[house->count++];
    guest->close_at_end = true;
    assert_int_equal(tow_stream_adopt(&guest->stream, listener->loop, fd, &end_events), 0);
    if (house->count == house->stop_after)
        tow_listener_stop(listener);
}

static struct house *open_house(each_loop *each, const char *text) {
    struct house *house = calloc(1, sizeof(*house));
    house->each = each;
    int fd = listen_at(each, text, false, &house->address);
    assert_true(fd >= 0);
    assert_int_equal(tow_listener_start(&house->listener, each->loop, fd, let_in), 0);
    assert_true(tow_listener_is_started(&house->listener));
    return house;
}

static void close_house(struct house *house) {
    tow_listener_stop(&house->listener);
    tow_listener_stop(&house->listener);
    for (int i = 0; i < house->count; i++)
        if (!house->guests[i].forbidden)
            end_close(&house->guests[i]);
    run_to_the_end(house->each);
    for (int i = 0; i < house->count; i++) {
        assert_int_equal(house->guests[i].closed, 1);
        end_clear(&house->guests[i]);
    }
    free(house);
}

static bool all_have_come(void *argument) {
    return ((struct house *)argument)->count == GUESTS;
}

static void many_connections_at_once_are_all_accepted(void **state) {
    struct house *house = open_house(*state, "127.0.0.1:0");
    static test_end clients[GUESTS];
    memset(clients, 0, sizeof(clients));
    for (int i = 0; i < GUESTS; i++)
        assert_int_equal(
            tow_stream_connect(&clients[i].stream, house->each->loop, &house->address, &end_events), 0);
    run_until(house->each, all_have_come, house);
    assert_int_equal(tow_loop_count(house->each->loop)->accepts, GUESTS);
    for (int i = 0; i < GUESTS; i++)
        end_close(&clients[i]);
    close_house(house);
    for (int i = 0; i < GUESTS; i++)
        assert_int_equal(clients[i].closed, 1);
}

static void a_port_in_use_is_an_error(void **state) {
    each_loop *each = *state;
    tow_address bound;
    int first = listen_at(each, "127.0.0.1:0", false, &bound);
    assert_true(first >= 0);
    int port = tow_address_port(&bound);
    assert_int_not_equal(port, 0);
    assert_int_equal(listen_at_port(each, "127.0.0.1", port, false), TOW_ERROR_ADDRESS_IN_USE);
    tow_loop_discard(each->loop, first);
    int again = listen_at_port(each, "127.0.0.1", port, false);
    assert_true(again >= 0);
    tow_loop_discard(each->loop, again);
}

static void workers_share_a_port_once_the_first_allows_it(void **state) {
    each_loop *each = *state;
    tow_address bound;
    int first = listen_at(each, "127.0.0.1:0", false, &bound);
    int port = tow_address_port(&bound);
    /* A stranger that asks to share does not get the port before the owner agrees. */
    assert_int_equal(listen_at_port(each, "127.0.0.1", port, true), TOW_ERROR_ADDRESS_IN_USE);
    assert_int_equal(tow_listen_share(first), 0);
    int second = listen_at_port(each, "127.0.0.1", port, true);
    int third = listen_at_port(each, "127.0.0.1", port, true);
    assert_true(second >= 0);
    assert_true(third >= 0);
    /* Who does not ask to share still fails. */
    assert_int_equal(listen_at_port(each, "127.0.0.1", port, false), TOW_ERROR_ADDRESS_IN_USE);
    tow_loop_discard(each->loop, first);
    tow_loop_discard(each->loop, second);
    tow_loop_discard(each->loop, third);
}

static void every_address_of_both_families_can_be_bound_together(void **state) {
    each_loop *each = *state;
    tow_address bound;
    int ipv6 = -1, ipv4 = -1;
    /* The kernel's choice for one family may be somebody else's port in the other. */
    for (int i = 0; ipv4 < 0 && i < 20; i++) {
        if (ipv6 >= 0)
            tow_loop_discard(each->loop, ipv6);
        ipv6 = listen_at(each, "[::]:0", false, &bound);
        assert_true(ipv6 >= 0);
        ipv4 = listen_at_port(each, "0.0.0.0", tow_address_port(&bound), false);
        assert_true(ipv4 >= 0 || ipv4 == TOW_ERROR_ADDRESS_IN_USE);
    }
    assert_true(ipv4 >= 0);
    tow_loop_discard(each->loop, ipv6);
    tow_loop_discard(each->loop, ipv4);
}

static void an_address_of_another_machine_is_refused(void **state) {
    each_loop *each = *state;
    assert_int_equal(listen_at(each, "192.0.2.1:0", false, NULL), TOW_ERROR_ADDRESS);
}

static void a_stopped_listener_frees_its_port(void **state) {
    for (int i = 0; i < 20; i++) {
        struct house *house = open_house(*state, "127.0.0.1:0");
        int port = tow_address_port(&house->address);
        each_loop *each = house->each;
        tow_loop_step(each->loop);
        close_house(house);
        int fd = listen_at_port(each, "127.0.0.1", port, false);
        assert_true(fd >= 0);
        tow_loop_discard(each->loop, fd);
    }
}

static bool ten_have_come(void *argument) {
    return ((struct house *)argument)->count >= 10;
}

static void a_listener_may_be_stopped_while_it_accepts(void **state) {
    struct house *house = open_house(*state, "127.0.0.1:0");
    house->stop_after = 10;
    static test_end clients[30];
    memset(clients, 0, sizeof(clients));
    for (int i = 0; i < 30; i++) {
        clients[i].close_at_end = true;
        assert_int_equal(
            tow_stream_connect(&clients[i].stream, house->each->loop, &house->address, &end_events), 0);
    }
    run_until(house->each, ten_have_come, house);
    run_for(house->each, 20 * TOW_MILLISECOND);
    assert_int_equal(house->count, 10);
    for (int i = 0; i < 30; i++)
        if (!clients[i].forbidden)
            end_close(&clients[i]);
    close_house(house);
    for (int i = 0; i < 30; i++)
        assert_int_equal(clients[i].closed, 1);
}

static tow_listener *doomed;

static void stop_and_free(test_end *end) {
    tow_listener_stop(doomed);
    free(doomed);
    doomed = NULL;
}

static void never_accept(tow_listener *listener, int fd) {
    fail();
}

static bool is_freed(void *argument) {
    return doomed == NULL;
}

/* Both are ready in one round: what comes first stops the listener, and its memory is gone. */
static void a_listener_may_go_in_the_round_in_which_somebody_comes(void **state) {
    each_loop *each = *state;
    int pair[2];
    tow_address address;
    test_end end = {.on_bytes = stop_and_free, .close_at_end = true};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(tow_stream_adopt(&end.stream, each->loop, pair[0], &end_events), 0);
    int fd = listen_at(each, "127.0.0.1:0", false, &address);
    doomed = calloc(1, sizeof(*doomed));
    assert_int_equal(tow_listener_start(doomed, each->loop, fd, never_accept), 0);
    run_for(each, 5 * TOW_MILLISECOND);
    assert_int_equal(write(pair[1], "x", 1), 1);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address.storage, address.length), 0);
    run_until(each, is_freed, NULL);
    close(client);
    close(pair[1]);
    run_to_the_end(each);
    end_clear(&end);
}

static bool has_ended_or_failed(void *argument) {
    const test_end *end = argument;
    return end->ended > 0 || end->errors > 0;
}

static void a_discarded_descriptor_is_closed(void **state) {
    struct house *house = open_house(*state, "127.0.0.1:0");
    house->discard = true;
    test_end client = {.close_at_end = true};
    assert_int_equal(tow_stream_connect(&client.stream, house->each->loop, &house->address, &end_events), 0);
    run_until(house->each, has_ended_or_failed, &client);
    assert_int_equal(house->discarded, 1);
    close_house(house);
    assert_int_equal(client.closed, 1);
}

/* Unix sockets */

static void in_a_folder(char path[64]) {
    snprintf(path, 64, "/tmp/towline-listener-XXXXXX");
    assert_non_null(mkdtemp(path));
}

static bool is_socket(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

static bool client_has_bytes(void *argument) {
    return ((test_end *)argument)->received.length == 5;
}

static void a_unix_socket_carries_bytes(void **state) {
    char folder[64], text[96];
    in_a_folder(folder);
    snprintf(text, sizeof(text), "unix:%s/socket", folder);
    struct house *house = open_house(*state, text);
    test_end client = {.close_at_end = true};
    assert_int_equal(tow_stream_connect(&client.stream, house->each->loop, &house->address, &end_events), 0);
    run_for(house->each, 20 * TOW_MILLISECOND);
    assert_int_equal(house->count, 1);
    house->guests[0].echo = true;
    end_send(&client, "hello", 5);
    run_until(house->each, client_has_bytes, &client);
    tow_address peer;
    char name[TOW_ADDRESS_TEXT_MAX];
    assert_int_equal(tow_stream_peer(&house->guests[0].stream, &peer), 0);
    tow_address_text(&peer, name);
    assert_string_equal(name, "unix");
    end_close(&client);
    close_house(house);
    end_clear(&client);
    unlink(text + 5);
    rmdir(folder);
}

static void a_stale_unix_socket_is_replaced_and_a_live_one_is_not(void **state) {
    each_loop *each = *state;
    char folder[64], text[96];
    in_a_folder(folder);
    snprintf(text, sizeof(text), "unix:%s/socket", folder);
    int first = listen_at(each, text, false, NULL);
    assert_true(first >= 0);
    assert_int_equal(listen_at(each, text, false, NULL), TOW_ERROR_ADDRESS_IN_USE);
    tow_loop_discard(each->loop, first);
    assert_true(is_socket(text + 5)); /* nobody listens any more */
    int second = listen_at(each, text, false, NULL);
    assert_true(second >= 0);
    tow_loop_discard(each->loop, second);
    unlink(text + 5);
    rmdir(folder);
}

static void the_file_of_a_unix_socket_goes_when_nobody_listens_there(void **state) {
    each_loop *each = *state;
    char folder[64], text[96];
    in_a_folder(folder);
    snprintf(text, sizeof(text), "unix:%s/socket", folder);
    tow_address address = parse(text);
    const char *path = text + strlen("unix:");
    int fd = listen_at(each, text, false, NULL);
    assert_true(fd >= 0);
    tow_listen_remove(&address);
    assert_int_equal(access(path, F_OK), 0);
    tow_loop_discard(each->loop, fd);
    tow_listen_remove(&address);
    assert_int_not_equal(access(path, F_OK), 0);
    tow_listen_remove(&address); /* nothing is there */
    assert_int_equal(rmdir(folder), 0);
}

static void a_file_in_the_place_of_a_unix_socket_is_left_alone(void **state) {
    each_loop *each = *state;
    char folder[64], text[96];
    in_a_folder(folder);
    snprintf(text, sizeof(text), "unix:%s/socket", folder);
    int file = open(text + 5, O_CREAT | O_WRONLY, 0600);
    close(file);
    assert_int_equal(listen_at(each, text, false, NULL), TOW_ERROR_ADDRESS_IN_USE);
    assert_false(is_socket(text + 5));
    unlink(text + 5);
    rmdir(folder);
    assert_int_equal(listen_at(each, text, false, NULL), TOW_ERROR_NO_FILE); /* the folder is gone */
}

static void a_missing_unix_socket_is_told(void **state) {
    each_loop *each = *state;
    tow_address address = parse("unix:/nowhere/at/all");
    test_end client = {.close_at_end = true};
    assert_int_equal(tow_stream_connect(&client.stream, each->loop, &address, &end_events), 0);
    run_to_the_end(each);
    assert_int_equal(client.error, TOW_ERROR_NO_FILE);
    assert_int_equal(client.closed, 1);
}

/* Out of descriptors: the limit is lowered for a while, with plain sockets as peers that were made before. */

static double cpu_seconds(void) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int lowest_free_descriptor(void) {
    int fd = dup(0);
    close(fd);
    return fd;
}

static void limit_descriptors(rlim_t count) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = count;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* Plain sockets, made before the limit is set. */
static int connect_plainly(const tow_address *address) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address->storage, address->length), 0);
    return fd;
}

static bool has_starved(void *argument) {
    return ((struct house *)argument)->listener.exhausted > 0;
}

struct guests {
    struct house *house;
    int count;
};

static bool have_come(void *argument) {
    const struct guests *expected = argument;
    return expected->house->count >= expected->count;
}

static void wait_for_guests(struct house *house, int count) {
    run_until(house->each, have_come, &(struct guests){house, count});
    assert_int_equal(house->count, count);
}

static bool rest_for(void *argument) {
    return seconds() > *(double *)argument;
}

static void accepting_rests_without_descriptors_and_goes_on_with_one(void **state) {
    enum { ROOM = 3, COMERS = 8 };
    struct house *house = open_house(*state, "127.0.0.1:0");
    each_loop *each = house->each;
    int clients[COMERS];
    for (int i = 0; i < COMERS; i++)
        clients[i] = connect_plainly(&house->address);
    int spare = dup(0);
    struct rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    limit_descriptors((rlim_t)lowest_free_descriptor() + ROOM);

    run_until(each, has_starved, house);
    assert_int_equal(house->count, ROOM);

    /* Exhausted: next to no processor time, and nothing gets in. */
    double cpu = cpu_seconds(), started = seconds();
    sleep_in_loop(each, 500 * TOW_MILLISECOND);
    assert_true((cpu_seconds() - cpu) / (seconds() - started) < 0.05);
    assert_int_equal(house->count, ROOM);
    assert_true(house->listener.exhausted > 10); /* it was tried again every 20 ms or so */
    assert_true(house->listener.exhausted < 100);
    assert_int_equal(tow_loop_count(each->loop)->exhausted, house->listener.exhausted);

    /* A descriptor that somebody else closes is found by the timer. */
    close(spare);
    wait_for_guests(house, ROOM + 1);
    run_until(each, rest_for, &(double){seconds() + 0.05});

    /* One that this loop closes, at once. */
    end_close(&house->guests[0]);
    started = seconds();
    wait_for_guests(house, ROOM + 2);
    assert_true(seconds() - started < 0.015);

    setrlimit(RLIMIT_NOFILE, &before);
    wait_for_guests(house, COMERS);
    for (int i = 0; i < COMERS; i++)
        close(clients[i]);
    close_house(house);
}

static void a_connect_without_descriptors_is_an_error(void **state) {
    each_loop *each = *state;
    tow_address address = parse("127.0.0.1:1");
    struct rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    limit_descriptors((rlim_t)lowest_free_descriptor());
    test_end client = {.closed = 0};
    assert_int_equal(
        tow_stream_connect(&client.stream, each->loop, &address, &end_events), TOW_ERROR_DESCRIPTORS);
    assert_int_equal(listen_at(each, "127.0.0.1:0", false, NULL), TOW_ERROR_DESCRIPTORS);
    tow_loop *loop;
    for (int io = TOW_IO_AUTO; io <= TOW_IO_EPOLL; io++)
        assert_int_equal(tow_loop_new(&loop, &(tow_loop_options){.io = (tow_io)io}), TOW_ERROR_DESCRIPTORS);
    setrlimit(RLIMIT_NOFILE, &before);
    run_to_the_end(each);
    assert_int_equal(client.closed, 0);
}

static void a_listener_may_be_stopped_while_it_rests(void **state) {
    struct house *house = open_house(*state, "127.0.0.1:0");
    int client = connect_plainly(&house->address);
    struct rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    limit_descriptors((rlim_t)lowest_free_descriptor());
    run_until(house->each, has_starved, house);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(house->count, 0);
    close_house(house);
    close(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_EACH_LOOP(many_connections_at_once_are_all_accepted),
        ON_EACH_LOOP(a_port_in_use_is_an_error),
        ON_REAL_LOOPS(workers_share_a_port_once_the_first_allows_it),
        ON_EACH_LOOP(every_address_of_both_families_can_be_bound_together),
        ON_REAL_LOOPS(an_address_of_another_machine_is_refused),
        ON_EACH_LOOP(a_stopped_listener_frees_its_port),
        ON_EACH_LOOP(a_listener_may_be_stopped_while_it_accepts),
        ON_REAL_LOOPS(a_listener_may_go_in_the_round_in_which_somebody_comes),
        ON_EACH_LOOP(a_discarded_descriptor_is_closed),
        ON_EACH_LOOP(a_unix_socket_carries_bytes),
        ON_REAL_LOOPS(a_stale_unix_socket_is_replaced_and_a_live_one_is_not),
        ON_REAL_LOOPS(the_file_of_a_unix_socket_goes_when_nobody_listens_there),
        ON_REAL_LOOPS(a_file_in_the_place_of_a_unix_socket_is_left_alone),
        ON_EACH_LOOP(a_missing_unix_socket_is_told),
        ON_REAL_LOOPS(accepting_rests_without_descriptors_and_goes_on_with_one),
        ON_REAL_LOOPS(a_connect_without_descriptors_is_an_error),
        ON_REAL_LOOPS(a_listener_may_be_stopped_while_it_rests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
