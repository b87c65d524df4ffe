#include "proxying.h"

#include "failure.h"
#include "refusal.h"

#include <stdlib.h>
#include <towline/error.h>

static void send_output(tow_client *client) {
    tow_buffer *output = &client->talk->output;
    if (output->length == 0)
        return;
    struct iovec piece = {.iov_base = output->data, .iov_len = output->length};
    ssize_t taken = tow_stream_write(&client->socket.stream, &piece, 1);
    if (taken > 0)
        tow_buffer_consume(output, (size_t)taken);
}

static const tow_stream_events proxying_events;

/* Behind the talk TLS may begin, which a plain stream must know of beforehand. */
static int prepare(tow_client *client) {
    tow_stream *stream = &client->socket.stream;
    stream->events = &proxying_events;
    client->talk = malloc(sizeof(*client->talk));
    if (client->talk == NULL)
        return TOW_ERROR_MEMORY;
    *client->talk = (tow_proxy_talk){0};
    return client->tls != NULL && client->proxy_tls == NULL ? tow_stream_prepare_tls(stream) : 0;
}

static void received(tow_stream *stream, uint8_t *bytes, size_t length) {
    tow_client *client = tow_client_of_stream(stream);
    size_t used;
    if (client->stage != TOW_CLIENT_PROXYING)
        return;
    int result = tow_proxy_talk_read(client->talk, bytes, length, &used);
    if (result == TOW_ERROR_PROXY && client->talk->status != 0) {
        tow_refusal_begin_proxy(client);
    } else if (result < 0) {
        tow_client_fail(client, result, client->talk->text);
    } else if (result == 0) {
        send_output(client);
    } else {
        tow_client_end_talk(client);
        client->on_stage_done(client, bytes + used, length - used);
    }
}

void tow_proxying_start(tow_client *client, uint8_t *rest, size_t rest_length) {
    int error = prepare(client);
    if (error == 0)
        error = tow_proxy_talk_begin(client->talk, &client->proxy, client->url.host, client->url.port);
    if (error != 0) {
        tow_client_fail_with_peer(client, error, tow_strerror(error));
        return;
    }
    send_output(client);
    if (rest_length > 0)
        received(&client->socket.stream, rest, rest_length);
}

static void writable(tow_stream *stream) {
    tow_client *client = tow_client_of_stream(stream);
    if (client->stage == TOW_CLIENT_PROXYING)
        send_output(client);
}

static void ended(tow_stream *stream) {
    tow_client_fail_with_peer(tow_client_of_stream(stream), TOW_ERROR_ENDED, "it ended the connection");
}

static void failed(tow_stream *stream, int error) {
    const char *text = tow_stream_failure_text(stream);
    tow_client_fail_with_peer(tow_client_of_stream(stream), error, text != NULL ? text : tow_strerror(error));
}

static const tow_stream_events proxying_events = {
    .on_bytes = received,
    .on_writable = writable,
    .on_end = ended,
    .on_error = failed,
    .on_closed = tow_client_closed,
};
