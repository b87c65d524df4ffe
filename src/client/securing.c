#include "securing.h"

#include "failure.h"

#include <assert.h>
#include <towline/error.h>

static void fail(tow_client *client, int error) {
    const char *text = tow_stream_failure_text(&client->socket.stream);
    tow_client_fail_with_peer(client, error, text != NULL ? text : tow_strerror(error));
}

/* The handshake is done. */

static void writable(tow_stream *stream) {
    tow_client *client = tow_client_of_stream(stream);
    client->on_stage_done(client, NULL, 0);
}

/* Who speaks before it was asked, and while the end of our handshake still waits to be sent. */
static void received(tow_stream *stream, uint8_t *bytes, size_t length) {
    tow_client *client = tow_client_of_stream(stream);
    client->on_stage_done(client, bytes, length);
}

static void ended(tow_stream *stream) {
    fail(tow_client_of_stream(stream), TOW_ERROR_TLS);
}

/* A peer that breaks off here does not want to speak TLS, or not with us. */
static void failed(tow_stream *stream, int error) {
    bool broke_off = error == TOW_ERROR_ENDED || error == TOW_ERROR_RESET;
    fail(tow_client_of_stream(stream), broke_off ? TOW_ERROR_TLS : error);
}

static const tow_stream_events securing_events = {
    .on_bytes = received,
    .on_writable = writable,
    .on_end = ended,
    .on_error = failed,
    .on_closed = tow_client_closed,
};

/* Its beginning. */

void tow_securing_proxy(tow_client *client, uint8_t *rest, size_t rest_length) {
    assert(rest_length == 0); /* the stream has just been adopted */
    tow_stream *stream = &client->socket.stream;
    stream->events = &securing_events;
    int error = tow_stream_start_tls(stream, client->proxy_tls, client->proxy.host);
    if (error != 0)
        fail(client, error);
}

void tow_securing_server(tow_client *client, uint8_t *rest, size_t rest_length) {
    tow_stream *stream = &client->socket.stream;
    bool proxied = client->proxy.host != NULL;
    stream->events = &securing_events;
    int error = proxied
                    ? tow_stream_start_prepared_tls(stream, client->tls, client->url.host, rest, rest_length)
                    : tow_stream_start_tls(stream, client->tls, client->url.host);
    if (error != 0)
        fail(client, error);
}
