#include "version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *tow_entry_type_name(tow_entry_type type) {
    static const char *const names[] = {[TOW_ENTRY_SOURCE] = "source",
        [TOW_ENTRY_MODULE] = "module",
        [TOW_ENTRY_PYTHON] = "python",
        [TOW_ENTRY_PROGRAM] = "program"};
    return names[type];
}

tow_version *tow_version_new(
    tow_directory *directory, tow_entry_type type, const char *root, const char *name, const char *path) {
    size_t file_size = strlen(root) + strlen(name) + 2, path_size = strlen(path) + 1;
    tow_version *version = calloc(1, sizeof(*version) + file_size + path_size);
    if (version == NULL)
        return NULL;
    snprintf(version->texts, file_size, "%s%s%s", root, root[strlen(root) - 1] == '/' ? "" : "/", name);
    memcpy(version->texts + file_size, path, path_size);
    version->order =
        (tow_directory_order){.type = type, .file = version->texts, .path = version->texts + file_size};
    version->directory = directory;
    atomic_init(&version->holders, 1);
    return version;
}

static void on_free(void *user) {
    tow_version_release(user);
}

int tow_version_route(tow_version *version, tow_server *server, const char *path) {
    tow_handler handler = version->handler;
    handler.on_free = on_free;
    handler.free_user = version;
    atomic_fetch_add_explicit(&version->holders, 1, memory_order_relaxed);
    int error = tow_server_route(server, path, &handler);
    if (error != 0)
        tow_version_release(version);
    return error;
}

void tow_version_release(tow_version *version) {
    if (version == NULL || atomic_fetch_sub_explicit(&version->holders, 1, memory_order_acq_rel) > 1)
        return;
    const tow_handler *handler = &version->handler;
    if (handler->on_free != NULL)
        handler->on_free(handler->free_user != NULL ? handler->free_user : handler->user);
    free(version);
}
