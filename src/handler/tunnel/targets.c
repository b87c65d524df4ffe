#include "targets.h"

#include "http/percent.h"

#include <stdio.h>
#include <string.h>

enum { KEY_MAX = 4096 };

/* The map's file. */

static tow_file_state file_look(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0)
        return (tow_file_state){0};
    return (tow_file_state){
        .device = status.st_dev, .inode = status.st_ino, .size = status.st_size, .changed = status.st_mtim};
}

bool tow_tunnel_targets_have_changed(const tow_tunnel_targets *targets) {
    if (targets->path == NULL)
        return false;
    tow_file_state now = file_look(targets->path);
    const tow_file_state *then = &targets->state;
    return now.device != then->device || now.inode != then->inode || now.size != then->size ||
           now.changed.tv_sec != then->changed.tv_sec || now.changed.tv_nsec != then->changed.tv_nsec;
}

int tow_tunnel_targets_reload(tow_tunnel_targets *targets, char why[TOW_TUNNEL_MAP_TEXT_MAX]) {
    tow_tunnel_map *map;
    targets->state = file_look(targets->path);
    int error = tow_tunnel_map_open(&map, targets->path, why);
    if (error != 0)
        return error;
    pthread_mutex_lock(&targets->mutex);
    tow_tunnel_map *old = targets->map;
    targets->map = map;
    pthread_mutex_unlock(&targets->mutex);
    tow_tunnel_map_release(old);
    return 0;
}

/* Which target. */

/* Percent-decodes up to the next '&'; returns the length, or 0 for what is no token. */
static size_t token_decode(char out[KEY_MAX], const char *text) {
    tow_slice rest = {text, strcspn(text, "&")};
    size_t length = 0;
    while (rest.length > 0)
        if (length == KEY_MAX || !tow_percent_take(&rest, &out[length++]))
            return 0;
    return length;
}

/* The first parameter of that name. */
static size_t token_of(const tow_request *request, char out[KEY_MAX]) {
    const char *parameter = tow_request_query(request);
    while (parameter != NULL && *parameter != '\0') {
        if (strncmp(parameter, "token=", 6) == 0)
            return token_decode(out, parameter + 6);
        parameter = strchr(parameter, '&');
        parameter = parameter == NULL ? NULL : parameter + 1;
    }
    return 0;
}

/* A path that is in the map, else the token. A token with a slash in front is none: it would be a path. */
static const tow_tunnel_target *target_in(const tow_tunnel_map *map, const tow_request *request) {
    char token[KEY_MAX];
    const char *path = tow_request_path(request);
    const tow_tunnel_target *target = tow_tunnel_map_find(map, path, strlen(path));
    if (target != NULL)
        return target;
    size_t length = token_of(request, token);
    return length > 0 && token[0] != '/' ? tow_tunnel_map_find(map, token, length) : NULL;
}

static tow_tunnel_map *map_take(tow_tunnel_targets *targets) {
    pthread_mutex_lock(&targets->mutex);
    tow_tunnel_map *map = targets->map;
    if (map != NULL)
        tow_tunnel_map_retain(map);
    pthread_mutex_unlock(&targets->mutex);
    return map;
}

const tow_tunnel_target *tow_tunnel_targets_find(
    tow_tunnel_targets *targets, const tow_request *request, tow_tunnel_map **map) {
    *map = map_take(targets);
    return *map == NULL ? &targets->target : target_in(*map, request);
}

/* Beginning and end. */

int tow_tunnel_targets_init(
    tow_tunnel_targets *targets, const char *target, const char *map, char why[TOW_HANDLER_TEXT_MAX]) {
    char map_why[TOW_TUNNEL_MAP_TEXT_MAX];
    const char *target_why;
    *targets = (tow_tunnel_targets){.path = map};
    pthread_mutex_init(&targets->mutex, NULL);
    if (map != NULL) {
        int error = tow_tunnel_targets_reload(targets, map_why);
        if (error != 0)
            snprintf(why, TOW_HANDLER_TEXT_MAX, "%.100s: %s", map, map_why);
        return error;
    }
    int error = tow_tunnel_target_read(&targets->target, target, &target_why);
    if (error != 0)
        snprintf(why, TOW_HANDLER_TEXT_MAX, "'%.100s': %s", target, target_why);
    return error;
}

void tow_tunnel_targets_clear(tow_tunnel_targets *targets) {
    tow_tunnel_map_release(targets->map);
    pthread_mutex_destroy(&targets->mutex);
}
