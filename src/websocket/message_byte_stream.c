/* A byte stream that a WebSocket connection carries: writes become messages, messages become bytes.
 *
 * The socket gets a behaviour of its own, by which this hears of its events; the one it had before comes back
 * for its end. What is written is split so that no message is larger than peers take, and while more than the
 * high mark waits nothing is taken. In text mode a character that a write has cut waits for its rest. */
#include "carry.h"
#include "closing.h"
#include "context.h"
#include "extra.h"
#include "frames/ending.h"
#include "frames/piecewise.h"
#include "owner.h"
#include "protocol/close.h"
#include "protocol/mask.h"
#include "stage.h"
#include "transport/byte_stream.h"
#include "transport/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum {
    MESSAGE_MAX = 64 * 1024, /* written as one message */
    HIGH_MARK = 256 * 1024,  /* where the socket has none */
    LOW_MARK = 64 * 1024,
    HALF_CLOSE_SECONDS = 60,
    CHARACTER_MAX = 4, /* bytes of UTF-8 */
    TEXT_MAX = 200
};

typedef struct message_carrier {
    tow_behaviour behaviour; /* the socket's while we have it: the carrier of a socket is found by it */
    const tow_behaviour *original;
    tow_websocket *socket; /* NULL when it has closed */
    tow_byte_stream *handle;
    tow_loop *loop;
    tow_timer timer;       /* for a side that does not end, or for what comes last */
    tow_progress progress; /* since something was written or received last, or a side ended */
    int half_close_seconds;
    bool closed; /* by the user */
    bool shut;   /* our side has ended */
    bool ended;  /* the peer's has */
    bool text;
    bool lines;                 /* each is a message; of one that is not whole, pieces were sent */
    uint8_t cut_length;         /* text: bytes of a character that waits for its rest */
    uint8_t cut[CHARACTER_MAX]; /* those */
} message_carrier;

static message_carrier *carrier_of(const tow_websocket *socket) {
    uintptr_t behaviour = (uintptr_t)socket->behaviour - offsetof(message_carrier, behaviour);
    return (message_carrier *)behaviour; // NOLINT(performance-no-int-to-ptr)
}

static message_carrier *carrier_of_timer(tow_timer *timer) {
    return (message_carrier *)(void *)((char *)timer - offsetof(message_carrier, timer));
}

static void note_activity(message_carrier *carrier) {
    tow_progress_note(&carrier->progress, tow_loop_now(carrier->loop));
}

/* The end. */

static void finish(message_carrier *carrier) {
    tow_timer_cancel(carrier->loop, &carrier->timer);
    tow_byte_stream_tell_closed(carrier->handle);
    free(carrier);
}

static void finish_by_timer(tow_timer *timer) {
    message_carrier *carrier = carrier_of_timer(timer);
    tow_loop_paid(carrier->loop);
    finish(carrier);
}

static void let_socket_go(message_carrier *carrier) {
    tow_websocket *socket = carrier->socket;
    carrier->socket = NULL;
    socket->behaviour = carrier->original;
    tow_websocket_free(socket);
}

/* Half closed: whether the other side is silent for too long. */

static void look_at_the_other_side(tow_timer *timer);

static void look_again(message_carrier *carrier) {
    int64_t next =
        tow_progress_next(&carrier->progress, tow_loop_now(carrier->loop), carrier->half_close_seconds);
    tow_timer_set(carrier->loop, &carrier->timer, next, look_at_the_other_side);
}

/* What keeps still because of us and is still there, or is being taken by the peer, is not silent. */
static void note_signs(message_carrier *carrier) {
    const tow_websocket *socket = carrier->socket;
    const tow_websocket_extra *extra = socket->extra;
    tow_progress *progress = &carrier->progress;
    if (socket->flow != TOW_FLOW_ON && (extra == NULL || extra->left == 0))
        note_activity(carrier);
    else if (tow_carrier_of(socket) == NULL)
        (void)tow_progress_look(progress, &socket->stream, tow_loop_now(carrier->loop));
    if (extra != NULL && !tow_queue_is_empty(&extra->queue) && extra->progress.since > progress->since)
        progress->since = extra->progress.since;
}

static void look_at_the_other_side(tow_timer *timer) {
    message_carrier *carrier = carrier_of_timer(timer);
    note_signs(carrier);
    if (tow_progress_is_over(&carrier->progress, tow_loop_now(carrier->loop), carrier->half_close_seconds))
        tow_websocket_abort(carrier->socket, TOW_CAUSE_HALF_CLOSE_SECONDS, TOW_ERROR_TIMED_OUT);
    else
        look_again(carrier);
}

static void one_side_has_ended(message_carrier *carrier) {
    note_activity(carrier);
    if (carrier->half_close_seconds != TOW_OFF && !(carrier->shut && carrier->ended))
        look_again(carrier);
    else
        tow_timer_cancel(carrier->loop, &carrier->timer);
}

/* Writing. */

static bool is_full(const message_carrier *carrier) {
    return carrier->socket->above_high;
}

/* How many bytes at the end belong to a character that is not whole. */
static size_t cut_at_end(const uint8_t *bytes, size_t length) {
    for (size_t back = 1; back < CHARACTER_MAX && back <= length; back++) {
        uint8_t byte = bytes[length - back];
        if ((byte & 0xc0) == 0x80)
            continue; /* a continuation: its character begins before */
        size_t whole = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
        return whole > back ? back : 0;
    }
    return 0;
}

static int64_t refuse_text(message_carrier *carrier) {
    tow_websocket_fail(carrier->socket, TOW_CAUSE_APPLICATION_TEXT, TOW_ERROR_UTF8);
    return TOW_ERROR_UTF8;
}

/* Sends whole characters and keeps what is left of the last, if it can become one. */
static int64_t send_characters(message_carrier *carrier, const uint8_t *bytes, size_t length) {
    size_t cut = cut_at_end(bytes, length);
    tow_utf8_state state = 0;
    if (!tow_utf8_check(&state, bytes + length - cut, cut))
        return refuse_text(carrier);
    int64_t sent = cut == length ? 0 : tow_websocket_send(carrier->socket, TOW_TEXT, bytes, length - cut);
    if (sent == TOW_ERROR_UTF8)
        return refuse_text(carrier);
    if (sent < 0)
        return sent;
    memcpy(carrier->cut, bytes + length - cut, cut);
    carrier->cut_length = (uint8_t)cut;
    return 0;
}

static int64_t send_text(message_carrier *carrier, const uint8_t *bytes, size_t length) {
    if (carrier->cut_length == 0)
        return send_characters(carrier, bytes, length);
    size_t total = carrier->cut_length + length;
    uint8_t *joined = malloc(total);
    if (joined == NULL)
        return TOW_ERROR_MEMORY;
    memcpy(joined, carrier->cut, carrier->cut_length);
    memcpy(joined + carrier->cut_length, bytes, length);
    int64_t result = send_characters(carrier, joined, total);
    free(joined);
    return result;
}

/* Sends a line with its line feed, or a part of one. */
static int64_t send_line(message_carrier *carrier, const uint8_t *bytes, size_t length) {
    tow_websocket *socket = carrier->socket;
    bool last = bytes[length - 1] == '\n';
    const tow_message_piece piece = {.type = TOW_TEXT,
        .data = bytes,
        .length = last ? length - 1 : length,
        .first = !socket->sends_pieces,
        .last = last};
    int64_t sent = piece.first && piece.last ? tow_websocket_send(socket, TOW_TEXT, bytes, piece.length)
                                             : tow_websocket_send_piece(socket, &piece);
    if (sent == TOW_ERROR_UTF8)
        return refuse_text(carrier);
    if (sent == TOW_ERROR_MESSAGE_TOO_LARGE) /* over another carrier than frames */
        tow_websocket_fail(socket, TOW_CAUSE_MAX_MESSAGE, TOW_ERROR_MESSAGE_TOO_LARGE);
    return sent < 0 ? sent : 0;
}

/* Ends a line that has begun. Errors: UTF8, also for a character that has, MEMORY; then the connection has
 * failed. */
static int64_t finish_text(message_carrier *carrier) {
    tow_websocket *socket = carrier->socket;
    if (carrier->cut_length > 0)
        return refuse_text(carrier);
    if (!carrier->lines || !socket->sends_pieces || !tow_stage_is_open(socket))
        return 0;
    int64_t error = send_line(carrier, (const uint8_t *)"\n", 1);
    if (error == TOW_ERROR_MEMORY)
        tow_websocket_abort(socket, TOW_CAUSE_MEMORY, TOW_ERROR_MEMORY);
    return error;
}

void tow_websocket_finish_text(tow_websocket *socket) {
    finish_text(carrier_of(socket));
}

/* How many of the bytes are sent at once: of lines, one. */
static size_t piece_length(const message_carrier *carrier, const uint8_t *bytes, size_t left) {
    size_t length = left < MESSAGE_MAX ? left : MESSAGE_MAX;
    const uint8_t *feed = carrier->lines ? memchr(bytes, '\n', length) : NULL;
    return feed == NULL ? length : (size_t)(feed - bytes) + 1;
}

static int64_t send_piece(message_carrier *carrier, const uint8_t *bytes, size_t length) {
    if (carrier->lines)
        return send_line(carrier, bytes, length);
    if (carrier->text)
        return send_text(carrier, bytes, length);
    int64_t sent = tow_websocket_send(carrier->socket, TOW_BINARY, bytes, length);
    return sent < 0 ? sent : 0;
}

/* Who wrote in part waits for on_writable, which nothing would bring: so on_error comes instead. */
static int64_t stop_writing(message_carrier *carrier, int64_t error, int64_t taken) {
    if (error == TOW_ERROR_UTF8 || error == TOW_ERROR_MESSAGE_TOO_LARGE || taken == 0)
        return error;
    tow_websocket_abort(carrier->socket, tow_cause_of_error((int)error), (int)error);
    return taken;
}

static int64_t write_pieces(void *user, const tow_bytes *pieces, size_t count) {
    message_carrier *carrier = user;
    int64_t total = 0;
    if (carrier->socket == NULL)
        return TOW_ERROR_CLOSED;
    note_activity(carrier);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *bytes = pieces[i].data;
        for (size_t done = 0; done < pieces[i].length;) {
            size_t length = piece_length(carrier, bytes + done, pieces[i].length - done);
            if (is_full(carrier))
                return total;
            int64_t error = send_piece(carrier, bytes + done, length);
            if (error != 0)
                return stop_writing(carrier, error, total);
            done += length;
            total += (int64_t)length;
        }
    }
    return total;
}

/* The rest of what the handle asks for. */

static void pause_reading(void *user) {
    message_carrier *carrier = user;
    if (carrier->socket != NULL)
        tow_websocket_pause(carrier->socket);
}

static void resume_reading(void *user) {
    message_carrier *carrier = user;
    note_activity(carrier);
    if (carrier->socket != NULL)
        tow_websocket_resume(carrier->socket);
}

static void shut_down(void *user) {
    message_carrier *carrier = user;
    if (carrier->socket == NULL)
        return;
    if (finish_text(carrier) != 0)
        return;
    carrier->shut = true;
    tow_websocket_shutdown(carrier->socket);
    one_side_has_ended(carrier);
}

/* The last callback comes when the socket has closed, or in the next round if it has. */
static void end_with(message_carrier *carrier, bool orderly) {
    carrier->closed = true;
    if (carrier->socket == NULL) {
        tow_timer_set(carrier->loop, &carrier->timer, 0, finish_by_timer);
        tow_loop_owe(carrier->loop);
        return;
    }
    tow_timer_cancel(carrier->loop, &carrier->timer);
    if (orderly && carrier->cut_length == 0 && finish_text(carrier) == 0)
        tow_websocket_close(carrier->socket, TOW_CLOSE_NORMAL, NULL);
    else
        tow_websocket_fail(carrier->socket, TOW_CAUSE_APPLICATION_RESET, 0);
}

static void close_stream(void *user) {
    end_with(user, true);
}

static void reset_stream(void *user) {
    end_with(user, false);
}

static int peer_text(const void *user, char *text, size_t size) {
    const message_carrier *carrier = user;
    return carrier->socket == NULL ? TOW_ERROR_STATE : tow_websocket_peer(carrier->socket, text, size);
}

static const tow_byte_stream_functions functions = {
    .write = write_pieces,
    .pause = pause_reading,
    .resume = resume_reading,
    .shutdown = shut_down,
    .close = close_stream,
    .reset = reset_stream,
    .peer = peer_text,
};

/* What the socket tells. */

/* A message of any length passes piece by piece. The memory is that of a read or of the inflater's output,
 * which nobody else needs any more. */
static void piece_came(tow_websocket *socket, const tow_message_piece *piece) {
    message_carrier *carrier = carrier_of(socket);
    void *bytes;
    memcpy(&bytes, &piece->data, sizeof(bytes));
    note_activity(carrier);
    tow_byte_stream_tell_bytes(carrier->handle, bytes, piece->length);
    char feed[] = "\n";
    if (carrier->lines && piece->last)
        tow_byte_stream_tell_bytes(carrier->handle, feed, 1);
}

static void drained(tow_websocket *socket) {
    tow_byte_stream_tell_writable(carrier_of(socket)->handle);
}

static void peer_ended(tow_websocket *socket) {
    message_carrier *carrier = carrier_of(socket);
    carrier->ended = true;
    one_side_has_ended(carrier);
    tow_byte_stream_tell_end(carrier->handle);
}

static void failed(tow_websocket *socket, const tow_error_event *event) {
    tow_byte_stream_tell_error(carrier_of(socket)->handle, event->error, event->text);
}

static void tell_code(message_carrier *carrier, const tow_close_event *event) {
    char text[TEXT_MAX];
    snprintf(text, sizeof(text), "the peer closed with %u%s%.*s", event->code,
        event->reason_length > 0 ? ": " : "", (int)event->reason_length, event->reason);
    tow_byte_stream_tell_error(carrier->handle, TOW_ERROR_RESET, text);
}

/* Unless both sides had ended, the user has to hear of it; after a failure the error was told already. An
 * orderly Close that was not told as the end is an answer to one that others sent on our behalf. */
static void closed(tow_websocket *socket, const tow_close_event *event) {
    message_carrier *carrier = carrier_of(socket);
    bool both_ended = carrier->shut && carrier->ended && event->was_clean;
    tow_timer_cancel(carrier->loop, &carrier->timer);
    let_socket_go(carrier);
    if (carrier->closed)
        finish(carrier);
    else if (!both_ended && event->was_clean && tow_close_code_is_orderly(event->code))
        tow_byte_stream_tell_error(carrier->handle, TOW_ERROR_CLOSED, tow_strerror(TOW_ERROR_CLOSED));
    else if (!both_ended)
        tell_code(carrier, event);
}

static void take_socket(message_carrier *carrier, tow_websocket *socket) {
    carrier->original = socket->behaviour;
    carrier->behaviour = *socket->behaviour;
    tow_behaviour_receive_by(&carrier->behaviour, NULL, piece_came);
    carrier->behaviour.on_error = failed;
    carrier->behaviour.on_close = closed;
    carrier->behaviour.on_drain = drained;
    carrier->behaviour.on_end = peer_ended;
    carrier->behaviour.limits.max_queue = TOW_OFF;        /* we stop long before, */
    if (carrier->behaviour.limits.high_mark == TOW_OFF) { /* which takes a mark */
        carrier->behaviour.limits.high_mark = HIGH_MARK;
        carrier->behaviour.limits.low_mark = LOW_MARK;
    }
    carrier->socket = socket;
    socket->behaviour = &carrier->behaviour;
}

int tow_byte_stream_from_websocket_sized(tow_byte_stream **stream, tow_websocket *socket,
    const tow_byte_stream_options *options, size_t options_size) {
    if (stream == NULL || socket == NULL)
        return TOW_ERROR_ARGUMENT;
    if (!tow_stage_is_open(socket) || tow_behaviour_has_two_ends(socket->behaviour) ||
        tow_owner_holds(socket))
        return TOW_ERROR_STATE;
    message_carrier *carrier = calloc(1, sizeof(*carrier));
    if (carrier == NULL)
        return TOW_ERROR_MEMORY;
    carrier->loop = tow_websocket_loop(socket);
    int error = tow_byte_stream_new_sized(
        &carrier->handle, carrier->loop, &functions, sizeof(functions), carrier, options, options_size);
    if (error == 0) {
        error = tow_piecewise_adopt(socket);
        if (error != 0)
            tow_byte_stream_discard(carrier->handle);
    }
    if (error != 0) {
        free(carrier);
        return error;
    }
    const tow_byte_stream_options *known = tow_byte_stream_get_options(carrier->handle);
    carrier->text = known->text;
    carrier->lines = known->lines;
    carrier->half_close_seconds =
        known->half_close_seconds == 0 ? HALF_CLOSE_SECONDS : known->half_close_seconds;
    take_socket(carrier, socket);
    *stream = carrier->handle;
    return 0;
}
