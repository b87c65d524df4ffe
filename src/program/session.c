#include "session.h"

#include "client/client.h"
#include "close_name.h"

#include <string.h>
#include <towline/error.h>
#include <unistd.h>

enum {
    QUEUE_HIGH = 512 * 1024, /* bytes waiting for the peer above which no input is read */
    ANSWER_SECONDS = 1
};

static tow_session *session_of(const tow_websocket *socket) {
    return tow_websocket_user(socket);
}

/* Answers. */

/* Who waited for answers hears of those that did not come. */
static void leave_after_silence(tow_session *session) {
    if (session->came >= session->sent) {
        tow_session_leave(session, 1000, NULL);
        return;
    }
    tow_view_error(&session->view,
        "no answer to %llu of %llu messages came in time: --linger SECONDS waits longer, --linger 0 for none",
        (unsigned long long)(session->sent - session->came), (unsigned long long)session->sent);
    tow_session_fail(session, TOW_EXIT_UNANSWERED);
}

static void on_linger(tow_timer *timer) {
    tow_session *session = (tow_session *)((char *)timer - offsetof(tow_session, linger_timer));
    if (tow_websocket_ready_state(session->socket) != TOW_OPEN)
        return;                             /* the peer has left before */
    if (tow_session_may_be_unread(session)) /* it is we who are silent */
        tow_timer_set(
            session->loop, timer, tow_loop_now(session->loop) + ANSWER_SECONDS * TOW_SECOND, on_linger);
    else
        leave_after_silence(session);
}

/* After the end of the input: leave now, or when it has been silent for long enough. */
static void linger(tow_session *session) {
    int64_t silence = session->settings->linger;
    if (!session->input_ended || session->has_unsent || session->own_code != 0 || silence == TOW_OFF)
        return;
    if (session->settings->half_close) {
        tow_session_shut(session);
        return;
    }
    if (silence == TOW_LINGER_FOR_ANSWERS) {
        silence = ANSWER_SECONDS * TOW_SECOND;
        if (session->sent > 0 && session->came >= session->sent)
            silence = 0;
    }
    if (silence == 0)
        tow_session_leave(session, 1000, NULL);
    else
        tow_timer_set(
            session->loop, &session->linger_timer, tow_loop_now(session->loop) + silence, on_linger);
}

static tow_message_type type_to_send(const tow_session *session) {
    return session->settings->binary ? TOW_BINARY : TOW_TEXT;
}

/* With -x: the next message, or after the last answer the end. */
static void next_message_send(tow_session *session) {
    const char *message = *session->next_message;
    if (message == NULL) {
        tow_session_leave(session, 1000, NULL);
        return;
    }
    session->next_message++;
    tow_view_sent(&session->view, type_to_send(session), message, strlen(message));
    tow_session_send(session, type_to_send(session), message, strlen(message));
}

static void on_message(tow_websocket *socket, const tow_message *message) {
    tow_session *session = session_of(socket);
    const tow_connect_settings *settings = session->settings;
    if (settings->only_listens) {
        tow_session_hear(session, message);
        return;
    }
    if (session->sent > 0)
        session->came++;
    if ((!settings->echo || settings->verbose) && !tow_session_show(session, message))
        return;
    if (settings->echo)
        tow_session_send(session, message->type, message->data, message->length);
    else if (session->next_message != NULL && session->own_code == 0)
        next_message_send(session);
    else
        linger(session);
}

/* Sending. */

static void send_failed(tow_session *session, int error) {
    if (error == TOW_ERROR_CLOSED)
        return; /* the close event tells */
    if (error == TOW_ERROR_UTF8)
        tow_view_error(&session->view, "message %llu is not valid UTF-8; --binary sends it as it is",
            (unsigned long long)session->sent + 1);
    else
        tow_view_error(&session->view, "sending: %s", tow_strerror(error));
    if (!session->interactive)
        tow_session_fail(session, TOW_EXIT_FAILED);
}

void tow_session_send(tow_session *session, tow_message_type type, const void *data, size_t length) {
    if (tow_session_is_cut(session)) {
        tow_view_notice(&session->view, "not connected: the message was not sent");
        return;
    }
    int64_t buffered = tow_websocket_send(session->socket, type, data, length);
    if (buffered < 0) {
        send_failed(session, (int)buffered);
        return;
    }
    session->sent++;
    if (buffered > QUEUE_HIGH)
        tow_standard_input_pause(&session->input);
    tow_session_read_less(session);
}

static void on_drain(tow_websocket *socket) {
    tow_session *session = session_of(socket);
    tow_standard_input_resume(&session->input);
    tow_session_read_on(session);
}

static void on_piece(tow_standard_input *input, const char *bytes, size_t length) {
    tow_session *session = input->user;
    if (tow_session_keep(session, bytes, length))
        return;
    tow_view_sent(&session->view, type_to_send(session), bytes, length);
    tow_session_send(session, type_to_send(session), bytes, length);
}

static void on_input_end(tow_standard_input *input, int error) {
    tow_session *session = input->user;
    session->input_ended = true;
    if (error == TOW_ERROR_LIMIT)
        tow_view_error(&session->view, "a line is longer than 64 MiB; --binary sends the input in pieces");
    else if (error != 0)
        tow_view_error(&session->view, "reading the input: %s", tow_strerror(error));
    if (error != 0)
        tow_session_fail(session, TOW_EXIT_FAILED);
    else
        linger(session);
}

static void input_start(tow_session *session) {
    static const tow_standard_input_events events = {.on_piece = on_piece, .on_end = on_input_end};
    int error = tow_standard_input_start(
        &session->input, session->loop, STDIN_FILENO, !session->settings->binary, &events, session);
    if (error != 0)
        on_input_end(&session->input, error);
}

/* From the first connection on; with the next one it goes on where it was. */
static void input_go_on(tow_session *session) {
    if (session->input.loop == NULL) {
        input_start(session);
        return;
    }
    if (session->has_unsent) {
        session->has_unsent = false;
        on_piece(&session->input, (const char *)session->unsent.data, session->unsent.length);
        tow_buffer_clear(&session->unsent);
    }
    tow_standard_input_resume(&session->input);
    linger(session);
}

/* The connection. */

static void opened_tell(tow_session *session, bool again) {
    const char *protocol = tow_websocket_protocol(session->socket);
    const char *extensions = tow_websocket_extensions(session->socket);
    if (!session->interactive && !session->settings->verbose && !again)
        return;
    const char *reason = tow_client_fell_back_from(session->socket);
    if (session->settings->verbose && reason[0] != '\0')
        tow_view_notice(&session->view, "WebSocket does not get through: %s", reason);
    tow_view_notice(&session->view, "connected to %s%s%s%s%s%s", tow_websocket_url(session->socket),
        protocol[0] != '\0' ? ", subprotocol " : "", protocol, extensions[0] != '\0' ? ", " : "", extensions,
        tow_client_fell_back(session->socket) ? ", by polling" : "");
    if (session->interactive && !again)
        tow_view_notice(&session->view, "a line is a message; /help lists commands, ^D leaves");
}

/* The question whose answer was lost with its connection is asked again. */
static void questions_go_on(tow_session *session) {
    if (session->came < session->sent) {
        session->next_message--;
        session->sent--;
    }
    next_message_send(session);
}

/* With the first connection the lines begin to be read, which runs the loop again. */
static void lines_let(tow_session *session) {
    if (session->view.editor == NULL)
        tow_loop_stop(session->loop);
}

static void on_open(tow_websocket *socket) {
    tow_session *session = session_of(socket);
    session->socket = socket;
    opened_tell(session, session->opened);
    session->opened = true;
    session->end = TOW_EXIT_DONE;
    tow_session_ping_regularly(session);
    if (session->next_message != NULL)
        questions_go_on(session);
    else if (session->interactive)
        lines_let(session);
    else if (!session->settings->echo && !session->settings->only_listens)
        input_go_on(session);
}

/* Not where a server has understood and says why not: it would say so of polls. What lacks its Upgrade is a
 * bad request, or one that lacks it. */
static bool is_stopped_between(const tow_websocket *socket, int http_status) {
    enum { STATUS_BAD_REQUEST = 400, STATUS_UPGRADE_REQUIRED = 426 };
    bool is_likely = http_status == 0 || http_status == STATUS_BAD_REQUEST ||
                     http_status == STATUS_UPGRADE_REQUIRED || http_status / 100 == 5;
    return is_likely && tow_client_polling_may_help(socket);
}

static void advise(tow_session *session, const tow_websocket *socket, const tow_error_event *event) {
    if (session->settings->only_listens && event->error == TOW_ERROR_HANDSHAKE_PROTOCOL)
        tow_view_error(&session->view, "what answers does not speak " TOW_CHANNEL_PROTOCOL
                                       ": is this the path where a server has its channels?");
    if (session->settings->fallback || session->advised || !is_stopped_between(socket, event->http_status))
        return;
    session->advised = true;
    tow_view_error(&session->view,
        "if something between here and the server stops WebSocket: --fallback goes by polling then");
}

static void on_error(tow_websocket *socket, const tow_error_event *event) {
    tow_session *session = session_of(socket);
    session->end = tow_exit_status_of_error(event, session->way->proxy != NULL);
    if (event->error == TOW_ERROR_CLOSED) /* by ourselves: why was told */
        return;
    tow_view_error(&session->view, "%s: %s", tow_websocket_url(socket), event->text);
    advise(session, socket, event);
}

/* A Close that answers ours has its code, or none. */
static bool is_answer(const tow_session *session, uint16_t code) {
    return session->own_code != 0 && (code == session->own_code || code == 1005);
}

static void closed_tell(tow_session *session, const tow_close_event *event) {
    const char *name = tow_close_name(event->code);
    const char *quote = event->reason_length > 0 ? "\"" : "";
    tow_view_notice(&session->view, "closed%s: %u%s%s%s%s%.*s%s",
        event->was_clean && !is_answer(session, event->code) ? " by the peer" : "", event->code,
        name[0] != '\0' ? " " : "", name, event->reason_length > 0 ? ", " : "", quote,
        (int)event->reason_length, event->reason, quote);
}

static void on_close(tow_websocket *socket, const tow_close_event *event) {
    tow_session *session = session_of(socket);
    bool was_open = session->reconnector == NULL ? session->opened : session->socket != NULL;
    if (session->end == TOW_EXIT_DONE)
        session->end = tow_exit_status_of_close(event, session->own_code);
    if (was_open)
        closed_tell(session, event);
    if (session->reconnector != NULL) {
        tow_session_lost(session);
        return; /* the wait or the end is told next */
    }
    tow_session_conclude(session);
}

void tow_session_listen(tow_session *session, tow_websocket_options *options) {
    options->user = session;
    options->on_open = on_open;
    options->on_message = on_message;
    options->on_error = on_error;
    options->on_close = on_close;
    options->on_drain = on_drain;
    options->on_ping = tow_session_on_ping;
    options->on_pong = tow_session_on_pong;
}
