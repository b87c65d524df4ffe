#include "fallback_world.h"

#include "protocol/close.h"

static test_fallback *the_world;

static void note_message(heard_log *log, const tow_message *message) {
    assert_true(log->count < HEARD_MAX);
    log->lengths[log->count] = message->length;
    log->types[log->count] = message->type;
    snprintf(log->firsts[log->count], sizeof(log->firsts[0]), "%.*s", (int)message->length,
        (const char *)message->data);
    log->count++;
}

static void note_close(heard_log *log, const tow_close_event *event) {
    log->closes++;
    log->code = event->code;
    log->was_clean = event->was_clean;
    snprintf(log->reason, sizeof(log->reason), "%s", event->reason);
}

/* The client. */

static test_fallback *of(tow_websocket *socket) {
    return tow_websocket_user(socket);
}

static void on_open(tow_websocket *socket) {
    test_fallback *world = of(socket);
    assert_int_equal(tow_websocket_ready_state(socket), TOW_OPEN);
    world->here.opens++;
    snprintf(world->here.protocol, sizeof(world->here.protocol), "%s", tow_websocket_protocol(socket));
    if (world->then_open != NULL)
        world->then_open(world);
}

static void on_message(tow_websocket *socket, const tow_message *message) {
    test_fallback *world = of(socket);
    note_message(&world->here, message);
    if (world->then_message != NULL)
        world->then_message(world);
}

static void on_error(tow_websocket *socket, const tow_error_event *event) {
    test_fallback *world = of(socket);
    assert_int_equal(world->here.closes, 0);
    world->here.errors++;
    world->here.error = event->error;
    world->here.http_status = event->http_status;
    snprintf(world->here.text, sizeof(world->here.text), "%s", event->text);
}

static void on_close(tow_websocket *socket, const tow_close_event *event) {
    assert_int_equal(tow_websocket_ready_state(socket), TOW_CLOSED);
    note_close(&of(socket)->here, event);
}

static void on_drain(tow_websocket *socket) {
    of(socket)->here.drains++;
}

/* The server. */

static void there_opened(tow_websocket *socket) {
    heard_log *log = &the_world->there;
    log->opens++;
    log->socket = socket;
    snprintf(log->protocol, sizeof(log->protocol), "%s", tow_websocket_protocol(socket));
}

static void there_heard(tow_websocket *socket, const tow_message *message) {
    note_message(&the_world->there, message);
    if (the_world->echoes)
        tow_websocket_send(socket, message->type, message->data, message->length);
}

static void there_closed(tow_websocket *socket, const tow_close_event *event) {
    note_close(&the_world->there, event);
    if (the_world->there.socket == socket)
        the_world->there.socket = NULL;
}

/* Both. */

void fallback_open(test_fallback *world, uint64_t seed) {
    static const char *const protocols[] = {"chat", "quiz", NULL};
    const tow_handler handler = {
        .on_open = there_opened, .on_message = there_heard, .on_close = there_closed, .protocols = protocols};
    const tow_engineio_settings settings = {.max_payload = 200000};
    the_world = world;
    world_make(
        &world->world, &(tow_simulation_options){.seed = seed}, &(tow_server_options){.drain_seconds = 3});
    assert_int_equal(tow_server_route(world->world.server, "/echo", &handler), 0);
    assert_int_equal(tow_engineio_new(&world->engineio, world->world.server, &settings, NULL), 0);
    world_listen(&world->world);
    gate_open(&world->gate, world->world.loop, "127.0.0.1:9998");
    world->options.fallback = true;
    world->options.user = world;
    world->options.on_open = on_open;
    if (world->options.on_message == NULL && world->options.on_piece == NULL)
        world->options.on_message = on_message;
    world->options.on_error = on_error;
    world->options.on_close = on_close;
    world->options.on_drain = on_drain;
    if (world->url == NULL)
        world->url = "ws://127.0.0.1:7000/echo";
}

void fallback_connect(test_fallback *world) {
    tow_websocket_free(world->client);
    world->here = (heard_log){0};
    world->there = (heard_log){0};
    assert_int_equal(tow_websocket_open(&world->client, world->world.loop, world->url, &world->options), 0);
    assert_int_equal(tow_websocket_ready_state(world->client), TOW_CONNECTING);
}

void fallback_close(test_fallback *world) {
    tow_websocket_free(world->client);
    gate_close(&world->gate);
    world_end(&world->world);
    tow_engineio_free(world->engineio);
}

void fallback_send(tow_websocket *socket, const char *text) {
    assert_true(tow_websocket_send(socket, TOW_TEXT, text, strlen(text)) >= 0);
}

void fallback_begin(test_fallback *world, uint64_t seed) {
    fallback_open(world, seed);
    fallback_connect(world);
}

void fallback_meet(test_fallback *world, uint64_t seed) {
    fallback_begin(world, seed);
    fallback_until(world, world->here.opens == 1);
}
