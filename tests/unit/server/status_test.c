#include "server/metric.h"
#include "world.h"

#include <ctype.h>

static const tow_metric_about eggs = {TOW_METRIC_COUNTER, "eggs", "Eggs."};
static const tow_metric_about others = {TOW_METRIC_COUNTER, "eggs", "The same by another name."};
static const tow_metric_about hens = {TOW_METRIC_GAUGE, "hens", "Hens now."};
static const tow_metric_about most = {TOW_METRIC_LIMIT, "max-hens", NULL};
static const tow_metric_about fox = {TOW_METRIC_REFUSAL, "fox", NULL};

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static void begin(struct world *world, uint64_t seed) {
    world_make(
        world, &(tow_simulation_options){.seed = seed}, &(tow_server_options){.status = "127.0.0.1:9999"});
    tow_server_route(world->server, "/echo", &(tow_handler){.on_message = echo});
    world_listen(world);
}

static void ask(struct peer *peer, struct world *world, const char *request) {
    peer_connect_to(peer, world, "127.0.0.1:9999");
    peer_text(peer, request);
    peer_expect(peer, "\r\n\r\n");
    world_run(world, 20);
}

#define REQUEST(method, path) method " " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

/* Prometheus' text format: "# HELP name text", "# TYPE name type", then samples of that name. */
static void check_line(char *line, char *name, size_t size) {
    char type[16];
    if (strncmp(line, "# HELP ", 7) == 0) {
        assert_int_equal(sscanf(line, "# HELP %99s", name), 1);
        assert_true(strlen(line) > strlen("# HELP  ") + strlen(name));
    } else if (strncmp(line, "# TYPE ", 7) == 0) {
        char typed[100];
        assert_int_equal(sscanf(line, "# TYPE %99s %15s", typed, type), 2);
        assert_string_equal(typed, name);
        bool total = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;
        assert_string_equal(type, total ? "counter" : "gauge");
    } else {
        assert_memory_equal(line, name, strlen(name));
        assert_memory_equal(line, "towline_", 8);
        const char *rest = line + strlen(name);
        if (*rest == '{')
            rest = strchr(rest, '}') + 1;
        assert_int_equal(*rest++, ' ');
        for (; *rest != '\0'; rest++)
            assert_true(isdigit((unsigned char)*rest));
    }
}

static void metrics_are_in_the_format_of_prometheus(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    char name[100] = "";
    begin(&world, 1);
    const tow_metric_about *all[] = {&eggs, &hens, &most, &fox};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        tow_metric_count(tow_server_metric(world.server, all[i]));
    ask(&peer, &world, REQUEST("GET", "/metrics"));
    assert_true(peer_has(&peer, "HTTP/1.1 200 OK\r\n"));
    assert_true(peer_has(&peer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    char *text = strstr((char *)peer.in.data, "\r\n\r\n") + 4;
    size_t lines = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"), lines++)
        check_line(line, name, sizeof(name));
    assert_true(lines > 80);
    peer_close(&peer);
    world_end(&world);
}

static void what_stands_above_the_server_counts_by_name(void **state) {
    (void)state;
    struct world world;
    begin(&world, 1);
    tow_metric *counted = tow_server_metric(world.server, &eggs);
    tow_metric *there = tow_server_metric(world.server, &hens);
    assert_ptr_equal(tow_server_metric(world.server, &others), counted);
    tow_metric_add(counted, 12);
    tow_metric_count(there);
    tow_metric_count(tow_server_metric(world.server, &most));
    tow_metric_count(tow_server_metric(world.server, &fox));
    assert_int_equal(world_metric(&world, "eggs_total"), 12);
    assert_int_equal(world_metric(&world, "hens"), 1);
    assert_int_equal(world_metric(&world, "limit_reached_total{limit=\"max-hens\"}"), 1);
    assert_int_equal(world_metric(&world, "refused_total{what=\"fox\"}"), 1);
    tow_metric_add(there, -2);
    assert_int_equal(world_metric(&world, "hens"), 0);
    world_end(&world);
}

static void without_a_server_nothing_is_counted(void **state) {
    (void)state;
    tow_metric *none = tow_server_metric(NULL, &eggs);
    assert_null(none);
    tow_metric_count(none);
}

static void every_limit_has_a_counter(void **state) {
    (void)state;
    static const char *const options[] = {"host", "allow-origin", "handshake-seconds", "handshake-bytes",
        "max-message", "message-seconds", "max-queue", "stall-seconds", "max-connections",
        "max-connections-per-address", "descriptors", "ping-seconds", "idle-seconds", "close-seconds",
        "max-posted", "drain-seconds", "max-channels", "max-channel-members", "max-publication",
        "max-pending", "max-history-bytes"};
    struct world world;
    begin(&world, 2);
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        char name[100];
        snprintf(name, sizeof(name), "limit_reached_total{limit=\"%s\"}", options[i]);
        assert_int_equal(world_metric(&world, name), 0);
    }
    world_end(&world);
}

static void what_happens_is_counted(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, 3);
    peer_connect(&peer, &world);
    peer_text(&peer, OPENING("/echo"));
    peer_expect(&peer, OPENED);
    peer_frame(&peer, 1, "hello", 5);
    peer_expect_frame(&peer, 1, "hello", 5);
    world_run(&world, 5000);
    assert_int_equal(world_metric(&world, "connections"), 1);
    assert_int_equal(world_metric(&world, "websockets"), 1);
    assert_int_equal(world_metric(&world, "accepted_total"), 1);
    assert_int_equal(world_metric(&world, "upgrades_total"), 1);
    assert_int_equal(world_metric(&world, "messages_in_total"), 1);
    assert_int_equal(world_metric(&world, "payload_bytes_out_total"), 5);
    assert_int_equal(world_metric(&world, "uptime_seconds"), 5);
    assert_int_equal(world_metric(&world, "worker_connections{worker=\"0\"}"), 1);
    assert_true(world_metric(&world, "loop_rounds_total{worker=\"0\"}") > 5);
    assert_true(world_metric(&world, "max_connections") > 0);
    peer_close(&peer);
    world_run(&world, 50);
    assert_int_equal(world_metric(&world, "websockets_closed_total"), 1);
    world_end(&world);
}

static void only_reading_is_allowed(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, 4);
    ask(&peer, &world, REQUEST("HEAD", "/metrics"));
    assert_true(peer_has(&peer, "HTTP/1.1 200 OK\r\n"));
    assert_false(peer_has(&peer, "HELP"));
    peer_close(&peer);
    ask(&peer, &world, REQUEST("GET", "/"));
    assert_true(peer_has(&peer, "HELP"));
    peer_close(&peer);
    ask(&peer, &world, REQUEST("POST", "/metrics"));
    assert_true(peer_has(&peer, "HTTP/1.1 405 Method Not Allowed\r\n"));
    assert_true(peer_has(&peer, "Allow: GET, HEAD\r\n"));
    peer_close(&peer);
    ask(&peer, &world, REQUEST("GET", "/echo"));
    assert_true(peer_has(&peer, "HTTP/1.1 404 Not Found\r\n"));
    peer_close(&peer);
    ask(&peer, &world, REQUEST("GET", "/health"));
    assert_true(peer_has(&peer, "\r\n\r\nok\n"));
    peer_close(&peer);
    world_end(&world);
}

/* They are no service to the public, and must be there when that is full. */
static void questions_are_not_counted_as_connections(void **state) {
    (void)state;
    struct world world;
    struct peer askers[70];
    begin(&world, 5);
    for (size_t i = 0; i < 70; i++)
        peer_connect_to(&askers[i], &world, "127.0.0.1:9999");
    world_run(&world, 100);
    size_t open = 0;
    for (size_t i = 0; i < 70; i++)
        open += !askers[i].ended && !askers[i].failed;
    assert_int_equal(open, 64); /* and they are bounded */
    for (size_t i = 0; i < 70; i++)
        peer_close(&askers[i]);
    world_run(&world, 100);
    assert_int_equal(world_metric(&world, "connections"), 0);
    assert_int_equal(world_metric(&world, "accepted_total"), 0);
    world_end(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_are_in_the_format_of_prometheus),
        cmocka_unit_test(what_stands_above_the_server_counts_by_name),
        cmocka_unit_test(without_a_server_nothing_is_counted),
        cmocka_unit_test(every_limit_has_a_counter),
        cmocka_unit_test(what_happens_is_counted),
        cmocka_unit_test(only_reading_is_allowed),
        cmocka_unit_test(questions_are_not_counted_as_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
