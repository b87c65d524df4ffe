#include "transport/folder_watch.h"

#include "system_error.h"
#include "transport/loop.h"

#include <errno.h>
#include <stddef.h>
#include <sys/inotify.h>
#include <towline/error.h>
#include <unistd.h>

enum {
    BUFFER_SIZE = 16 * 1024, /* what is read at once: more comes in the next round */
    SELF = IN_DELETE_SELF | IN_MOVE_SELF,
    EVENTS =
        IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ATTRIB | SELF
};

static tow_folder_event kind_of(uint32_t mask) {
    if ((mask & (IN_ISDIR | SELF)) != 0)
        return TOW_FOLDER_CHANGED;
    if ((mask & (IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE)) != 0)
        return TOW_FOLDER_WRITTEN;
    if ((mask & IN_MODIFY) != 0)
        return TOW_FOLDER_WRITING;
    return (mask & IN_CREATE) != 0 ? TOW_FOLDER_CREATED : TOW_FOLDER_CHANGED;
}

/* A folder that was moved would be watched where it is now. */
static void tell(tow_folder_watch *watch, const struct inotify_event *event) {
    if ((event->mask & IN_Q_OVERFLOW) != 0) {
        watch->on_event(watch, -1, "", TOW_FOLDER_LOST);
        return;
    }
    if ((event->mask & IN_IGNORED) != 0)
        return;
    if ((event->mask & IN_MOVE_SELF) != 0)
        inotify_rm_watch(watch->fd, event->wd);
    watch->on_event(watch, event->wd, event->len > 0 ? event->name : "", kind_of(event->mask));
}

static void on_readable(tow_watch *ready, int readiness) {
    tow_folder_watch *watch = (tow_folder_watch *)((char *)ready - offsetof(tow_folder_watch, watch));
    _Alignas(struct inotify_event) char buffer[BUFFER_SIZE];
    (void)readiness;
    ssize_t length = read(watch->fd, buffer, sizeof(buffer));
    for (ssize_t at = 0; at < length && watch->fd >= 0;) {
        const struct inotify_event *event = (const struct inotify_event *)(const void *)(buffer + at);
        at += (ssize_t)(sizeof(*event) + event->len);
        tell(watch, event);
    }
}

int tow_folder_watch_start(tow_folder_watch *watch, tow_loop *loop, tow_on_folder_event on_event) {
    if (!tow_loop_has_descriptors(loop))
        return TOW_ERROR_UNSUPPORTED;
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0)
        return tow_system_error(errno);
    watch->fd = fd;
    watch->on_event = on_event;
    watch->watch.unreferenced = true;
    int error = tow_watch_start(&watch->watch, loop, fd, TOW_READABLE, on_readable);
    if (error == 0)
        return 0;
    close(fd);
    watch->on_event = NULL;
    return error;
}

int tow_folder_watch_add(tow_folder_watch *watch, const char *path) {
    int folder = inotify_add_watch(watch->fd, path, EVENTS | IN_ONLYDIR | IN_EXCL_UNLINK);
    if (folder >= 0)
        return folder;
    return errno == ENOSPC ? TOW_ERROR_LIMIT : tow_system_error(errno);
}

void tow_folder_watch_stop(tow_folder_watch *watch) {
    if (watch->on_event == NULL)
        return;
    tow_watch_stop(&watch->watch);
    close(watch->fd);
    watch->fd = -1;
    watch->on_event = NULL;
}
