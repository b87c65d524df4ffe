#include "history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <towline/error.h>

/* An absolute path from the environment, or NULL: the XDG base directory specification says to ignore
 * relative ones. */
static const char *folder_from(const char *variable) {
    const char *value = getenv(variable);
    return value != NULL && value[0] == '/' ? value : NULL;
}

/* Makes every folder on the way to the file; those that exist stay as they are. */
static int folders_make(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int failed = mkdir(path, 0700) != 0 && errno != EEXIST;
        *slash = '/';
        if (failed)
            return TOW_ERROR_UNSUPPORTED;
    }
    return 0;
}

int tow_history_path(tow_buffer *path) {
    const char *state = folder_from("XDG_STATE_HOME");
    const char *home = folder_from("HOME");
    if (state == NULL && home == NULL)
        return TOW_ERROR_UNSUPPORTED;
    int error = tow_buffer_append_format(
        path, "%s%s/towline/history", state != NULL ? state : home, state != NULL ? "" : "/.local/state");
    if (error == 0)
        error = tow_buffer_append(path, "", 1);
    return error != 0 ? error : folders_make((char *)path->data);
}
