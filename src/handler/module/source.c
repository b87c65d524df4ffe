#include "handler/source.h"

#include "handler/build.h"
#include "handler/module.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/log.h>
#include <unistd.h>

enum { LINES_MAX = 100 /* of the compiler's words that are logged */ };

typedef struct job {
    struct job *next;
    const char *file, *path;
    tow_on_source_made on_made;
    void *user;
} job;

struct tow_sources {
    tow_handler_place place;
    job *jobs;        /* in their order; the first is being built */
    tow_build *build; /* NULL: none is */
    char output[PATH_MAX];
};

/* The page. */

typedef struct page {
    size_t length;
    char text[];
} page;

static void answer(tow_exchange *exchange, const tow_request *request) {
    const page *shown = tow_request_user(request);
    tow_exchange_field(exchange, "X-Content-Type-Options", "nosniff");
    tow_exchange_field(exchange, "Cache-Control", "no-store");
    tow_exchange_respond(exchange, 500, "text/plain; charset=utf-8", shown->text, shown->length);
}

/* What is no text of a page is a question mark there. Returns whether there is memory. */
static bool page_make(tow_handler *handler, const char *words, size_t length) {
    page *made = malloc(sizeof(*made) + length);
    if (made == NULL)
        return false;
    made->length = length;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)words[i];
        made->text[i] = '?';
        if (byte == '\n' || byte == '\t' || (byte >= ' ' && byte != 0x7F))
            made->text[i] = words[i];
    }
    *handler = (tow_handler){.user = made, .on_request = answer, .on_free = free};
    return true;
}

/* The log. */

static void log_words(
    const tow_sources *sources, const char *file, int level, const char *words, size_t length) {
    const char *end = words + length;
    for (int i = 0; i < LINES_MAX && words < end; i++) {
        char line[1000];
        const char *line_end = memchr(words, '\n', (size_t)(end - words));
        const char *next = line_end == NULL ? end : line_end + 1;
        snprintf(line, sizeof(line), "%s: %.*s", file, (int)(next - words - (line_end != NULL)), words);
        sources->place.log.write(sources->place.log.user, level, line);
        words = next;
    }
}

/* Jobs. */

static void job_end(tow_sources *sources, const tow_handler *handler, const char *why) {
    job *done = sources->jobs;
    sources->jobs = done->next;
    done->on_made(done->user, handler, why);
    free(done);
}

static void job_fail(tow_sources *sources, const char *why, const char *words, size_t length) {
    tow_handler handler;
    bool is_made = page_make(&handler, words, length);
    job_end(sources, is_made ? &handler : NULL, why);
}

static int output_make(tow_sources *sources) {
    const char *folder = getenv("TMPDIR");
    snprintf(
        sources->output, sizeof(sources->output), "%s/towline-XXXXXX.so", folder != NULL ? folder : "/tmp");
    int fd = mkostemps(sources->output, (int)strlen(".so"), O_CLOEXEC);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

/* What was built. */
static void load(tow_sources *sources) {
    const job *done = sources->jobs;
    char why[TOW_HANDLER_TEXT_MAX];
    tow_handler handler;
    const tow_module_settings settings = {.file = sources->output, .path = done->path, .shown = done->file};
    if (tow_module_kind.make(&handler, &settings, &sources->place, why) == 0)
        job_end(sources, &handler, NULL);
    else
        job_fail(sources, why, why, strlen(why));
}

static void start_next(tow_sources *sources);

static void on_built(void *user, int status, const char *words, size_t length) {
    tow_sources *sources = user;
    const job *done = sources->jobs;
    sources->build = NULL;
    log_words(sources, done->file, status == 0 ? TOW_LOG_WARNING : TOW_LOG_ERROR, words, length);
    if (status == 0)
        load(sources);
    else
        job_fail(sources, "it can't be built", words, length);
    unlink(sources->output);
    start_next(sources);
}

/* Whether the first is being built now; else it has failed. */
static bool start_first(tow_sources *sources) {
    char why[TOW_HANDLER_TEXT_MAX];
    int reason = output_make(sources);
    int error = reason != 0 ? 0
                            : tow_build_start(&sources->build, sources->place.loop, sources->place.nursery,
                                  sources->jobs->file, sources->output, on_built, sources);
    if (reason == 0 && error == 0)
        return true;
    if (reason == 0)
        unlink(sources->output);
    snprintf(why, sizeof(why), "%.200s: %s", reason != 0 ? sources->output : "the compiler",
        reason != 0 ? strerror(reason) : tow_strerror(error));
    job_fail(sources, why, why, strlen(why));
    return false;
}

static void start_next(tow_sources *sources) {
    while (sources->build == NULL && sources->jobs != NULL && !start_first(sources))
        ;
}

void tow_sources_make(
    tow_sources *sources, const char *file, const char *path, tow_on_source_made on_made, void *user) {
    job **last = &sources->jobs;
    job *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        on_made(user, NULL, tow_strerror(TOW_ERROR_MEMORY));
        return;
    }
    *made = (job){.file = file, .path = path, .on_made = on_made, .user = user};
    while (*last != NULL)
        last = &(*last)->next;
    *last = made;
    start_next(sources);
}

int tow_sources_new(tow_sources **sources, const tow_handler_place *place) {
    tow_sources *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->place = *place;
    *sources = made;
    return 0;
}

void tow_sources_free(tow_sources *sources) {
    if (sources == NULL)
        return;
    if (sources->build != NULL) {
        tow_build_cancel(sources->build);
        unlink(sources->output);
    }
    while (sources->jobs != NULL)
        job_end(sources, NULL, "it is not built any more");
    free(sources);
}
