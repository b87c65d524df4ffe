#include "way.h"

#include "base/text.h"
#include "transport/listener.h"

#include <towline/error.h>

enum { TEXT_MAX = 512 };

static tow_http_way *way_of(tow_stream *stream) {
    return (tow_http_way *)(void *)stream;
}

void tow_http_place_text(const tow_place *place, const char *what, char *out, size_t size) {
    if (place->unix_path != NULL)
        tow_text_format(out, size, "%.255s: %s", place->unix_path, what);
    else
        tow_text_format(out, size, "%.255s port %u: %s", place->host, place->port, what);
}

/* The end. */

void tow_http_way_leave(tow_http_way *way) {
    tow_connector_stop(way->connector);
    way->connector = NULL;
    tow_proxy_talk_clear(&way->talk);
}

void tow_http_way_clear(tow_http_way *way) {
    tow_tls_context_release(way->place.tls);
    tow_tls_context_release(way->place.proxy_tls);
}

static bool is_with_proxy(const tow_http_way *way) {
    return way->stage == TOW_HTTP_WAY_SECURING_PROXY || way->stage == TOW_HTTP_WAY_PROXYING;
}

/* A certificate's text names its host itself. */
static void fail(tow_http_way *way, int error, const char *what) {
    char text[TEXT_MAX];
    const tow_proxy *proxy = way->place.proxy;
    if (error == TOW_ERROR_CERTIFICATE)
        tow_text_format(text, sizeof(text), "%s", what);
    else if (is_with_proxy(way))
        tow_text_format(text, sizeof(text), "the proxy %.255s port %u: %s", proxy->host, proxy->port, what);
    else
        tow_http_place_text(&way->place.place, what, text, sizeof(text));
    way->events->on_failed(way, error, text);
}

static void fail_by_stream(tow_http_way *way, int error) {
    const char *text = tow_stream_failure_text(&way->stream);
    fail(way, error, text != NULL ? text : tow_strerror(error));
}

const char *tow_http_way_delay(const tow_http_way *way) {
    switch (way->stage) {
    case TOW_HTTP_WAY_REACHING:
        return tow_connector_is_resolving(way->connector) ? "it was not found" : "it was not reached";
    case TOW_HTTP_WAY_PROXYING:
        return "the proxy did not reach it";
    case TOW_HTTP_WAY_SECURING_PROXY:
    case TOW_HTTP_WAY_SECURING:
    case TOW_HTTP_WAY_READY:
        break;
    }
    return "the TLS handshake was not finished";
}

/* The stages. */

static void send_talk(tow_http_way *way) {
    tow_buffer *output = &way->talk.output;
    if (output->length == 0)
        return;
    struct iovec piece = {.iov_base = output->data, .iov_len = output->length};
    ssize_t taken = tow_stream_write(&way->stream, &piece, 1);
    if (taken > 0)
        tow_buffer_consume(output, (size_t)taken);
}

/* Behind the talk TLS may begin, which a plain stream must know of beforehand. */
static int begin_talk(tow_http_way *way) {
    const tow_http_place *place = &way->place;
    int error = place->tls != NULL && place->proxy_tls == NULL ? tow_stream_prepare_tls(&way->stream) : 0;
    if (error == 0)
        error = tow_proxy_talk_begin(&way->talk, place->proxy, place->place.host, place->place.port);
    if (error == 0)
        send_talk(way);
    return error;
}

static bool is_needed(const tow_http_way *way, tow_http_way_stage stage) {
    const tow_http_place *place = &way->place;
    switch (stage) {
    case TOW_HTTP_WAY_SECURING_PROXY:
        return place->proxy_tls != NULL;
    case TOW_HTTP_WAY_PROXYING:
        return place->proxy != NULL && !tow_http_is_forwarded(place->proxy, place->tls != NULL);
    case TOW_HTTP_WAY_SECURING:
        return place->tls != NULL;
    case TOW_HTTP_WAY_REACHING:
    case TOW_HTTP_WAY_READY:
        break;
    }
    return true;
}

static void talk_received(tow_http_way *way, uint8_t *bytes, size_t length);

/* What is done behind the stage that is done. */
static void go_on(tow_http_way *way, uint8_t *rest, size_t rest_length) {
    const tow_http_place *place = &way->place;
    int error = 0;
    do
        way->stage++;
    while (!is_needed(way, way->stage));
    if (way->stage == TOW_HTTP_WAY_READY) {
        way->events->on_ready(way, rest, rest_length);
        return;
    }
    if (way->stage == TOW_HTTP_WAY_SECURING_PROXY)
        error = tow_stream_start_tls(&way->stream, place->proxy_tls, place->proxy->host);
    else if (way->stage == TOW_HTTP_WAY_PROXYING)
        error = begin_talk(way);
    else if (place->proxy == NULL)
        error = tow_stream_start_tls(&way->stream, place->tls, place->place.host);
    else
        error = tow_stream_start_prepared_tls(&way->stream, place->tls, place->place.host, rest, rest_length);
    if (error != 0)
        fail_by_stream(way, error);
    else if (way->stage == TOW_HTTP_WAY_PROXYING && rest_length > 0)
        talk_received(way, rest, rest_length); /* a proxy that speaks before it is asked */
}

/* The stream's events. */

static void talk_received(tow_http_way *way, uint8_t *bytes, size_t length) {
    size_t used;
    int result = tow_proxy_talk_read(&way->talk, bytes, length, &used);
    if (result < 0) {
        way->events->on_failed(way, result, way->talk.text);
    } else if (result == 0) {
        send_talk(way);
    } else {
        tow_proxy_talk_clear(&way->talk);
        go_on(way, bytes + used, length - used);
    }
}

/* In TLS: who speaks before it was asked, and while the end of our handshake still waits to be sent. */
static void received(tow_stream *stream, uint8_t *bytes, size_t length) {
    tow_http_way *way = way_of(stream);
    if (way->stage == TOW_HTTP_WAY_PROXYING)
        talk_received(way, bytes, length);
    else
        go_on(way, bytes, length);
}

static void writable(tow_stream *stream) {
    tow_http_way *way = way_of(stream);
    if (way->stage == TOW_HTTP_WAY_PROXYING)
        send_talk(way);
    else
        go_on(way, NULL, 0);
}

/* A peer that breaks TLS off here does not want to speak it, or not with us. */
static void ended_by(tow_stream *stream, int error) {
    tow_http_way *way = way_of(stream);
    bool broke_off = error == TOW_ERROR_ENDED || error == TOW_ERROR_RESET;
    if (way->stage != TOW_HTTP_WAY_PROXYING)
        fail_by_stream(way, broke_off ? TOW_ERROR_TLS : error);
    else if (error == TOW_ERROR_ENDED)
        fail(way, error, "it ended the connection");
    else
        fail_by_stream(way, error);
}

static void ended(tow_stream *stream) {
    ended_by(stream, TOW_ERROR_ENDED);
}

static void closed(tow_stream *stream) {
    way_of(stream)->events->on_closed(stream);
}

static const tow_stream_events stream_events = {
    .on_bytes = received,
    .on_writable = writable,
    .on_end = ended,
    .on_error = ended_by,
    .on_closed = closed,
};

/* The beginning. */

static void connected(void *user, int fd) {
    tow_http_way *way = user;
    way->connector = NULL;
    int error = tow_stream_adopt(&way->stream, way->loop, fd, &stream_events);
    if (error != 0) {
        tow_loop_discard(way->loop, fd);
        fail(way, error, tow_strerror(error));
        return;
    }
    way->has_stream = true;
    go_on(way, NULL, 0);
}

static void not_connected(void *user, int error, const char *text) {
    tow_http_way *way = user;
    char whole[TEXT_MAX];
    way->connector = NULL;
    tow_text_format(whole, sizeof(whole), "%s%s", way->place.proxy != NULL ? "the proxy " : "", text);
    way->events->on_failed(way, error, whole);
}

int tow_http_way_begin(
    tow_http_way *way, tow_loop *loop, const tow_http_place *place, const tow_http_way_events *events) {
    static const tow_connector_events connector_events = {
        .on_connected = connected, .on_failed = not_connected};
    const tow_proxy *proxy = place->proxy;
    const tow_place first =
        proxy == NULL ? place->place : (tow_place){.host = proxy->host, .port = proxy->port};
    way->loop = loop;
    way->events = events;
    way->place = *place;
    if (place->tls != NULL)
        tow_tls_context_retain(place->tls);
    if (place->proxy_tls != NULL)
        tow_tls_context_retain(place->proxy_tls);
    return tow_connector_start(&way->connector, loop, &first, &connector_events, way);
}
