#include "config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <unistd.h>

static int complain_of_file(char error[TOW_OPTIONS_ERROR_MAX], const char *file, const char *why) {
    tow_option_complain(error, "%.100s: %s", file, why);
    return TOW_ERROR_SYSTEM;
}

/* One byte more than the bound shows that there is more. Returns how many, or -1 with errno. */
static ssize_t read_all(int fd, char *out, size_t size) {
    size_t length = 0;
    while (length < size) {
        ssize_t got = read(fd, out + length, size - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        length += (size_t)got;
    }
    return (ssize_t)length;
}

static int descriptor_read(
    tow_config_tree *tree, const char *file, int fd, char *text, char error[TOW_OPTIONS_ERROR_MAX]) {
    ssize_t length = read_all(fd, text, TOW_CONFIG_BYTES_MAX + 1);
    if (length < 0)
        return complain_of_file(error, file, strerror(errno));
    return tow_config_tree_read(tree, file, text, (size_t)length, error);
}

int tow_config_tree_open(tow_config_tree *tree, const char *file, char error[TOW_OPTIONS_ERROR_MAX]) {
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return complain_of_file(error, file, strerror(errno));
    char *text = malloc(TOW_CONFIG_BYTES_MAX + 1);
    int problem = text != NULL ? descriptor_read(tree, file, fd, text, error)
                               : complain_of_file(error, file, tow_strerror(TOW_ERROR_MEMORY));
    free(text);
    close(fd);
    return problem;
}
