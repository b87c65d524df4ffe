#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <towline/error.h>
#include <unistd.h>

enum { ATTEMPTS = 8 };

/* The kernel's reason as one of ours. What leads outside (EXDEV), through too many links, or to what can't be
 * opened (a socket: ENXIO) is not found. */
static int error_of(int reason) {
    switch (reason) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case EXDEV:
    case ENAMETOOLONG:
    case ENXIO:
    case ENODEV:
    case EINVAL:
        return TOW_ERROR_NAME_NOT_FOUND;
    case EACCES:
    case EPERM:
        return TOW_ERROR_PERMISSION;
    case EMFILE:
    case ENFILE:
        return TOW_ERROR_DESCRIPTORS;
    case ENOMEM:
        return TOW_ERROR_MEMORY;
    default:
        return TOW_ERROR_SYSTEM;
    }
}

int tow_root_open(const char *root) {
    int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    return errno == ENOTDIR ? TOW_ERROR_ARGUMENT : error_of(errno);
}

static int reading_flags(int flags) {
    return flags | O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
}

/* openat2(2) gives EAGAIN when something was renamed meanwhile and it can't be sure: then it is to be tried
 * again. */
static int open_resolved(int root, const char *name, int flags) {
    unsigned all_flags = (unsigned)((flags & O_PATH) != 0 ? flags | O_CLOEXEC : reading_flags(flags));
    struct open_how how = {
        .flags = all_flags,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    long fd = -1;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        fd = syscall(SYS_openat2, root, name[0] == '\0' ? "." : name, &how, sizeof(how));
        if (fd >= 0 || errno != EAGAIN)
            break;
    }
    return (int)fd;
}

int tow_open_beneath(int root, const char *name, int flags) {
    int fd = open_resolved(root, name, flags);
    if (fd >= 0)
        return fd;
    if (errno == ENOSYS || errno == EPERM) /* EPERM: some sandboxes refuse what they do not know */
        return tow_open_beneath_by_steps(root, name, flags);
    return error_of(errno);
}

/* Where an open file lies. False: that is not to be told. */
static bool place_of(int fd, char out[PATH_MAX]) {
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, out, PATH_MAX - 1);
    if (length <= 0 || length == PATH_MAX - 1 || out[0] != '/')
        return false;
    out[length] = '\0';
    return true;
}

static bool is_inside(int fd, int root) {
    char folder[PATH_MAX], file[PATH_MAX];
    if (!place_of(root, folder) || !place_of(fd, file))
        return false;
    size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    return strncmp(file, folder, length) == 0 && (file[length] == '/' || file[length] == '\0');
}

int tow_open_within(int root, const char *name) {
    int fd = openat(root, name, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return error_of(errno);
    if (is_inside(fd, root))
        return fd;
    close(fd);
    return TOW_ERROR_NAME_NOT_FOUND;
}

/* Cuts the first segment of *name into `segment`. One that leads upwards or is too long for any file becomes
 * "", which is never found. */
static void segment_take(const char **name, char segment[NAME_MAX + 1]) {
    size_t length = strcspn(*name, "/");
    const char *start = *name;
    *name += length;
    *name += strspn(*name, "/");
    if (length > NAME_MAX || strncmp(start, "..", length) == 0)
        length = 0;
    memcpy(segment, start, length);
    segment[length] = '\0';
}

int tow_open_beneath_by_steps(int root, const char *name, int flags) {
    char segment[NAME_MAX + 1] = ".";
    for (int directory = root;;) {
        if (*name != '\0')
            segment_take(&name, segment);
        bool last = *name == '\0';
        int step_flags = last ? reading_flags(flags) : O_PATH | O_DIRECTORY | O_CLOEXEC;
        int fd = openat(directory, segment, step_flags | O_NOFOLLOW);
        int reason = errno;
        if (directory != root)
            close(directory);
        if (fd < 0)
            return error_of(reason);
        if (last)
            return fd;
        directory = fd;
    }
}
