#include "bench.h"

#include "bench/report.h"
#include "exit_status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>
#include <unistd.h>

/* One line that is written over itself. */
static void show_progress(void *user, const tow_load_progress *progress) {
    const tow_load_options *load = user;
    if (progress->elapsed == 0) {
        fprintf(stderr, "\r\033[K%d of %d connections", progress->opened, load->connections);
        return;
    }
    double seconds = (double)progress->elapsed / 1e9;
    fprintf(stderr, "\r\033[K%.1f of %.1f s, %.0f messages a second", seconds, (double)load->duration / 1e9,
        (double)progress->messages / seconds);
}

static void clear_progress(const tow_load_options *load) {
    if (load->on_progress != NULL)
        fputs("\r\033[K", stderr);
}

/* Writes all of it to a file, or to the output for "-". */
static bool write_to(const char *name, const tow_buffer *text) {
    bool output = strcmp(name, "-") == 0;
    FILE *file = output ? stdout : fopen(name, "we");
    bool written =
        file != NULL && fwrite(text->data, 1, text->length, file) == text->length && fflush(file) == 0;
    if (!written)
        fprintf(stderr, "towline bench: %s: %s\n", output ? "writing the output" : name, strerror(errno));
    if (file != NULL && !output)
        written = fclose(file) == 0 && written;
    return written;
}

static bool write_json(const char *name, const tow_load_options *load, const tow_load_figures *figures) {
    tow_buffer text = {0};
    bool written = tow_report_json(&text, load, figures) == 0 && write_to(name, &text);
    tow_buffer_clear(&text);
    return written;
}

static bool write_text(const tow_load_options *load, const tow_load_figures *figures) {
    tow_buffer text = {0};
    bool written = tow_report_text(&text, load, figures) == 0 && write_to("-", &text);
    tow_buffer_clear(&text);
    return written;
}

static bool write_figures(
    const tow_bench_settings *settings, const tow_load_options *load, const tow_load_figures *figures) {
    if (settings->json != NULL && !write_json(settings->json, load, figures))
        return false;
    bool json_is_output = settings->json != NULL && strcmp(settings->json, "-") == 0;
    return json_is_output || write_text(load, figures);
}

/* Whether it was the command line that was wrong. */
static bool is_usage(int error) {
    return error == TOW_ERROR_ARGUMENT || error == TOW_ERROR_URL;
}

static bool begins_with(const char *text, const char *beginning) {
    return strncasecmp(text, beginning, strlen(beginning)) == 0;
}

/* What is wrong with the options together, or NULL. */
static const char *contradiction_in(const tow_options *options) {
    const tow_load_options *load = &((const tow_bench_settings *)options->settings)->load;
    const char *url = options->operands[0];
    bool is_secure = begins_with(url, "wss://") || begins_with(url, "https://") || begins_with(url, "tls://");
    bool is_bare = begins_with(url, "tcp://") || begins_with(url, "tls://");
    if (load->insecure && load->authorities != NULL)
        return "--insecure checks no certificate: leave it or --cacert away";
    if (!is_secure && tow_options_useless(options, TOW_OPTION_NEEDS_TLS) != NULL)
        return load->insecure ? "--insecure: this is for wss:// and tls://: leave it away"
                              : "--cacert: this is for wss:// and tls://: leave it away";
    if (is_bare && load->origin != NULL)
        return "--origin: without WebSocket there is no opening handshake: leave it away";
    if (load->in_flight == 0 && tow_options_gave(options, "rate"))
        return "--rate: with --in-flight 0 nothing is sent: leave one of the two away";
    if (load->count_system_calls && load->pid == 0)
        return "--system-calls: say whose with --pid";
    return NULL;
}

int tow_bench(const tow_options *options) {
    const tow_bench_settings *chosen = options->settings;
    tow_load_options load = chosen->load;
    const char *contradiction = contradiction_in(options);
    if (contradiction != NULL) {
        fprintf(stderr, "towline bench: %s\n", contradiction);
        return TOW_EXIT_USAGE;
    }
    load.url = options->operands[0];
    load.rate = chosen->rate > 0 ? (double)chosen->rate : 0;
    if (isatty(STDERR_FILENO)) {
        load.on_progress = show_progress;
        load.user = &load;
    }
    tow_load_figures *figures = malloc(sizeof(*figures));
    if (figures == NULL) {
        fprintf(stderr, "towline bench: %s\n", tow_strerror(TOW_ERROR_MEMORY));
        return EXIT_FAILURE;
    }
    char text[TOW_LOAD_TEXT_MAX];
    int error = tow_load_run(&load, figures, text);
    clear_progress(&load);
    bool written = error == 0 && write_figures(chosen, &load, figures);
    free(figures);
    if (error != 0)
        fprintf(stderr, "towline bench: %s\n", text);
    if (is_usage(error))
        return TOW_EXIT_USAGE;
    return written ? EXIT_SUCCESS : EXIT_FAILURE;
}
