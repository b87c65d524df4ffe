#include "folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void must(int done, const char *what) {
    if (done)
        return;
    perror(what);
    abort();
}

/* In memory where possible: thousands of files cost seconds on a busy disk. */
static const char *base(void) {
    const char *chosen = getenv("TMPDIR");
    if (chosen != NULL)
        return chosen;
    return access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
}

void folder_make(folder *made) {
    snprintf(made->path, sizeof(made->path), "%s/towline-test-XXXXXX", base());
    must(mkdtemp(made->path) != NULL, made->path);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

void folder_remove(folder *made) {
    must(nftw(made->path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0, made->path);
}

const char *folder_path(const folder *made, const char *name) {
    static char path[2 * FOLDER_PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", made->path, name);
    return path;
}

void folder_add_file(const folder *made, const char *name, const char *content) {
    FILE *file = fopen(folder_path(made, name), "w");
    must(file != NULL, name);
    must(fwrite(content, 1, strlen(content), file) == strlen(content), name);
    must(fclose(file) == 0, name);
}

void folder_add_directory(const folder *made, const char *name) {
    must(mkdir(folder_path(made, name), 0777) == 0, name);
}

/* The target may be a folder_path too. */
void folder_add_link(const folder *made, const char *name, const char *target) {
    char *copy = strdup(target);
    must(copy != NULL && symlink(copy, folder_path(made, name)) == 0, name);
    free(copy);
}
