#include "serving.h"

#include "base/text.h"
#include "exit_status.h"
#include "ports.h"
#include "secret_files.h"
#include "server/listener_text.h"
#include "service_rules.h"
#include "transport/inherited.h"
#include "transport/loop.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <towline/error.h>
#include <towline/log.h>
#include <towline/version.h>
#include <unistd.h>

/* For handlers that are loaded when the server starts. */
#define READY_TIME (10 * TOW_SECOND)

static const char *field_of(const tow_log_entry *entry, const char *name) {
    for (size_t i = 0; i < entry->field_count; i++)
        if (strcmp(entry->fields[i].name, name) == 0)
            return entry->fields[i].text;
    return NULL;
}

/* Which address it is that can't be listened on: we tell, on standard error, what to do about it. */
static bool tells_of_failure(tow_serving *serving, const tow_log_entry *entry) {
    const char *text = field_of(entry, "listen");
    const char *option = field_of(entry, "option");
    if (text == NULL || option == NULL || serving->failed[0] != '\0')
        return false;
    const char *why = field_of(entry, "why");
    snprintf(serving->failed, sizeof(serving->failed), "%s", text);
    snprintf(serving->failed_why, sizeof(serving->failed_why), "%s", why != NULL ? why : "");
    serving->failed_is_status = strcmp(option, "status") == 0;
    return true;
}

/* While it starts we say better what the server says. A log that is a file has its word on failures as well.
 */
static void on_log_entry(void *user, const tow_log_entry *entry) {
    tow_serving *serving = user;
    if (serving->starting && entry->level >= TOW_LOG_NOTICE)
        return;
    bool is_told = serving->starting && tells_of_failure(serving, entry);
    if (!is_told || serving->service.settings->log_file != NULL)
        tow_service_log(&serving->service, entry);
}

/* Making the server. */

static int cores(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    return CPU_COUNT(&set) > 0 ? CPU_COUNT(&set) : 1;
}

/* A handler's lines, which have no entry. They may have names of files and what programs say: what is not
 * printable is escaped, as in the server's own. */
static void on_handler_line(void *user, int level, const char *line) {
    tow_service *service = user;
    char text[1001];
    if (level > service->settings->log_level)
        return;
    tow_text_make_printable(text, sizeof(text), line);
    tow_service_log(service, &(tow_log_entry){.level = level, .line = text});
}

/* Orphans of what handlers start become our children, so that they can be found when their time is over. */
static int nursery_make(tow_serving *serving) {
    if (serving->nursery != NULL)
        return 0;
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    return tow_nursery_new(&serving->nursery, cores());
}

tow_handler_place tow_serving_place(tow_serving *serving) {
    return (tow_handler_place){.log = {on_handler_line, &serving->service},
        .server = serving->server,
        .loop = serving->service.loop,
        .nursery = serving->nursery,
        .channels = serving->channels,
        .pusher = serving->pusher,
        .is_trial = serving->service.settings->check};
}

int tow_serving_make(tow_serving *serving, tow_handler *handler, const tow_handler_kind *kind,
    const void *settings, const char *option) {
    char why[TOW_HANDLER_TEXT_MAX];
    assert(serving->handler_count < TOW_SERVING_HANDLERS_MAX);
    int error = nursery_make(serving);
    const tow_handler_place place = {
        .log = {on_handler_line, &serving->service}, .nursery = serving->nursery};
    if (error == 0)
        error = kind->make(handler, settings, &place, why);
    else
        snprintf(why, sizeof(why), "%s", tow_strerror(error));
    if (error != 0)
        tow_service_complain(
            &serving->service, "%s%s%s", option != NULL ? option : "", option != NULL ? ": " : "", why);
    else
        serving->handlers[serving->handler_count++] = (tow_made_handler){.kind = kind, .user = handler->user};
    return error;
}

void tow_serving_clear(tow_serving *serving) {
    for (; serving->handler_count > 0; serving->handler_count--) {
        const tow_made_handler *made = &serving->handlers[serving->handler_count - 1];
        if (made->kind->free != NULL)
            made->kind->free(made->user);
    }
    tow_nursery_free(serving->nursery);
    serving->nursery = NULL;
}

bool tow_serving_has_tls(const tow_serving *serving) {
    const tow_serve_settings *settings = serving->service.settings;
    return settings->certificates != NULL || settings->server.tls_self_signed;
}

tow_certificate *tow_serving_certificates(const tow_serve_settings *settings, size_t *count) {
    size_t keys = tow_list_length(settings->keys);
    *count = tow_list_length(settings->certificates);
    tow_certificate *pairs = calloc(*count + 1, sizeof(*pairs));
    for (size_t i = 0; pairs != NULL && i < *count; i++)
        pairs[i] = (tow_certificate){
            .certificate = settings->certificates[i], .key = i < keys ? settings->keys[i] : NULL};
    return pairs;
}

static int server_new(tow_serving *serving, tow_server_options *options) {
    tow_certificate *pairs =
        tow_serving_certificates(serving->service.settings, &options->tls_certificate_count);
    if (pairs == NULL)
        return TOW_ERROR_MEMORY;
    options->tls_certificates = pairs;
    int error = tow_server_new(&serving->server, options);
    free(pairs);
    return error;
}

/* Of several files a list does not know where each was named. */
static void files_label(const tow_serving *serving, const char *name, const char *const *files,
    char label[TOW_OPTION_LABEL_MAX]) {
    const tow_option option = {.name = name};
    bool is_one = tow_list_length(files) == 1;
    tow_option_label(&option, is_one ? tow_options_source(serving->service.options, name) : NULL, label);
}

static bool can_read(const tow_serving *serving, const char *name, const char *const *files) {
    char label[TOW_OPTION_LABEL_MAX];
    for (; files != NULL && *files != NULL; files++) {
        if (access(*files, R_OK) == 0)
            continue;
        const char *why = strerror(errno);
        files_label(serving, name, files, label);
        tow_service_complain(&serving->service, "%s: %s: %s", label, *files, why);
        return false;
    }
    return true;
}

static bool can_read_all(const tow_serving *serving) {
    const tow_serve_settings *settings = serving->service.settings;
    const char *const ca[] = {settings->server.tls_client_ca, NULL};
    const char *const crl[] = {settings->server.tls_client_crl, NULL};
    return can_read(serving, "certificate", settings->certificates) &&
           can_read(serving, "key", settings->keys) && can_read(serving, "tls-client-ca", ca) &&
           can_read(serving, "tls-client-crl", crl);
}

/* A certificate that has no file for its key has it in its own. */
static void private_keys_look(tow_serving *serving) {
    const tow_serve_settings *settings = serving->service.settings;
    const char *const *keys = settings->keys, *const *certificates = settings->certificates;
    const size_t count = tow_list_length(keys);
    tow_secret_files files = {.service = &serving->service};
    char label[TOW_OPTION_LABEL_MAX];
    for (size_t i = 0; i < tow_list_length(certificates); i++) {
        bool has_file = i < count;
        files_label(serving, has_file ? "key" : "certificate", has_file ? keys : certificates, label);
        tow_secret_file_look(&files, label, has_file ? keys[i] : certificates[i], false);
    }
    tow_secret_files_clear(&files);
}

static int server_make(tow_serving *serving) {
    const tow_serve_settings *settings = serving->service.settings;
    tow_server_options options = settings->server;
    if (!can_read_all(serving))
        return TOW_ERROR_NO_FILE;
    private_keys_look(serving);
    serving->workers = options.workers != 0 ? options.workers : cores();
    options.listens = (const char *const *)serving->ports;
    options.loop = serving->service.loop;
    options.workers = serving->workers;
    options.on_log_entry = on_log_entry;
    options.log_user = serving;
    options.log_level = settings->log_level;
    if (serving->descriptors_each > 1)
        options.max_connections =
            tow_service_max_connections(&serving->service, serving->workers, serving->descriptors_each);
    int error = server_new(serving, &options);
    if (error == 0)
        return serving->add_routes(serving);
    bool is_logged = error != TOW_ERROR_ARGUMENT && error != TOW_ERROR_MEMORY && tow_serving_has_tls(serving);
    if (!is_logged)
        tow_service_complain(&serving->service, "%s", tow_strerror(error));
    return error;
}

/* Listening. */

static bool is_unix(const char *address) {
    return strncmp(address, "unix:", 5) == 0;
}

/* What can't be listened on, the server has logged; anything else is no matter of an address. */
static void complain_of_listening(tow_serving *serving, int error) {
    const char *listen = serving->listen_option != NULL ? serving->listen_option : "--port";
    const char *option = serving->failed_is_status ? "--status" : listen;
    if (serving->failed[0] == '\0')
        tow_service_complain(&serving->service, "%s", tow_strerror(error));
    else if (tow_is_inherited(serving->failed))
        tow_service_complain(&serving->service, "%s %s: %s", option, serving->failed, serving->failed_why);
    else
        tow_service_complain_of_address(&serving->service, option, serving->failed, error);
}

static void status_say(tow_serving *serving, const char *address, int number) {
    char name[TOW_PORT_NAME_MAX];
    tow_port_name(address, number, name);
    if (is_unix(address))
        tow_service_say(&serving->service, TOW_LOG_NOTICE, "towline: counters and health on %s", address);
    else
        tow_service_say(&serving->service, TOW_LOG_NOTICE,
            "towline: counters http://%s/metrics, health http://%s/health", name, name);
}

/* Says where the listener of this number is. Sockets that somebody else has opened have addresses of their
 * own, several perhaps for one text. */
static void say_where(tow_serving *serving, size_t index, const char *text,
    void (*say)(tow_serving *serving, const char *address, int number)) {
    char address[TOW_ADDRESS_TEXT_MAX];
    if (!tow_is_inherited(text))
        say(serving, text, tow_server_port(serving->server, index));
    else
        for (size_t place = 0; tow_server_listener_text(serving->server, index, place, address); place++)
            say(serving, address, is_unix(address) ? 0 : (int)strtol(strrchr(address, ':') + 1, NULL, 10));
}

static void say_all(tow_serving *serving) {
    size_t count = 0;
    const char *status = serving->service.settings->server.status;
    tow_service_say(&serving->service, TOW_LOG_DEBUG, "version %s, %s, %d %s", tow_version(),
        tow_loop_io(serving->service.loop), serving->workers, serving->workers == 1 ? "worker" : "workers");
    for (; serving->ports[count] != NULL; count++)
        say_where(serving, count, serving->ports[count], serving->announce);
    if (status != NULL)
        say_where(serving, count, status, status_say);
}

static int listen_and_say(tow_serving *serving) {
    serving->starting = true;
    int error = tow_server_listen(serving->server);
    serving->starting = false;
    tow_service_forget_sockets();
    if (error != 0)
        complain_of_listening(serving, error);
    else
        say_all(serving);
    return error;
}

/* Start and end. */

static void time_is_up(tow_timer *timer) {
    (void)timer; /* the round that waited for it ends */
}

/* Handlers that other processes make come later: who connects early shall find them. */
static void wait_until_ready(tow_serving *serving) {
    tow_loop *loop = serving->service.loop;
    int64_t until = tow_loop_clock(loop) + READY_TIME;
    tow_timer timer = {0};
    tow_timer_set(loop, &timer, until, time_is_up);
    while (!serving->is_ready(serving) && !serving->service.draining && tow_timer_is_set(&timer))
        tow_loop_round(loop);
    tow_timer_cancel(loop, &timer);
    if (!serving->is_ready(serving) && !serving->service.draining)
        tow_service_say(&serving->service, TOW_LOG_WARNING,
            "not all handlers have been loaded within %d s: the server starts without those that are late",
            (int)(READY_TIME / TOW_SECOND));
}

/* Unless it was stopped meanwhile, it listens when this returns 0. */
static int serving_start(tow_serving *serving) {
    int error = tow_service_begin(&serving->service);
    if (error == 0)
        error = nursery_make(serving);
    if (error == 0)
        error = server_make(serving);
    if (error == 0 && serving->is_ready != NULL)
        wait_until_ready(serving);
    return error != 0 || serving->service.draining ? error : listen_and_say(serving);
}

static void serving_end(tow_serving *serving) {
    if (serving->before_end != NULL && serving->server != NULL)
        serving->before_end(serving);
    tow_server_free(serving->server);
    tow_service_end(&serving->service);
    tow_ports_free(serving->ports);
    tow_serving_clear(serving);
}

void tow_serving_stop(tow_service *service) {
    tow_server_stop(((tow_serving *)(void *)service)->server);
}

void tow_serving_tick(tow_service *service) {
    const tow_serving *serving = (tow_serving *)(void *)service;
    for (size_t i = 0; i < serving->handler_count; i++)
        if (serving->handlers[i].kind->tick != NULL)
            serving->handlers[i].kind->tick(serving->handlers[i].user);
}

/* What is wrong with the certificate, the server has logged. */
static void certificate_reload(tow_serving *serving) {
    if (tow_server_reload(serving->server) == 0)
        tow_service_say(&serving->service, TOW_LOG_NOTICE, "certificate and key were read again");
    else
        tow_service_say(&serving->service, TOW_LOG_ERROR, "the certificate stays as it was");
}

void tow_serving_reload(tow_service *service) {
    tow_serving *serving = (tow_serving *)(void *)service;
    if (service->settings->certificates != NULL)
        certificate_reload(serving);
    for (size_t i = 0; i < serving->handler_count; i++)
        if (serving->handlers[i].kind->reload != NULL)
            serving->handlers[i].kind->reload(serving->handlers[i].user);
}

/* Errors: those of tow_ports_make, told. */
static int ports_make(tow_serving *serving, const char *const *listens) {
    const char *host = serving->service.settings->server_host;
    int error = tow_ports_make(&serving->ports, listens, host);
    if (error == TOW_ERROR_MEMORY)
        tow_service_complain(&serving->service, "%s", tow_strerror(error));
    else if (error != 0)
        tow_service_complain(
            &serving->service, "--server-host: '%s' is not a host; write localhost, an address or *", host);
    return error;
}

/* Returns 0, or the exit status after telling what is wrong. */
static int serving_check(tow_serving *serving, const char *const *listens) {
    const tow_service *service = &serving->service;
    int error = ports_make(serving, listens);
    if (error != 0)
        return error == TOW_ERROR_MEMORY ? EXIT_FAILURE : TOW_EXIT_USAGE;
    char contradiction[TOW_OPTIONS_ERROR_MAX];
    if (!tow_service_contradicts(service->options, service->settings, contradiction))
        return 0;
    tow_service_complain(service, "%s", contradiction);
    return TOW_EXIT_USAGE;
}

int tow_serving_check(tow_serving *serving, const char *const *listens) {
    int status = serving_check(serving, listens);
    if (status == 0 && (tow_service_begin(&serving->service) != 0 || server_make(serving) != 0))
        status = TOW_EXIT_USAGE;
    serving_end(serving);
    return status;
}

int tow_serving_run(tow_serving *serving, const char *const *listens) {
    int status = serving_check(serving, listens);
    if (status != 0) {
        tow_ports_free(serving->ports);
        tow_serving_clear(serving);
        return status;
    }
    int error = serving_start(serving);
    if (error == 0 && !serving->service.draining) {
        tow_service_tick(&serving->service);
        error = tow_server_run(serving->server);
        if (error != 0)
            tow_service_complain(&serving->service, "%s", tow_strerror(error));
    }
    serving_end(serving);
    return error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
