#include "config.h"

#include "config_take.h"
#include "config_tree.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* The folder of a file that is there, as an absolute name. */
static int folder_of(const char *file, char out[PATH_MAX], char error[TOW_OPTIONS_ERROR_MAX]) {
    const char *slash = strrchr(file, '/');
    char *folder = slash == NULL ? strdup(".") : strndup(file, (size_t)(slash - file) + 1);
    bool found = folder != NULL && realpath(folder, out) != NULL;
    free(folder);
    if (found)
        return 0;
    tow_option_complain(error, "%.100s: %s", file, strerror(errno));
    return TOW_ERROR_SYSTEM;
}

static int file_take(tow_options *options, const char *file, char error[TOW_OPTIONS_ERROR_MAX]) {
    char folder[PATH_MAX];
    tow_config_tree tree = {0};
    int problem = tow_config_tree_open(&tree, file, error);
    if (problem == 0)
        problem = folder_of(file, folder, error);
    if (problem == 0)
        problem = tow_config_take(options, tree.root, &(tow_config_scope){file, folder}, NULL, error);
    tow_config_tree_clear(&tree);
    return problem;
}

int tow_config_read(
    tow_options *options, const tow_options *given, const char *file, char error[TOW_OPTIONS_ERROR_MAX]) {
    int problem = tow_options_init(options, given->command);
    if (problem != 0) {
        tow_option_complain(error, "%s", tow_strerror(problem));
        return problem;
    }
    problem =
        tow_options_take_words(options, given->words, error) == TOW_OPTIONS_RUN ? 0 : TOW_ERROR_ARGUMENT;
    if (problem == 0)
        problem = file_take(options, file, error);
    if (problem != 0)
        tow_options_clear(options);
    return problem;
}
