#include "library.h"

#include "elf.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <towline/error.h>
#include <unistd.h>

static int complain(char why[TOW_HANDLER_TEXT_MAX], int error, const char *text) {
    snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", text);
    return error;
}

/* The copy. */

static bool is_same(const struct stat *one, const struct stat *other) {
    return one->st_size == other->st_size && one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
           one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

static int bytes_copy(int from, int to, size_t length, char why[TOW_HANDLER_TEXT_MAX]) {
    for (size_t done = 0; done < length;) {
        ssize_t count = sendfile(to, from, NULL, length - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return complain(why, TOW_ERROR_SYSTEM, strerror(errno));
        if (count == 0)
            return complain(why, TOW_ERROR_ARGUMENT, "it became shorter while it was read");
        done += (size_t)count;
    }
    return 0;
}

static int elf_check(int copy, size_t length, char why[TOW_HANDLER_TEXT_MAX]) {
    void *bytes = length == 0 ? MAP_FAILED : mmap(NULL, length, PROT_READ, MAP_SHARED, copy, 0);
    if (bytes == MAP_FAILED)
        return complain(why, TOW_ERROR_ARGUMENT, "it is empty");
    const char *problem = tow_elf_problem(bytes, length);
    munmap(bytes, length);
    return problem == NULL ? 0 : complain(why, TOW_ERROR_ARGUMENT, problem);
}

/* `copy` is an empty file in memory. */
static int copy_fill(int copy, int file, char why[TOW_HANDLER_TEXT_MAX]) {
    struct stat before, after;
    if (fstat(file, &before) != 0)
        return complain(why, TOW_ERROR_SYSTEM, strerror(errno));
    if (!S_ISREG(before.st_mode))
        return complain(why, TOW_ERROR_ARGUMENT, "it is no file");
    if (before.st_size > TOW_LIBRARY_SIZE_MAX)
        return complain(why, TOW_ERROR_ARGUMENT, "it is larger than 64 MiB: strip it of what debuggers need");
    int error = bytes_copy(file, copy, (size_t)before.st_size, why);
    if (error == 0 && (fstat(file, &after) != 0 || !is_same(&before, &after)))
        error = complain(why, TOW_ERROR_ARGUMENT, "it changed while it was read");
    return error != 0 ? error : elf_check(copy, (size_t)before.st_size, why);
}

/* Its name is what debuggers and /proc/PID/maps show. */
static int copy_make(const char *file, char why[TOW_HANDLER_TEXT_MAX]) {
    char name[128];
    const char *slash = strrchr(file, '/');
    int original = open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (original < 0)
        return complain(why, TOW_ERROR_SYSTEM, strerror(errno));
    snprintf(name, sizeof(name), "towline-%.100s", slash != NULL ? slash + 1 : file);
    int copy = memfd_create(name, MFD_CLOEXEC);
    int error = copy < 0 ? complain(why, TOW_ERROR_SYSTEM, strerror(errno)) : copy_fill(copy, original, why);
    close(original);
    if (error == 0)
        return copy;
    if (copy >= 0)
        close(copy);
    return error;
}

/* Loading. */

int tow_library_open(tow_library *library, const char *file, char why[TOW_HANDLER_TEXT_MAX]) {
    char name[64];
    int copy = copy_make(file, why);
    if (copy < 0)
        return copy;
    snprintf(name, sizeof(name), "/proc/self/fd/%d", copy);
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (handle != NULL) {
        *library = (tow_library){handle, copy};
        return 0;
    }
    const char *said = dlerror();
    size_t length = strlen(name);
    bool is_named = strncmp(said, name, length) == 0 && strncmp(said + length, ": ", 2) == 0;
    complain(why, TOW_ERROR_ARGUMENT, is_named ? said + length + 2 : said);
    close(copy);
    return TOW_ERROR_ARGUMENT;
}

const void *tow_library_find(const tow_library *library, const char *name) {
    return dlsym(library->handle, name);
}

void tow_library_close(tow_library *library) {
    dlclose(library->handle);
    close(library->copy);
}
