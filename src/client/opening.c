/* The opening handshake as a client (RFC 6455, section 4.1): reach the server, send the request, read the
 * response, and give the stream to the websocket floor. */
#include "object.h"
#include "proxying.h"
#include "refusal.h"
#include "securing.h"
#include "transport/listener.h"
#include "transport/loop.h"
#include "transport/timer.h"

#include <stdio.h>
#include <string.h>
#include <towline/error.h>

enum { RESPONSE_HEAD_MAX = 16 * 1024, CLOSE_ABNORMAL = 1006 };

static tow_client *client_of(tow_stream *stream) {
    return (tow_client *)(void *)stream;
}

/* The end of a handshake that failed. */

static void tell_error(tow_client *client) {
    const tow_error_event event = {
        .error = client->error, .http_status = client->http_status, .text = client->text};
    if (client->behaviour.on_error != NULL)
        client->behaviour.on_error(&client->socket, &event);
}

static void tell_close(tow_client *client) {
    const tow_close_event event = {.code = CLOSE_ABNORMAL, .reason = ""};
    if (client->behaviour.on_close != NULL)
        client->behaviour.on_close(&client->socket, &event);
}

/* Final state first, callbacks last; when the user frees the socket in the first, the second is gone. */
static void finish(tow_client *client) {
    client->stage = TOW_CLIENT_GONE;
    client->socket.ready_state = TOW_CLOSED;
    client->in_callback = true;
    tell_error(client);
    tell_close(client);
    client->in_callback = false;
    if (client->freed)
        tow_client_destroy(client);
}

static void finish_by_timer(tow_timer *timer) {
    finish((tow_client *)(void *)((char *)timer - offsetof(tow_websocket, timer)));
}

void tow_opening_fail(tow_client *client, int error, const char *text) {
    if (client->stage >= TOW_CLIENT_OPENED)
        return;
    tow_loop *loop = tow_websocket_loop(&client->socket);
    client->stage = TOW_CLIENT_FAILED;
    client->error = error;
    snprintf(client->text, sizeof(client->text), "%s", text == NULL ? tow_strerror(error) : text);
    tow_connector_stop(client->connector);
    client->connector = NULL;
    if (client->has_stream) {
        tow_timer_cancel(loop, &client->socket.timer);
        tow_stream_close(&client->socket.stream);
    } else {
        tow_timer_set(loop, &client->socket.timer, 0, finish_by_timer);
    }
}

/* A certificate's text names the server itself. */
void tow_opening_fail_with_peer(tow_client *client, int error, const char *what) {
    char text[sizeof(client->text)];
    bool is_proxy = client->stage == TOW_CLIENT_SECURING_PROXY || client->stage == TOW_CLIENT_PROXYING;
    if (is_proxy)
        snprintf(
            text, sizeof(text), "the proxy %.255s port %d: %s", client->proxy.host, client->proxy.port, what);
    else if (error == TOW_ERROR_CERTIFICATE)
        snprintf(text, sizeof(text), "%s", what);
    else if (client->unix_path != NULL)
        snprintf(text, sizeof(text), "%.255s: %s", client->unix_path, what);
    else
        snprintf(text, sizeof(text), "%.255s port %d: %s", client->url.host, client->url.port, what);
    tow_opening_fail(client, error, text);
}

/* What was not done in time. */
static void write_delay(const tow_client *client, char *out, size_t size) {
    const char *proxy = client->proxy.host;
    if (client->connector != NULL)
        snprintf(out, size, "%s%.255s %s", proxy != NULL ? "the proxy " : "",
            proxy != NULL ? proxy : client->url.host,
            tow_connector_is_resolving(client->connector) ? "was not found" : "was not reached");
    else if (client->stage == TOW_CLIENT_SECURING_PROXY)
        snprintf(out, size, "the TLS handshake with the proxy %.255s was not finished", proxy);
    else if (client->stage == TOW_CLIENT_PROXYING)
        snprintf(out, size, "the proxy %.255s did not reach the server", proxy);
    else if (client->stage == TOW_CLIENT_SECURING)
        snprintf(out, size, "the TLS handshake with %.255s was not finished", client->url.host);
    else
        snprintf(out, size, "no answer to the opening handshake");
}

static void no_answer_in_time(tow_timer *timer) {
    tow_client *client = (tow_client *)(void *)((char *)timer - offsetof(tow_websocket, timer));
    char delay[sizeof(client->text) - 64];
    char text[sizeof(client->text)];
    write_delay(client, delay, sizeof(delay));
    snprintf(text, sizeof(text), "%s within %d seconds", delay, client->connect_seconds);
    tow_opening_fail(client, TOW_ERROR_TIMED_OUT, text);
}

/* Connecting. */

static const tow_stream_events handshake_events;

static void connected(void *user, int fd) {
    tow_client *client = user;
    tow_loop *loop = tow_websocket_loop(&client->socket);
    client->connector = NULL;
    int error = tow_stream_adopt(&client->socket.stream, loop, fd, &handshake_events);
    if (error != 0) {
        tow_loop_discard(loop, fd);
        tow_opening_fail(client, error, NULL);
        return;
    }
    client->has_stream = true;
    if (client->proxy_tls != NULL)
        tow_securing_proxy(client);
    else if (client->proxy.host != NULL)
        tow_proxying_start(client);
    else if (client->tls != NULL)
        tow_securing_server(client, NULL, 0);
    else
        tow_opening_ask(client, NULL, 0);
}

static void not_connected(void *user, int error, const char *text) {
    tow_client *client = user;
    char proxy_text[sizeof(client->text)];
    client->connector = NULL;
    snprintf(proxy_text, sizeof(proxy_text), "%s%s", client->proxy.host != NULL ? "the proxy " : "", text);
    tow_opening_fail(client, error, proxy_text);
}

int tow_opening_start(tow_client *client) {
    static const tow_connector_events events = {.on_connected = connected, .on_failed = not_connected};
    tow_loop *loop = tow_websocket_loop(&client->socket);
    bool proxied = client->proxy.host != NULL;
    const tow_place place = {.host = proxied ? client->proxy.host : client->url.host,
        .port = proxied ? client->proxy.port : client->url.port,
        .unix_path = client->unix_path};
    int error = tow_connector_start(&client->connector, loop, &place, &events, client);
    if (error == 0 && client->connect_seconds != TOW_OFF)
        tow_timer_set(loop, &client->socket.timer, tow_loop_now(loop) + client->connect_seconds * TOW_SECOND,
            no_answer_in_time);
    return error;
}

/* Nothing has come of an answer, in plain. */
static bool may_speak_tls(const tow_client *client) {
    return client->tls == NULL && client->stage == TOW_CLIENT_ASKING && client->response.length == 0;
}

static void failed(tow_stream *stream, int error) {
    tow_client *client = client_of(stream);
    const char *text = tow_stream_failure_text(stream);
    if (error == TOW_ERROR_RESET && may_speak_tls(client))
        tow_opening_fail(client, error,
            "the server reset the connection and answered nothing: if its port speaks TLS, write wss://");
    else
        tow_opening_fail_with_peer(client, error, text != NULL ? text : tow_strerror(error));
}

void tow_opening_closed(tow_stream *stream) {
    tow_client *client = client_of(stream);
    client->has_stream = false;
    finish(client);
}

/* The request. */

static void trace(tow_client *client, bool sent, const char *head, size_t length) {
    if (client->on_head != NULL)
        client->on_head(&client->socket, sent, head, length);
}

static void send_request(tow_client *client) {
    if (client->stage != TOW_CLIENT_ASKING || client->request_sent == client->request.length)
        return;
    struct iovec piece = {.iov_base = client->request.data + client->request_sent,
        .iov_len = client->request.length - client->request_sent};
    ssize_t taken = tow_stream_write(&client->socket.stream, &piece, 1);
    if (taken > 0)
        client->request_sent += (size_t)taken;
}

static void received(tow_stream *stream, uint8_t *bytes, size_t length);

void tow_opening_ask(tow_client *client, uint8_t *rest, size_t rest_length) {
    client->stage = TOW_CLIENT_ASKING;
    client->socket.stream.events = &handshake_events;
    trace(client, true, (const char *)client->request.data, client->request.length);
    send_request(client);
    if (rest_length > 0)
        received(&client->socket.stream, rest, rest_length);
}

static void writable(tow_stream *stream) {
    send_request(client_of(stream));
}

/* The response. */

/* The stream is the websocket floor's from here on, and so is the timer. */
static void opened(tow_client *client, tow_slice protocol, const tow_compression_agreement *agreement,
    uint8_t *rest, size_t rest_length) {
    client->stage = TOW_CLIENT_OPENED;
    tow_timer_cancel(tow_websocket_loop(&client->socket), &client->socket.timer);
    int error = tow_websocket_start(
        &client->socket, client->socket.context, &client->behaviour, protocol, agreement, rest, rest_length);
    if (error != 0) {
        client->stage = TOW_CLIENT_ASKING;
        tow_opening_fail(client, error, NULL);
    }
    tow_buffer_clear(&client->request);
}

static void answered(tow_client *client, const tow_http_head *head, uint8_t *rest, size_t rest_length) {
    tow_slice protocol;
    tow_compression_agreement agreement;
    if (head->status == 101 && !tow_slice_equals(head->version, "HTTP/1.1")) { /* RFC 9110, section 15.2 */
        tow_opening_fail(
            client, TOW_ERROR_HTTP_SYNTAX, "the server answered 101 in HTTP/1.0, which has none");
        return;
    }
    int error = tow_opening_response_check(head->status, head->fields, head->field_count, client->key,
        (const char *const *)client->protocols, &client->compression, &protocol, &agreement);
    if (error == TOW_ERROR_HTTP_STATUS)
        tow_refusal_begin(client, head, rest, rest_length);
    else if (error != 0)
        tow_opening_fail(client, error, NULL);
    else
        opened(client, protocol, &agreement, rest, rest_length);
}

/* RFC 9110, section 15.2: interim responses may come before the one that counts. */
static bool is_interim(const tow_http_head *head) {
    return head->status / 100 == 1 && head->status != 101;
}

/* An alert is what TLS answers to HTTP (RFC 8446, sections 5.1 and 6). */
static bool is_tls(const uint8_t *bytes, size_t length) {
    return length >= 2 && bytes[0] == 21 && bytes[1] == 3;
}

/* Reads heads until there is an answer; returns how many bytes were used up by heads that are none. */
static size_t read_heads(tow_client *client, uint8_t *bytes, size_t length) {
    size_t used = 0;
    while (client->stage == TOW_CLIENT_ASKING) {
        tow_http_head head;
        int head_length = tow_http_response_read(
            &head, (const char *)bytes + used, length - used, &client->response_scanned);
        if (head_length < 0)
            tow_opening_fail(client, head_length,
                is_tls(bytes + used, length - used) ? "the server speaks TLS here: write wss://" : NULL);
        if (head_length <= 0)
            return used;
        client->head = &head;
        trace(client, false, (const char *)bytes + used, (size_t)head_length);
        used += (size_t)head_length;
        if (client->stage == TOW_CLIENT_ASKING && !is_interim(&head))
            answered(client, &head, bytes + used, length - used);
        client->head = NULL;
    }
    return used;
}

/* Keeps a head that is not whole yet. */
static void keep_response(tow_client *client, const uint8_t *bytes, size_t length) {
    if (length > RESPONSE_HEAD_MAX)
        tow_opening_fail(client, TOW_ERROR_HTTP_TOO_LARGE, "the server's response has too large a head");
    else if (tow_buffer_append(&client->response, bytes, length) != 0)
        tow_opening_fail(client, TOW_ERROR_MEMORY, NULL);
}

static void read_kept_response(tow_client *client) {
    size_t used = read_heads(client, client->response.data, client->response.length);
    if (client->stage != TOW_CLIENT_ASKING) {
        tow_buffer_clear(&client->response);
        return;
    }
    tow_buffer_consume(&client->response, used);
    if (client->response.length > RESPONSE_HEAD_MAX)
        tow_opening_fail(client, TOW_ERROR_HTTP_TOO_LARGE, "the server's response has too large a head");
}

static void received(tow_stream *stream, uint8_t *bytes, size_t length) {
    tow_client *client = client_of(stream);
    if (client->stage != TOW_CLIENT_ASKING)
        return;
    if (client->response.length > 0) {
        if (tow_buffer_append(&client->response, bytes, length) != 0)
            tow_opening_fail(client, TOW_ERROR_MEMORY, NULL);
        else
            read_kept_response(client);
        return;
    }
    size_t used = read_heads(client, bytes, length);
    if (client->stage == TOW_CLIENT_ASKING && used < length)
        keep_response(client, bytes + used, length - used);
}

static void ended(tow_stream *stream) {
    tow_client *client = client_of(stream);
    tow_opening_fail(client, TOW_ERROR_ENDED,
        may_speak_tls(client)
            ? "the server ended the connection and answered nothing: if its port speaks TLS, write wss://"
            : "the server ended the connection before it had answered the opening handshake");
}

static const tow_stream_events handshake_events = {
    .on_bytes = received,
    .on_writable = writable,
    .on_end = ended,
    .on_error = failed,
    .on_closed = tow_opening_closed,
};
