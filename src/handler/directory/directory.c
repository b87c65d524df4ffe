#include "handler/directory.h"

#include "base/buffer.h"
#include "beneath.h"
#include "remarks.h"
#include "served.h"
#include "transport/folder_watch.h"
#include "transport/loop.h"
#include "transport/timer.h"
#include "unfinished.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <towline/error.h>
#include <towline/log.h>
#include <unistd.h>

/* Changes come in groups: they are looked at together. */
#define GROUP_TIME (20 * TOW_MILLISECOND)
/* After a failure it is tried again. */
#define RETRY_TIME TOW_SECOND

typedef enum stage {
    RESTING,
    SCANNING, /* the folders are looked at */
    FOLLOWING /* what is served becomes what should be */
} stage;

struct tow_directory {
    tow_directory_options options;
    tow_handler_place place;
    tow_folder_watch watch;
    tow_timer timer; /* for the next step */
    stage stage;
    bool again;           /* something has changed since the scan began */
    char start[PATH_MAX]; /* of the scan, below the root */
    bool is_away;         /* at the last scan there was no folder */
    tow_scan *scan;       /* NULL: none, or of a folder that is away */
    tow_aliases aliases;
    tow_unfinished unfinished;
    tow_remarks remarks;
    tow_served served;
    struct stat root, aliases_file; /* as they were when they were looked at */
};

/* Words. */

static void remark(void *user, const char *line) {
    tow_remarks_make(&((tow_directory *)user)->remarks, line);
}

__attribute__((format(printf, 2, 3))) static void remark_on(
    tow_directory *directory, const char *format, ...) {
    char line[2 * PATH_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    remark(directory, line);
}

/* Aliases. */

static void remark_on_line(void *user, size_t number, const char *what) {
    tow_directory *directory = user;
    remark_on(directory, "%s:%zu: %s", directory->options.aliases, number, what);
}

/* The text of the file. Returns 0, or an errno; EFBIG: it is too large. */
static int aliases_file_read(tow_directory *directory, tow_buffer *out) {
    int fd = open(directory->options.aliases, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ssize_t got = fd < 0 || fstat(fd, &directory->aliases_file) != 0 ? -1 : 1;
    while (got > 0 && out->length <= TOW_ALIASES_SIZE_MAX) {
        char bytes[4096];
        got = read(fd, bytes, sizeof(bytes));
        if (got > 0 && tow_buffer_append(out, bytes, (size_t)got) != 0) {
            errno = ENOMEM;
            got = -1;
        }
    }
    int reason = got < 0 ? errno : got > 0 ? EFBIG : 0;
    if (fd >= 0)
        close(fd);
    return reason;
}

/* Where they can't be read those of before stay. Returns 0 or an errno. */
static int aliases_read(tow_directory *directory) {
    tow_buffer text = {0};
    tow_aliases read = {0};
    if (directory->options.aliases == NULL)
        return 0;
    int reason = aliases_file_read(directory, &text);
    if (reason == 0 &&
        tow_aliases_read(&read, (const char *)text.data, text.length, remark_on_line, directory) != 0)
        reason = ENOMEM;
    tow_buffer_clear(&text);
    if (reason != 0)
        return reason;
    tow_aliases_clear(&directory->aliases);
    directory->aliases = read;
    return 0;
}

/* Scanning. */

static void work_in(tow_directory *directory, int64_t delay);

/* Changes that the system does not tell of are found by who asks for it (SIGHUP). */
static int on_folder(void *user, const char *path) {
    tow_directory *directory = user;
    if (directory->watch.on_event == NULL)
        return -1;
    int number = tow_folder_watch_add(&directory->watch, path);
    if (number < 0 && number != TOW_ERROR_NO_FILE)
        remark_on(directory, "changes in %s are not seen until SIGHUP comes: %s", path,
            number == TOW_ERROR_LIMIT ? "raise fs.inotify.max_user_watches" : tow_strerror(number));
    return number;
}

static bool is_unfinished(void *user, int folder, const char *name) {
    const tow_directory *directory = user;
    return directory->unfinished.count > 0 &&
           tow_unfinished_has(&directory->unfinished, folder, name, tow_loop_now(directory->place.loop));
}

static int scan_begin(tow_directory *directory) {
    const tow_scan_options options = {.root = directory->options.root,
        .start = directory->start,
        .outside = directory->options.outside,
        .sources = directory->options.sources,
        .on_folder = on_folder,
        .is_unfinished = is_unfinished,
        .remark = remark,
        .user = directory};
    tow_remarks_begin(&directory->remarks);
    int reason = aliases_read(directory);
    if (reason != 0)
        remark_on(
            directory, "%s: %s; the aliases stay as they are", directory->options.aliases, strerror(reason));
    directory->again = directory->served.must_retry = false;
    stat(directory->options.root, &directory->root);
    int error = tow_scan_new(&directory->scan, &options);
    directory->is_away = error == TOW_ERROR_NAME_NOT_FOUND || error == TOW_ERROR_ARGUMENT;
    return error;
}

/* A folder that is away has no files; nobody tells us when it is back. */
static int look_into(tow_directory *directory) {
    int error = scan_begin(directory);
    if (!directory->is_away)
        return error;
    remark_on(
        directory, "%s is not there: nothing of it is served until it is back", directory->options.root);
    return 0;
}

static int scan_step(const tow_directory *directory) {
    return directory->is_away ? 0 : tow_scan_step(directory->scan);
}

static int plan_make(tow_directory *directory, tow_plan *plan) {
    const tow_planning planning = {
        .options = &directory->options, .aliases = &directory->aliases, .remark = remark, .user = directory};
    size_t count = 0;
    const tow_found_file *files = directory->is_away ? NULL : tow_scan_files(directory->scan, &count);
    return tow_plan_make(plan, files, count, &planning);
}

static void scan_end(tow_directory *directory) {
    tow_scan_free(directory->scan);
    directory->scan = NULL;
}

/* Everything was looked at. */
static int follow(tow_directory *directory) {
    tow_plan plan = {0};
    int error = plan_make(directory, &plan);
    if (error == 0)
        error = tow_served_follow(&directory->served, &plan);
    tow_plan_clear(&plan);
    scan_end(directory);
    return error;
}

/* Steps. */

/* Returns 1 when there is more to do, 0 when all is done, or a tow_error. */
static int step(tow_directory *directory) {
    int result = 0;
    switch (directory->stage) {
    case RESTING:
        result = look_into(directory);
        directory->stage = SCANNING;
        break;
    case SCANNING:
        result = scan_step(directory);
        if (result != 0)
            break;
        result = follow(directory);
        directory->stage = FOLLOWING;
        break;
    case FOLLOWING:
        if (tow_served_step(&directory->served) != 0)
            return 1;
        directory->stage = RESTING;
        return 0;
    }
    if (result >= 0)
        return 1;
    scan_end(directory);
    directory->stage = RESTING;
    return result;
}

/* When it is all done: the next change, or when a file that was begun and not written to counts. */
static void rest(tow_directory *directory) {
    int64_t now = tow_loop_now(directory->place.loop);
    int64_t until = tow_unfinished_until(&directory->unfinished, now);
    if (directory->served.must_retry || directory->is_away)
        work_in(directory, RETRY_TIME);
    else if (directory->again)
        work_in(directory, GROUP_TIME);
    else if (until != 0)
        work_in(directory, until - now + TOW_MILLISECOND);
}

static void on_timer(tow_timer *timer) {
    tow_directory *directory = (tow_directory *)((char *)timer - offsetof(tow_directory, timer));
    int result = step(directory);
    if (result > 0) {
        work_in(directory, 0);
    } else if (result == 0) {
        rest(directory);
    } else {
        remark_on(directory, "%s can't be looked at: %s; what is served stays", directory->options.root,
            tow_strerror(result));
        work_in(directory, RETRY_TIME);
    }
}

static void work_in(tow_directory *directory, int64_t delay) {
    tow_loop *loop = directory->place.loop;
    tow_timer_set(loop, &directory->timer, tow_loop_now(loop) + delay, on_timer);
}

/* A timer that is set for longer is set anew; one that is set for a group is not put off by its next change.
 */
static void look_soon(tow_directory *directory) {
    bool is_waiting = directory->again;
    directory->again = true;
    if (directory->stage == RESTING && !is_waiting)
        work_in(directory, GROUP_TIME);
}

static void on_event(tow_folder_watch *watch, int folder, const char *name, tow_folder_event event) {
    tow_directory *directory = watch->user;
    tow_unfinished_note(&directory->unfinished, folder, name, event, tow_loop_now(directory->place.loop));
    if (event != TOW_FOLDER_WRITING)
        look_soon(directory);
}

/* Beginning and end. */

static int complain(char why[TOW_HANDLER_TEXT_MAX], int error, const char *name, const char *what) {
    snprintf(why, TOW_HANDLER_TEXT_MAX, "%.200s: %s", name, what);
    return error;
}

static int root_check(const char *root, char why[TOW_HANDLER_TEXT_MAX]) {
    int fd = tow_root_open(root);
    if (fd >= 0)
        close(fd);
    if (fd == TOW_ERROR_NAME_NOT_FOUND || fd == TOW_ERROR_ARGUMENT)
        return complain(why, fd, root, "there is no such folder");
    return fd < 0 ? complain(why, fd, root, tow_strerror(fd)) : 0;
}

/* Where the scan begins, below the root, as the system knows both. */
static int start_find(
    char start[PATH_MAX], const tow_directory_options *options, char why[TOW_HANDLER_TEXT_MAX]) {
    char root[PATH_MAX], scan[PATH_MAX];
    start[0] = '\0';
    if (options->scan == NULL)
        return 0;
    if (realpath(options->root, root) == NULL || realpath(options->scan, scan) == NULL)
        return complain(why, TOW_ERROR_NAME_NOT_FOUND, options->scan, strerror(errno));
    size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(scan, root, length) != 0 || (scan[length] != '/' && scan[length] != '\0'))
        return complain(why, TOW_ERROR_ARGUMENT, options->scan, "it is not below the folder of handlers");
    snprintf(start, PATH_MAX, "%s", scan[length] == '/' ? scan + length + 1 : "");
    return 0;
}

static int directory_make(tow_directory **out, const tow_directory_options *options,
    const tow_handler_place *place, char why[TOW_HANDLER_TEXT_MAX]) {
    int error = root_check(options->root, why);
    tow_directory *directory = error != 0 ? NULL : calloc(1, sizeof(*directory));
    if (error != 0)
        return error;
    if (directory == NULL)
        return complain(why, TOW_ERROR_MEMORY, options->root, tow_strerror(TOW_ERROR_MEMORY));
    directory->options = *options;
    directory->place = *place;
    directory->remarks.log = place->log;
    directory->served = (tow_served){.options = &directory->options, .place = *place, .directory = directory};
    error = start_find(directory->start, options, why);
    int reason = error != 0 ? 0 : aliases_read(directory);
    if (reason != 0)
        error = complain(
            why, reason == ENOMEM ? TOW_ERROR_MEMORY : TOW_ERROR_SYSTEM, options->aliases, strerror(reason));
    if (error != 0)
        tow_directory_free(directory);
    else
        *out = directory;
    return error;
}

int tow_directory_check(const tow_directory_options *options, char why[TOW_HANDLER_TEXT_MAX]) {
    tow_directory *directory;
    int error = directory_make(&directory, options, &(tow_handler_place){0}, why);
    if (error == 0)
        tow_directory_free(directory);
    return error;
}

static void watch_start(tow_directory *directory) {
    directory->watch.user = directory;
    int error = tow_folder_watch_start(&directory->watch, directory->place.loop, on_event);
    if (error != 0)
        remark_on(directory, "changes in %s are not seen until SIGHUP comes: %s", directory->options.root,
            tow_strerror(error));
}

/* All that is there is served when this returns, or was ordered. */
int tow_directory_new(tow_directory **out, const tow_directory_options *options,
    const tow_handler_place *place, char why[TOW_HANDLER_TEXT_MAX]) {
    tow_directory *directory;
    int result = directory_make(&directory, options, place, why);
    if (result != 0)
        return result;
    watch_start(directory);
    do
        result = step(directory);
    while (result > 0);
    if (result < 0) {
        tow_directory_free(directory);
        return complain(why, result, options->root, tow_strerror(result));
    }
    rest(directory);
    *out = directory;
    return 0;
}

void tow_directory_free(tow_directory *directory) {
    if (directory == NULL)
        return;
    if (directory->place.loop != NULL)
        tow_timer_cancel(directory->place.loop, &directory->timer);
    tow_folder_watch_stop(&directory->watch);
    tow_served_clear(&directory->served);
    scan_end(directory);
    tow_aliases_clear(&directory->aliases);
    tow_unfinished_clear(&directory->unfinished);
    tow_remarks_clear(&directory->remarks);
    free(directory);
}

void tow_directory_reload(tow_directory *directory) {
    tow_served_forget_failures(&directory->served);
    look_soon(directory);
}

bool tow_directory_serves(const tow_directory *directory, const char *path) {
    return tow_served_has(&directory->served, path);
}

static bool has_changed(const char *path, const struct stat *before) {
    struct stat now;
    if (path == NULL || stat(path, &now) != 0)
        return false;
    return now.st_dev != before->st_dev || now.st_ino != before->st_ino ||
           (S_ISREG(now.st_mode) &&
               (now.st_size != before->st_size || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
                   now.st_mtim.tv_nsec != before->st_mtim.tv_nsec));
}

void tow_directory_look(tow_directory *directory) {
    if (has_changed(directory->options.root, &directory->root) ||
        has_changed(directory->options.aliases, &directory->aliases_file))
        look_soon(directory);
}

/* Answers. */

static void answer(tow_directory_order *order, const tow_handler *handler, const char *why) {
    tow_version *version = (tow_version *)(void *)order;
    tow_directory *directory = version->directory;
    if (directory == NULL) {
        version->handler = *handler;
        tow_version_release(version);
    } else if (tow_served_answer(&directory->served, version, handler, why)) {
        look_soon(directory);
    }
}

void tow_directory_serve(tow_directory_order *order, const tow_handler *handler) {
    answer(order, handler, NULL);
}

void tow_directory_stand_in(tow_directory_order *order, const tow_handler *handler, const char *why) {
    answer(order, handler, why);
}

void tow_directory_refuse(tow_directory_order *order, const char *why) {
    tow_version *version = (tow_version *)(void *)order;
    tow_directory *directory = version->directory;
    if (directory == NULL)
        tow_version_release(version);
    else if (tow_served_refuse(&directory->served, version, why))
        look_soon(directory);
}

/* Telling. */

static int list(tow_directory *directory,
    void (*tell)(void *user, const char *path, const char *kind, const char *file), void *user) {
    char file[PATH_MAX];
    tow_plan plan = {0};
    int result = scan_begin(directory);
    while (result == 0 && (result = tow_scan_step(directory->scan)) > 0)
        result = 0;
    if (result == 0)
        result = plan_make(directory, &plan);
    for (size_t i = 0; result == 0 && i < plan.count; i++) {
        const tow_planned *planned = &plan.list[i];
        if (planned->file != NULL)
            snprintf(file, sizeof(file), "%s/%s", directory->options.root, planned->file->name);
        tell(user, planned->path, planned->base != NULL ? "alias" : tow_entry_type_name(planned->type),
            planned->base != NULL ? planned->base : file);
    }
    tow_plan_clear(&plan);
    return result;
}

int tow_directory_list(const tow_directory_options *options, const tow_handler_place *place,
    void (*tell)(void *user, const char *path, const char *kind, const char *file), void *user,
    char why[TOW_HANDLER_TEXT_MAX]) {
    tow_directory *directory;
    int error = directory_make(&directory, options, place, why);
    if (error != 0)
        return error;
    error = list(directory, tell, user);
    tow_directory_free(directory);
    return error == 0 ? 0 : complain(why, error, options->root, tow_strerror(error));
}
