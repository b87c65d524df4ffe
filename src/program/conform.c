#include "conform.h"

#include "client/url.h"
#include "conform/report.h"
#include "conform_output.h"
#include "conform_tls.h"
#include "exit_status.h"
#include "transport/loop.h"
#include "transport/timer.h"
#include "transport/watch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

enum { FILE_MAX = 256 << 20 };

/* A run, from the words of the command line to its end. */
typedef struct conform_run {
    const tow_conform_settings *settings;
    const char *url; /* NULL when clients are tested */
    tow_loop *loop;
    conform_suite *suite;
    tow_signals signals;
    tow_conform_output output;
    bool stopped;
} conform_run;

__attribute__((format(printf, 2, 3))) static int fail(int status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("towline conform: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return status;
}

/* Files. */

/* Reads a file into a text that ends with NUL. */
static int read_file(const char *name, tow_buffer *out) {
    FILE *file = fopen(name, "re");
    size_t got = 0;
    int error = file == NULL ? TOW_ERROR_SYSTEM : 0;
    do {
        if (error == 0)
            error = out->length > FILE_MAX ? TOW_ERROR_LIMIT : tow_buffer_reserve(out, 65536);
        got = error == 0 ? fread(out->data + out->length, 1, 65536, file) : 0;
        out->length += got;
    } while (got > 0);
    if (error == 0)
        error = ferror(file) ? TOW_ERROR_SYSTEM : tow_buffer_append(out, "", 1);
    int number = errno;
    if (file != NULL)
        fclose(file);
    if (error != 0)
        fail(0, "%s: %s", name, error == TOW_ERROR_SYSTEM ? strerror(number) : tow_strerror(error));
    return error;
}

/* Writes all of it to a file, or to the output for "-". */
static bool write_file(const char *name, const tow_buffer *text) {
    bool output = strcmp(name, "-") == 0;
    FILE *file = output ? stdout : fopen(name, "we");
    bool written =
        file != NULL && fwrite(text->data, 1, text->length, file) == text->length && fflush(file) == 0;
    if (!written)
        fail(0, "%s: %s", output ? "writing the output" : name, strerror(errno));
    if (file != NULL && !output)
        written = fclose(file) == 0 && written;
    return written;
}

/* Reports. */

static bool write_page(const char *name, const char *const *texts, size_t count) {
    tow_buffer page = {0}, error = {0};
    int wrong = tow_conform_report_html(texts, count, &page, &error);
    if (wrong != 0)
        fail(0, "%.*s", (int)error.length, wrong == TOW_ERROR_MEMORY ? "" : (const char *)error.data);
    bool written = wrong == 0 && write_file(name, &page);
    tow_buffer_clear(&page);
    tow_buffer_clear(&error);
    return written;
}

static bool write_reports(const conform_run *run) {
    const tow_conform_settings *settings = run->settings;
    if (settings->json == NULL && settings->html == NULL)
        return true;
    tow_buffer json = {0};
    bool written = tow_conform_report_json(run->suite, &json) == 0;
    if (written && settings->json != NULL)
        written = write_file(settings->json, &json);
    written = written && tow_buffer_append(&json, "", 1) == 0;
    if (written && settings->html != NULL)
        written = write_page(settings->html, &(const char *){(const char *)json.data}, 1);
    tow_buffer_clear(&json);
    return written;
}

static int merge(const tow_conform_settings *settings, const char *const *names) {
    size_t count = 0;
    while (names[count] != NULL)
        count++;
    tow_buffer *files = calloc(count + 1, sizeof(*files));
    const char **texts = calloc(count + 1, sizeof(*texts));
    bool right = files != NULL && texts != NULL;
    for (size_t i = 0; i < count && right; i++) {
        right = read_file(names[i], &files[i]) == 0;
        texts[i] = (const char *)files[i].data;
    }
    right = right && write_page(settings->html, texts, count);
    for (size_t i = 0; i < count && files != NULL; i++)
        tow_buffer_clear(&files[i]);
    free(files);
    free(texts);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The run. */

static void on_signal(tow_signals *signals, int number) {
    (void)number;
    conform_run *run = signals->user;
    run->stopped = true;
    tow_conform_suite_stop(run->suite);
}

/* A run that is interrupted shows what it has. */
static int signals_start(conform_run *run) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    run->signals.user = run;
    return tow_signals_start(&run->signals, run->loop, &set, on_signal);
}

static void on_progress(void *user, size_t done, size_t total) {
    conform_run *run = user;
    tow_conform_progress(&run->output, run->suite, done, total);
}

static int add_own_cases(conform_run *run, tow_buffer *error) {
    int wrong = 0;
    for (const char *const *name = run->settings->cases; name != NULL && *name != NULL && wrong == 0;
         name++) {
        tow_buffer text = {0};
        if (read_file(*name, &text) != 0)
            wrong = TOW_ERROR_SYSTEM;
        else
            wrong = tow_conform_suite_add(run->suite, *name, (const char *)text.data, error);
        tow_buffer_clear(&text);
    }
    return wrong;
}

static int suite_load(conform_run *run) {
    const tow_conform_settings *settings = run->settings;
    bool tests_client = settings->listen != NULL || settings->client != NULL;
    conform_suite_options options = {.name = settings->name,
        .only = settings->only,
        .at_once = settings->at_once,
        .timeout_milliseconds = (int)(settings->timeout / TOW_MILLISECOND),
        .on_progress = on_progress,
        .user = run};
    if (options.name == NULL)
        options.name = run->url != NULL ? run->url : settings->client;
    tow_buffer error = {0};
    int wrong = tow_conform_suite_new(&run->suite, &options, tests_client, &error);
    if (wrong == 0)
        wrong = add_own_cases(run, &error);
    if (wrong != 0 && wrong != TOW_ERROR_SYSTEM)
        fail(0, "%.*s", (int)error.length, wrong == TOW_ERROR_MEMORY ? "" : (const char *)error.data);
    tow_buffer_clear(&error);
    if (wrong == 0 && tow_conform_suite_count(run->suite) == 0)
        return fail(TOW_ERROR_ARGUMENT, "no case fits --only %s; see --list", settings->only);
    return wrong;
}

static void on_listening(void *user, unsigned port) {
    (void)user;
    fprintf(stderr,
        "listening on port %u: /cases tells the number of cases, /case/1 is the first, /report ends the "
        "run\n",
        port);
}

/* The text says more than the code, if there is one. */
static int fail_with(const char *what, int error, const char *text) {
    return fail(EXIT_FAILURE, "%s: %s", what, text[0] != 0 ? text : tow_strerror(error));
}

static int run_clients(conform_run *run) {
    const tow_conform_settings *settings = run->settings;
    char why[TOW_TLS_TEXT_MAX] = "";
    const char *where = settings->listen == NULL ? "127.0.0.1:0" : settings->listen;
    tow_address addresses[TOW_ADDRESSES_MAX];
    int count = tow_address_parse(where, addresses);
    if (count < 0 || tow_address_is_unix(&addresses[0]))
        return fail(TOW_EXIT_USAGE, "--listen %s is not [HOST:]PORT", where);
    conform_entrance entrance = {.addresses = addresses, .count = (size_t)count, .command = settings->client};
    if (settings->client == NULL)
        entrance.on_listening = on_listening;
    int error = tow_conform_tls_server(&entrance.tls, settings, why);
    if (error == 0)
        error = tow_conform_suite_run_clients(run->suite, run->loop, &entrance);
    tow_tls_context_release(entrance.tls);
    return error == 0 ? 0 : fail_with(where, error, why);
}

static int run_target(conform_run *run, const tow_url *url) {
    tow_address addresses[TOW_ADDRESSES_MAX];
    tow_tls_context *tls = NULL;
    char why[TOW_TLS_TEXT_MAX] = "";
    int count = tow_address_from_host(url->host, url->port, addresses);
    if (count < 0)
        return fail(EXIT_FAILURE, "%s: %s", url->host, tow_strerror(count));
    int error = url->secure ? tow_conform_tls_client(&tls, run->settings, why) : 0;
    conform_target target = {.addresses = addresses,
        .count = (size_t)count,
        .host = url->authority,
        .path = url->target,
        .tls = tls,
        .server_name = url->host};
    if (error == 0)
        error = tow_conform_suite_run(run->suite, run->loop, &target);
    tow_tls_context_release(tls);
    if (error == 0)
        return 0;
    return fail_with(run->url, error, why[0] != 0 ? why : tow_conform_suite_failure_text(run->suite));
}

static int run_server(conform_run *run) {
    tow_url url = {0};
    const char *why = "";
    tow_buffer text = {0};
    int error =
        tow_buffer_append_format(&text, "%s%s", strstr(run->url, "://") != NULL ? "" : "ws://", run->url);
    if (error == 0)
        error = tow_url_read(&url, (const char *)text.data, &why);
    tow_buffer_clear(&text);
    if (error != 0)
        return fail(
            TOW_EXIT_USAGE, "%s: %s", run->url, error == TOW_ERROR_MEMORY ? tow_strerror(error) : why);
    int status = run_target(run, &url);
    tow_url_clear(&url);
    return status;
}

static int show_and_judge(conform_run *run) {
    const tow_conform_settings *settings = run->settings;
    conform_totals totals = tow_conform_suite_totals(run->suite);
    bool json_is_output = settings->json != NULL && strcmp(settings->json, "-") == 0;
    if (!json_is_output && !tow_conform_show(&run->output, run->suite, settings->verbose))
        return fail(EXIT_FAILURE, "writing the output: %s", strerror(errno));
    if (!write_reports(run))
        return EXIT_FAILURE;
    if (run->stopped)
        fail(0, "stopped: %zu cases have no result", totals.without_result);
    bool lesser = settings->strict && totals.not_strict + totals.informational > 0;
    return totals.failed > 0 || totals.without_result > 0 || lesser ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int print_list(const conform_run *run) {
    tow_buffer text = {0};
    bool written = tow_conform_suite_list(run->suite, &text) == 0 && write_file("-", &text);
    tow_buffer_clear(&text);
    return written ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_cases(conform_run *run) {
    int error = tow_loop_new(&run->loop, NULL);
    if (error == 0)
        error = signals_start(run);
    if (error != 0)
        return fail(EXIT_FAILURE, "%s", tow_strerror(error));
    tow_conform_begin(&run->output, run->loop);
    int status = run->url != NULL ? run_server(run) : run_clients(run);
    tow_conform_end(&run->output);
    return status == 0 ? show_and_judge(run) : status;
}

static int run_begin(conform_run *run) {
    int error = suite_load(run);
    if (error != 0)
        return error == TOW_ERROR_ARGUMENT ? TOW_EXIT_USAGE : EXIT_FAILURE;
    int status = run->settings->list ? print_list(run) : run_cases(run);
    if (run->loop != NULL)
        tow_signals_stop(&run->signals);
    tow_loop_free(run->loop);
    return status;
}

/* Usage. */

/* What is wrong with the words; NULL if nothing is. */
static const char *wrong_usage(const tow_conform_settings *settings, const char *const *operands) {
    bool clients = settings->listen != NULL || settings->client != NULL;
    if (settings->merge && settings->html == NULL)
        return "--merge needs --html FILE for the page";
    if (settings->merge && operands[0] == NULL)
        return "--merge needs reports of --json";
    if (settings->merge || settings->list)
        return NULL;
    if (clients && operands[0] != NULL)
        return "a URL is for testing a server, --listen and --client for testing clients: one of them";
    if (!clients && operands[0] == NULL)
        return "what is to be tested? a URL of an echo server, or --listen or --client for clients";
    if (operands[0] != NULL && operands[1] != NULL)
        return "one URL at a time";
    if (settings->client != NULL && strstr(settings->client, "{url}") == NULL)
        return "the command of --client needs {url} in it";
    return tow_conform_tls_complaint(settings, operands[0]);
}

/* An option that does nothing where no case is run, or where there is no TLS; NULL if there is none. */
static const tow_option *useless_option(const tow_options *options, const char **why) {
    static const char *const of_merge[] = {"merge", "html", NULL};
    static const char *const of_list[] = {"list", "only", "cases", "client", "listen", NULL};
    const tow_conform_settings *settings = options->settings;
    const char *url = options->operands != NULL ? options->operands[0] : NULL;
    *why = "no case is run: leave it away";
    if (settings->merge)
        return tow_options_beside(options, of_merge);
    if (settings->list)
        return tow_options_beside(options, of_list);
    *why = "this is for wss://: leave it away";
    bool is_secure =
        url == NULL || strncasecmp(url, "wss://", 6) == 0 || strncasecmp(url, "https://", 8) == 0;
    return is_secure ? NULL : tow_options_useless(options, TOW_OPTION_NEEDS_TLS);
}

/* Returns 0, or the exit status after telling what is wrong. */
static int options_check(const tow_options *options, const char *const *operands) {
    const char *why = wrong_usage(options->settings, operands);
    if (why != NULL)
        return fail(TOW_EXIT_USAGE, "%s", why);
    const tow_option *useless = useless_option(options, &why);
    if (useless == NULL)
        return 0;
    char label[TOW_OPTION_LABEL_MAX];
    tow_option_label(useless, tow_options_source(options, useless->name), label);
    return fail(TOW_EXIT_USAGE, "%s: %s", label, why);
}

int tow_conform(const tow_options *options) {
    static const char *const none[] = {NULL};
    const tow_conform_settings *settings = options->settings;
    const char *const *operands = options->operands != NULL ? options->operands : none;
    int wrong = options_check(options, operands);
    if (wrong != 0)
        return wrong;
    if (settings->merge)
        return merge(settings, operands);
    conform_run run = {.settings = settings, .url = operands[0]};
    int status = run_begin(&run);
    tow_conform_suite_free(run.suite);
    return status;
}
