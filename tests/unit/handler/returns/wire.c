#include "wire.h"

#include <towline/error.h>

void wire_open(struct wire *wire, struct scene *scene, const struct wire_events *events, void *user) {
    *wire = (struct wire){.scene = scene, .events = events, .user = user, .is_open = true};
    peer_connect(&wire->peer, &scene->world);
}

void wire_ask(struct wire *wire, const char *method, const char *target, const char *fields, tow_slice body) {
    char head[800];
    assert_true(wire->is_open && !wire->is_asking);
    int length =
        snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %zu\r\n\r\n",
            method, target, fields, body.length);
    assert_in_range(length, 1, sizeof(head) - 1);
    tow_response_reader_init(&wire->reader, false, (tow_response_limits){.head = 4096, .body = 1 << 30});
    wire->body.length = 0;
    wire->is_asking = true;
    peer_send(&wire->peer, head, (size_t)length);
    peer_send(&wire->peer, body.data, body.length);
}

void wire_ask_for_websocket(struct wire *wire, const char *target, const char *fields) {
    char head[800];
    int length = snprintf(head, sizeof(head),
        "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
        target, fields);
    assert_in_range(length, 1, sizeof(head) - 1);
    wire->wants_websocket = true;
    peer_send(&wire->peer, head, (size_t)length);
}

static void frame(struct wire *wire, uint8_t opcode, tow_slice payload) {
    if (payload.length > 125)
        peer_long_frame(&wire->peer, opcode, payload.data, payload.length);
    else
        peer_frame(&wire->peer, opcode, payload.data, payload.length);
}

void wire_say(struct wire *wire, tow_slice text) {
    frame(wire, TOW_OPCODE_TEXT, text);
}

static void forget(struct wire *wire) {
    wire->is_open = false;
    if (wire->is_asking)
        tow_response_reader_clear(&wire->reader);
    wire->is_asking = false;
    tow_receiver_free(wire->receiver);
    wire->receiver = NULL;
    tow_buffer_clear(&wire->body);
    tow_buffer_clear(&wire->message);
}

void wire_pause(struct wire *wire, bool is_paused) {
    if (!wire->is_open || !wire->peer.used || wire->peer.failed)
        return;
    if (is_paused)
        tow_stream_pause(&wire->peer.stream);
    else
        tow_stream_resume(&wire->peer.stream);
}

void wire_cut(struct wire *wire) {
    if (!wire->is_open)
        return;
    forget(wire);
    if (scene_draw(wire->scene, 2) == 0)
        peer_reset(&wire->peer);
    else
        peer_close(&wire->peer);
}

static void end(struct wire *wire) {
    wire_cut(wire);
    if (wire->events->over != NULL)
        wire->events->over(wire);
}

/* With a zero behind. */
static void append(tow_buffer *buffer, const void *bytes, size_t length) {
    assert_int_equal(tow_buffer_append(buffer, bytes, length), 0);
    assert_int_equal(tow_buffer_append(buffer, "", 1), 0);
    buffer->length--;
}

/* Responses. */

/* "HTTP/1.1 200 OK" */
static int status_of(const void *head) {
    char text[] = "000";
    memcpy(text, (const char *)head + 9, 3);
    return atoi(text);
}

static void take_piece(struct wire *wire, tow_slice piece) {
    append(&wire->body, piece.data, piece.length);
    if (wire->events->piece != NULL)
        wire->events->piece(wire, piece);
}

static void take_end(struct wire *wire) {
    tow_response_reader_clear(&wire->reader);
    wire->is_asking = false;
    if (wire->events->answered != NULL)
        wire->events->answered(wire);
}

/* What the bytes have next; false: nothing more. */
static bool read_response(struct wire *wire, const char **bytes, size_t *length) {
    tow_slice piece;
    int part = wire->is_asking ? tow_response_reader_next(&wire->reader, bytes, length, &piece) : 0;
    if (part < 0)
        fail_msg("a response that is none: %s", (const char *)wire->peer.in.data);
    if (part == TOW_RESPONSE_HEAD)
        wire->status = status_of(wire->reader.head.data);
    else if (part == TOW_RESPONSE_PIECE)
        take_piece(wire, piece);
    else if (part == TOW_RESPONSE_END)
        take_end(wire);
    return part != TOW_RESPONSE_MORE;
}

/* Becoming a WebSocket: true if it is one. */
static bool is_upgraded(struct wire *wire) {
    static const char end_of_head[] = "\r\n\r\n";
    const char *bytes = (const char *)wire->peer.in.data;
    const char *found = memmem(bytes, wire->peer.in.length, end_of_head, sizeof(end_of_head) - 1);
    if (found == NULL)
        return false;
    wire->status = status_of(bytes);
    wire->wants_websocket = false;
    if (wire->status != 101) {
        end(wire);
        return false;
    }
    tow_buffer_consume(&wire->peer.in, (size_t)(found - bytes) + sizeof(end_of_head) - 1);
    assert_int_equal(tow_receiver_new(&wire->receiver), 0);
    if (wire->events->opened != NULL)
        wire->events->opened(wire);
    return true;
}

/* Frames. */

static void take_data(struct wire *wire, const tow_received *event) {
    append(&wire->message, event->data, event->length);
    if (!event->last)
        return;
    tow_slice message = {(const char *)wire->message.data, wire->message.length};
    if (wire->events->heard != NULL)
        wire->events->heard(wire, message);
    wire->message.length = 0;
}

static void take_close(struct wire *wire, const tow_received *event) {
    bool has_code = event->length >= 2;
    int code = has_code ? event->data[0] << 8 | event->data[1] : TOW_CLOSE_NO_STATUS;
    tow_slice reason = {(const char *)event->data + 2, has_code ? event->length - 2 : 0};
    frame(wire, TOW_OPCODE_CLOSE, (tow_slice){(const char *)event->data, has_code ? 2 : 0});
    if (wire->events->closing != NULL)
        wire->events->closing(wire, (uint16_t)code, reason);
}

static bool read_frame(struct wire *wire, uint8_t **bytes, size_t *length) {
    static const tow_receiver_rules rules = {.role = TOW_ROLE_CLIENT, .max_message = 1 << 24};
    tow_received event;
    switch (tow_receiver_next(wire->receiver, &rules, bytes, length, &event)) {
    case TOW_RECEIVED_NOTHING:
        return false;
    case TOW_RECEIVED_DATA:
        take_data(wire, &event);
        return true;
    case TOW_RECEIVED_PING:
        frame(wire, TOW_OPCODE_PONG, (tow_slice){(const char *)event.data, event.length});
        return true;
    case TOW_RECEIVED_PONG:
        return true;
    case TOW_RECEIVED_CLOSE:
        take_close(wire, &event);
        return true;
    case TOW_RECEIVED_FAILED:
        fail_msg("a frame that is none: %s", tow_strerror(event.error));
    }
    return false;
}

static size_t read_frames(struct wire *wire) {
    uint8_t *bytes = wire->peer.in.data;
    size_t length = wire->peer.in.length;
    while (length > 0 && read_frame(wire, &bytes, &length)) {
    }
    return length;
}

static size_t read_responses(struct wire *wire) {
    const char *bytes = (const char *)wire->peer.in.data;
    size_t length = wire->peer.in.length;
    while (read_response(wire, &bytes, &length)) {
    }
    if (!wire->is_asking && length > 0)
        fail_msg("nobody has asked for this: %s", bytes);
    return length;
}

static void read_bytes(struct wire *wire) {
    size_t left = wire->receiver != NULL ? read_frames(wire) : read_responses(wire);
    tow_buffer_consume(&wire->peer.in, wire->peer.in.length - left);
}

void wire_read(struct wire *wire) {
    if (wire->is_open && wire->wants_websocket)
        (void)is_upgraded(wire);
    if (wire->is_open && !wire->wants_websocket)
        read_bytes(wire);
    if (wire->is_open && (wire->peer.ended || wire->peer.failed))
        end(wire);
}
