#include "birth.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <unistd.h>

enum { VARIABLE_MAX = 64 };

static bool is_ours(const char *variable) {
    return strncmp(variable, TOW_BIRTH_VARIABLE, sizeof(TOW_BIRTH_VARIABLE) - 1) == 0;
}

typedef struct extent {
    size_t words, bytes;
} extent;

static extent extent_of(const char *const *list) {
    extent all = {.words = 1};
    for (; *list != NULL; list++, all.words++)
        all.bytes += strlen(*list) + 1;
    return all;
}

static const char *copy_text(char **room, const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*room, text, size);
    *room += size;
    return copy;
}

static const char **copy_list(const char **words, char **room, const char *const *list) {
    for (; *list != NULL; list++)
        if (!is_ours(*list))
            *words++ = copy_text(room, *list);
    *words++ = NULL;
    return words;
}

static void fill(tow_birth *birth, const char *const *environment, size_t words) {
    tow_child_options *options = &birth->options;
    char *room = (char *)(birth->words + words);
    char variable[VARIABLE_MAX];
    const char **next = copy_list(birth->words, &room, options->arguments);
    options->arguments = birth->words;
    options->environment = next;
    snprintf(variable, sizeof(variable), TOW_BIRTH_VARIABLE "%ld.%" PRIu64, (long)getpid(), birth->number);
    *next++ = copy_text(&room, variable);
    copy_list(next, &room, environment);
    if (options->directory != NULL)
        options->directory = copy_text(&room, options->directory);
}

tow_birth *tow_birth_new(const tow_child_options *options, const int ends[3], uint64_t number) {
    const char *const *environment = options->environment;
    if (environment == NULL)
        environment = (const char *const *)environ;
    extent arguments = extent_of(options->arguments), variables = extent_of(environment);
    size_t words = arguments.words + variables.words + 1;
    size_t directory = options->directory != NULL ? strlen(options->directory) + 1 : 0;
    tow_birth *made = calloc(1, sizeof(*made) + words * sizeof(made->words[0]) + arguments.bytes +
                                    variables.bytes + directory + VARIABLE_MAX);
    if (made == NULL)
        return NULL;
    made->options = *options;
    made->number = number;
    memcpy(made->ends, ends, sizeof(made->ends));
    fill(made, environment, words);
    return made;
}

void tow_birth_happen(tow_birth *birth) {
    birth->error =
        birth->unwanted ? TOW_ERROR_CLOSED : tow_spawn(&birth->spawned, &birth->options, birth->ends);
    for (int i = 0; i < 3; i++) {
        if (birth->ends[i] >= 0)
            close(birth->ends[i]);
        birth->ends[i] = -1;
    }
}

void tow_birth_free(tow_birth *birth) {
    free(birth);
}
