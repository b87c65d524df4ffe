/* A client that goes by polling, and upgrades, when memory runs out: at each allocation in turn, its own or
 * the server's: it ends, and nothing is left of it. */
#include "../../../src/client/fallback/known_ways.h"
#include "../allocation.h"
#include "../server/world.h"

#include "handler/engineio.h"

#include <towline/error.h>
#include <towline/websocket.h>

static struct world world;
static struct { int opens, errors, closes, messages, error; } heard;

static void echo(tow_websocket *socket, const tow_message *message) {
    (void)tow_websocket_send(socket, message->type, message->data, message->length);
}

static void on_open(tow_websocket *socket) {
    heard.opens++;
    (void)tow_websocket_send(socket, TOW_TEXT, "one", 3);
    (void)tow_websocket_send(socket, TOW_BINARY, "\0\1\2", 3);
    (void)tow_websocket_send(socket, TOW_TEXT,
        "thr\x1e"
        "ee",
        6);
}

static void on_message(tow_websocket *socket, const tow_message *message) {
    (void)socket, (void)message;
    heard.messages++;
}

static void on_error(tow_websocket *socket, const tow_error_event *event) {
    (void)socket;
    heard.errors++;
    heard.error = event->error;
}

static void on_close(tow_websocket *socket, const tow_close_event *event) {
    (void)socket, (void)event;
    heard.closes++;
}

static void talk(tow_websocket *client) {
    world_run(&world, 3000);
    if (heard.closes == 0 && heard.opens == 1)
        (void)tow_websocket_send(client, TOW_TEXT, "over the WebSocket", 18);
    world_run(&world, 1000);
    (void)tow_websocket_close(client, 4001, "bye");
    for (int i = 0; i < 200 && heard.closes == 0; i++)
        world_run(&world, 1000);
    assert_int_equal(heard.closes, 1);
}

/* Whether an allocation has failed. */
static bool converse(size_t failing) {
    static const char *const protocols[] = {"chat", NULL};
    const tow_header_field headers[] = {{"X-Note", "value"}, {NULL, NULL}};
    const tow_handler handler = {.on_message = echo, .protocols = protocols};
    const tow_websocket_options options = {.fallback = true,
        .protocols = protocols,
        .headers = headers,
        .origin = "http://127.0.0.1:9998",
        .on_open = on_open,
        .on_message = on_message,
        .on_error = on_error,
        .on_close = on_close};
    long before = allocation_outstanding();
    tow_engineio *engineio;
    tow_websocket *client = NULL;
    memset(&heard, 0, sizeof(heard));
    world_make(&world, &(tow_simulation_options){.whole = true}, &(tow_server_options){.drain_seconds = 3});
    assert_int_equal(tow_buffer_reserve(&world.log, 100000), 0);
    assert_int_equal(tow_server_route(world.server, "/echo", &handler), 0);
    assert_int_equal(tow_engineio_new(&engineio, world.server, &(tow_engineio_settings){0}, NULL), 0);
    world_listen(&world);
    tow_known_ways_note(world.loop, "ws://127.0.0.1:9998 ", TOW_WAY_POLLING);
    allocation_fail_at(failing);
    int error = tow_websocket_open(&client, world.loop, "ws://me:pass@127.0.0.1:9998/echo?a=b", &options);
    if (error == 0)
        talk(client);
    else
        assert_int_equal(error, TOW_ERROR_MEMORY);
    bool failed = failing != 0 && allocation_count() >= failing;
    allocation_fail_at(0);
    if (!failed) {
        assert_int_equal(heard.errors, 0);
        assert_int_equal(heard.messages, 4);
    }
    tow_websocket_free(client);
    world_end(&world);
    tow_engineio_free(engineio);
    assert_int_equal(allocation_outstanding(), before);
    return failed;
}

static void each_allocation_may_fail(void **state) {
    assert_false(converse(0));
    size_t failing = 1;
    while (converse(failing))
        failing++;
    assert_true(failing > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
