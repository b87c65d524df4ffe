#include "opening.h"

#include "failure.h"
#include "refusal.h"
#include "response.h"
#include "transport/timer.h"

#include <towline/error.h>

enum { RESPONSE_HEAD_MAX = 16 * 1024 };

/* Nothing has come of an answer, in plain. */
static bool may_speak_tls(const tow_client *client) {
    return client->tls == NULL && client->stage == TOW_CLIENT_ASKING && client->response.length == 0;
}

static void failed(tow_stream *stream, int error) {
    tow_client *client = tow_client_of_stream(stream);
    const char *text = tow_stream_failure_text(stream);
    if (error == TOW_ERROR_RESET && may_speak_tls(client))
        tow_client_fail(client, error,
            "the server reset the connection and answered nothing: if its port speaks TLS, write wss://");
    else
        tow_client_fail_with_peer(client, error, text != NULL ? text : tow_strerror(error));
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

static const tow_stream_events handshake_events;
static void received(tow_stream *stream, uint8_t *bytes, size_t length);

void tow_opening_ask(tow_client *client, uint8_t *rest, size_t rest_length) {
    client->socket.stream.events = &handshake_events;
    trace(client, true, (const char *)client->request.data, client->request.length);
    send_request(client);
    if (rest_length > 0)
        received(&client->socket.stream, rest, rest_length);
}

static void writable(tow_stream *stream) {
    send_request(tow_client_of_stream(stream));
}

/* The response. */

/* The stream is the websocket floor's from here on, and so is the timer. */
static void opened(tow_client *client, tow_slice protocol, const tow_compression_agreement *agreement,
    uint8_t *rest, size_t rest_length) {
    client->stage = TOW_CLIENT_OPENED;
    client->opened_at = tow_loop_now(tow_websocket_loop(&client->socket));
    (void)tow_stream_peer_text(&client->socket.stream, client->peer, sizeof(client->peer)); /* else "" */
    tow_timer_cancel(tow_websocket_loop(&client->socket), &client->socket.timer);
    int error = tow_websocket_start(
        &client->socket, client->socket.context, &client->behaviour, protocol, agreement, rest, rest_length);
    if (error != 0) {
        client->stage = TOW_CLIENT_ASKING;
        tow_client_fail(client, error, NULL);
    }
    tow_buffer_clear(&client->request);
}

static void answered(tow_client *client, const tow_http_head *head, uint8_t *rest, size_t rest_length) {
    tow_slice protocol;
    tow_compression_agreement agreement;
    if (head->status == 101 && !tow_slice_equals(head->version, "HTTP/1.1")) { /* RFC 9110, section 15.2 */
        tow_client_fail(client, TOW_ERROR_HTTP_SYNTAX, "the server answered 101 in HTTP/1.0, which has none");
        return;
    }
    int error = tow_opening_response_check(head->status, head->fields, head->field_count, client->key,
        (const char *const *)client->protocols, &client->compression, &protocol, &agreement);
    if (error == TOW_ERROR_HTTP_STATUS)
        tow_refusal_begin(client, head, rest, rest_length);
    else if (error != 0)
        tow_client_fail(client, error, NULL);
    else
        opened(client, protocol, &agreement, rest, rest_length);
}

/* RFC 9110, section 15.2: interim responses may come before the one that counts. */
static bool is_interim(const tow_http_head *head) {
    return head->status / 100 == 1 && head->status != 101;
}

/* `rest` came behind the head. */
static void take_head(
    tow_client *client, const tow_http_head *head, size_t head_length, uint8_t *rest, size_t rest_length) {
    int error = tow_response_new(&client->answer, head);
    if (error != 0) {
        tow_client_fail(client, error, NULL);
        return;
    }
    trace(client, false, (const char *)rest - head_length, head_length);
    if (client->stage == TOW_CLIENT_ASKING && !is_interim(head)) {
        answered(client, head, rest, rest_length);
        return;
    }
    tow_response_free(client->answer);
    client->answer = NULL;
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
            tow_client_fail(client, head_length,
                is_tls(bytes + used, length - used) ? "the server speaks TLS here: write wss://" : NULL);
        if (head_length <= 0)
            return used;
        uint8_t *rest = bytes + used + head_length;
        used += (size_t)head_length;
        take_head(client, &head, (size_t)head_length, rest, length - used);
    }
    return used;
}

/* Keeps a head that is not whole yet. */
static void keep_response(tow_client *client, const uint8_t *bytes, size_t length) {
    if (length > RESPONSE_HEAD_MAX)
        tow_client_fail(client, TOW_ERROR_HTTP_TOO_LARGE, "the server's response has too large a head");
    else if (tow_buffer_append(&client->response, bytes, length) != 0)
        tow_client_fail(client, TOW_ERROR_MEMORY, NULL);
}

static void read_kept_response(tow_client *client) {
    size_t used = read_heads(client, client->response.data, client->response.length);
    if (client->stage != TOW_CLIENT_ASKING) {
        tow_buffer_clear(&client->response);
        return;
    }
    tow_buffer_consume(&client->response, used);
    if (client->response.length > RESPONSE_HEAD_MAX)
        tow_client_fail(client, TOW_ERROR_HTTP_TOO_LARGE, "the server's response has too large a head");
}

static void received(tow_stream *stream, uint8_t *bytes, size_t length) {
    tow_client *client = tow_client_of_stream(stream);
    if (client->stage != TOW_CLIENT_ASKING)
        return;
    if (client->response.length > 0) {
        if (tow_buffer_append(&client->response, bytes, length) != 0)
            tow_client_fail(client, TOW_ERROR_MEMORY, NULL);
        else
            read_kept_response(client);
        return;
    }
    size_t used = read_heads(client, bytes, length);
    if (client->stage == TOW_CLIENT_ASKING && used < length)
        keep_response(client, bytes + used, length - used);
}

static void ended(tow_stream *stream) {
    tow_client *client = tow_client_of_stream(stream);
    tow_client_fail(client, TOW_ERROR_ENDED,
        may_speak_tls(client)
            ? "the server ended the connection and answered nothing: if its port speaks TLS, write wss://"
            : "the server ended the connection before it had answered the opening handshake");
}

static const tow_stream_events handshake_events = {
    .on_bytes = received,
    .on_writable = writable,
    .on_end = ended,
    .on_error = failed,
    .on_closed = tow_client_closed,
};
