/* folder_watch: tells of what changes in folders (inotify(7)). Not in the simulator. */
#ifndef TOW_TRANSPORT_FOLDER_WATCH_H
#define TOW_TRANSPORT_FOLDER_WATCH_H

#include "transport/watch.h"

typedef struct tow_folder_watch tow_folder_watch;

typedef enum tow_folder_event {
    TOW_FOLDER_CREATED, /* a file is there, which may be about to be written */
    TOW_FOLDER_WRITING, /* something was written to it */
    TOW_FOLDER_WRITTEN, /* it was written and closed, or was renamed into place, or is gone */
    TOW_FOLDER_CHANGED, /* anything else: its mode, a folder, the folder that is watched */
    TOW_FOLDER_LOST     /* there were too many events: nobody knows what has changed */
} tow_folder_event;

/* `folder` is the number that tow_folder_watch_add gave, `name` that of what is in it; -1 and "" where it is
 * neither. */
typedef void (*tow_on_folder_event)(
    tow_folder_watch *watch, int folder, const char *name, tow_folder_event event);

struct tow_folder_watch { /* embedded; zeroed: not in use. Private but `user`. */
    tow_watch watch;
    tow_on_folder_event on_event;
    void *user;
    int fd;
};

/* Watches nothing yet, and does not keep the loop alive. Errors: UNSUPPORTED (the simulator), DESCRIPTORS,
 * MEMORY, SYSTEM. */
int tow_folder_watch_start(tow_folder_watch *watch, tow_loop *loop, tow_on_folder_event on_event);

/* Watches a folder, but none in it, until it is gone or moved away. Returns its number, which is the same for
 * the same folder. Errors: NO_FILE (there is no such folder), PERMISSION, LIMIT (of what the system
 * lets users watch), MEMORY, SYSTEM. */
int tow_folder_watch_add(tow_folder_watch *watch, const char *path);

/* No callback afterwards; as tow_watch_stop. */
void tow_folder_watch_stop(tow_folder_watch *watch);

#endif
