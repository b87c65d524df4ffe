#include "connect.h"

#include "client/client.h"
#include "connect/proxy.h"
#include "client/url.h"
#include "history.h"
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <unistd.h>

enum {
    EXIT_USAGE = 2,
    QUEUE_MAX = 64 * 1024 * 1024, /* bytes waiting for the peer */
    LEAVE_MILLISECONDS = 500      /* for the peer's Close, when the time is over */
};

static void on_limit_again(tow_timer *timer) {
    tow_session *session = (tow_session *)((char *)timer - offsetof(tow_session, limit_timer));
    tow_session_end(session);
}

static void on_limit(tow_timer *timer) {
    tow_session *session = (tow_session *)((char *)timer - offsetof(tow_session, limit_timer));
    tow_view_error(
        &session->view, "--max-time: %g seconds are over", (double)session->settings->max_time / TOW_SECOND);
    tow_session_fail(session);
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
    bool is_connected = session->opened && session->socket != NULL;
    session->failed = session->failed || !is_connected;
    if (session->interrupts++ == 0 && is_connected)
        tow_session_leave(session, 1000, NULL);
    else
        tow_session_end(session);
}

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

static void on_head(tow_websocket *socket, bool sent, const char *head, size_t length) {
    tow_session *session = tow_websocket_user(socket);
    tow_view_head(&session->view, sent ? '>' : '<', head, length);
}

static int socket_open(tow_session *session, const char *url) {
    const tow_connect_settings *settings = session->settings;
    tow_header_field *fields = NULL;
    tow_buffer memory = {0};
    int error = headers_split(settings->headers, &fields, &memory);
    tow_websocket_options options = {.protocols = settings->protocols,
        .origin = settings->origin,
        .headers = fields,
        .compression = settings->compression,
        .max_message = settings->max_message,
        .proxy = session->proxy,
        .max_queue = QUEUE_MAX,
        .unix_path = settings->unix_path};
    tow_session_listen(session, &options);
    if (error == 0)
        error = settings->reconnect ? tow_session_reconnect(session, url, &options)
                                    : tow_websocket_open(&session->socket, session->loop, url, &options);
    if (error == 0 && settings->verbose && settings->reconnect)
        tow_client_trace_all(session->reconnector, on_head);
    else if (error == 0 && settings->verbose)
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
    tow_view_init(&session->view, session->loop, tow_session_output_changed, session);
    int status = EXIT_FAILURE;
    if (settings->output != NULL && tow_view_open_file(&session->view, settings->output) != 0)
        tow_view_error(&session->view, "--output: %s: %s", settings->output, strerror(errno));
    else if ((error = signals_start(session)) != 0 || (error = socket_open(session, url)) != 0)
        status = refused(error);
    else
        status = session_run(session);
    tow_view_clear(&session->view);
    if (session->reconnector != NULL)
        tow_reconnector_free(session->reconnector);
    else
        tow_websocket_free(session->socket);
    tow_buffer_clear(&session->unsent);
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
