#include "serve.h"

#include "base/log.h"
#include "handler/console.h"
#include "handler/echo.h"
#include "handler/files.h"
#include "heap.h"
#include "ports.h"
#include "transport/listener.h"
#include "transport/timer.h"
#include "transport/watch.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <syslog.h>
#include <time.h>
#include <towline/error.h>
#include <towline/version.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

typedef struct tow_service {
    const tow_serve_settings *settings;
    char **ports;
    tow_log *log;
    tow_loop *loop;
    tow_files *files;
    tow_server *server;
    tow_signals signals;
    tow_timer tick;
    tow_heap heap;
    int workers;
    bool starting; /* what the server says meanwhile, we say better */
    bool draining;
} tow_service;

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("towline serve: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

/* From any worker's thread, so the time is no loop's. */
static void log_write(tow_service *service, int level, const char *line) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    tow_log_write(service->log, level, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, line);
}

__attribute__((format(printf, 3, 4))) static void say(
    tow_service *service, int level, const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log_write(service, level, line);
}

static void on_log(void *user, int level, const char *line) {
    tow_service *service = user;
    if (!service->starting || level < LOG_NOTICE)
        log_write(service, level, line);
}

/* What a slow reader of the log left waiting leaves also when nothing more is logged. */
static void on_tick(tow_timer *timer) {
    tow_service *service = (tow_service *)((char *)timer - offsetof(tow_service, tick));
    tow_log_flush(service->log);
    tow_heap_look(&service->heap);
    if (!tow_server_is_done(service->server)) /* a timer keeps the loop running */
        tow_timer_set(service->loop, timer, tow_loop_now(service->loop) + TOW_SECOND, on_tick);
}

/* ---- signals ---- */

/* The second time nobody wants to wait: what is open is reset by the kernel. */
static void leave_at_once(tow_service *service) {
    say(service, LOG_NOTICE, "interrupted again: leaving at once");
    tow_log_flush(service->log);
    _exit(EXIT_SUCCESS);
}

/* What is wrong with the certificate, the server has logged. */
static void reload(tow_service *service) {
    if (tow_log_reopen(service->log) != 0)
        say(service, LOG_ERR, "--log-file: %s: %s", service->settings->log_file, strerror(errno));
    if (service->settings->server.tls_certificate == NULL)
        return;
    if (tow_server_reload(service->server) == 0)
        say(service, LOG_NOTICE, "certificate and key were read again");
    else
        say(service, LOG_ERR, "the certificate stays as it was");
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
    tow_timer_cancel(service->loop, &service->tick);
    tow_server_stop(service->server);
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

/* ---- making the server ---- */

/* Connections need descriptors: as many as the system lets us have. */
static void descriptors_raise(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit); /* without it there are fewer connections, and 503 for more */
}

static int cores(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    return CPU_COUNT(&set) > 0 ? CPU_COUNT(&set) : 1;
}

static int files_open(tow_service *service) {
    const char *root = service->settings->document_root;
    int error = root == NULL ? 0 : tow_files_new(&service->files, root);
    if (error == TOW_ERROR_NAME_NOT_FOUND || error == TOW_ERROR_ARGUMENT)
        complain("--document-root: '%s' is not a folder", root);
    else if (error != 0)
        complain("--document-root: %s: %s", root, tow_strerror(error));
    return error;
}

static int routes_add(tow_service *service) {
    tow_handler echo = tow_echo_handler();
    tow_handler console = tow_console_handler();
    tow_handler files = service->files != NULL ? tow_files_handler(service->files) : console;
    int error = tow_server_route(service->server, "/echo", &echo);
    if (error == 0)
        error = tow_server_route(service->server, "/.console", &console);
    if (error == 0)
        error = tow_server_route(service->server, service->files != NULL ? "/*" : "/", &files);
    return error;
}

static bool has_tls(const tow_service *service) {
    const tow_server_options *options = &service->settings->server;
    return options->tls_certificate != NULL || options->tls_self_signed;
}

static int server_make(tow_service *service) {
    tow_server_options options = service->settings->server;
    service->workers = options.workers != 0 ? options.workers : cores();
    options.listens = (const char *const *)service->ports;
    options.loop = service->loop;
    options.workers = service->workers;
    options.on_log = on_log;
    options.log_user = service;
    options.log_level = service->settings->log_level;
    int error = tow_server_new(&service->server, &options);
    if (error != 0 && error != TOW_ERROR_ARGUMENT && error != TOW_ERROR_MEMORY && has_tls(service))
        return error; /* the log says more */
    if (error == 0)
        error = routes_add(service);
    if (error != 0)
        complain("%s", tow_strerror(error));
    return error;
}

static int loop_make(tow_service *service) {
    tow_io io = service->settings->server.io;
    int error = tow_loop_new(&service->loop, &(tow_loop_options){.io = io});
    if (error == TOW_ERROR_UNSUPPORTED)
        complain("--io: the kernel refuses io_uring; use --io epoll");
    else if (error != 0)
        complain("%s", tow_strerror(error));
    return error;
}

static int log_open(tow_service *service) {
    const tow_serve_settings *settings = service->settings;
    int error = tow_log_new(&service->log, &(tow_log_options){.path = settings->log_file,
                                               .descriptor = STDERR_FILENO,
                                               .level = settings->log_level,
                                               .json = settings->log_format == TOW_SERVE_LOG_JSON});
    if (error == TOW_ERROR_SYSTEM)
        complain("--log-file: %s: %s", settings->log_file, strerror(errno));
    else if (error != 0)
        complain("--log-file: %s: %s", settings->log_file, tow_strerror(error));
    return error;
}

/* ---- listening ---- */

/* Whether one of a text's addresses can't be listened on because of this very error. */
static bool address_fails(tow_service *service, const char *text, int error) {
    tow_address addresses[TOW_ADDRESSES_MAX];
    int count = tow_address_parse(text, addresses);
    for (int i = 0; i < count; i++) {
        tow_address bound;
        int fd = tow_listen_socket(service->loop, &addresses[i], &(tow_listen_options){0}, &bound);
        if (fd == error)
            return true;
        if (fd >= 0)
            tow_loop_discard(service->loop, fd);
    }
    return false;
}

/* Which of the addresses it was, found by trying them again. */
static const char *failing_address(tow_service *service, int error, const char **option) {
    *option = "--port";
    for (size_t i = 0; service->ports[i] != NULL; i++)
        if (address_fails(service, service->ports[i], error))
            return service->ports[i];
    const char *status = service->settings->server.status;
    if (status == NULL || !address_fails(service, status, error))
        return service->ports[0];
    *option = "--status";
    return status;
}

static bool is_unix(const char *address) {
    return strncmp(address, "unix:", 5) == 0;
}

static void complain_of_listening(tow_service *service, int error) {
    const char *option;
    const char *address = failing_address(service, error, &option);
    if (error == TOW_ERROR_ADDRESS_IN_USE)
        complain("%s is already in use; choose another port with %s, or stop the program that has it",
            address, option);
    else if (error == TOW_ERROR_PERMISSION)
        complain("not allowed to listen on %s; %s: choose another with %s", address,
            is_unix(address) ? "its folder or socket belongs to somebody else"
                             : "ports below 1024 need privileges",
            option);
    else if (error == TOW_ERROR_ADDRESS && is_unix(address))
        complain("%s %s: there is no such folder; make it, or choose another path", option, address);
    else if (error == TOW_ERROR_ADDRESS)
        complain("%s %s: this machine has no such address; use one of its own, or *:PORT for every one",
            option, address);
    else
        complain("%s %s: %s", option, address, tow_strerror(error));
}

static void address_say(tow_service *service, const char *port, int number) {
    char name[TOW_PORT_NAME_MAX];
    const char *root = service->settings->document_root;
    const char *s = has_tls(service) ? "s" : "";
    tow_port_name(port, number, name);
    if (is_unix(port))
        say(service, LOG_NOTICE, "towline: serving on %s", port);
    else if (root != NULL)
        say(service, LOG_NOTICE,
            "towline: serving ws%s://%s/echo, console http%s://%s/.console, http%s://%s/ from %s", s, name, s,
            name, s, name, root);
    else
        say(service, LOG_NOTICE, "towline: serving ws%s://%s/echo, console http%s://%s/.console", s, name, s,
            name);
}

/* The status address is the server's last listener. */
static void status_say(tow_service *service, const char *address) {
    char name[TOW_PORT_NAME_MAX];
    size_t last = 0;
    while (service->ports[last] != NULL)
        last++;
    tow_port_name(address, tow_server_port(service->server, last), name);
    if (is_unix(address))
        say(service, LOG_NOTICE, "towline: counters and health on %s", address);
    else
        say(service, LOG_NOTICE, "towline: counters http://%s/metrics, health http://%s/health", name, name);
}

static int listen_and_say(tow_service *service) {
    service->starting = true;
    int error = tow_server_listen(service->server);
    service->starting = false;
    if (error != 0) {
        complain_of_listening(service, error);
        return error;
    }
    say(service, LOG_DEBUG, "version %s, %s, %d %s", tow_version(), tow_loop_io(service->loop),
        service->workers, service->workers == 1 ? "worker" : "workers");
    for (size_t i = 0; service->ports[i] != NULL; i++)
        address_say(service, service->ports[i], tow_server_port(service->server, i));
    if (service->settings->server.status != NULL)
        status_say(service, service->settings->server.status);
    return 0;
}

/* ---- start and end ---- */

static int service_start(tow_service *service) {
    int error = log_open(service);
    if (error == 0)
        error = loop_make(service);
    if (error == 0)
        error = signals_start(service);
    if (error == 0)
        error = files_open(service);
    if (error == 0)
        error = server_make(service);
    return error != 0 ? error : listen_and_say(service);
}

static void service_end(tow_service *service) {
    tow_server_free(service->server);
    tow_files_free(service->files);
    if (service->loop != NULL) {
        tow_timer_cancel(service->loop, &service->tick);
        tow_signals_stop(&service->signals);
    }
    tow_loop_free(service->loop);
    tow_log_free(service->log);
    tow_ports_free(service->ports);
}

/* Options that make sense together only. */
static bool complain_of_tls(const tow_serve_settings *settings) {
    const tow_server_options *server = &settings->server;
    const char *certificate = server->tls_certificate;
    bool on = certificate != NULL || server->tls_self_signed;
    if (settings->tls && !on)
        complain(
            "--tls: name a certificate with --certificate FILE, or have one made with --tls-self-signed");
    else if (server->tls_self_signed && certificate != NULL)
        complain("--tls-self-signed: there is a certificate already: leave one of the two away");
    else if (server->tls_key != NULL && certificate == NULL)
        complain("--key: name its certificate with --certificate FILE");
    else if (!on && (server->tls_client_ca != NULL || server->tls_redirect))
        complain("--%s: turn TLS on with --certificate FILE or --tls-self-signed",
            server->tls_redirect ? "tls-redirect" : "tls-client-ca");
    else
        return false;
    return true;
}

int tow_serve(const void *options, const char *const *operands) {
    tow_service service = {.settings = options};
    int error =
        tow_ports_make(&service.ports, service.settings->server.listens, service.settings->server_host);
    if (error == TOW_ERROR_MEMORY) {
        complain("%s", tow_strerror(error));
        return EXIT_FAILURE;
    }
    if (error != 0) {
        complain("--server-host: '%s' is not a host; write localhost, an address or *",
            service.settings->server_host);
        return EXIT_USAGE;
    }
    if (service.settings->server.proxy_protocol && service.settings->server.trusted_proxies == NULL) {
        complain(
            "--proxy-protocol: name the proxies with --trusted-proxy, such as --trusted-proxy 127.0.0.1");
        tow_ports_free(service.ports);
        return EXIT_USAGE;
    }
    if (complain_of_tls(service.settings)) {
        tow_ports_free(service.ports);
        return EXIT_USAGE;
    }
    descriptors_raise();
    error = service_start(&service);
    if (error == 0) {
        on_tick(&service.tick);
        error = tow_server_run(service.server);
        if (error != 0)
            complain("%s", tow_strerror(error));
    }
    service_end(&service);
    return error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
