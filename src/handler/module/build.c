#include "handler/build.h"

#include "base/buffer.h"
#include "command.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <unistd.h>

/* $1 is the source, $2 the output, $3 the folder of another towline.pc, or nothing. */
static const char script[] =
    "exec 2>&1\n"
    "export LC_ALL=C\n"
    "if [ -n \"$3\" ]; then\n"
    "    export PKG_CONFIG_PATH=\"$3${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}\"\n"
    "    include=$(pkg-config --variable=srcdir towline)/include\n"
    "fi\n"
    "flags=$(pkg-config --cflags towline) && libraries=$(pkg-config --libs towline) || {\n"
    "    echo \"towline's flags are not known: install pkg-config and what programs with towline need\"\n"
    "    exit 1\n"
    "}\n"
    "exec ${CC:-cc} -shared -fPIC -fvisibility=hidden -O2 -g -Wall -Wextra -Wno-unused-parameter \\\n"
    "    -Wno-missing-field-initializers ${CFLAGS-} ${include:+-I\"$include\"} $flags -o \"$2\" \"$1\" "
    "-Wl,-z,defs ${LDFLAGS-} "
    "$libraries\n";

struct tow_build {
    tow_command command; /* first */
    tow_byte_stream *stream;
    tow_timer deadline;
    tow_loop *loop;
    tow_buffer words;
    tow_on_built on_built; /* NULL: nobody wants to know any more */
    void *user;
    bool closed;
};

static void words_add(tow_build *build, const char *bytes, size_t length) {
    size_t room = TOW_BUILD_WORDS_MAX - build->words.length;
    (void)tow_buffer_append(&build->words, bytes, length < room ? length : room);
}

static void end_when_done(tow_build *build) {
    if (!build->closed || tow_command_runs(&build->command))
        return;
    tow_timer_cancel(build->loop, &build->deadline);
    if (build->on_built != NULL)
        build->on_built(build->user, tow_command_status(&build->command),
            build->words.length > 0 ? (const char *)build->words.data : "", build->words.length);
    tow_buffer_clear(&build->words);
    free(build);
}

static void on_exit_of(tow_command *command) {
    end_when_done((tow_build *)(void *)command);
}

static void on_bytes(tow_byte_stream *stream, void *bytes, size_t length) {
    words_add(tow_byte_stream_user(stream), bytes, length);
}

static void on_end(tow_byte_stream *stream) {
    tow_byte_stream_close(stream);
}

static void on_error(tow_byte_stream *stream, int error, const char *text) {
    (void)error, (void)text;
    tow_byte_stream_close(stream);
}

static void on_closed(tow_byte_stream *stream) {
    tow_build *build = tow_byte_stream_user(stream);
    build->closed = true;
    end_when_done(build);
}

static void give_up(tow_timer *timer) {
    static const char why[] = "the compiler is not done after two minutes, and is not waited for\n";
    tow_build *build = (tow_build *)(void *)((char *)timer - offsetof(tow_build, deadline));
    words_add(build, why, sizeof(why) - 1);
    tow_byte_stream_close(build->stream);
}

/* The folder of the flags for the tree that this program was built in: it lies beside the program; "" if
 * there is none. */
static void find_tree(char out[PATH_MAX]) {
    static const char beside[] = "/meson-uninstalled", file[] = "/towline-uninstalled.pc";
    char path[PATH_MAX + sizeof(beside) + sizeof(file)];
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
    out[0] = '\0';
    while (length > 0 && path[length - 1] != '/')
        length--;
    if (length <= 1 || length + (ssize_t)sizeof(beside) > PATH_MAX)
        return;
    snprintf(path + length - 1, sizeof(path) - (size_t)length + 1, "%s%s", beside, file);
    if (access(path, R_OK) == 0)
        snprintf(out, PATH_MAX, "%.*s%s", (int)length - 1, path, beside);
}

int tow_build_start(tow_build **out, tow_loop *loop, tow_nursery *nursery, const char *source,
    const char *output, tow_on_built on_built, void *user) {
    char tree[PATH_MAX];
    tow_build *build = calloc(1, sizeof(*build));
    if (build == NULL)
        return TOW_ERROR_MEMORY;
    find_tree(tree);
    build->loop = loop;
    build->on_built = on_built;
    build->user = user;
    const char *const arguments[] = {"/bin/sh", "-c", script, "sh", source, output, tree, NULL};
    const tow_command_options options = {
        .child = {.arguments = arguments, .nursery = nursery}, .on_exit = on_exit_of};
    const tow_byte_stream_options stream_options = {
        .on_bytes = on_bytes, .on_end = on_end, .on_error = on_error, .on_closed = on_closed, .user = build};
    int error = tow_command_start(&build->command, &build->stream, loop, &options, &stream_options);
    if (error != 0) {
        free(build);
        return error;
    }
    tow_byte_stream_shutdown(build->stream);
    tow_timer_set(loop, &build->deadline, tow_loop_now(loop) + TOW_BUILD_SECONDS * TOW_SECOND, give_up);
    *out = build;
    return 0;
}

void tow_build_cancel(tow_build *build) {
    build->on_built = NULL;
    tow_byte_stream_close(build->stream);
}
