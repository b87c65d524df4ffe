#include "python_process.h"

#include "apr_strings.h"
#include "http_log.h"
#include "unixd.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

APLOG_USE_MODULE(towline);

enum { LOAD_SECONDS = 20, LISTENER = 3 };

/* What lasts as long as the configuration. */
typedef struct process {
    const char *folder;
    const char *socket;
    int life; /* held open by us, and by the children that we make */
} process;

static apr_status_t process_end(void *data) {
    process *running = data;
    close(running->life);
    unlink(running->socket);
    rmdir(running->folder);
    tow_apache_global_of()->python_socket = NULL;
    return APR_SUCCESS;
}

static bool complain(const server_rec *server, const char *what) {
    ap_log_error(APLOG_MARK, APLOG_ERR, errno, server, "towline: Python handlers: %s", what);
    return false;
}

/* Whether children and the process, which run as another user, are given it. */
static bool give_away(const char *path) {
    return geteuid() != 0 || chown(path, ap_unixd_config.user_id, ap_unixd_config.group_id) == 0;
}

/* A socket in a folder that only the server's user may enter. Returns a descriptor, or -1. */
static int listen_in_folder(process *made, apr_pool_t *pool) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char *folder = ap_runtime_dir_relative(pool, "towline-XXXXXX");
    if (folder == NULL || mkdtemp(folder) == NULL)
        return -1;
    made->folder = folder;
    made->socket = apr_pstrcat(pool, folder, "/python", NULL);
    int fd = -1;
    if (strlen(made->socket) >= sizeof(address.sun_path))
        errno = ENAMETOOLONG;
    else
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strncpy(address.sun_path, made->socket, sizeof(address.sun_path) - 1);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
        give_away(made->socket) && give_away(folder) && listen(fd, SOMAXCONN) == 0)
        return fd;
    int before = errno;
    if (fd >= 0)
        close(fd);
    unlink(made->socket);
    rmdir(folder);
    errno = before;
    return -1;
}

/* Where the build has put it, or where it lies in the source. */
static const char *find_script(apr_pool_t *pool, const tow_apache_global *global) {
    static const char *const folders[] = {TOW_PYTHON_FOLDERS};
    if (global->python_modules != NULL)
        return apr_pstrcat(pool, global->python_modules, "/towline_host.py", NULL);
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        const char *script = apr_pstrcat(pool, folders[i], "/towline_host.py", NULL);
        if (access(script, R_OK) == 0)
            return script;
    }
    return NULL;
}

/* In a new process: these become its first descriptors, and it has no others. */
static void become(const char *const *arguments, int input, int output, int listener) {
    if (geteuid() == 0 && (setgid(ap_unixd_config.group_id) != 0 ||
                              initgroups(ap_unixd_config.user_name, ap_unixd_config.group_id) != 0 ||
                              setuid(ap_unixd_config.user_id) != 0))
        _exit(126);
    int high = fcntl(listener, F_DUPFD, 10), in = fcntl(input, F_DUPFD, 10), out = fcntl(output, F_DUPFD, 10);
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(high, LISTENER) < 0)
        _exit(126);
    close_range(LISTENER + 1, ~0U, 0);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(arguments[0], (char *const *)(uintptr_t)arguments); // NOLINT(performance-no-int-to-ptr)
    dprintf(STDOUT_FILENO, "0 %s: %s\n", arguments[0], strerror(errno));
    _exit(127);
}

/* A grandchild, which Apache need not wait for: it may live longer than this generation. */
static bool run(const char *const *arguments, int input, int output, int listener) {
    int status;
    pid_t between = fork();
    if (between < 0)
        return false;
    if (between == 0) {
        pid_t last = fork();
        if (last == 0)
            become(arguments, input, output, listener);
        _exit(last < 0);
    }
    while (waitpid(between, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return status == 0;
}

/* What it says of the files. */

static tow_apache_entry *entry_of(uint64_t number) {
    const apr_array_header_t *sites = tow_apache_global_of()->sites;
    for (int i = 0; i < sites->nelts; i++) {
        const apr_array_header_t *entries = APR_ARRAY_IDX(sites, i, tow_apache_site *)->entries;
        for (int j = 0; j < entries->nelts; j++)
            if (APR_ARRAY_IDX(entries, j, tow_apache_entry).number == number)
                return &APR_ARRAY_IDX(entries, j, tow_apache_entry);
    }
    return NULL;
}

/* "NUMBER", or "NUMBER why"; 0 is the process itself, which does not run. */
static bool take_line(server_rec *server, char *line) {
    char *end;
    uint64_t number = strtoull(line, &end, 10);
    if (number == 0) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, server, "towline: Python handlers: TowlinePython: %s", end);
        return false;
    }
    tow_apache_entry *entry = entry_of(number);
    if (entry == NULL || end[0] == '\0' || end[1] == '\0')
        return true;
    entry->number = 0;
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, server, "towline: %s is not served: %s", entry->path, end + 1);
    return true;
}

/* Returns how many lines there were; -1: the process does not run. */
static int take_lines(server_rec *server, char *text, size_t *length) {
    int count = 0;
    char *line = text;
    for (char *end; (end = memchr(line, '\n', *length - (size_t)(line - text))) != NULL; line = end + 1) {
        *end = '\0';
        if (!take_line(server, line))
            return -1;
        count++;
    }
    *length -= (size_t)(line - text);
    memmove(text, line, *length);
    return count;
}

/* Files that take longer are served too: who connects waits for them. */
static bool wait_for_files(server_rec *server, int fd, int files) {
    char text[4096];
    size_t length = 0;
    apr_time_t end = apr_time_now() + apr_time_from_sec(LOAD_SECONDS);
    while (files > 0 && length < sizeof(text)) {
        int left = (int)apr_time_as_msec(end - apr_time_now());
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int polled = poll(&ready, 1, left > 0 ? left : 0);
        if (polled < 0 && errno == EINTR)
            continue;
        ssize_t got = polled > 0 ? read(fd, text + length, sizeof(text) - length) : 0;
        if (got <= 0)
            break;
        length += (size_t)got;
        int lines = take_lines(server, text, &length);
        if (lines < 0)
            return false;
        files -= lines;
    }
    if (files > 0)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server,
            "towline: %d Python handlers are not loaded yet: who connects waits for them", files);
    return true;
}

static const char *const *arguments_make(apr_pool_t *pool, const char *script, int files) {
    const tow_apache_global *global = tow_apache_global_of();
    const char **arguments = apr_pcalloc(pool, (size_t)(files + 5) * sizeof(char *));
    int at = 0;
    arguments[at++] = global->python != NULL ? global->python : "python3";
    arguments[at++] = script;
    arguments[at++] = "--standing";
    arguments[at++] = global->encoding != NULL ? global->encoding : "";
    for (int number = 1; number <= files; number++)
        arguments[at++] = entry_of((uint64_t)number)->file;
    return arguments;
}

static int number_files(void) {
    const apr_array_header_t *sites = tow_apache_global_of()->sites;
    uint64_t number = 0;
    for (int i = 0; i < sites->nelts; i++) {
        const apr_array_header_t *entries = APR_ARRAY_IDX(sites, i, tow_apache_site *)->entries;
        for (int j = 0; j < entries->nelts; j++) {
            tow_apache_entry *entry = &APR_ARRAY_IDX(entries, j, tow_apache_entry);
            if (strcmp(entry->kind, "python") == 0)
                entry->number = ++number;
        }
    }
    return (int)number;
}

static bool start(apr_pool_t *pool, server_rec *server, const char *const *arguments, int files) {
    int life[2], report[2];
    process *made = apr_pcalloc(pool, sizeof(*made));
    int listener = listen_in_folder(made, pool);
    if (listener < 0)
        return complain(server, "no socket in the runtime directory");
    bool has_life = pipe2(life, O_CLOEXEC) == 0, has_report = has_life && pipe2(report, O_CLOEXEC) == 0;
    bool runs = has_report && run(arguments, life[0], report[1], listener);
    if (!runs)
        complain(server, "its process does not start");
    close(listener);
    if (has_report) {
        close(report[1]);
        runs = runs && wait_for_files(server, report[0], files);
        close(report[0]);
    }
    if (!has_life)
        return false;
    close(life[0]);
    made->life = life[1];
    apr_pool_cleanup_register(pool, made, process_end, apr_pool_cleanup_null);
    tow_apache_global_of()->python_socket = made->socket;
    return runs;
}

bool tow_apache_python_start(apr_pool_t *pool, server_rec *main_server) {
    int files = number_files();
    if (files == 0)
        return true;
    const char *script = find_script(pool, tow_apache_global_of());
    errno = ENOENT;
    if (script == NULL)
        return complain(main_server, "mod_pywebsocket is not found: name its folder by TowlinePythonModules");
    return start(pool, main_server, arguments_make(pool, script, files), files);
}
