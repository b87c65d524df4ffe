#include "handler/tunnel.h"

#include "base/text.h"
#include "command.h"
#include "passage.h"
#include "server/descriptors.h"
#include "server/proxy_header.h"
#include "targets.h"
#include "websocket/websocket.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/log.h>
#include <towline/stream.h>

enum {
    BAD_GATEWAY = 1014, /* the registry of close codes: an error of what stands behind us */
    INTERNAL_ERROR = 1011,
    STATUS_TEXT_MAX = 80,
    REASON_MAX = 123
};

struct tow_tunnel {
    tow_tunnel_options options;
    char *target; /* a copy: connections may be there longer than the options' texts */
    tow_tunnel_targets targets;
    tow_passages passages;
    tow_descriptors *descriptors; /* the server's; held */
    tow_nursery *nursery;         /* of commands */
};

typedef struct tunnel_connection {
    tow_passage passage; /* first, and in it the relay */
    tow_command command;
    tow_tunnel *tunnel;
    tow_tunnel_map *map; /* holds the target, or NULL */
    const tow_tunnel_target *target;
    tow_websocket *socket; /* until its side is closed or has failed */
    int descriptors;       /* that were taken for it */
    bool done;             /* both streams are gone */
} tunnel_connection;

static tunnel_connection *connection_of(tow_relay *relay) {
    return (tunnel_connection *)(void *)relay;
}

/* The end of a connection. */

static void destroy(tow_tunnel *tunnel);

/* When the streams are gone and the command has ended. */
static void free_if_over(tunnel_connection *connection) {
    if (!connection->done || tow_command_runs(&connection->command))
        return;
    tow_tunnel *tunnel = connection->tunnel;
    bool is_last = tow_passage_end(&connection->passage);
    tow_tunnel_map_release(connection->map);
    tow_descriptors_give(tunnel->descriptors, connection->descriptors);
    free(connection);
    if (is_last)
        destroy(tunnel);
}

static void streams_done(tow_relay *relay) {
    tunnel_connection *connection = connection_of(relay);
    tow_passage_say_closed(&connection->passage);
    connection->done = true;
    free_if_over(connection);
}

static void write_status(char *out, size_t size, int status) {
    snprintf(
        out, size, "the command ended with status %d%s", status, status == 127 ? ": no such command" : "");
}

/* While the client is there it hears of the status, when all of the output is with it. */
static void command_exited(tow_command *command) {
    tunnel_connection *connection =
        (tunnel_connection *)(void *)((char *)command - offsetof(tunnel_connection, command));
    char text[STATUS_TEXT_MAX];
    int status = tow_command_status(command);
    bool by_us = status == 128 + SIGTERM || status == 128 + SIGKILL;
    bool told_later = !connection->done && !connection->passage.relay.failed;
    write_status(text, sizeof(text), status);
    if (status != 0 && !by_us && !told_later)
        tow_passage_say(&connection->passage, TOW_LOG_NOTICE, ": %s", text);
    free_if_over(connection);
}

/* How a command has ended decides how the connection does. */
static void side_ends(tow_relay *relay, tow_relay_side side) {
    char text[STATUS_TEXT_MAX];
    const tunnel_connection *connection = connection_of(relay);
    int status = tow_command_status(&connection->command);
    if (side != TOW_RELAY_TARGET || connection->target->kind != TOW_TUNNEL_TARGET_COMMAND)
        return;
    if (status == 0) {
        tow_relay_end_both(relay, side);
        return;
    }
    write_status(text, sizeof(text), status);
    tow_relay_fail(relay, side, TOW_ERROR_ENDED, text);
}

/* A page hears of the close code and the reason, where of a refused handshake it would not hear anything. */
static void close_with_reason(tunnel_connection *connection, const char *text) {
    char reason[REASON_MAX + 1];
    tow_byte_stream *stream = connection->passage.relay.ends[TOW_RELAY_CLIENT].stream;
    if (stream == NULL)
        return;
    tow_text_format(reason, sizeof(reason), "%s%s",
        connection->passage.relay.connected ? "" : "the target can't be reached: ", text);
    if (connection->tunnel->options.lines)
        tow_websocket_finish_text(connection->socket);
    tow_websocket_close(
        connection->socket, connection->passage.relay.connected ? INTERNAL_ERROR : BAD_GATEWAY, reason);
    tow_byte_stream_close(stream);
}

static void side_failed(tow_relay *relay, tow_relay_side side, int error, const char *text) {
    tunnel_connection *connection = connection_of(relay);
    tow_passage_say_failed(&connection->passage, side, error, text);
    if (side == TOW_RELAY_TARGET)
        close_with_reason(connection, text);
    connection->socket = NULL;
}

/* The way to the target. */

/* "10.1.2.3:4" or, from a proxy that does not say the port, "10.1.2.3". */
static bool address_read(const char *text, tow_address *address) {
    tow_address addresses[TOW_ADDRESSES_MAX];
    int count = tow_address_parse(text, addresses);
    if (count < 1)
        count = tow_address_from_host(text, 0, addresses);
    if (count < 1)
        return false;
    *address = addresses[0];
    return true;
}

static void send_proxy_header(tunnel_connection *connection) {
    uint8_t header[TOW_PROXY_HEADER_MAX];
    char target[TOW_ADDRESS_TEXT_MAX] = "";
    tow_address from = {0}, to = {0};
    tow_relay_end *end = &connection->passage.relay.ends[TOW_RELAY_TARGET];
    if (!address_read(connection->passage.peer, &from) ||
        tow_byte_stream_peer(end->stream, target, sizeof(target)) != 0 || !address_read(target, &to))
        from = (tow_address){0};
    size_t length = tow_proxy_header_write(header, connection->tunnel->options.send_proxy, &from, &to);
    if (tow_relay_prepend(&connection->passage.relay, TOW_RELAY_TARGET, header, length) != 0)
        tow_relay_fail(
            &connection->passage.relay, TOW_RELAY_TARGET, TOW_ERROR_MEMORY, tow_strerror(TOW_ERROR_MEMORY));
}

static void target_connected(tow_relay *relay) {
    tunnel_connection *connection = connection_of(relay);
    if (connection->tunnel->options.send_proxy != 0)
        send_proxy_header(connection);
}

static void command_started(tow_command *command) {
    (void)command; /* what came for it meanwhile is in its socket */
}

static int command_start(
    tunnel_connection *connection, tow_byte_stream **stream, const tow_byte_stream_options *options) {
    const char *const words[] = {"/bin/sh", "-c", connection->target->rest, NULL};
    tow_nursery *nursery = connection->tunnel->nursery;
    const tow_command_options command = {.child = {.arguments = words, .nursery = nursery},
        .on_start = nursery != NULL ? command_started : NULL,
        .on_exit = command_exited};
    return tow_command_start(&connection->command, stream, connection->passage.loop, &command, options);
}

/* Of the target alone. A command has two sockets, and what its process is watched by. */
static int descriptors_of(const tow_tunnel_target *target) {
    return target->kind == TOW_TUNNEL_TARGET_COMMAND ? 3 : 1;
}

/* They may be gone since it was admitted. */
static int take_descriptors(tunnel_connection *connection) {
    int count = descriptors_of(connection->target);
    if (!tow_descriptors_take(connection->tunnel->descriptors, count))
        return TOW_ERROR_DESCRIPTORS;
    connection->descriptors = count;
    return 0;
}

static void target_open(tunnel_connection *connection) {
    tow_byte_stream_options options = tow_relay_options(&connection->passage.relay, TOW_RELAY_TARGET);
    tow_byte_stream *stream;
    options.connect_seconds = connection->tunnel->options.connect_seconds;
    bool is_command = connection->target->kind == TOW_TUNNEL_TARGET_COMMAND;
    int error = take_descriptors(connection);
    if (error == 0)
        error = is_command ? command_start(connection, &stream, &options)
                           : tow_byte_stream_connect(
                                 &stream, connection->passage.loop, connection->target->rest, &options);
    connection->passage.relay.connected = is_command && error == 0;
    if (error == 0)
        tow_relay_set(&connection->passage.relay, TOW_RELAY_TARGET, stream);
    else
        tow_relay_fail(&connection->passage.relay, TOW_RELAY_TARGET, error, tow_strerror(error));
}

/* The handler. */

static const char *const default_subprotocols[] = {"binary", NULL};

static const char *const *subprotocols_of(const tow_tunnel *tunnel) {
    return tunnel->options.subprotocols != NULL ? tunnel->options.subprotocols : default_subprotocols;
}

static bool is_known(const tow_tunnel *tunnel, const char *name, size_t length) {
    for (const char *const *known = subprotocols_of(tunnel); *known != NULL; known++)
        if (strlen(*known) == length && memcmp(*known, name, length) == 0)
            return true;
    return false;
}

/* Whether the client offers subprotocols, and none that is spoken here: base64, say. It would fail the
 * connection itself, or send what is none of the target's bytes. */
static bool offers_strange_ones_only(const tow_tunnel *tunnel, const tow_request *request) {
    const char *offer = tow_request_header(request, "Sec-WebSocket-Protocol");
    if (offer == NULL)
        return false;
    while (*offer != '\0') {
        offer += strspn(offer, ", \t");
        size_t length = strcspn(offer, ", \t");
        if (is_known(tunnel, offer, length))
            return false;
        offer += length;
    }
    return true;
}

static void admit(tow_exchange *exchange, const tow_request *request) {
    tow_tunnel *tunnel = tow_request_user(request);
    tow_tunnel_map *map;
    const tow_tunnel_target *target = tow_tunnel_targets_find(&tunnel->targets, request, &map);
    int descriptors = target != NULL ? descriptors_of(target) : 0;
    tow_tunnel_map_release(map);
    if (target == NULL)
        tow_exchange_reject(exchange, 404, "no tunnel has this token or path");
    else if (!tow_descriptors_are_left(tunnel->descriptors, descriptors))
        tow_exchange_reject(exchange, 503, "no descriptors are left for the target (ulimit -n)");
    else if (offers_strange_ones_only(tunnel, request))
        tow_exchange_reject(
            exchange, 400, "none of these subprotocols is spoken here (--subprotocol would add one)");
    else
        tow_exchange_accept(exchange, NULL);
}

static tunnel_connection *connection_new(tow_tunnel *tunnel, tow_websocket *socket) {
    static const tow_relay_events events = {.on_connected = target_connected,
        .on_end = side_ends,
        .on_failed = side_failed,
        .on_done = streams_done};
    tunnel_connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL)
        return NULL;
    tow_relay_init(&connection->passage.relay, &events);
    connection->tunnel = tunnel;
    connection->socket = socket;
    return connection;
}

static int stream_open(tunnel_connection *connection) {
    const tow_tunnel_options *tunnel = &connection->tunnel->options;
    tow_byte_stream_options options = tow_relay_options(&connection->passage.relay, TOW_RELAY_CLIENT);
    tow_byte_stream *stream;
    options.text = tunnel->text;
    options.lines = tunnel->lines;
    options.half_close_seconds = tunnel->half_close_seconds;
    int error = tow_byte_stream_from_websocket(&stream, connection->socket, &options);
    if (error == 0)
        tow_relay_set(&connection->passage.relay, TOW_RELAY_CLIENT, stream);
    return error;
}

/* The target was there when the handshake was admitted, a moment ago on this thread; the map may have been
 * read again since. */
static void opened(tow_websocket *socket) {
    tow_tunnel *tunnel = tow_websocket_user(socket);
    const tow_request *request = tow_websocket_request(socket);
    tow_tunnel_map *map;
    const tow_tunnel_target *target = tow_tunnel_targets_find(&tunnel->targets, request, &map);
    tunnel_connection *connection = target == NULL ? NULL : connection_new(tunnel, socket);
    if (connection == NULL || stream_open(connection) != 0) {
        tow_websocket_close(socket, INTERNAL_ERROR, target == NULL ? "the target is gone" : "out of memory");
        tow_tunnel_map_release(map);
        free(connection);
        return;
    }
    connection->map = map;
    connection->target = target;
    snprintf(connection->passage.peer, sizeof(connection->passage.peer), "%s", tow_request_peer(request));
    connection->passage.target = target->text;
    tow_passage_begin(&connection->passage, &tunnel->passages, tow_websocket_loop(socket));
    target_open(connection);
}

tow_handler tow_tunnel_handler(tow_tunnel *tunnel) {
    return (tow_handler){.user = tunnel,
        .protocols = subprotocols_of(tunnel),
        .on_admit = admit,
        .on_open = opened,
        .websocket_only = true,
        .limits = tunnel->options.limits};
}

/* The map. */

void tow_tunnel_reload_map(tow_tunnel *tunnel) {
    const char *file = tunnel->options.map;
    char why[TOW_TUNNEL_MAP_TEXT_MAX];
    if (file == NULL)
        return;
    if (tow_tunnel_targets_reload(&tunnel->targets, why) != 0)
        tow_passages_say(&tunnel->passages, TOW_LOG_ERROR, "%s: %s; the map stays as it was", file, why);
    else
        tow_passages_say(&tunnel->passages, TOW_LOG_NOTICE, "%s was read again: %zu entries", file,
            tow_tunnel_map_count(tunnel->targets.map));
}

void tow_tunnel_look_at_map(tow_tunnel *tunnel) {
    if (tow_tunnel_targets_have_changed(&tunnel->targets))
        tow_tunnel_reload_map(tunnel);
}

/* Beginning and end. */

int tow_tunnel_descriptors(const tow_tunnel_options *options) {
    tow_tunnel_target target;
    const char *why;
    if (options->target == NULL || tow_tunnel_target_read(&target, options->target, &why) != 0)
        return 4; /* a map, which may have commands */
    return 1 + descriptors_of(&target);
}

int tow_tunnel_new(tow_tunnel **tunnel, const tow_tunnel_options *options, char why[TOW_HANDLER_TEXT_MAX]) {
    tow_tunnel *made = calloc(1, sizeof(*made));
    snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->options = *options;
    made->target = options->target != NULL ? strdup(options->target) : NULL;
    tow_passages_init(&made->passages, (tow_handler_log){options->on_log, options->log_user});
    int error = options->target != NULL && made->target == NULL
                    ? TOW_ERROR_MEMORY
                    : tow_tunnel_targets_init(&made->targets, made->target, options->map, why);
    if (error != 0)
        tow_tunnel_free(made);
    else
        *tunnel = made;
    return error;
}

static void destroy(tow_tunnel *tunnel) {
    tow_tunnel_targets_clear(&tunnel->targets);
    tow_passages_clear(&tunnel->passages);
    tow_descriptors_release(tunnel->descriptors);
    free(tunnel->target);
    free(tunnel);
}

void tow_tunnel_free(tow_tunnel *tunnel) {
    if (tunnel != NULL && tow_passages_retire(&tunnel->passages))
        destroy(tunnel);
}

/* Its bytes are no messages that anybody waits for, and a tunnel waits as TCP does. */
static const tow_limits limits_of_tunnels = {
    .max_message = TOW_OFF,
    .message_seconds = TOW_OFF,
    .stall_seconds = TOW_OFF,
    .idle_seconds = TOW_OFF,
    .compression = TOW_COMPRESSION_OFF,
};

static const char *complaint_of(const tow_tunnel_options *options) {
    if (options->target == NULL && options->map == NULL)
        return "say where it leads: a target or a map";
    if (options->target != NULL && options->map != NULL)
        return "a map takes the target's place: leave one of the two away";
    return options->lines && options->text ? "the messages of lines are text: leave text away" : NULL;
}

static int make(tow_handler *handler, const void *settings, const tow_handler_place *place,
    char why[TOW_HANDLER_TEXT_MAX]) {
    tow_tunnel_options options = *(const tow_tunnel_options *)settings;
    tow_tunnel *tunnel;
    const char *complaint = complaint_of(&options);
    if (complaint != NULL) {
        snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", complaint);
        return TOW_ERROR_ARGUMENT;
    }
    options.on_log = place->log.write;
    options.log_user = place->log.user;
    if (place->protocols != NULL)
        options.subprotocols = place->protocols;
    if (place->path != NULL)
        options.limits = limits_of_tunnels;
    int error = tow_tunnel_new(&tunnel, &options, why);
    if (error != 0)
        return error;
    tunnel->nursery = place->nursery;
    tunnel->descriptors = tow_descriptors_retain(tow_server_descriptors(place->server));
    *handler = tow_tunnel_handler(tunnel);
    return 0;
}

static void reload(void *user) {
    tow_tunnel_reload_map(user);
}

static void free_made(void *user) {
    tow_tunnel_free(user);
}

static void tick(void *user) {
    tow_tunnel_look_at_map(user);
}

const tow_handler_kind tow_tunnel_kind = {.name = "tunnel",
    .options = tow_tunnel_rows,
    .make = make,
    .reload = reload,
    .tick = tick,
    .free = free_made};
