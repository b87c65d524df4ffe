#include "version.h"

#include "protocol.h"
#include "telling.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_MAX_LENGTH = 4096 };

static void version_free(tow_letter *letter) {
    tow_python_version *version = (tow_python_version *)(void *)letter;
    *version->previous = version->next;
    if (version->next != NULL)
        version->next->previous = version->previous;
    free(version);
}

static void versions_gone(tow_letter *letters) {
    for (tow_letter *next; letters != NULL; letters = next) {
        tow_python_version *version = (tow_python_version *)(void *)letters;
        next = letters->next;
        tow_python_tell_of(version->python, TOW_PYTHON_UNLOAD, version);
        version_free(letters);
    }
}

void tow_python_version_retain(tow_python_version *version) {
    atomic_fetch_add_explicit(&version->holders, 1, memory_order_relaxed);
}

void tow_python_version_release(tow_python_version *version) {
    if (atomic_fetch_sub_explicit(&version->holders, 1, memory_order_acq_rel) != 1)
        return;
    version->letter = (tow_letter){.work = 1, .open = versions_gone, .drop = version_free};
    tow_loop_post_letter(version->python->place.loop, &version->letter);
}

tow_python_version *tow_python_version_new(tow_python *python, const char *file) {
    char here[PATH_MAX_LENGTH] = "";
    bool is_relative = file[0] != '/' && getcwd(here, sizeof(here)) != NULL;
    size_t size = strlen(here) + 1 + strlen(file) + 1;
    tow_python_version *version = calloc(1, sizeof(*version) + size);
    if (version == NULL)
        return NULL;
    snprintf(version->file, size, "%s%s%s", is_relative ? here : "", is_relative ? "/" : "", file);
    version->python = python;
    version->number = ++python->last_number;
    version->holders = 1; /* until it is told of */
    version->next = python->versions;
    version->previous = &python->versions;
    if (version->next != NULL)
        version->next->previous = &version->next;
    python->versions = version;
    return version;
}

tow_python_version *tow_python_version_find(const tow_python *python, uint64_t number) {
    for (tow_python_version *version = python->versions; version != NULL; version = version->next)
        if (version->number == number)
            return version;
    return NULL;
}
