/* targets: where the connections of one tunnel lead: one target for all, or a map from tokens (?token=…) and
 * paths to targets, which may be read again while connections are open. */
#ifndef TOW_HANDLER_TUNNEL_TARGETS_H
#define TOW_HANDLER_TUNNEL_TARGETS_H

#include "handler/kind.h"
#include "map.h"

#include <pthread.h>
#include <sys/stat.h>

/* What a file was like when it was read. */
typedef struct tow_file_state {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
} tow_file_state;

typedef struct tow_tunnel_targets { /* embedded; private */
    tow_tunnel_target target;       /* without a map */
    const char *path;               /* of the map's file, or NULL */
    tow_file_state state;           /* of the thread that reads it */
    pthread_mutex_t mutex;          /* of what follows: workers look it up */
    tow_tunnel_map *map;
} tow_tunnel_targets;

/* `target` is tcp:HOST:PORT, unix:PATH or exec:COMMAND, `map` a file; one of them is NULL, and neither is
 * copied. Errors: ARGUMENT, SYSTEM (the file), MEMORY; then `why` says what is wrong. */
int tow_tunnel_targets_init(
    tow_tunnel_targets *targets, const char *target, const char *map, char why[TOW_HANDLER_TEXT_MAX]);
void tow_tunnel_targets_clear(tow_tunnel_targets *targets);

/* The target that a request asks for, or NULL. It lives as long as *map, to be released, or without one
 * (NULL) as long as the targets. */
const tow_tunnel_target *tow_tunnel_targets_find(
    tow_tunnel_targets *targets, const tow_request *request, tow_tunnel_map **map);

/* Whether the map's file is another than the one that was read. */
bool tow_tunnel_targets_have_changed(const tow_tunnel_targets *targets);

/* Reads the map again; a bad one changes nothing. Errors: as tow_tunnel_map_open. */
int tow_tunnel_targets_reload(tow_tunnel_targets *targets, char why[TOW_TUNNEL_MAP_TEXT_MAX]);

#endif
