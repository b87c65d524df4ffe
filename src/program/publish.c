#include "channel_url.h"
#include "connect/proxy.h"
#include "exit_status.h"
#include "handler/publish_key.h"
#include "headers.h"
#include "hub/name.h"
#include "input.h"
#include "publish_settings.h"
#include "publisher.h"
#include "way.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <unistd.h>

enum { BINARY_MAX = 16 << 20 };

typedef struct publishing {
    const tow_options *options;
    const tow_publish_command_settings *settings;
    tow_buffer url, secret;
    tow_way way;
    tow_proxy proxy;
    tow_loop *loop;
    tow_publisher publisher;
    tow_standard_input input;
    tow_signals signals;
    tow_buffer whole; /* of binary input */
    uint64_t line;
    tow_exit_status status;
    bool input_has_ended;
} publishing;

static int complain(const char *about, const char *why, int status) {
    fprintf(stderr, "towline publish: %.200s%s%s\n", about, about[0] != '\0' ? ": " : "", why);
    return status;
}

static tow_publisher_form form_of(const tow_publish_command_settings *settings) {
    return settings->binary ? TOW_PUBLISH_BYTES : settings->json ? TOW_PUBLISH_JSON : TOW_PUBLISH_TEXT;
}

static void note(publishing *now, tow_exit_status status) {
    if (now->status == TOW_EXIT_DONE)
        now->status = status;
}

/* The loop runs until nothing is left to do. */
static void end_if_done(publishing *now) {
    if (now->input_has_ended && tow_publisher_is_idle(&now->publisher))
        tow_loop_stop(now->loop);
}

static void add(publishing *now, tow_slice data) {
    char about[40] = "";
    int error = tow_publisher_add(&now->publisher, form_of(now->settings), data);
    if (error == 0)
        return;
    if (now->line > 0)
        snprintf(about, sizeof(about), "line %llu", (unsigned long long)now->line);
    complain(about,
        error == TOW_ERROR_ARGUMENT ? "this is no JSON"
        : error == TOW_ERROR_UTF8   ? "this is not UTF-8; --binary publishes it as it is"
                                    : tow_strerror(error),
        0);
    note(now, TOW_EXIT_FAILED);
}

static void on_change(tow_publisher *publisher) {
    publishing *now = publisher->user;
    note(now, publisher->status);
    if (now->status != TOW_EXIT_DONE) {
        tow_standard_input_stop(&now->input);
        now->input_has_ended = true;
    } else if (!now->input_has_ended && !tow_publisher_is_full(publisher))
        tow_standard_input_resume(&now->input);
    end_if_done(now);
}

/* Input. */

static void on_piece(tow_standard_input *input, const char *bytes, size_t length) {
    publishing *now = input->user;
    now->line++;
    if (!now->settings->binary)
        add(now, (tow_slice){bytes, length});
    else if (now->whole.length + length > BINARY_MAX) {
        complain("", "the input is larger than 16 MiB", 0);
        note(now, TOW_EXIT_FAILED);
    } else if (tow_buffer_append(&now->whole, bytes, length) != 0)
        note(now, TOW_EXIT_FAILED);
    if (now->status != TOW_EXIT_DONE) {
        tow_standard_input_stop(input);
        now->input_has_ended = true;
        end_if_done(now);
    } else if (tow_publisher_is_full(&now->publisher))
        tow_standard_input_pause(input);
}

static void on_end(tow_standard_input *input, int error) {
    publishing *now = input->user;
    now->input_has_ended = true;
    now->line = 0;
    if (error != 0) {
        complain("reading the input",
            error == TOW_ERROR_LIMIT ? "a line is longer than 64 MiB" : tow_strerror(error), 0);
        note(now, TOW_EXIT_FAILED);
    } else if (now->settings->binary)
        add(now, (tow_slice){(const char *)now->whole.data, now->whole.length});
    end_if_done(now);
}

static int input_start(publishing *now) {
    static const tow_standard_input_events events = {.on_piece = on_piece, .on_end = on_end};
    const char *data = now->options->operands[2];
    if (data == NULL)
        return tow_standard_input_start(
            &now->input, now->loop, STDIN_FILENO, !now->settings->binary, &events, now);
    now->input_has_ended = true;
    add(now, tow_slice_from(data));
    return 0;
}

/* Signals: at the first no more is read, and what was handed on is published still; a binary message has no
 * half. */
static void on_signal(tow_signals *signals, int number) {
    publishing *now = signals->user;
    (void)number;
    if (now->input_has_ended || now->settings->binary) {
        note(now, TOW_EXIT_FAILED);
        tow_publisher_give_up(&now->publisher);
        return;
    }
    tow_standard_input_stop(&now->input);
    now->input_has_ended = true;
    if (!tow_publisher_is_idle(&now->publisher))
        complain("",
            "no more is read; what was is still to be answered, for which another interrupt does not wait",
            0);
    end_if_done(now);
}

static int signals_start(publishing *now) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    now->signals.user = now;
    return tow_signals_start(&now->signals, now->loop, &set, on_signal);
}

/* Beginning and end. */

static int run(publishing *now) {
    int error = tow_publisher_begin(&now->publisher);
    if (error == 0)
        error = signals_start(now);
    if (error == 0)
        error = input_start(now);
    if (error == 0 && !(now->input_has_ended && tow_publisher_is_idle(&now->publisher)))
        error = tow_loop_run(now->loop);
    if (error != 0) {
        complain("", tow_strerror(error), 0);
        note(now, TOW_EXIT_FAILED);
    }
    if (now->settings->verbose)
        fprintf(stderr, "towline publish: %llu published\n", (unsigned long long)now->publisher.published);
    tow_publisher_end(&now->publisher);
    tow_signals_stop(&now->signals);
    return (int)now->status;
}

static int secret_need(publishing *now) {
    char why[TOW_HANDLER_TEXT_MAX];
    const char *named = now->settings->secret;
    char *own = named == NULL ? tow_publish_key_path(why) : NULL;
    const char *path = named != NULL ? named : own;
    int error = path == NULL ? TOW_ERROR_NO_FILE : tow_publish_key_read(&now->secret, path, why);
    char about[TOW_HANDLER_TEXT_MAX + 20];
    free(own);
    if (error == 0)
        return 0;
    snprintf(about, sizeof(about), "%s%s", named != NULL ? "--publish-key: " : "", why);
    return complain(about,
        named != NULL ? "give the key of the server" : "name the key with --publish-key FILE",
        TOW_EXIT_USAGE);
}

/* What every request says itself. */
static int fields_check(const publishing *now) {
    static const char *const own[] = {"Towline-Key", "Idempotency-Key", "Content-Type"};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (tow_headers_name(&now->settings->way, own[i]))
            return complain("-H", "this field is not yours: 'towline publish' writes it", TOW_EXIT_USAGE);
    return 0;
}

static int way_find(publishing *now) {
    int status = fields_check(now);
    if (status == 0)
        status = tow_way_make(&now->way, now->options, &now->settings->way, (const char *)now->url.data);
    if (status != 0)
        return status;
    int error = now->way.proxy != NULL ? tow_proxy_read(&now->proxy, now->way.proxy, NULL) : 0;
    return error == 0 ? secret_need(now) : complain("", tow_strerror(error), EXIT_FAILURE);
}

static int names_take(publishing *now) {
    const char *const *operands = now->options->operands;
    if (!tow_channel_name_is_valid(tow_slice_from(operands[1])))
        return complain(operands[1],
            "this is no name of a channel: 1 to 200 bytes of UTF-8 without control characters",
            TOW_EXIT_USAGE);
    int error = tow_channel_url(&now->url, "http", operands[0], "/publish/", (tow_slice){"", 0});
    if (error == TOW_ERROR_URL)
        return complain(operands[0],
            "name the server, http:// or https://HOST[:PORT], or the path where it takes publications, "
            "without a query",
            TOW_EXIT_USAGE);
    return error == 0 ? way_find(now) : complain("", tow_strerror(error), EXIT_FAILURE);
}

static int loop_end(publishing *now, int status) {
    tow_loop_run(now->loop); /* takes back a stop that was not needed any more */
    tow_loop_run(now->loop); /* what is still being closed */
    tow_loop_free(now->loop);
    return status;
}

static int publish(publishing *now) {
    const tow_publish_command_settings *settings = now->settings;
    int status = names_take(now);
    if (status != 0)
        return status;
    int error = tow_loop_new(&now->loop, NULL);
    if (error != 0)
        return complain("", tow_strerror(error), EXIT_FAILURE);
    status = tow_way_check(&now->way, now->loop);
    if (status != 0)
        return loop_end(now, status);
    const tow_publisher_options options = {.url = tow_way_url(&now->way),
        .unix_path = settings->way.unix_path,
        .secret = (const char *)now->secret.data,
        .fields = now->way.headers.fields,
        .channel = now->options->operands[1],
        .event = settings->event,
        .key = settings->key,
        .client = {.tls_roots = settings->way.cacert,
            .tls_revoked = settings->way.crl,
            .tls_certificate = settings->way.cert,
            .tls_key = settings->way.key,
            .tls_insecure = settings->way.insecure,
            .proxy = now->way.proxy != NULL ? &now->proxy : NULL}};
    now->publisher.options = &options;
    now->publisher.loop = now->loop;
    now->publisher.on_change = on_change;
    now->publisher.user = now;
    return loop_end(now, run(now));
}

int tow_publish_command_run(const tow_options *options) {
    publishing *now = calloc(1, sizeof(*now));
    if (now == NULL)
        return complain("", tow_strerror(TOW_ERROR_MEMORY), EXIT_FAILURE);
    now->options = options;
    now->settings = options->settings;
    signal(SIGPIPE, SIG_IGN);
    int status = publish(now);
    tow_buffer_clear(&now->url);
    tow_way_clear(&now->way);
    tow_proxy_clear(&now->proxy);
    tow_publish_key_clear(&now->secret);
    tow_buffer_clear(&now->whole);
    free(now);
    return status;
}
