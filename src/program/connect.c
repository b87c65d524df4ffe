#include "connect.h"

#include "close_name.h"
#include "client/client.h"
#include "connect/proxy.h"
#include "client/url.h"
#include "history.h"
#include "number.h"
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <unistd.h>

enum {
    EXIT_USAGE = 2,
    /* Bytes waiting for the peer: at most; above which no input is read; above which --echo does not read the
       peer. */
    QUEUE_MAX = 64 * 1024 * 1024,
    QUEUE_HIGH = 512 * 1024,
    ECHO_HIGH = 16 * 1024 * 1024,
    /* Bytes waiting for the reader of our output, above which the peer is not read, and below which it is
       again. */
    OUTPUT_HIGH = 256 * 1024,
    OUTPUT_LOW = 64 * 1024,
    ANSWER_SECONDS = 1,
    LEAVE_MILLISECONDS = 500 /* for the peer's Close, when the time is over */
};

static tow_session *session_of(const tow_websocket *socket) {
    return tow_websocket_user(socket);
}

static double milliseconds(int64_t nanoseconds) {
    return (double)nanoseconds / 1e6;
}

/* ---- leaving ---- */

void tow_session_leave(tow_session *session, uint16_t code, const char *reason) {
    tow_input_stop(&session->input);
    if (session->ended)
        return;
    session->leaving = true;
    int error = tow_websocket_close(session->socket, code, reason);
    if (error != 0)
        tow_view_error(&session->view, "closing: %s", tow_strerror(error));
}

static void session_fail(tow_session *session) {
    session->failed = true;
    tow_session_leave(session, 1000, NULL);
}

/* The last that happens: nothing keeps the loop running any more. */
static void session_end(tow_session *session) {
    session->ended = true;
    tow_input_stop(&session->input);
    tow_timer_cancel(session->loop, &session->linger_timer);
    tow_timer_cancel(session->loop, &session->ping_timer);
    tow_timer_cancel(session->loop, &session->limit_timer);
    if (session->view.editor != NULL)
        tow_editor_stop(session->view.editor);
    tow_loop_stop(session->loop);
}

static void on_limit_again(tow_timer *timer) {
    tow_session *session = (tow_session *)((char *)timer - offsetof(tow_session, limit_timer));
    session_end(session);
}

static void on_limit(tow_timer *timer) {
    tow_session *session = (tow_session *)((char *)timer - offsetof(tow_session, limit_timer));
    tow_view_error(
        &session->view, "--max-time: %g seconds are over", milliseconds(session->settings->max_time) / 1e3);
    session_fail(session);
    tow_timer_set(session->loop, timer, tow_loop_now(session->loop) + LEAVE_MILLISECONDS * TOW_MILLISECOND,
        on_limit_again);
}

static void on_signal(tow_signals *signals, int number) {
    tow_session *session = signals->user;
    if (number == SIGWINCH && session->view.editor != NULL)
        tow_editor_resized(session->view.editor);
    else if (number == SIGCONT && session->view.editor != NULL)
        tow_editor_continued(session->view.editor);
    if (number == SIGWINCH || number == SIGCONT)
        return;
    if (session->view.editor != NULL)
        tow_editor_stop(session->view.editor);
    if (session->interrupts++ == 0 && session->opened)
        tow_session_leave(session, 1000, NULL);
    else
        session_end(session);
}

/* ---- answers ---- */

static void on_linger(tow_timer *timer) {
    tow_session *session = (tow_session *)((char *)timer - offsetof(tow_session, linger_timer));
    if (session->view.output.waiting.length > OUTPUT_LOW) /* it is we who are silent: the peer is not read */
        tow_timer_set(
            session->loop, timer, tow_loop_now(session->loop) + ANSWER_SECONDS * TOW_SECOND, on_linger);
    else
        tow_session_leave(session, 1000, NULL);
}

/* After the end of the input: leave now, or when it has been silent for long enough. */
static void linger(tow_session *session) {
    int64_t silence = session->settings->linger;
    if (!session->input_ended || session->leaving || silence == TOW_OFF)
        return;
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

/* That the reader of our output has seen enough and is gone needs no words. */
static void output_failed(tow_session *session) {
    if (session->view.output.reason != EPIPE && !session->failed)
        tow_view_error(
            &session->view, "writing to standard output: %s", strerror(session->view.output.reason));
    session_fail(session);
}

static bool message_show(tow_session *session, const tow_message *message) {
    int error = tow_view_message(&session->view, message);
    if (session->view.output.error != 0) {
        output_failed(session);
        return false;
    }
    if (error == TOW_ERROR_SYSTEM)
        tow_view_error(&session->view, "writing to %s: %s", session->settings->output, strerror(errno));
    else if (error == TOW_ERROR_MEMORY)
        tow_view_error(&session->view, "%s", tow_strerror(error));
    if (error != 0)
        session_fail(session);
    else if (session->view.output.waiting.length > OUTPUT_HIGH)
        tow_websocket_pause(session->socket);
    return error == 0;
}

static void on_message(tow_websocket *socket, const tow_message *message) {
    tow_session *session = session_of(socket);
    const tow_connect_settings *settings = session->settings;
    if (session->sent > 0)
        session->came++;
    if ((!settings->echo || settings->verbose) && !message_show(session, message))
        return;
    if (settings->echo)
        tow_session_send(session, message->type, message->data, message->length);
    else if (session->next_message != NULL && !session->leaving)
        next_message_send(session);
    else
        linger(session);
}

/* The peer is not read while much waits for our reader or, with --echo, for the peer. */
static void reading_resume(tow_session *session) {
    bool echo_waits = session->settings->echo && tow_websocket_buffered_amount(session->socket) > ECHO_HIGH;
    if (session->view.output.waiting.length < OUTPUT_LOW && !echo_waits)
        tow_websocket_resume(session->socket);
}

/* The reader of our output took something, or is gone. */
static void on_output(tow_writer *output) {
    tow_session *session = output->user;
    if (output->error != 0)
        output_failed(session);
    else
        reading_resume(session);
}

/* ---- sending ---- */

static void send_failed(tow_session *session, int error) {
    if (error == TOW_ERROR_CLOSED)
        return; /* the close event tells */
    if (error == TOW_ERROR_UTF8)
        tow_view_error(&session->view, "message %llu is not valid UTF-8; --binary sends it as it is",
            (unsigned long long)session->sent + 1);
    else
        tow_view_error(&session->view, "sending: %s", tow_strerror(error));
    if (!session->interactive)
        session_fail(session);
}

void tow_session_send(tow_session *session, tow_message_type type, const void *data, size_t length) {
    int64_t buffered = tow_websocket_send(session->socket, type, data, length);
    if (buffered < 0) {
        send_failed(session, (int)buffered);
        return;
    }
    session->sent++;
    if (buffered > QUEUE_HIGH)
        tow_input_pause(&session->input);
    if (session->settings->echo && buffered > ECHO_HIGH)
        tow_websocket_pause(session->socket);
}

static void on_drain(tow_websocket *socket) {
    tow_session *session = session_of(socket);
    tow_input_resume(&session->input);
    reading_resume(session);
}

static void on_piece(tow_input *input, const char *bytes, size_t length) {
    tow_session *session = input->user;
    tow_view_sent(&session->view, type_to_send(session), bytes, length);
    tow_session_send(session, type_to_send(session), bytes, length);
}

static void on_input_end(tow_input *input, int error) {
    tow_session *session = input->user;
    session->input_ended = true;
    if (error == TOW_ERROR_LIMIT)
        tow_view_error(&session->view, "a line is longer than 64 MiB; --binary sends the input in pieces");
    else if (error != 0)
        tow_view_error(&session->view, "reading the input: %s", tow_strerror(error));
    if (error != 0)
        session_fail(session);
    else
        linger(session);
}

static void input_start(tow_session *session) {
    static const tow_input_events events = {.on_piece = on_piece, .on_end = on_input_end};
    int error = tow_input_start(
        &session->input, session->loop, STDIN_FILENO, !session->settings->binary, &events, session);
    if (error != 0)
        on_input_end(&session->input, error);
}

/* ---- pings ---- */

void tow_session_ping(tow_session *session, const void *payload, size_t length) {
    char number[24];
    session->ping_number++;
    if (length == 0) {
        length = (size_t)snprintf(number, sizeof number, "%llu", (unsigned long long)session->ping_number);
        payload = number;
    }
    memcpy(session->ping_payload, payload, length);
    session->ping_length = length;
    session->ping_at = tow_loop_now(session->loop);
    int error = tow_websocket_ping(session->socket, payload, length);
    if (error != 0 && error != TOW_ERROR_CLOSED)
        tow_view_error(&session->view, "ping: %s", tow_strerror(error));
}

static void on_ping_timer(tow_timer *timer) {
    tow_session *session = (tow_session *)((char *)timer - offsetof(tow_session, ping_timer));
    tow_session_ping(session, NULL, 0);
    tow_timer_set(session->loop, timer, tow_loop_now(session->loop) + session->settings->ping, on_ping_timer);
}

static void on_ping(tow_websocket *socket, const void *payload, size_t length) {
    tow_session *session = session_of(socket);
    if (session->settings->verbose)
        tow_view_notice(
            &session->view, "ping from the peer: \"%.*s\", answered", (int)length, (const char *)payload);
}

static void on_pong(tow_websocket *socket, const void *payload, size_t length) {
    tow_session *session = session_of(socket);
    if (!session->settings->verbose && !session->interactive)
        return;
    if (session->ping_length == length && memcmp(session->ping_payload, payload, length) == 0)
        tow_view_notice(&session->view, "pong \"%.*s\" after %.2f ms", (int)length, (const char *)payload,
            milliseconds(tow_loop_now(session->loop) - session->ping_at));
    else
        tow_view_notice(&session->view, "pong \"%.*s\"", (int)length, (const char *)payload);
}

/* ---- the connection ---- */

static void opened_tell(tow_session *session) {
    const char *protocol = tow_websocket_protocol(session->socket);
    const char *extensions = tow_websocket_extensions(session->socket);
    if (!session->interactive && !session->settings->verbose)
        return;
    tow_view_notice(&session->view, "connected to %s%s%s%s%s", tow_websocket_url(session->socket),
        protocol[0] != '\0' ? ", subprotocol " : "", protocol, extensions[0] != '\0' ? ", " : "", extensions);
    if (session->interactive)
        tow_view_notice(&session->view, "a line is a message; /help lists commands, ^D leaves");
}

static void on_open(tow_websocket *socket) {
    tow_session *session = session_of(socket);
    session->opened = true;
    opened_tell(session);
    if (session->settings->ping > 0)
        tow_timer_set(session->loop, &session->ping_timer,
            tow_loop_now(session->loop) + session->settings->ping, on_ping_timer);
    if (session->next_message != NULL)
        next_message_send(session);
    else if (session->interactive)
        tow_loop_stop(session->loop); /* and let the lines be read */
    else if (!session->settings->echo)
        input_start(session);
}

static void on_head(tow_websocket *socket, bool sent, const char *head, size_t length) {
    tow_view_head(&session_of(socket)->view, sent ? '>' : '<', head, length);
}

static void on_error(tow_websocket *socket, const tow_error_event *event) {
    tow_session *session = session_of(socket);
    tow_view_error(&session->view, "%s: %s", tow_websocket_url(socket), event->text);
}

static void on_close(tow_websocket *socket, const tow_close_event *event) {
    tow_session *session = session_of(socket);
    const char *name = tow_close_name(event->code);
    bool clean = event->was_clean && (event->code == 1000 || event->code == 1001 || event->code == 1005);
    if (session->opened)
        tow_view_notice(&session->view, "closed%s: %u%s%s%s%.*s%s",
            session->leaving || !event->was_clean ? "" : " by the peer", event->code,
            name[0] != '\0' ? " " : "", name, event->reason_length > 0 ? ", \"" : "",
            (int)event->reason_length, event->reason_length > 0 ? event->reason : "",
            event->reason_length > 0 ? "\"" : "");
    if (!session->opened || (!clean && !session->leaving))
        session->failed = true;
    if (session->next_message != NULL && session->came < session->sent && !session->failed) {
        tow_view_error(&session->view, "the connection ended before the answer to '%.60s' came",
            session->next_message[-1]);
        session->failed = true;
    }
    session_end(session);
}

/* ---- start and end ---- */

static bool is_terminal_for_editing(void) {
    const char *terminal = getenv("TERM");
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

static int signals_start(tow_session *session) {
    sigset_t set;
    sigemptyset(&set);
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGCONT};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sigaddset(&set, numbers[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    session->signals.user = session;
    return tow_signals_start(&session->signals, session->loop, &set, on_signal);
}

/* "Name: value" cut in two; `memory` holds the copies of the names. */
static int headers_split(const char *const *texts, tow_header_field **fields, tow_buffer *memory) {
    size_t count = 0;
    size_t bytes = 0;
    for (; texts != NULL && texts[count] != NULL; count++)
        bytes += strlen(texts[count]) + 1;
    *fields = calloc(count + 1, sizeof **fields);
    if (*fields == NULL || tow_buffer_reserve(memory, bytes + 1) != 0)
        return TOW_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        size_t name = strcspn(texts[i], ":");
        (*fields)[i].name = (const char *)memory->data + memory->length;
        (*fields)[i].value = texts[i] + name + 1 + strspn(texts[i] + name + 1, " \t");
        tow_buffer_append(memory, texts[i], name); /* there is room */
        tow_buffer_append(memory, "", 1);
    }
    return 0;
}

static int socket_open(tow_session *session, const char *url) {
    const tow_connect_settings *settings = session->settings;
    tow_header_field *fields = NULL;
    tow_buffer memory = {0};
    int error = headers_split(settings->headers, &fields, &memory);
    if (error == 0)
        error = tow_websocket_open(&session->socket, session->loop, url,
            &(tow_websocket_options){.protocols = settings->protocols,
                .origin = settings->origin,
                .headers = fields,
                .compression = settings->compression,
                .user = session,
                .on_open = on_open,
                .on_message = on_message,
                .on_error = on_error,
                .on_close = on_close,
                .on_drain = on_drain,
                .on_ping = on_ping,
                .on_pong = on_pong,
                .max_message = settings->max_message,
                .proxy = session->proxy,
                .max_queue = QUEUE_MAX,
                .unix_path = settings->unix_path});
    if (error == 0 && settings->verbose)
        tow_client_set_trace(session->socket, on_head);
    if (error == 0 && settings->verbose && session->proxy != NULL)
        tow_view_notice(&session->view, "through the proxy %s", session->proxy_place);
    free(fields);
    tow_buffer_clear(&memory);
    return error;
}

/* The lines that are typed, until the user or the peer leaves. */
static void lines_run(tow_session *session) {
    tow_buffer path = {0};
    const char *line;
    const char *history = tow_history_path(&path) == 0 ? (const char *)path.data : NULL;
    int error = tow_editor_new(&session->view.editor, session->loop, "> ", history, session->view.painted);
    if (error != 0)
        tow_view_error(&session->view, "the terminal: %s", tow_strerror(error));
    while (error == 0 && !session->leaving && tow_editor_read(session->view.editor, &line) == 1)
        if (line[0] != '\0')
            tow_session_line(session, line);
    tow_editor_free(session->view.editor);
    session->view.editor = NULL;
    tow_buffer_clear(&path);
    tow_session_leave(session, 1000, NULL);
}

static int session_run(tow_session *session) {
    const tow_connect_settings *settings = session->settings;
    if (settings->max_time > 0)
        tow_timer_set(
            session->loop, &session->limit_timer, tow_loop_now(session->loop) + settings->max_time, on_limit);
    int error = tow_loop_run(session->loop);
    if (error == 0 && session->interactive && session->opened && !session->ended)
        lines_run(session);
    if (error == 0 && !session->ended)
        error = tow_loop_run(session->loop);
    if (error != 0)
        tow_view_error(&session->view, "%s", tow_strerror(error));
    return error == 0 && session->opened && !session->failed ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Tells why it did not begin; returns the exit status. */
static int refused(int error) {
    if (error == TOW_ERROR_ARGUMENT)
        fputs("towline connect: a subprotocol stands twice, or a header cannot be sent: the handshake's own "
              "are not yours\n",
            stderr);
    else
        fprintf(stderr, "towline connect: %s\n", tow_strerror(error));
    return error == TOW_ERROR_ARGUMENT ? EXIT_USAGE : EXIT_FAILURE;
}

static int session_begin(tow_session *session, const char *url) {
    const tow_connect_settings *settings = session->settings;
    int error = tow_loop_new(&session->loop, NULL);
    if (error != 0)
        return refused(error);
    tow_view_init(&session->view, session->loop, on_output, session);
    int status = EXIT_FAILURE;
    if (settings->output != NULL && tow_view_open_file(&session->view, settings->output) != 0)
        tow_view_error(&session->view, "--output: %s: %s", settings->output, strerror(errno));
    else if ((error = signals_start(session)) != 0 || (error = socket_open(session, url)) != 0)
        status = refused(error);
    else
        status = session_run(session);
    tow_view_clear(&session->view);
    tow_websocket_free(session->socket);
    tow_signals_stop(&session->signals);
    tow_loop_run(session->loop); /* takes back a stop that was not needed any more */
    tow_loop_run(session->loop); /* what is still being closed */
    tow_loop_free(session->loop);
    return status;
}

/* A URL without a scheme is one of ws. */
static int url_complete(const char *url, tow_buffer *out) {
    bool has_scheme = strstr(url, "://") != NULL;
    int error = tow_buffer_append_format(out, "%s%s", has_scheme ? "" : "ws://", url);
    return error != 0 ? error : tow_buffer_append(out, "", 1);
}

/* Returns 0, or the exit status after telling what is wrong. */
static int url_check(const char *text) {
    tow_url url = {0};
    const char *why = NULL;
    int error = tow_url_read(&url, text, &why);
    tow_url_clear(&url);
    if (error == 0)
        return 0;
    if (error == TOW_ERROR_MEMORY)
        return refused(error);
    fprintf(stderr, "towline connect: %.200s: %s\n", text, why);
    return EXIT_USAGE;
}

/* What the environment says of this URL's host. Errors: MEMORY. */
static int proxy_from_environment(tow_session *session, const char *text) {
    tow_url url = {0};
    int error = tow_url_read(&url, text, NULL);
    if (error != 0)
        return error;
    session->proxy = tow_proxy_from_environment(getenv, strncasecmp(text, "wss:", 4) == 0, url.host);
    tow_url_clear(&url);
    return 0;
}

/* Tells what is wrong with a proxy, without its password. */
static int proxy_refused(const char *from, const char *why) {
    fprintf(stderr, "towline connect: %s: %s\n", from, why);
    return EXIT_USAGE;
}

static int proxy_check(tow_session *session) {
    const char *from = session->settings->proxy != NULL ? "--proxy" : "the environment's proxy";
    const char *why = NULL;
    tow_proxy proxy = {0};
    if (tow_proxy_read(&proxy, session->proxy, &why) != 0)
        return proxy_refused(from, why);
    snprintf(session->proxy_place, sizeof session->proxy_place, "%s port %u", proxy.host, proxy.port);
    bool encrypted = proxy.kind == TOW_PROXY_HTTPS;
    tow_proxy_clear(&proxy);
    return encrypted ? proxy_refused(from, "a proxy is spoken to without TLS: write http:// or socks5://")
                     : 0;
}

/* Returns 0, or the exit status after telling what is wrong. */
static int proxy_choose(tow_session *session, const char *url) {
    const tow_connect_settings *settings = session->settings;
    bool off = settings->proxy != NULL && strcmp(settings->proxy, "off") == 0;
    if (settings->proxy != NULL && !off && settings->unix_path != NULL)
        return proxy_refused("--proxy and --unix", "these are two ways; take one of them");
    session->proxy = off ? NULL : settings->proxy;
    if (settings->proxy == NULL && settings->unix_path == NULL && proxy_from_environment(session, url) != 0)
        return refused(TOW_ERROR_MEMORY);
    return session->proxy != NULL ? proxy_check(session) : 0;
}

int tow_connect(const void *options, const char *const *operands) {
    const tow_connect_settings *settings = options;
    if (settings->echo && settings->messages != NULL) {
        fputs("towline connect: --echo answers, -x asks; take one of them\n", stderr);
        return EXIT_USAGE;
    }
    tow_buffer url = {0};
    if (url_complete(operands[0], &url) != 0)
        return refused(TOW_ERROR_MEMORY);
    tow_session session = {.settings = settings,
        .next_message = settings->messages,
        .interactive = settings->messages == NULL && !settings->echo && is_terminal_for_editing()};
    int status = url_check((const char *)url.data);
    if (status == 0)
        status = proxy_choose(&session, (const char *)url.data);
    if (status == 0)
        status = session_begin(&session, (const char *)url.data);
    tow_buffer_clear(&url);
    return status;
}
