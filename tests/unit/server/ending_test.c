/* The log's line of a WebSocket connection's end. */
#include "world.h"

#include "../../../src/server/slot.h"
#include "transport/address.h"

#include <towline/error.h>

static tow_websocket *last; /* that was opened */

static void remember(tow_websocket *socket) {
    last = socket;
}

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static const tow_handler echoing = {.on_open = remember, .on_message = echo};

static void begin(struct world *world, const tow_server_options *options) {
    world_make(world, &(tow_simulation_options){.seed = 1, .whole = true}, options);
    assert_int_equal(tow_server_route(world->server, "/echo", &echoing), 0);
    assert_int_equal(tow_server_route(world->server, "/below/*", &echoing), 0);
    world_listen(world);
}

static void open_path(struct peer *peer, struct world *world, const char *request) {
    peer_connect(peer, world);
    peer_text(peer, request);
    peer_expect(peer, ACCEPTED);
}

/* The last line, without peer and time, which are not ours to know: from the path to "after". */
static void assert_last_line(const struct world *world, const char *expected) {
    const char *line = (const char *)world->log.data;
    const char *found = NULL;
    while ((line = strstr(line, " closed ")) != NULL)
        found = line++;
    assert_non_null(found);
    while (found[-1] != '\n' && found > (const char *)world->log.data)
        found--;
    const char *path = strchr(found + 2, ' ') + 1;
    if (strncmp(path, expected, strlen(expected)) != 0 || strncmp(path + strlen(expected), " after ", 7) != 0)
        fail_msg("expected %s, not %s", expected, path);
}

static void close_by_client(struct peer *peer, struct world *world) {
    static const uint8_t payload[] = "\x0f\xa1gr\xc3\xbc\n";
    (void)world;
    peer_frame(peer, 0x1, "hello", 5);
    peer_frame(peer, 0x8, payload, sizeof(payload) - 1);
    peer_expect_end(peer);
    peer_shutdown(peer);
}

static void close_with_quotes(struct peer *peer, struct world *world) {
    static const uint8_t payload[] = "\x0f\xa1\" by the \\";
    (void)world;
    peer_frame(peer, 0x8, payload, sizeof(payload) - 1);
    peer_expect_end(peer);
    peer_shutdown(peer);
}

static void close_by_application(struct peer *peer, struct world *world) {
    assert_int_equal(tow_websocket_close(last, 4002, "bye"), 0);
    world_run(world, 100);
    peer_frame(peer, 0x8, "\x0f\xa2", 2);
    peer_expect_end(peer);
    peer_shutdown(peer);
}

static void end_by_client(struct peer *peer, struct world *world) {
    (void)world;
    peer_shutdown(peer);
}

static void reset_by_client(struct peer *peer, struct world *world) {
    peer_frame(peer, 0x1, "hello", 5);
    peer_frame(peer, 0x1, "again", 5);
    world_run(world, 100);
    peer_reset(peer);
}

static void say_nonsense(struct peer *peer, struct world *world) {
    (void)world;
    peer_frame(peer, 0x3, "", 0);
    peer_expect_end(peer);
    peer_shutdown(peer);
}

static void stay_silent(struct peer *peer, struct world *world) {
    (void)peer;
    (void)world;
}

static void each_end_is_a_line_that_says_who_and_why(void **state) {
    (void)state;
    static const struct {
        void (*end)(struct peer *peer, struct world *world);
        const char *line;
    } ends[] = {
        {close_by_client, "/echo closed 4001 \"gr\\xC3\\xBC\\x0A\" by the client (close), messages in 1 (5 "
                          "bytes), out 1 (5 "
                          "bytes),"},
        {close_with_quotes, "/echo closed 4001 \"\\\" by the \\\\\" by the client (close), messages in 0 (0 "
                            "bytes), out 0 (0 bytes),"},
        {close_by_application, "/echo closed 4002 \"bye\" by the server (application), messages in 0 (0 "
                               "bytes), out 0 (0 bytes),"},
        {end_by_client,
            "/echo closed 1006 by the client (end-without-close), messages in 0 (0 bytes), out 0 (0 bytes),"},
        {reset_by_client,
            "/echo closed 1006 by the client (reset), messages in 2 (10 bytes), out 2 (10 bytes),"},
        {say_nonsense,
            "/echo closed 1002 \"reserved opcode\" by the server (protocol-error), messages in 0 (0 "
            "bytes), out 0 (0 bytes),"},
        {stay_silent, "/echo closed 1001 \"nothing was received for idle-seconds\" by the server "
                      "(idle-seconds), messages in 0 (0 bytes), out 0 (0 bytes),"},
    };
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_server_options){.limits.idle_seconds = 2});
        open_path(&peer, &world, OPENING("/echo"));
        ends[i].end(&peer, &world);
        world_run(&world, 5000);
        assert_last_line(&world, ends[i].line);
        peer_close(&peer);
        world_end(&world);
    }
}

static void keep(tow_websocket *socket) {
    last = socket;
    assert_int_equal(tow_websocket_retain(socket), 0);
}

static void let_go(tow_websocket *socket, const tow_close_event *event) {
    (void)event;
    tow_websocket_release(socket);
}

/* As a binding does: what is remembered of our Close is there for the line, and goes behind it. */
static void a_socket_that_is_released_at_its_end_ends_with_its_reason(void **state) {
    (void)state;
    static const tow_handler keeping = {.on_open = keep, .on_close = let_go};
    struct world world;
    struct peer peer;
    begin(&world, &(tow_server_options){0});
    assert_int_equal(tow_server_route(world.server, "/kept", &keeping), 0);
    open_path(&peer, &world, OPENING("/kept"));
    close_by_application(&peer, &world);
    world_run(&world, 100);
    assert_last_line(&world,
        "/kept closed 4002 \"bye\" by the server (application), messages in 0 (0 bytes), "
        "out 0 (0 bytes),");
    peer_close(&peer);
    world_end(&world);
}

static void a_path_below_a_prefix_is_told_without_its_query(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_server_options){0});
    open_path(&peer, &world, OPENING("/below/here?token=secret"));
    peer_shutdown(&peer);
    world_run(&world, 100);
    assert_last_line(&world, "/below/here closed 1006 by the client (end-without-close), messages in 0 (0 "
                             "bytes), out 0 (0 bytes),");
    assert_false(world_logged(&world, "secret"));
    peer_close(&peer);
    world_end(&world);
}

/* Whether the slot has room for the client's address, or a note must be made. */
static void the_client_is_whom_the_proxy_names(void **state) {
    (void)state;
    static const struct {
        const char *field;
        const char *peer;
        bool noted;
    } clients[] = {
        {"X-Forwarded-For: 192.0.2.7\r\n", " 192.0.2.7 /echo closed 1006", false},
        {"Forwarded: for=\"192.0.2.7:81\"\r\n", " 192.0.2.7:81 /echo closed 1006", false},
        {"Forwarded: for=\"[::1]:81\"\r\n", " [::1]:81 /echo closed 1006", false},
        {"Forwarded: for=\"[2001:db8::1]:81\"\r\n", " [2001:db8::1]:81 /echo closed 1006", true},
        {"X-Forwarded-For: 2001:db8::2\r\n", " [2001:db8::2] /echo closed 1006", true},
        {"Forwarded: for=\"[::ffff:192.0.2.7]:81\"\r\n", "192.0.2.7]:81 /echo closed 1006", true},
    };
    static const char *const proxies[] = {"127.0.0.1", "unix", NULL};
    for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
        struct world world;
        struct peer peer;
        char request[512];
        begin(&world, &(tow_server_options){.trusted_proxies = proxies});
        snprintf(request, sizeof(request), "%.*s%s\r\n", (int)strlen(OPENING("/echo")) - 2, OPENING("/echo"),
            clients[i].field);
        open_path(&peer, &world, request);
        assert_int_equal(((tow_connection *)last)->noted, clients[i].noted);
        assert_int_equal(last->tally != NULL, clients[i].noted);
        peer_shutdown(&peer);
        world_run(&world, 100);
        if (!world_logged(&world, clients[i].peer))
            fail_msg("%s: %s", clients[i].field, (const char *)world.log.data);
        peer_close(&peer);
        world_end(&world);
    }
}

static void nothing_is_counted_where_nobody_wants_the_line(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_server_options){.log_level = TOW_LOG_NOTICE});
    open_path(&peer, &world, OPENING("/below/here"));
    peer_frame(&peer, 0x1, "hello", 5);
    peer_expect_frame(&peer, 0x1, "hello", 5);
    assert_null(last->tally);
    peer_shutdown(&peer);
    world_run(&world, 100);
    assert_false(world_logged(&world, "closed"));
    peer_close(&peer);
    world_end(&world);
}

static void an_idle_connection_has_no_tally_before_its_first_message(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_server_options){0});
    open_path(&peer, &world, OPENING("/echo"));
    assert_null(last->tally);
    peer_frame(&peer, 0x9, "", 0);
    peer_expect_frame(&peer, 0xa, "", 0);
    assert_null(last->tally);
    peer_frame(&peer, 0x1, "hello", 5);
    peer_expect_frame(&peer, 0x1, "hello", 5);
    assert_non_null(last->tally);
    peer_close(&peer);
    world_end(&world);
}

/* Fields. */

static char fields[4096];

static void write_fields(void *user, const tow_log_entry *entry) {
    (void)user;
    size_t length = strlen(fields);
    for (size_t i = 0; i < entry->field_count; i++) {
        const tow_log_field *field = &entry->fields[i];
        if (strcmp(field->name, "peer") == 0 || strcmp(field->name, "milliseconds") == 0)
            continue;
        length += (size_t)snprintf(fields + length, sizeof(fields) - length, "%s=%s", field->name,
            field->text != NULL ? field->text : "");
        if (field->text == NULL)
            length += (size_t)snprintf(fields + length, sizeof(fields) - length, "%d", (int)field->number);
        length += (size_t)snprintf(fields + length, sizeof(fields) - length, " ");
    }
}

static void entries_have_fields(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    fields[0] = '\0';
    begin(&world, &(tow_server_options){.limits.max_message = 3, .on_log_entry = write_fields});
    open_path(&peer, &world, OPENING("/echo"));
    peer_frame(&peer, 0x1, "ok\n", 3);
    peer_frame(&peer, 0x1, "much", 4);
    peer_expect_end(&peer);
    peer_close(&peer);
    world_run(&world, 100);
    assert_string_equal(fields,
        "message=request method=GET path=/echo status=101 message=closed path=/echo code=1009 reason=the "
        "message is larger than max-message by=server why=max-message limit=max-message messages_in=1 "
        "bytes_in=3 messages_out=1 bytes_out=3 ");
    world_end(&world);
}

static void a_request_that_a_limit_refuses_names_the_option(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_server_options){.handshake_seconds = 1, .handshake_bytes = 100});
    peer_connect(&peer, &world);
    world_run(&world, 1500);
    peer_expect_end(&peer);
    peer_close(&peer);
    assert_true(world_logged(&world, " - 408 the request took too long (handshake-seconds)\n"));
    peer_connect(&peer, &world);
    peer_text(&peer, OPENING_WITH("/echo", "X: xxxxxxxxxxxxxxxxxxxxxxxx\r\n"));
    peer_expect_end(&peer);
    peer_close(&peer);
    assert_true(world_logged(&world, " - 431 the request's head is too large (handshake-bytes)\n"));
    world_end(&world);
}

static void a_connection_too_many_names_the_option(void **state) {
    (void)state;
    static const struct {
        tow_server_options options;
        const char *line;
    } cases[] = {
        {{.max_connections = 1}, " - 503 too many connections (max-connections)\n"},
        {{.max_connections_per_address = 1}, " - 503 too many connections (max-connections-per-address)\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world world;
        struct peer peer, other;
        begin(&world, &cases[i].options);
        open_path(&peer, &world, OPENING("/echo"));
        peer_connect(&other, &world);
        peer_expect_end(&other);
        assert_true(world_logged(&world, cases[i].line));
        peer_close(&other);
        peer_close(&peer);
        world_end(&world);
    }
}

static void answer(tow_exchange *exchange, const tow_request *request) {
    (void)request;
    tow_exchange_respond(exchange, 200, NULL, "", 0);
}

static void a_connection_that_a_limit_ends_between_requests_has_a_line(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    world_make(&world, &(tow_simulation_options){.seed = 1, .whole = true},
        &(tow_server_options){.limits.idle_seconds = 1});
    assert_int_equal(tow_server_route(world.server, "/page", &(tow_handler){.on_request = answer}), 0);
    world_listen(&world);
    peer_connect(&peer, &world);
    peer_text(&peer, "GET /page?secret HTTP/1.1\r\nHost: localhost\r\n\r\n");
    world_run(&world, 1500);
    peer_expect_end(&peer);
    assert_true(world_logged(&world, " GET /page 200\n"));
    assert_true(world_logged(&world, " GET /page closed by the server (idle-seconds)\n"));
    assert_false(world_logged(&world, "secret"));
    peer_close(&peer);
    world_end(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_end_is_a_line_that_says_who_and_why),
        cmocka_unit_test(a_socket_that_is_released_at_its_end_ends_with_its_reason),
        cmocka_unit_test(a_path_below_a_prefix_is_told_without_its_query),
        cmocka_unit_test(the_client_is_whom_the_proxy_names),
        cmocka_unit_test(nothing_is_counted_where_nobody_wants_the_line),
        cmocka_unit_test(an_idle_connection_has_no_tally_before_its_first_message),
        cmocka_unit_test(entries_have_fields),
        cmocka_unit_test(a_request_that_a_limit_refuses_names_the_option),
        cmocka_unit_test(a_connection_too_many_names_the_option),
        cmocka_unit_test(a_connection_that_a_limit_ends_between_requests_has_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
