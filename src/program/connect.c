#include "connect.h"

#include "client/client.h"
#include "history.h"
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <unistd.h>

enum {
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
    tow_session_fail(session, TOW_EXIT_TIME);
    tow_timer_set(session->loop, timer, tow_loop_now(session->loop) + LEAVE_MILLISECONDS * TOW_MILLISECOND,
        on_limit_again);
}

/* Not by SIGSTOP: where no shell could have us go on, the kernel drops a SIGTSTP. */
static void stop_for_a_while(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTSTP);
    raise(SIGTSTP); /* which is blocked: */
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Signals about the terminal; they have no effect besides. */
static void on_terminal_signal(tow_editor *editor, int number) {
    if (number == SIGTSTP) {
        tow_editor_suspended(editor);
        stop_for_a_while();
        tow_editor_resumed(editor);
    } else if (number == SIGWINCH) {
        tow_editor_resized(editor);
    } else {
        tow_editor_continued(editor);
    }
}

static void on_signal(tow_signals *signals, int number) {
    tow_session *session = signals->user;
    if (number == SIGWINCH || number == SIGCONT || number == SIGTSTP) {
        on_terminal_signal(session->view.editor, number);
        return;
    }
    if (session->view.editor != NULL)
        tow_editor_stop(session->view.editor);
    bool is_connected = session->opened && session->socket != NULL;
    if (session->interrupts++ == 0 && is_connected) {
        tow_session_leave(session, 1000, NULL);
        return;
    }
    tow_session_note(session, is_connected ? TOW_EXIT_ENDED : TOW_EXIT_FAILED);
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
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaddset(&set, numbers[i]);
    if (session->interactive)
        sigaddset(&set, SIGTSTP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    session->signals.user = session;
    return tow_signals_start(&session->signals, session->loop, &set, on_signal);
}

static void tls_tell(tow_session *session, tow_websocket *socket, bool proxy) {
    tow_tls_details details;
    if (tow_client_tls_details(socket, proxy, &details) != 0)
        return;
    tow_view_notice(&session->view, "TLS with the %s: %s, %s%s", proxy ? "proxy" : "server", details.version,
        details.cipher, details.resumed ? ", resumed" : "");
    tow_view_notice(&session->view, "  certificate of %s, signed by %s, good until %s, %s", details.subject,
        details.issuer, details.expires, details.verified ? "verified" : "not verified");
    tow_view_notice(&session->view, "  SHA-256 fingerprint %s", details.fingerprint);
}

static void on_head(tow_websocket *socket, bool sent, const char *head, size_t length) {
    tow_session *session = tow_websocket_user(socket);
    if (sent) {
        tls_tell(session, socket, true);
        tls_tell(session, socket, false);
    }
    tow_view_head(&session->view, sent ? '>' : '<', head, length);
}

static int socket_open(tow_session *session) {
    const tow_connect_settings *settings = session->settings;
    const tow_way *way = session->way;
    tow_websocket_options options = tow_way_options(way);
    options.limits.max_queue = QUEUE_MAX;
    tow_session_listen(session, &options);
    int error = settings->reconnect
                    ? tow_session_reconnect(session, tow_way_url(way), &options)
                    : tow_websocket_open(&session->socket, session->loop, tow_way_url(way), &options);
    if (error == 0 && settings->verbose && settings->reconnect)
        tow_client_trace_all(session->reconnector, on_head);
    else if (error == 0 && settings->verbose)
        tow_client_set_trace(session->socket, on_head);
    if (error == 0 && settings->verbose && way->proxy != NULL)
        tow_view_notice(&session->view, "through the proxy %s", way->proxy_place);
    return error;
}

/* The lines that are typed, until the user or the peer leaves. */
static void lines_run(tow_session *session) {
    tow_buffer path = {0};
    const char *line;
    const char *history = tow_history_path(&path) == 0 ? (const char *)path.data : NULL;
    int error = tow_editor_new(&session->view.editor, session->loop, "> ", history, session->view.painted);
    if (error == TOW_ERROR_UNSUPPORTED)
        tow_view_error(&session->view, "the terminal: lines are edited by libedit, which is not installed");
    else if (error != 0)
        tow_view_error(&session->view, "the terminal: %s", tow_strerror(error));
    while (error == 0 && session->own_code == 0 && tow_editor_read(session->view.editor, &line) == 1)
        if (line[0] != '\0')
            tow_session_line(session, line);
    tow_editor_free(session->view.editor);
    session->view.editor = NULL;
    tow_buffer_clear(&path);
    if (session->settings->half_close)
        tow_session_shut(session);
    else
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
    if (error != 0) {
        tow_view_error(&session->view, "%s", tow_strerror(error));
        tow_session_note(session, TOW_EXIT_FAILED);
    }
    return (int)session->status;
}

static int session_open(tow_session *session) {
    const tow_connect_settings *settings = session->settings;
    int status = tow_way_check(session->way, session->loop);
    if (status != 0)
        return status;
    if (settings->output != NULL && tow_view_open_file(&session->view, settings->output) != 0) {
        tow_view_error(&session->view, "--output: %s: %s", settings->output, strerror(errno));
        return TOW_EXIT_OUTPUT;
    }
    int error = signals_start(session);
    if (error == 0)
        error = socket_open(session);
    return error != 0 ? tow_way_refused(session->way, error) : session_run(session);
}

static int session_begin(tow_session *session) {
    int error = tow_loop_new(&session->loop, NULL);
    if (error != 0)
        return tow_way_refused(session->way, error);
    tow_view_init(&session->view, session->loop, tow_session_output_changed, session);
    session->view.command = session->way->options->command->name;
    int status = session_open(session);
    if (tow_view_clear(&session->view) != 0 && status == TOW_EXIT_DONE)
        status = TOW_EXIT_OUTPUT;
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

/* What is wrong with the options together, or NULL. */
static const char *contradiction_in(const tow_options *options) {
    const tow_connect_settings *settings = options->settings;
    if (settings->echo && settings->messages != NULL)
        return "--echo answers, -x asks; take one of them";
    if (settings->echo && settings->binary)
        return "--echo answers each message with one of its type: leave --binary away";
    if (settings->echo && tow_options_gave(options, "linger"))
        return "--echo reads no input after whose end it could linger: leave --linger away";
    if (settings->half_close && (settings->echo || settings->messages != NULL))
        return "--half-close passes the end of the input on, which --echo and -x do not read";
    if (settings->half_close && settings->reconnect)
        return "--half-close and --reconnect: after the end of the input there is nothing to connect again "
               "for";
    if (settings->half_close && tow_options_gave(options, "linger"))
        return "--half-close waits for the peer's Close, --linger for silence; take one of them";
    return NULL;
}

int tow_connect_to(const tow_options *options, const tow_connect_settings *settings, const char *url) {
    bool is_typed = settings->messages == NULL && !settings->echo && !settings->only_listens;
    tow_way way;
    tow_session session = {.settings = settings,
        .way = &way,
        .next_message = settings->messages,
        .interactive = is_typed && is_terminal_for_editing()};
    int status = tow_way_make(&way, options, settings, url);
    if (status == 0)
        status = session_begin(&session);
    tow_way_clear(&way);
    return status;
}

int tow_connect(const tow_options *options) {
    const char *contradiction = contradiction_in(options);
    if (contradiction != NULL) {
        fprintf(stderr, "towline connect: %s\n", contradiction);
        return TOW_EXIT_USAGE;
    }
    return tow_connect_to(options, options->settings, options->operands[0]);
}
