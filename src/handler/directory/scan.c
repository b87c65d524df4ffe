#include "scan.h"

#include "beneath.h"
#include "catalogue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <unistd.h>

struct tow_scan {
    tow_scan_options options;
    int root;
    char *folders[TOW_SCAN_FOLDERS_MAX]; /* below the root; those before `next` were begun */
    size_t folder_count, next;
    DIR *directory; /* that is being read: the one before `next`; NULL: none */
    int number;     /* of it */
    tow_found_file *files;
    size_t count, capacity;
    bool is_full; /* and that was said */
};

bool tow_file_identity_equals(const tow_file_identity *one, const tow_file_identity *other) {
    return one->device == other->device && one->inode == other->inode && one->size == other->size &&
           one->modified.tv_sec == other->modified.tv_sec && one->modified.tv_nsec == other->modified.tv_nsec;
}

/* Names. */

__attribute__((format(printf, 2, 3))) static void remark(const tow_scan *scan, const char *format, ...) {
    char line[PATH_MAX + 256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    scan->options.remark(scan->options.user, line);
}

static const char *folder_of(const tow_scan *scan) {
    return scan->folders[scan->next - 1];
}

/* False where it is longer than any path may be. */
static bool name_join(char out[PATH_MAX], const char *folder, const char *name) {
    int length = snprintf(out, PATH_MAX, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name);
    return length < PATH_MAX;
}

static bool is_wanted(const tow_scan *scan, const char *name, bool executable) {
    return tow_catalogue_has_file(name, executable, scan->options.sources);
}

/* Lists. */

static void say_full(tow_scan *scan, int limit, const char *what) {
    if (!scan->is_full)
        remark(scan, "%s: there are more than %d %s in it, and the rest is passed over", scan->options.root,
            limit, what);
    scan->is_full = true;
}

static int folder_add(tow_scan *scan, const char *name) {
    if (scan->folder_count == TOW_SCAN_FOLDERS_MAX) {
        say_full(scan, TOW_SCAN_FOLDERS_MAX, "folders");
        return 0;
    }
    char *copy = strdup(name);
    if (copy == NULL)
        return TOW_ERROR_MEMORY;
    scan->folders[scan->folder_count++] = copy;
    return 0;
}

static int files_reserve(tow_scan *scan) {
    if (scan->count < scan->capacity)
        return 0;
    size_t capacity = scan->capacity == 0 ? 16 : 2 * scan->capacity;
    tow_found_file *files = realloc(scan->files, capacity * sizeof(*files));
    if (files == NULL)
        return TOW_ERROR_MEMORY;
    scan->files = files;
    scan->capacity = capacity;
    return 0;
}

static bool is_script(const tow_scan *scan, const char *last) {
    char head[2];
    int fd = openat(dirfd(scan->directory), last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool is_one = fd >= 0 && read(fd, head, 2) == 2 && memcmp(head, "#!", 2) == 0;
    if (fd >= 0)
        close(fd);
    return is_one;
}

/* A script that stands here is meant to be served, if it may be executed or would be a program then. */
static void explain(const tow_scan *scan, const char *name, const char *last, bool executable) {
    const char *root = scan->options.root, *end = tow_catalogue_text_end(last);
    bool is_meant = executable ? end != NULL : end == NULL && is_wanted(scan, last, true);
    if (!is_meant || !is_script(scan, last))
        return;
    if (!executable)
        remark(scan, "%s/%s is passed over: it may not be executed (chmod +x)", root, name);
    else if (strcmp(end, ".py") == 0)
        remark(scan, "%s/%s is passed over: no program ends in .py; %.*s_wsh.py would be a Python handler",
            root, name, (int)(strlen(last) - strlen(end)), last);
    else
        remark(scan, "%s/%s is passed over: no program ends in %s", root, name, end);
}

static int file_add(tow_scan *scan, const char *name, const char *last, const struct stat *file) {
    bool executable = (file->st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
    if (!S_ISREG(file->st_mode) || file->st_size == 0)
        return 0;
    if (!is_wanted(scan, last, executable)) {
        explain(scan, name, last, executable);
        return 0;
    }
    if (scan->count == TOW_SCAN_FILES_MAX) {
        say_full(scan, TOW_SCAN_FILES_MAX, "handlers");
        return 0;
    }
    char *copy = files_reserve(scan) != 0 ? NULL : strdup(name);
    if (copy == NULL)
        return TOW_ERROR_MEMORY;
    scan->files[scan->count++] = (tow_found_file){.name = copy,
        .identity = {.device = file->st_dev,
            .inode = file->st_ino,
            .size = file->st_size,
            .modified = file->st_mtim},
        .executable = executable,
        .unfinished = scan->options.is_unfinished(scan->options.user, scan->number, last)};
    return 0;
}

/* What is found. */

/* Where a link leads to. False, with a remark, where that does not count. */
static bool link_follow(const tow_scan *scan, const char *name, struct stat *file) {
    int fd = scan->options.outside ? openat(scan->root, name, O_PATH | O_CLOEXEC)
                                   : tow_open_within(scan->root, name);
    bool is_found = fd >= 0 && fstat(fd, file) == 0;
    if (fd >= 0)
        close(fd);
    if (!is_found)
        remark(scan, "%s/%s is a link that leads out of the folder or nowhere, and is passed over",
            scan->options.root, name);
    else if (S_ISDIR(file->st_mode))
        remark(scan, "%s/%s is a link to a folder, which is not followed", scan->options.root, name);
    return is_found;
}

static int name_look(tow_scan *scan, const char *last) {
    char name[PATH_MAX];
    struct stat file;
    if (!tow_catalogue_has_folder(last) || !name_join(name, folder_of(scan), last) ||
        fstatat(dirfd(scan->directory), last, &file, AT_SYMLINK_NOFOLLOW) != 0)
        return 0;
    if (S_ISDIR(file.st_mode))
        return folder_add(scan, name);
    if (S_ISLNK(file.st_mode) && (!is_wanted(scan, last, true) || !link_follow(scan, name, &file)))
        return 0;
    return file_add(scan, name, last, &file);
}

/* A folder that has gone meanwhile has nothing in it. */
static void folder_begin(tow_scan *scan) {
    char path[PATH_MAX];
    const char *name = scan->folders[scan->next++];
    if (!name_join(path, scan->options.root, name))
        return;
    scan->number = scan->options.on_folder(scan->options.user, path);
    int fd = tow_open_beneath(scan->root, name, O_DIRECTORY);
    scan->directory = fd < 0 ? NULL : fdopendir(fd);
    if (scan->directory != NULL)
        return;
    if (fd != TOW_ERROR_NAME_NOT_FOUND)
        remark(scan, "%s can't be read: %s", path, fd < 0 ? tow_strerror(fd) : strerror(errno));
    if (fd >= 0)
        close(fd);
}

static int compare_files(const void *a, const void *b) {
    return strcmp(((const tow_found_file *)a)->name, ((const tow_found_file *)b)->name);
}

static void finish(tow_scan *scan) {
    if (scan->count > 1)
        qsort(scan->files, scan->count, sizeof(*scan->files), compare_files);
}

int tow_scan_step(tow_scan *scan) {
    for (int i = 0; i < TOW_SCAN_STEP; i++) {
        const struct dirent *entry = scan->directory == NULL ? NULL : readdir(scan->directory);
        int error = entry == NULL ? 0 : name_look(scan, entry->d_name);
        if (error != 0)
            return error;
        if (entry != NULL)
            continue;
        if (scan->directory != NULL)
            closedir(scan->directory);
        scan->directory = NULL;
        if (scan->next == scan->folder_count) {
            finish(scan);
            return 0;
        }
        folder_begin(scan);
    }
    return 1;
}

const tow_found_file *tow_scan_files(const tow_scan *scan, size_t *count) {
    *count = scan->count;
    return scan->files;
}

int tow_scan_new(tow_scan **out, const tow_scan_options *options) {
    int root = tow_root_open(options->root);
    if (root < 0)
        return root;
    tow_scan *scan = calloc(1, sizeof(*scan));
    if (scan == NULL) {
        close(root);
        return TOW_ERROR_MEMORY;
    }
    scan->options = *options;
    scan->root = root;
    if (folder_add(scan, options->start) != 0) {
        tow_scan_free(scan);
        return TOW_ERROR_MEMORY;
    }
    *out = scan;
    return 0;
}

void tow_scan_free(tow_scan *scan) {
    if (scan == NULL)
        return;
    for (size_t i = 0; i < scan->folder_count; i++)
        free(scan->folders[i]);
    for (size_t i = 0; i < scan->count; i++)
        free(scan->files[i].name);
    if (scan->directory != NULL)
        closedir(scan->directory);
    free(scan->files);
    close(scan->root);
    free(scan);
}
