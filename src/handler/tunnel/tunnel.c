#include "handler/tunnel.h"

#include "base/text.h"
#include "command.h"
#include "http/percent.h"
#include "map.h"
#include "relay.h"
#include "server/proxy_header.h"
#include "target.h"
#include "websocket/websocket.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <towline/error.h>
#include <towline/stream.h>

enum {
    BAD_GATEWAY = 1014, /* the registry of close codes: an error of what stands behind us */
    INTERNAL_ERROR = 1011,
    KEY_MAX = 4096,
    LINE_MAX_LENGTH = 512,
    STATUS_TEXT_MAX = 80,
    REASON_MAX = 123
};

/* What a file was like when it was read. */
typedef struct file_state {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
} file_state;

typedef struct tunnel_connection tunnel_connection;

struct tow_tunnel {
    const tow_tunnel_options *options;
    tow_tunnel_target target; /* without a map */
    pthread_mutex_t mutex;    /* of what follows: workers add and remove, and look up */
    tow_tunnel_map *map;      /* NULL: none */
    tunnel_connection *connections;
    file_state map_state; /* of the thread that made the tunnel */
};

struct tunnel_connection {
    tow_relay relay; /* first */
    tow_command command;
    tow_tunnel *tunnel;
    tunnel_connection *next, **previous;
    tow_tunnel_map *map; /* holds the target, or NULL */
    const tow_tunnel_target *target;
    tow_websocket *socket; /* until its side is closed or has failed */
    tow_loop *loop;
    int64_t opened;
    bool done; /* both streams are gone */
    char peer[TOW_ADDRESS_TEXT_MAX];
};

static tunnel_connection *connection_of(tow_relay *relay) {
    return (tunnel_connection *)(void *)relay;
}

/* The log. */

__attribute__((format(printf, 3, 4))) static void say(
    const tow_tunnel *tunnel, int level, const char *format, ...) {
    char line[LINE_MAX_LENGTH];
    va_list arguments;
    if (tunnel->options->on_log == NULL)
        return;
    va_start(arguments, format);
    tow_text_format_list(line, sizeof(line), format, arguments);
    va_end(arguments);
    tunnel->options->on_log(tunnel->options->log_user, level, line);
}

/* The end of a connection. */

static void list_remove(tunnel_connection *connection) {
    pthread_mutex_lock(&connection->tunnel->mutex);
    *connection->previous = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    pthread_mutex_unlock(&connection->tunnel->mutex);
}

static void list_add(tunnel_connection *connection) {
    tow_tunnel *tunnel = connection->tunnel;
    pthread_mutex_lock(&tunnel->mutex);
    connection->next = tunnel->connections;
    connection->previous = &tunnel->connections;
    if (connection->next != NULL)
        connection->next->previous = &connection->next;
    tunnel->connections = connection;
    pthread_mutex_unlock(&tunnel->mutex);
}

/* When the streams are gone and the command has ended. */
static void free_if_over(tunnel_connection *connection) {
    if (!connection->done || tow_command_runs(&connection->command))
        return;
    list_remove(connection);
    tow_tunnel_map_release(connection->map);
    free(connection);
}

static void streams_done(tow_relay *relay) {
    tunnel_connection *connection = connection_of(relay);
    double seconds = (double)(tow_loop_now(connection->loop) - connection->opened) / 1e9;
    say(connection->tunnel, LOG_INFO, "%s %s closed after %.1f s, %llu bytes to it, %llu from it",
        connection->peer, connection->target->text, seconds,
        (unsigned long long)relay->ends[TOW_RELAY_CLIENT].received,
        (unsigned long long)relay->ends[TOW_RELAY_TARGET].received);
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
    bool told_later = !connection->done && !connection->relay.failed;
    write_status(text, sizeof(text), status);
    if (status != 0 && !by_us && !told_later)
        say(connection->tunnel, LOG_NOTICE, "%s %s: %s", connection->peer, connection->target->text, text);
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
    tow_byte_stream *stream = connection->relay.ends[TOW_RELAY_CLIENT].stream;
    if (stream == NULL)
        return;
    tow_text_format(reason, sizeof(reason), "%s%s",
        connection->relay.connected ? "" : "the target can't be reached: ", text);
    if (connection->tunnel->options->lines)
        tow_websocket_finish_text(connection->socket);
    tow_websocket_close(
        connection->socket, connection->relay.connected ? INTERNAL_ERROR : BAD_GATEWAY, reason);
    tow_byte_stream_close(stream);
}

/* That a client is gone without a word is everyday life. */
static void side_failed(tow_relay *relay, tow_relay_side side, int error, const char *text) {
    tunnel_connection *connection = connection_of(relay);
    bool target = side == TOW_RELAY_TARGET;
    say(connection->tunnel, target || error == TOW_ERROR_MEMORY ? LOG_WARNING : LOG_INFO, "%s %s: %s%s",
        connection->peer, connection->target->text, target ? "" : "the client: ", text);
    if (target)
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
    tow_relay_end *end = &connection->relay.ends[TOW_RELAY_TARGET];
    if (!address_read(connection->peer, &from) ||
        tow_byte_stream_peer(end->stream, target, sizeof(target)) != 0 || !address_read(target, &to))
        from = (tow_address){0};
    size_t length = tow_proxy_header_write(header, connection->tunnel->options->send_proxy, &from, &to);
    if (tow_relay_prepend(&connection->relay, TOW_RELAY_TARGET, header, length) != 0)
        tow_relay_fail(
            &connection->relay, TOW_RELAY_TARGET, TOW_ERROR_MEMORY, tow_strerror(TOW_ERROR_MEMORY));
}

static void target_connected(tow_relay *relay) {
    tunnel_connection *connection = connection_of(relay);
    if (connection->tunnel->options->send_proxy != 0)
        send_proxy_header(connection);
}

static void target_open(tunnel_connection *connection) {
    tow_byte_stream_options options = tow_relay_options(&connection->relay, TOW_RELAY_TARGET);
    tow_byte_stream *stream;
    options.connect_seconds = connection->tunnel->options->connect_seconds;
    bool is_command = connection->target->kind == TOW_TUNNEL_TARGET_COMMAND;
    int error = is_command
                    ? tow_command_start(&connection->command, &stream, connection->loop,
                          connection->target->rest, &options, command_exited)
                    : tow_byte_stream_connect(&stream, connection->loop, connection->target->rest, &options);
    connection->relay.connected = is_command && error == 0;
    if (error == 0)
        tow_relay_set(&connection->relay, TOW_RELAY_TARGET, stream);
    else
        tow_relay_fail(&connection->relay, TOW_RELAY_TARGET, error, tow_strerror(error));
}

/* Which target. */

/* Percent-decodes up to the next '&'; returns the length, or 0 for what is no token. */
static size_t token_decode(char out[KEY_MAX], const char *text) {
    tow_slice rest = {text, strcspn(text, "&")};
    size_t length = 0;
    while (rest.length > 0)
        if (length == KEY_MAX || !tow_percent_take(&rest, &out[length++]))
            return 0;
    return length;
}

/* The first parameter of that name. */
static size_t token_of(const tow_request *request, char out[KEY_MAX]) {
    const char *parameter = tow_request_query(request);
    while (parameter != NULL && *parameter != '\0') {
        if (strncmp(parameter, "token=", 6) == 0)
            return token_decode(out, parameter + 6);
        parameter = strchr(parameter, '&');
        parameter = parameter == NULL ? NULL : parameter + 1;
    }
    return 0;
}

static tow_tunnel_map *map_take(tow_tunnel *tunnel) {
    pthread_mutex_lock(&tunnel->mutex);
    tow_tunnel_map *map = tunnel->map;
    if (map != NULL)
        tow_tunnel_map_retain(map);
    pthread_mutex_unlock(&tunnel->mutex);
    return map;
}

/* A path that is in the map, else the token. A token with a slash in front is none: it would be a path. */
static const tow_tunnel_target *target_in(const tow_tunnel_map *map, const tow_request *request) {
    char token[KEY_MAX];
    const char *path = tow_request_path(request);
    const tow_tunnel_target *target = tow_tunnel_map_find(map, path, strlen(path));
    if (target != NULL)
        return target;
    size_t length = token_of(request, token);
    return length > 0 && token[0] != '/' ? tow_tunnel_map_find(map, token, length) : NULL;
}

/* With *map, if there is one, to be released. */
static const tow_tunnel_target *target_find(
    tow_tunnel *tunnel, const tow_request *request, tow_tunnel_map **map) {
    *map = map_take(tunnel);
    return *map == NULL ? &tunnel->target : target_in(*map, request);
}

/* The handler. */

static const char *const default_subprotocols[] = {"binary", NULL};

static const char *const *subprotocols_of(const tow_tunnel *tunnel) {
    return tunnel->options->subprotocols != NULL ? tunnel->options->subprotocols : default_subprotocols;
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

static int admit(const tow_request *request, const char **text) {
    tow_tunnel *tunnel = tow_request_user(request);
    tow_tunnel_map *map;
    const tow_tunnel_target *target = target_find(tunnel, request, &map);
    tow_tunnel_map_release(map);
    if (target == NULL) {
        *text = "no tunnel has this token or path";
        return 404;
    }
    if (offers_strange_ones_only(tunnel, request)) {
        *text = "none of these subprotocols is spoken here (--subprotocol would add one)";
        return 400;
    }
    return 0;
}

static tunnel_connection *connection_new(tow_tunnel *tunnel, tow_websocket *socket) {
    static const tow_relay_events events = {.on_connected = target_connected,
        .on_end = side_ends,
        .on_failed = side_failed,
        .on_done = streams_done};
    tunnel_connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL)
        return NULL;
    tow_relay_init(&connection->relay, &events);
    connection->tunnel = tunnel;
    connection->socket = socket;
    connection->loop = tow_websocket_loop(socket);
    connection->opened = tow_loop_now(connection->loop);
    return connection;
}

static int stream_open(tunnel_connection *connection) {
    const tow_tunnel_options *tunnel = connection->tunnel->options;
    tow_byte_stream_options options = tow_relay_options(&connection->relay, TOW_RELAY_CLIENT);
    tow_byte_stream *stream;
    options.text = tunnel->text;
    options.lines = tunnel->lines;
    options.half_close_seconds = tunnel->half_close_seconds;
    int error = tow_byte_stream_from_websocket(&stream, connection->socket, &options);
    if (error == 0)
        tow_relay_set(&connection->relay, TOW_RELAY_CLIENT, stream);
    return error;
}

/* The target was there when the handshake was admitted, a moment ago on this thread; the map may have been
 * read again since. */
static void opened(tow_websocket *socket) {
    tow_tunnel *tunnel = tow_websocket_user(socket);
    const tow_request *request = tow_websocket_request(socket);
    tow_tunnel_map *map;
    const tow_tunnel_target *target = target_find(tunnel, request, &map);
    tunnel_connection *connection = target == NULL ? NULL : connection_new(tunnel, socket);
    if (connection == NULL || stream_open(connection) != 0) {
        tow_websocket_close(socket, INTERNAL_ERROR, target == NULL ? "the target is gone" : "out of memory");
        tow_tunnel_map_release(map);
        free(connection);
        return;
    }
    connection->map = map;
    connection->target = target;
    snprintf(connection->peer, sizeof(connection->peer), "%s", tow_request_peer(request));
    list_add(connection);
    say(tunnel, LOG_DEBUG, "%s %s opened", connection->peer, target->text);
    target_open(connection);
}

tow_handler tow_tunnel_handler(tow_tunnel *tunnel) {
    return (tow_handler){.user = tunnel,
        .protocols = subprotocols_of(tunnel),
        .on_admit = admit,
        .on_open = opened,
        .limits = tunnel->options->limits};
}

/* The map's file. */

static file_state file_look(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0)
        return (file_state){0};
    return (file_state){
        .device = status.st_dev, .inode = status.st_ino, .size = status.st_size, .changed = status.st_mtim};
}

static bool is_same(const file_state *a, const file_state *b) {
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static int map_read(tow_tunnel *tunnel, char *why) {
    tow_tunnel_map *map;
    tunnel->map_state = file_look(tunnel->options->map);
    int error = tow_tunnel_map_open(&map, tunnel->options->map, why);
    if (error != 0)
        return error;
    pthread_mutex_lock(&tunnel->mutex);
    tow_tunnel_map *old = tunnel->map;
    tunnel->map = map;
    pthread_mutex_unlock(&tunnel->mutex);
    tow_tunnel_map_release(old);
    return 0;
}

void tow_tunnel_reload_map(tow_tunnel *tunnel) {
    char why[TOW_TUNNEL_MAP_TEXT_MAX];
    if (tunnel->options->map == NULL)
        return;
    if (map_read(tunnel, why) != 0)
        say(tunnel, LOG_ERR, "%s: %s; the map stays as it was", tunnel->options->map, why);
    else
        say(tunnel, LOG_NOTICE, "%s was read again: %zu entries", tunnel->options->map,
            tow_tunnel_map_count(tunnel->map));
}

void tow_tunnel_look_at_map(tow_tunnel *tunnel) {
    if (tunnel->options->map == NULL)
        return;
    file_state state = file_look(tunnel->options->map);
    if (!is_same(&state, &tunnel->map_state))
        tow_tunnel_reload_map(tunnel);
}

/* Beginning and end. */

bool tow_tunnel_target_is_valid(const char *text, const char **why) {
    tow_tunnel_target target;
    const char *reason;
    int error = tow_tunnel_target_read(&target, text, &reason);
    if (error != 0 && why != NULL)
        *why = reason;
    return error == 0;
}

static int fill(tow_tunnel *tunnel, char *why) {
    const tow_tunnel_options *options = tunnel->options;
    char map_why[TOW_TUNNEL_MAP_TEXT_MAX];
    const char *target_why;
    if (options->map != NULL) {
        int error = map_read(tunnel, map_why);
        if (error != 0)
            snprintf(why, TOW_TUNNEL_TEXT_MAX, "%.100s: %s", options->map, map_why);
        return error;
    }
    int error = tow_tunnel_target_read(&tunnel->target, options->target, &target_why);
    if (error != 0)
        snprintf(why, TOW_TUNNEL_TEXT_MAX, "'%.100s': %s", options->target, target_why);
    return error;
}

int tow_tunnel_new(tow_tunnel **tunnel, const tow_tunnel_options *options, char why[TOW_TUNNEL_TEXT_MAX]) {
    tow_tunnel *made = calloc(1, sizeof(*made));
    snprintf(why, TOW_TUNNEL_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->options = options;
    pthread_mutex_init(&made->mutex, NULL);
    int error = fill(made, why);
    if (error != 0)
        tow_tunnel_free(made);
    else
        *tunnel = made;
    return error;
}

void tow_tunnel_free(tow_tunnel *tunnel) {
    if (tunnel == NULL)
        return;
    tunnel_connection *next;
    for (tunnel_connection *connection = tunnel->connections; connection != NULL; connection = next) {
        next = connection->next;
        tow_command_clear(&connection->command);
        tow_tunnel_map_release(connection->map);
        free(connection);
    }
    tow_tunnel_map_release(tunnel->map);
    pthread_mutex_destroy(&tunnel->mutex);
    free(tunnel);
}
