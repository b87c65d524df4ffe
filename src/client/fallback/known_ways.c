#include "known_ways.h"

#include "transport/loop.h"
#include "transport/timer.h"

#include <stdlib.h>
#include <string.h>

enum { COUNT = 16, SECONDS = 60 * 60 };

typedef struct entry {
    char *server; /* NULL: none */
    tow_known_way way;
    int64_t until;
} entry;

typedef struct ways {
    tow_loop_companion companion; /* first */
    entry entries[COUNT];
} ways;

static void ways_free(tow_loop_companion *companion) {
    ways *self = (ways *)(void *)companion;
    for (size_t i = 0; i < COUNT; i++)
        free(self->entries[i].server);
    free(self);
}

static ways *ways_of(tow_loop *loop) {
    return (ways *)(void *)tow_loop_get_companion(loop, TOW_COMPANION_WAYS);
}

static entry *find(ways *self, const char *server) {
    for (size_t i = 0; self != NULL && i < COUNT; i++)
        if (self->entries[i].server != NULL && strcmp(self->entries[i].server, server) == 0)
            return &self->entries[i];
    return NULL;
}

static void forget(entry *one) {
    free(one->server);
    one->server = NULL;
    one->until = 0;
}

tow_known_way tow_known_ways_find(tow_loop *loop, const char *server) {
    entry *found = find(ways_of(loop), server);
    if (found != NULL && found->until <= tow_loop_now(loop))
        forget(found);
    return found == NULL || found->server == NULL ? TOW_WAY_UNKNOWN : found->way;
}

static ways *need(tow_loop *loop) {
    ways *self = ways_of(loop);
    if (self != NULL || (self = calloc(1, sizeof(*self))) == NULL)
        return self;
    self->companion.free = ways_free;
    tow_loop_set_companion(loop, TOW_COMPANION_WAYS, &self->companion);
    return self;
}

/* Its own, or one that is free, or the one that was noted least lately. */
static entry *take(ways *self, const char *server) {
    entry *taken = find(self, server);
    if (taken != NULL)
        return taken;
    taken = &self->entries[0];
    for (size_t i = 1; i < COUNT; i++)
        if (self->entries[i].until < taken->until)
            taken = &self->entries[i];
    return taken;
}

void tow_known_ways_note(tow_loop *loop, const char *server, tow_known_way way) {
    ways *self = need(loop);
    if (self == NULL)
        return;
    entry *taken = take(self, server);
    forget(taken);
    if (way == TOW_WAY_UNKNOWN || (taken->server = strdup(server)) == NULL)
        return;
    taken->way = way;
    taken->until = tow_loop_now(loop) + SECONDS * TOW_SECOND;
}
