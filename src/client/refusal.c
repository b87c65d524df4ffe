#include "refusal.h"

#include "base/text.h"
#include "failure.h"
#include "http/body.h"
#include "retry.h"
#include "transport/loop.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/protocol.h>

enum {
    REASON_MAX = 100,
    BODY_READ_MAX = 1024, /* bytes, of which */
    BODY_SHOWN_MAX = 200, /* after white space was taken together */
    BODY_SECONDS = 1
};

struct tow_refusal {
    tow_body_reader reader;
    size_t length;
    char body[BODY_READ_MAX];
};

static void fail(tow_client *client, const char *more, size_t length) {
    char text[sizeof(client->text)];
    tow_text_format(text, sizeof(text), "%s%s%.*s", client->text, length > 0 ? ": " : "", (int)length, more);
    tow_client_fail(client, client->error, text);
}

/* What a body says. */

static bool is_space(char character) {
    return character == ' ' || (character >= '\t' && character <= '\r');
}

/* Whether valid UTF-8, of which `left` bytes are there, begins with one of C0, DEL or C1. */
static bool begins_with_control(const char *text, size_t left) {
    unsigned char first = (unsigned char)text[0];
    return first < ' ' || first == 0x7f || (first == 0xc2 && left > 1 && (unsigned char)text[1] < 0xa0);
}

/* Makes one line of it, in its place; returns its length, or 0 if it is no text. What was cut in the middle
 * of a character is valid so far. */
static size_t make_line(char *body, size_t length) {
    tow_utf8_state state = 0;
    size_t line = 0;
    if (!tow_utf8_check(&state, (const uint8_t *)body, length))
        return 0;
    for (size_t i = 0; i < length; i++) {
        bool space = is_space(body[i]);
        if (!space && begins_with_control(body + i, length - i))
            return 0;
        if (space)
            body[i] = ' ';
        if (!space || (line > 0 && body[line - 1] != ' '))
            body[line++] = body[i];
    }
    return line > 0 && body[line - 1] == ' ' ? line - 1 : line;
}

static void body_is_read(tow_client *client) {
    char text[BODY_SHOWN_MAX + 1];
    struct tow_refusal *refusal = client->refusal;
    size_t length = make_line(refusal->body, refusal->length);
    length = tow_text_format(text, sizeof(text), "%.*s", (int)length, refusal->body);
    fail(client, text, length);
}

/* Takes what it has room for; whether it is done. */
static bool body_take(struct tow_refusal *refusal, const uint8_t *bytes, size_t length) {
    const char *from = (const char *)bytes;
    tow_slice piece;
    int result;
    while ((result = tow_body_next(&refusal->reader, &from, &length, &piece)) == 1) {
        size_t room = sizeof(refusal->body) - refusal->length;
        size_t taken = piece.length < room ? piece.length : room;
        memcpy(refusal->body + refusal->length, piece.data, taken);
        refusal->length += taken;
    }
    return result != 0 || refusal->length == sizeof(refusal->body);
}

/* The rest of the body. */

static void received(tow_stream *stream, uint8_t *bytes, size_t length) {
    tow_client *client = tow_client_of_stream(stream);
    if (client->stage == TOW_CLIENT_REFUSED && body_take(client->refusal, bytes, length))
        body_is_read(client);
}

/* The rest of a request that was answered before it was whole is not sent. */
static void writable(tow_stream *stream) {
    (void)stream;
}

static void ended(tow_stream *stream) {
    tow_client *client = tow_client_of_stream(stream);
    if (client->stage == TOW_CLIENT_REFUSED)
        body_is_read(client);
}

static void failed(tow_stream *stream, int error) {
    (void)error; /* the answer had come */
    ended(stream);
}

static void is_late(tow_timer *timer) {
    body_is_read(tow_client_of_timer(timer));
}

static const tow_stream_events refusal_events = {
    .on_bytes = received,
    .on_writable = writable,
    .on_end = ended,
    .on_error = failed,
    .on_closed = tow_client_closed,
};

static void read_body(
    tow_client *client, const tow_body_reader *reader, const uint8_t *rest, size_t rest_length) {
    tow_loop *loop = tow_websocket_loop(&client->socket);
    client->refusal = calloc(1, sizeof(*client->refusal));
    if (client->refusal == NULL) {
        fail(client, "", 0); /* the status says more than that there is no memory */
        return;
    }
    client->refusal->reader = *reader;
    if (body_take(client->refusal, rest, rest_length)) {
        body_is_read(client);
        return;
    }
    client->stage = TOW_CLIENT_REFUSED;
    client->socket.stream.events = &refusal_events;
    tow_timer_set(loop, &client->socket.timer, tow_loop_now(loop) + BODY_SECONDS * TOW_SECOND, is_late);
}

/* RFC 9110, sections 15.3.5 and 15.4.5. */
static bool has_body(const tow_http_head *head) {
    return head->status != 204 && head->status != 304;
}

void tow_refusal_begin(
    tow_client *client, const tow_http_head *head, const uint8_t *rest, size_t rest_length) {
    tow_slice location = tow_http_field(head, "Location");
    tow_body_reader reader;
    tow_body_reader_init(&reader, head);
    size_t reason = tow_text_cut(head->reason.data, head->reason.length, REASON_MAX);
    tow_text_format(client->text, sizeof(client->text), "the server answered %d%s%.*s", head->status,
        reason > 0 ? " " : "", (int)reason, head->reason.data);
    client->error = TOW_ERROR_HTTP_STATUS;
    client->http_status = head->status;
    if (head->status == 429 || head->status == 503)
        client->retry_after_seconds = tow_retry_after(
            tow_http_field(head, "Retry-After"), tow_loop_wall_seconds(tow_websocket_loop(&client->socket)));
    if (head->status / 100 == 3 && location.length > 0)
        fail(client, location.data, location.length);
    else if (has_body(head))
        read_body(client, &reader, rest, rest_length);
    else
        fail(client, "", 0);
}

void tow_refusal_begin_proxy(tow_client *client) {
    const tow_proxy_talk *talk = client->talk;
    tow_text_format(client->text, sizeof(client->text), "%s", talk->text);
    client->error = TOW_ERROR_PROXY;
    client->http_status = talk->status;
    if (talk->status / 100 == 3)
        fail(client, "", 0); /* where it leads was told */
    else
        read_body(client, &talk->body, talk->input.data, talk->input.length);
}
