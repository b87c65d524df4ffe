/* kind-host: serves handlers of a kind by itself, for tests that set options of theirs:
 *
 *     kind-host [--workers N] [--io epoll] PATH KIND [NAME=VALUE]... [-- PATH KIND ...]
 *
 * Says "listening on PORT", logs to standard error, and ends by SIGTERM as the server does. */
#include "handler/echo.h"
#include "handler/program.h"
#include "transport/loop.h"
#include "transport/watch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <towline/error.h>

enum { LIST_MAX = 16, SETTINGS_MAX = 4096 };

static const tow_handler_kind *const kinds[] = {&tow_echo_kind, &tow_program_kind};

static void die(const char *what, const char *why) {
    fprintf(stderr, "kind-host: %s: %s\n", what, why);
    exit(2);
}

static void on_line(void *user, int level, const char *line) {
    fprintf(stderr, "%d %s\n", level, line);
}

static const tow_handler_kind *find_kind(const char *name) {
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    die(name, "no such kind");
    return NULL;
}

static const tow_option *find_option(const tow_option *rows, const char *word, size_t length) {
    for (const tow_option *row = rows; row != NULL && row->name != NULL; row++)
        if (strlen(row->name) == length && strncmp(row->name, word, length) == 0)
            return row;
    die(word, "no such option");
    return NULL;
}

static void add_to_list(const char ***list, const char *text) {
    size_t count = 0;
    if (*list == NULL)
        *list = calloc(LIST_MAX, sizeof(char *));
    while ((*list)[count] != NULL)
        count++;
    (*list)[count] = text;
}

static int choice(const tow_option *row, const char *text) {
    for (const tow_option_choice *one = row->choices; one->name != NULL; one++)
        if (strcmp(one->name, text) == 0)
            return one->value;
    die(text, "no such choice");
    return 0;
}

static void set_number(const tow_option *row, void *field, int64_t number) {
    if (row->width == sizeof(int64_t))
        *(int64_t *)field = number;
    else
        *(int *)field = (int)number;
}

static void set(void *settings, const tow_option *rows, const char *word) {
    const char *equals = strchr(word, '=');
    if (equals == NULL)
        die(word, "not NAME=VALUE");
    const tow_option *row = find_option(rows, word, (size_t)(equals - word));
    void *field = (char *)settings + row->offset;
    if (row->kind == TOW_OPTION_TEXT)
        *(const char **)field = equals + 1;
    else if (row->kind == TOW_OPTION_LIST)
        add_to_list(field, equals + 1);
    else if (row->kind == TOW_OPTION_CHOICE)
        set_number(row, field, choice(row, equals + 1));
    else if (row->kind == TOW_OPTION_FLAG)
        *(bool *)field = true;
    else
        set_number(row, field, strcmp(equals + 1, "off") == 0 ? TOW_OFF : strtoll(equals + 1, NULL, 10));
}

/* Routes one, and returns the words behind it. */
static char **route(const tow_handler_place *place, char **words) {
    static _Alignas(16) char settings[8][SETTINGS_MAX];
    static int used;
    char why[TOW_HANDLER_TEXT_MAX];
    const char *path = words[0];
    const tow_handler_kind *kind = find_kind(words[1]);
    void *fields = settings[used++];
    for (words += 2; *words != NULL && strcmp(*words, "--") != 0; words++)
        set(fields, kind->options, *words);
    tow_handler handler;
    if (kind->make(&handler, fields, place, why) != 0)
        die(path, why);
    handler.on_free = kind->free;
    if (tow_server_route(place->server, path, &handler) != 0)
        die(path, "can't be routed");
    return *words == NULL ? words : words + 1;
}

static void on_signal(tow_signals *signals, int number) {
    (void)number;
    tow_server_stop(signals->user);
}

static void watch_signals(tow_signals *signals, tow_loop *loop, tow_server *server) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    signals->user = server;
    if (tow_signals_start(signals, loop, &set, on_signal) != 0)
        die("signals", "can't be watched");
    signal(SIGPIPE, SIG_IGN);
}

int main(int count, char **words) {
    tow_server_options options = {.listen = "127.0.0.1:0", .on_log = on_line, .drain_seconds = 2};
    tow_loop_options loop_options = {0};
    tow_signals signals = {0};
    tow_server *server = NULL;
    tow_nursery *nursery = NULL;
    (void)count;
    words++;
    for (; *words != NULL && strncmp(*words, "--", 2) == 0; words += 2)
        if (strcmp(words[0], "--workers") == 0)
            options.workers = (int)strtol(words[1], NULL, 10);
        else
            options.io = loop_options.io = strcmp(words[1], "epoll") == 0 ? TOW_IO_EPOLL : TOW_IO_URING;
    if (tow_loop_new(&options.loop, &loop_options) != 0 || tow_server_new(&server, &options) != 0)
        die("server", "can't be made");
    watch_signals(&signals, options.loop, server);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (tow_nursery_new(&nursery, 2) != 0)
        die("nursery", "can't be made");
    const tow_handler_place place = {
        .log = {on_line, NULL}, .server = server, .loop = options.loop, .nursery = nursery};
    while (*words != NULL)
        words = route(&place, words);
    if (tow_server_listen(server) != 0)
        die("server", "can't listen");
    printf("listening on %d\n", tow_server_port(server, 0));
    fflush(stdout);
    int error = tow_server_run(server);
    tow_server_free(server);
    tow_signals_stop(&signals);
    tow_loop_free(options.loop);
    tow_nursery_free(nursery);
    return error != 0;
}
