/* clients: the other direction: clients are tested, by connecting to us.
 *
 * A client asks for /cases and gets their number as a text message; for /case/N, N from 1, and echoes what it
 * gets until it is closed; at last for /report. Or a command is run for each case. */
#include "commands.h"
#include "conform/suite.h"
#include "suite.h"
#include "transport/listener.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

typedef struct client_run {
    conform_suite *suite;
    tow_loop *loop;
    tow_listener listeners[TOW_ADDRESSES_MAX];
    size_t listening;
    uint16_t port;
    commands commands;
    client_memory memory;
    case_list services; /* what /cases and /report are, as cases */
    bool stopped;
} client_run;

/* What a target asks for. */

enum { SERVICE_CASES, SERVICE_REPORT };

static int make_services(client_run *run) {
    char text[400];
    tow_buffer error = {0};
    snprintf(text, sizeof(text),
        "group service towline\n"
        "case cases\n  must The number of cases.\n  role client\n  send text \"%zu\"\n  finish\n"
        "case report\n  must The end.\n  role client\n  finish\n",
        run->suite->count);
    int result = tow_conform_case_list_read(&run->services, "services", text, &error);
    tow_buffer_clear(&error);
    for (size_t i = 0; i < run->services.count; i++)
        run->services.cases[i].is_service = true;
    return result;
}

static const conform_case *choose(void *user, const char *target) {
    client_run *run = user;
    if (strcmp(target, "/cases") == 0)
        return &run->services.cases[SERVICE_CASES];
    if (strcmp(target, "/report") == 0)
        return &run->services.cases[SERVICE_REPORT];
    if (strncmp(target, "/case/", 6) != 0)
        return NULL;
    char *end;
    unsigned long number = strtoul(target + 6, &end, 10);
    bool right = number >= 1 && number <= run->suite->count && (*end == 0 || *end == '?');
    return right ? run->suite->results[number - 1].one : NULL;
}

/* The run. */

static void stop_listening(client_run *run) {
    if (run->stopped)
        return;
    run->stopped = true;
    for (size_t i = 0; i < run->listening; i++)
        tow_listener_stop(&run->listeners[i]);
}

static void on_commands_done(commands *all) {
    stop_listening(all->user);
}

static void on_stop(conform_suite *suite) {
    client_run *run = suite->run;
    tow_conform_commands_stop(&run->commands);
    stop_listening(run);
}

static void on_done(void *user, conversation *talk) {
    client_run *run = user;
    conform_suite *suite = run->suite;
    const conform_case *one = talk->one;
    if (one == &run->services.cases[SERVICE_REPORT])
        stop_listening(run);
    tow_conform_suite_take(suite, talk);
    for (size_t i = 0; i < suite->count && run->commands.running > 0; i++) {
        if (suite->results[i].one == one)
            tow_conform_commands_case_done(&run->commands, i);
    }
}

static void on_accept(tow_listener *listener, int fd) {
    client_run *run = listener->user;
    if (tow_conform_conversation_accept(&run->suite->settings, fd) != 0)
        tow_loop_discard(run->loop, fd);
}

static int start_listening(client_run *run, const conform_entrance *entrance) {
    for (; run->listening < entrance->count && run->listening < TOW_ADDRESSES_MAX; run->listening++) {
        tow_listener *listener = &run->listeners[run->listening];
        tow_address bound, address = entrance->addresses[run->listening];
        if (tow_address_port(&address) == 0)
            tow_address_set_port(&address, run->port);
        int fd = tow_listen_socket(run->loop, &address, &(tow_listen_options){0}, &bound);
        if (fd < 0)
            return fd;
        run->port = tow_address_port(&bound);
        listener->user = run;
        int error = tow_listener_start(listener, run->loop, fd, on_accept);
        if (error != 0)
            return error;
    }
    return 0;
}

/* Where a command on this machine reaches us. */
static void make_base(const client_run *run, const conform_entrance *entrance, char base[64]) {
    bool six = entrance->addresses[0].storage.ss_family == AF_INET6;
    const char *scheme = entrance->tls == NULL ? "ws" : "wss";
    snprintf(base, 64, "%s://%s:%u", scheme, six ? "[::1]" : "127.0.0.1", run->port);
}

static int run_all(client_run *run, const conform_entrance *entrance) {
    char base[64];
    int error = make_services(run);
    if (error == 0)
        error = start_listening(run, entrance);
    if (error != 0) {
        stop_listening(run);
        return error;
    }
    make_base(run, entrance, base);
    run->commands.base = base;
    if (entrance->on_listening != NULL)
        entrance->on_listening(entrance->user, run->port);
    if (entrance->command != NULL)
        tow_conform_commands_start(&run->commands);
    error = tow_loop_run(run->loop);
    return error != 0 ? error : run->commands.error;
}

int tow_conform_suite_run_clients(conform_suite *suite, tow_loop *loop, const conform_entrance *entrance) {
    client_run *run = calloc(1, sizeof(*run));
    if (run == NULL)
        return TOW_ERROR_MEMORY;
    *run = (client_run){.suite = suite, .loop = loop};
    run->commands = (commands){
        .suite = suite, .loop = loop, .text = entrance->command, .on_done = on_commands_done, .user = run};
    suite->settings = (conversation_settings){.loop = loop,
        .tls = entrance->tls,
        .timeout_milliseconds = suite->options.timeout_milliseconds,
        .memory = &run->memory,
        .under_way = &suite->under_way,
        .choose = choose,
        .on_done = on_done,
        .user = run};
    suite->next = suite->done = 0;
    suite->run = run;
    suite->on_stop = on_stop;
    int error = run_all(run, entrance);
    suite->on_stop = NULL;
    tow_conform_case_list_clear(&run->services);
    free(run);
    return error;
}
