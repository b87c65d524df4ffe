#include "service.h"

#include "server/descriptors.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <towline/error.h>
#include <unistd.h>

void tow_service_complain(const tow_service *service, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "towline %s: ", service->options->command->name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

/* From any worker's thread, so the time is no loop's. */
void tow_service_log(tow_service *service, const tow_log_entry *entry) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (entry->level <= TOW_LOG_ERROR)
        atomic_store_explicit(&service->has_failed, true, memory_order_relaxed);
    tow_log_write(service->log, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, entry);
}

void tow_service_say(tow_service *service, int level, const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    tow_service_log(service, &(tow_log_entry){.level = level, .line = line});
}

/* What a slow reader of the log left waiting leaves also when nothing more is logged. */
static void on_tick(tow_timer *timer) {
    tow_service *service = (tow_service *)((char *)timer - offsetof(tow_service, tick));
    tow_log_flush(service->log);
    tow_heap_look(&service->heap);
    if (service->kind->on_tick != NULL)
        service->kind->on_tick(service);
    tow_timer_set(service->loop, timer, tow_loop_now(service->loop) + TOW_SECOND, on_tick);
}

/* The second time nobody wants to wait: what is open is reset by the kernel. */
static void leave_at_once(tow_service *service) {
    tow_service_say(service, TOW_LOG_NOTICE, "interrupted again: leaving at once");
    tow_log_flush(service->log);
    _exit(EXIT_SUCCESS);
}

static void reload(tow_service *service) {
    if (tow_log_reopen(service->log) != 0)
        tow_service_say(
            service, TOW_LOG_ERROR, "--log-file: %s: %s", service->settings->log_file, strerror(errno));
    if (service->kind->on_reload != NULL)
        service->kind->on_reload(service);
}

static void on_signal(tow_signals *signals, int number) {
    tow_service *service = signals->user;
    if (number == SIGHUP) {
        reload(service);
        return;
    }
    if (service->draining && number == SIGINT)
        leave_at_once(service);
    service->draining = true;
    tow_timer_cancel(service->loop, &service->tick); /* it keeps the loop running */
    service->kind->on_stop(service);
}

/* Blocked before any thread is made, so that all inherit it. */
static int signals_start(tow_service *service) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    service->signals.user = service;
    return tow_signals_start(&service->signals, service->loop, &set, on_signal);
}

/* Connections need descriptors: as many as the system lets us have. */
static void descriptors_raise(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit); /* without it there are fewer connections, and 503 for more */
}

static int loop_make(tow_service *service) {
    tow_io io = service->settings->server.io;
    int error = tow_loop_new(&service->loop, &(tow_loop_options){.io = io});
    if (error == TOW_ERROR_UNSUPPORTED)
        tow_service_complain(service, "--io: the kernel refuses io_uring; use --io epoll");
    else if (error != 0)
        tow_service_complain(service, "%s", tow_strerror(error));
    return error;
}

static int log_open(tow_service *service) {
    const tow_serve_settings *settings = service->settings;
    int error = tow_log_new(&service->log, &(tow_log_options){.path = settings->log_file,
                                               .descriptor = STDERR_FILENO,
                                               .level = settings->log_level,
                                               .json = settings->log_format == TOW_SERVE_LOG_JSON});
    if (error == TOW_ERROR_SYSTEM)
        tow_service_complain(service, "--log-file: %s: %s", settings->log_file, strerror(errno));
    else if (error != 0)
        tow_service_complain(service, "--log-file: %s: %s", settings->log_file, tow_strerror(error));
    return error;
}

int tow_service_begin(tow_service *service) {
    descriptors_raise();
    int error = log_open(service);
    if (error == 0)
        error = loop_make(service);
    return error != 0 ? error : signals_start(service);
}

void tow_service_forget_sockets(void) {
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

void tow_service_tick(tow_service *service) {
    on_tick(&service->tick);
}

void tow_service_end(tow_service *service) {
    if (service->loop != NULL) {
        tow_timer_cancel(service->loop, &service->tick);
        tow_signals_stop(&service->signals);
    }
    tow_loop_free(service->loop);
    tow_log_free(service->log);
}

int64_t tow_service_max_connections(tow_service *service, int workers, int descriptors_each) {
    int64_t given = service->settings->server.max_connections;
    int64_t possible = tow_connections_possible(workers, descriptors_each);
    bool is_told = given > tow_connections_possible(workers, 1); /* by the server, if there is one */
    if (given > possible && !is_told)
        tow_service_say(service, TOW_LOG_WARNING,
            "max-connections is more than the %lld connections that there are descriptors for, with %d for "
            "each",
            (long long)possible, descriptors_each);
    return given != 0 ? given : possible;
}

static bool is_unix(const char *address) {
    return strncmp(address, "unix:", 5) == 0;
}

void tow_service_complain_of_address(
    const tow_service *service, const char *option, const char *address, int error) {
    if (error == TOW_ERROR_ADDRESS_IN_USE)
        tow_service_complain(service,
            "%s is already in use; choose another port with %s, or stop the program that has it", address,
            option);
    else if (error == TOW_ERROR_PERMISSION)
        tow_service_complain(service, "not allowed to listen on %s; %s: choose another with %s", address,
            is_unix(address) ? "its folder or socket belongs to somebody else"
                             : "ports below 1024 need privileges",
            option);
    else if (error == TOW_ERROR_NO_FILE && is_unix(address))
        tow_service_complain(
            service, "%s %s: there is no such folder; make it, or choose another path", option, address);
    else if (error == TOW_ERROR_ADDRESS)
        tow_service_complain(service,
            "%s %s: this machine has no such address; use one of its own, or *:PORT for every one", option,
            address);
    else
        tow_service_complain(service, "%s %s: %s", option, address, tow_strerror(error));
}
