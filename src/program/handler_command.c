#include "exit_status.h"
#include "handler/build.h"
#include "handler/module.h"
#include "option_table.h"

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <unistd.h>

typedef struct handler_settings {
    const char *output; /* NULL: beside the source */
} handler_settings;

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("towline handler: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

static void on_built(void *user, int status, const char *words, size_t length) {
    fwrite(words, 1, length, stderr);
    *(int *)user = status;
}

/* Returns the compiler's status, or -1 after telling what is wrong. */
static int compile(const char *source, const char *output) {
    tow_loop *loop;
    tow_build *build;
    int status = -1;
    int error = tow_loop_new(&loop, NULL);
    if (error == 0) {
        error = tow_build_start(&build, loop, NULL, source, output, on_built, &status);
        if (error == 0)
            error = tow_loop_run(loop);
        tow_loop_free(loop);
    }
    if (error != 0)
        complain("the compiler: %s", tow_strerror(error));
    return status;
}

/* Beside the output, with a name that a directory of handlers passes over: it is renamed when it is whole. */
static bool name_part(char out[PATH_MAX], const char *output) {
    const char *slash = strrchr(output, '/');
    int folder = slash == NULL ? 0 : (int)(slash - output) + 1;
    return snprintf(out, PATH_MAX, "%.*s.%s.%ld", folder, output, output + folder, (long)getpid()) < PATH_MAX;
}

static int build(const char *source, const char *output) {
    char part[PATH_MAX];
    if (!name_part(part, output)) {
        complain("%s: the name is too long", output);
        return EXIT_FAILURE;
    }
    if (compile(source, part) == 0) {
        char why[TOW_HANDLER_TEXT_MAX];
        if (tow_module_check(part, why) != 0)
            complain("%s: %s", source, why);
        else if (rename(part, output) == 0)
            return EXIT_SUCCESS;
        else
            perror(output);
    }
    unlink(part);
    return EXIT_FAILURE;
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), end_length = strlen(end);
    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

static int run(const tow_options *options) {
    const char *const *operands = options->operands;
    const handler_settings *settings = options->settings;
    const char *source = operands[1];
    char beside[PATH_MAX];
    if (strcmp(operands[0], "build") != 0) {
        complain("no '%s'; what there is: towline handler build FILE.c", operands[0]);
        return TOW_EXIT_USAGE;
    }
    if (!ends_with(source, ".c")) {
        complain("%s is no C file; a handler's source is called NAME.c", source);
        return TOW_EXIT_USAGE;
    }
    snprintf(beside, sizeof(beside), "%.*s.so", (int)(strlen(source) - 2), source);
    return build(source, settings->output != NULL ? settings->output : beside);
}

static const tow_option rows[] = {
    {.name = "output",
        .letter = 'o',
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "FILE.c with .so for .c",
        .help = "where the library is put, when it is whole",
        TOW_OPTION_FIELD(handler_settings, output)},
    {0},
};

static const tow_option_section sections[] = {{.options = rows}, {0}};

static const char *const description[] = {
    "Compiles a native handler, see towline/handler.h, for the folder of 'towline serve -w': with the "
    "compiler "
    "in CC, or cc, the flags in CFLAGS and LDFLAGS, and those that pkg-config has for towline.",
    NULL,
};

static const char *const examples[] = {
    "towline handler build echo.c",
    "makes echo.so of it",
    "towline handler build chat.c -o /srv/handlers/chat.so",
    "for a server that runs, which serves it from then on",
    NULL,
};

const tow_command tow_handler_command = {.name = "handler",
    .operands = "build FILE.c",
    .operands_minimum = 2,
    .operands_maximum = 2,
    .summary = "build a native handler",
    .description = description,
    .examples = examples,
    .sections = sections,
    .settings_size = sizeof(handler_settings),
    .run = run};
