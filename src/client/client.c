#include "client/client.h"

#include "failure.h"
#include "fallback/fallback.h"
#include "http/credentials.h"
#include "object.h"
#include "options.h"
#include "stages.h"
#include "transport/loop.h"
#include "trust.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { CONNECT_SECONDS = 30 };

static const tow_socket_owner owner;

static void gone(tow_websocket *socket) {
    tow_client *client = tow_client_of(socket);
    client->stage = TOW_CLIENT_GONE;
    client->has_stream = false;
    if (client->plan != NULL)
        tow_fallback_note_end(client);
    if (client->freed)
        tow_client_destroy(client);
}

static void abandon(tow_websocket *socket) {
    tow_websocket_give_up(socket);
    tow_client_fail(tow_client_of(socket), TOW_ERROR_CLOSED, "closed before the connection was open");
}

static tow_limits limits_of(const tow_websocket_options *options) {
    tow_limits limits = options->limits;
    tow_limits_resolve(&limits, TOW_ROLE_CLIENT, NULL);
    return limits;
}

static void set_behaviour(tow_client *client, const tow_websocket_options *options) {
    client->behaviour = (tow_behaviour){
        .role = TOW_ROLE_CLIENT,
        .on_open = options->on_open,
        .on_error = options->on_error,
        .on_close = options->on_close,
        .on_drain = options->on_drain,
        .on_ping = options->on_ping,
        .on_pong = options->on_pong,
        .limits = limits_of(options),
        .url = client->url.text,
        .owner = &owner,
    };
}

static int write_host(tow_client *client, const tow_websocket_options *options) {
    const char *host = tow_options_header(options, "Host");
    return tow_buffer_append_format(
        &client->request, "Host: %s\r\n", host != NULL ? host : client->url.authority);
}

/* The URL's user and password, unless the user's own headers say something else. */
static int write_credentials(tow_client *client, const tow_websocket_options *options) {
    const tow_url *url = &client->url;
    if (url->user == NULL || tow_options_header(options, "Authorization") != NULL)
        return 0;
    int error = tow_buffer_append_text(&client->request, "Authorization: ");
    if (error == 0)
        error = tow_basic_append(&client->request, url->user, url->password);
    return error != 0 ? error : tow_buffer_append_text(&client->request, "\r\n");
}

/* RFC 6455, section 4.1. */
static int write_request(tow_client *client, const tow_websocket_options *options) {
    uint8_t nonce[16];
    tow_loop_random(tow_websocket_loop(&client->socket), nonce, sizeof(nonce));
    tow_opening_key(client->key, nonce);
    int error = tow_buffer_append_format(&client->request, "GET %s HTTP/1.1\r\n", client->url.target);
    if (error == 0)
        error = write_host(client, options);
    if (error == 0)
        error = tow_buffer_append_format(&client->request,
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: "
            "13\r\n",
            client->key);
    if (error == 0)
        error = write_credentials(client, options);
    if (error == 0)
        error = tow_options_write(&client->request, options, &client->compression);
    return error != 0 ? error : tow_buffer_append_text(&client->request, "\r\n");
}

static int read_way(tow_client *client, const tow_websocket_options *options) {
    if (options->unix_path != NULL && (client->unix_path = strdup(options->unix_path)) == NULL)
        return TOW_ERROR_MEMORY;
    return options->proxy == NULL ? 0 : tow_proxy_read(&client->proxy, options->proxy, NULL);
}

/* TLS with whom it takes. */
static int read_trust(tow_client *client, tow_loop *loop, const tow_websocket_options *options) {
    char why[TOW_TLS_TEXT_MAX];
    int error = 0;
    if (client->url.secure)
        error = tow_trust_context(loop, options, TOW_TRUST_SERVER, &client->tls, why);
    if (error == 0 && client->proxy.kind == TOW_PROXY_HTTPS)
        error = tow_trust_context(loop, options, TOW_TRUST_PROXY, &client->proxy_tls, why);
    return error;
}

static int plan_fallback(tow_client *client, const tow_websocket_options *options) {
    client->fall_back = tow_fallback_start;
    return tow_fallback_plan_new(&client->plan, client, options, tow_websocket_open_sized);
}

static int fill(tow_client *client, tow_loop *loop, const char *url, const tow_websocket_options *options) {
    int error = tow_url_read(&client->url, url, NULL);
    if (error == 0)
        error = read_way(client, options);
    if (error == 0)
        error = read_trust(client, loop, options);
    if (error == 0)
        error = tow_websocket_context_new(&client->socket.context, loop, client);
    if (error != 0)
        return error;
    client->protocols = tow_options_copy_protocols(options->protocols);
    if (client->protocols == NULL)
        return TOW_ERROR_MEMORY;
    client->connect_seconds = options->connect_seconds == 0 ? CONNECT_SECONDS : options->connect_seconds;
    set_behaviour(client, options);
    client->compression = tow_options_compression(&client->behaviour.limits);
    tow_behaviour_receive_by(&client->behaviour, options->on_message, options->on_piece);
    client->socket.behaviour = &client->behaviour;
    client->socket.user = options->user;
    error = tow_limits_check(&client->behaviour.limits, NULL);
    if (error == 0)
        error = write_request(client, options);
    return error == 0 && options->fallback ? plan_fallback(client, options) : error;
}

/* On the way that is known, or else on the usual one. */
static int start(tow_client *client) {
    if (client->plan == NULL || client->plan->way == TOW_WAY_UNKNOWN)
        return tow_stages_start(client);
    tow_fallback_start(client);
    return 0;
}

int tow_websocket_open_sized(tow_websocket **socket, tow_loop *loop, const char *url,
    const tow_websocket_options *options, size_t options_size) {
    if (socket == NULL || loop == NULL || url == NULL)
        return TOW_ERROR_ARGUMENT;
    tow_websocket_options known = {0};
    if (options != NULL)
        memcpy(&known, options, options_size < sizeof(known) ? options_size : sizeof(known));
    int error = tow_options_check(&known);
    if (error != 0)
        return error;
    tow_client *client = calloc(1, sizeof(*client));
    if (client == NULL)
        return TOW_ERROR_MEMORY;
    error = fill(client, loop, url, &known);
    if (error == 0)
        error = start(client);
    if (error != 0) {
        tow_client_destroy(client);
        return error;
    }
    *socket = &client->socket;
    return 0;
}

static void take_callbacks_away(tow_client *client) {
    tow_behaviour *behaviour = &client->behaviour;
    behaviour->on_open = NULL;
    tow_behaviour_receive_by(behaviour, NULL, NULL);
    behaviour->on_error = NULL;
    behaviour->on_close = NULL;
    behaviour->on_drain = NULL;
    behaviour->on_ping = NULL;
    behaviour->on_pong = NULL;
    client->on_head = NULL;
}

/* The memory goes when the stream is closed: until then the loop, and perhaps the caller's own callback, look
 * at it. */
static void free_socket(tow_websocket *socket) {
    tow_client *client = tow_client_of(socket);
    client->freed = true;
    take_callbacks_away(client);
    if (client->stage == TOW_CLIENT_OPENED)
        tow_websocket_abort(socket, TOW_CAUSE_APPLICATION_RESET, 0);
    else if (client->stage != TOW_CLIENT_GONE)
        tow_client_fail(client, TOW_ERROR_CLOSED, NULL);
    bool in_use = client->stage == TOW_CLIENT_OPENED || client->has_stream || client->in_callback;
    if (!in_use)
        tow_client_destroy(client);
}

static const tow_response *response_of(const tow_websocket *socket) {
    return tow_client_of(socket)->answer;
}

static int peer_of(const tow_websocket *socket, char *text, size_t size) {
    const char *peer = tow_client_of(socket)->peer;
    size_t length = strlen(peer);
    if (length == 0)
        return TOW_ERROR_STATE;
    if (length >= size)
        return TOW_ERROR_ARGUMENT;
    memcpy(text, peer, length + 1);
    return 0;
}

static bool is_held(const tow_websocket *socket) {
    return tow_client_of(socket)->holder != NULL;
}

static const tow_socket_owner owner = {.peer = peer_of,
    .gone = gone,
    .abandon = abandon,
    .free = free_socket,
    .is_held = is_held,
    .response = response_of};

/* Our side has ended before: there is nothing to answer. */
static void peer_ended(tow_websocket *socket) {
    (void)socket;
}

void tow_client_shutdown(tow_websocket *socket) {
    tow_client_of(socket)->behaviour.on_end = peer_ended;
    tow_websocket_shutdown(socket);
}

void tow_client_set_trace(tow_websocket *socket, tow_client_on_head on_head) {
    tow_client_of(socket)->on_head = on_head;
}

bool tow_client_fell_back(const tow_websocket *socket) {
    return socket->behaviour->carrier != NULL;
}

bool tow_client_polling_may_help(const tow_websocket *socket) {
    return tow_client_of(socket)->polling_may_help;
}

const char *tow_client_fell_back_from(const tow_websocket *socket) {
    const tow_fallback_plan *plan = tow_client_of(socket)->plan;
    return plan == NULL ? "" : plan->text;
}

int tow_client_tls_details(const tow_websocket *socket, bool proxy, tow_tls_details *details) {
    const tow_client *client = tow_client_of(socket);
    if ((proxy ? client->proxy_tls : client->tls) == NULL || !client->has_stream)
        return TOW_ERROR_STATE;
    bool is_beneath = proxy && client->tls != NULL;
    const tow_stream *stream = is_beneath ? tow_stream_beneath(&socket->stream) : &socket->stream;
    return stream == NULL ? TOW_ERROR_STATE : tow_stream_tls_details(stream, details);
}

int tow_client_check_trust(tow_loop *loop, const tow_websocket_options *options, char why[TOW_TLS_TEXT_MAX]) {
    tow_tls_context *context;
    int error = tow_trust_context(loop, options, TOW_TRUST_SERVER, &context, why);
    if (error == 0)
        tow_tls_context_release(context);
    return error;
}
