/* A way to serve: by so many processes of one program, each with connections of its own, which follow each
 * other when the program's file changes. */
#include "slot.h"
#include "transport/loop.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <towline/error.h>
#include <towline/log.h>

typedef struct pool {
    tow_service *service;
    tow_timer look; /* at the program's files */
    uint64_t seen;  /* what they were like when it was started, */
    uint64_t now;   /* and when they were looked at last */
    size_t broken;
    bool ending; /* by now the letter of the service's goodbye is free again */
    bool ended;
    size_t count;
    tow_slot slots[];
} pool;

static pool *pool_of(const tow_service *service) {
    return service->served_by;
}

static void count_broken(tow_service *service, int more) {
    pool *self = pool_of(service);
    self->broken += (size_t)more;
    atomic_store(&service->broken, self->broken == self->count);
}

static void look_at_end(tow_service *service);

static const tow_slot_events slot_events = {.on_broken = count_broken, .on_over = look_at_end};

/* The program's files. */

static uint64_t mix(uint64_t hash, uint64_t value) {
    return (hash ^ value) * UINT64_C(0x100000001b3);
}

/* What is no file is an argument like others. */
static uint64_t look_at_file(uint64_t hash, const char *name, const char *directory) {
    char path[4096];
    struct stat status;
    bool is_beneath = directory != NULL && name[0] != '/';
    snprintf(path, sizeof(path), "%s%s%s", is_beneath ? directory : "", is_beneath ? "/" : "", name);
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return mix(hash, 0);
    hash = mix(mix(hash, status.st_ino), (uint64_t)status.st_size);
    return mix(mix(hash, (uint64_t)status.st_mtim.tv_sec), (uint64_t)status.st_mtim.tv_nsec);
}

static uint64_t look_at_files(const tow_program_settings *settings) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    if (strchr(settings->file, '/') != NULL)
        hash = look_at_file(hash, settings->file, settings->directory);
    for (const char *const *one = settings->arguments; one != NULL && *one != NULL; one++)
        hash = look_at_file(hash, *one, settings->directory);
    return hash;
}

static void restart(tow_service *service) {
    pool *self = pool_of(service);
    self->seen = self->now = look_at_files(&service->settings);
    tow_service_log_line(service, TOW_LOG_NOTICE, "it is started anew");
    for (size_t i = 0; i < self->count; i++)
        tow_slot_restart(&self->slots[i]);
}

/* One that is being written changes once more: it is taken when it has been the same for a while. */
static void look(tow_timer *timer) {
    pool *self = (pool *)(void *)((char *)timer - offsetof(pool, look));
    tow_service *service = self->service;
    uint64_t now = look_at_files(&service->settings);
    bool settled = now == self->now;
    self->now = now;
    if (settled && now != self->seen)
        restart(service);
    tow_timer_set(service->loop, timer, tow_loop_now(service->loop) + TOW_SECOND / 4, look);
}

/* The way. */

static int begin(tow_service *service, char why[TOW_HANDLER_TEXT_MAX]) {
    size_t count = service->settings.pool > 0 ? (size_t)service->settings.pool : 1;
    pool *self = calloc(1, sizeof(*self) + count * sizeof(tow_slot));
    if (self == NULL)
        return TOW_ERROR_MEMORY;
    self->service = service;
    self->count = count;
    service->served_by = self;
    self->seen = self->now = look_at_files(&service->settings);
    int error = 0;
    for (size_t i = 0; i < count; i++) {
        tow_slot_init(&self->slots[i], service, &slot_events, i, count);
        if (error == 0)
            error = tow_slot_begin(&self->slots[i]);
    }
    if (error == 0) {
        tow_timer_set(service->loop, &self->look, tow_loop_now(service->loop) + TOW_SECOND / 4, look);
        return 0;
    }
    snprintf(why, TOW_HANDLER_TEXT_MAX, "%.200s can't be started: %s", service->settings.file,
        tow_strerror(error));
    for (size_t i = 0; i < count; i++)
        tow_slot_clear(&self->slots[i]);
    free(self);
    return error;
}

static tow_slot *least_used(pool *self) {
    tow_slot *least = &self->slots[0];
    for (size_t i = 1; i < self->count; i++)
        if (self->slots[i].member_count < least->member_count)
            least = &self->slots[i];
    return least;
}

static void joined(tow_member *member) {
    pool *self = pool_of(member->service);
    tow_slot *slot = member->key == 0 ? least_used(self) : &self->slots[member->key / 2 % self->count];
    tow_slot_join(slot, member);
}

static void event_came(tow_member *member, tow_event *event) {
    tow_slot_add(member->server, event);
}

static void flush(tow_service *service) {
    pool *self = pool_of(service);
    for (size_t i = 0; i < self->count; i++)
        if (self->slots[i].first != NULL)
            tow_slot_give(&self->slots[i]);
}

/* Of one that is gone nothing is given any more. */
static void dropped(tow_member *member) {
    if (member->first != NULL && !atomic_load(&member->service->gone))
        tow_slot_drop(member->server, member);
}

static void left(tow_member *member) {
    tow_slot_leave(member->server, member);
}

static void end(tow_service *service) {
    pool *self = pool_of(service);
    self->ending = true;
    tow_timer_cancel(service->loop, &self->look);
    for (size_t i = 0; i < self->count; i++)
        tow_slot_end(&self->slots[i]);
    look_at_end(service);
}

static tow_service *service_of(tow_letter *letter) {
    return (tow_service *)(void *)((char *)letter - offsetof(tow_service, goodbye));
}

static void drop(tow_letter *letter) {
    tow_service_over(service_of(letter));
}

static void open_all(tow_letter *letters) {
    while (letters != NULL) {
        tow_letter *letter = letters;
        letters = letters->next;
        drop(letter);
    }
}

/* When all are over, a service that is gone is freed; not inside of what the last of them is doing. */
static void look_at_end(tow_service *service) {
    pool *self = pool_of(service);
    for (size_t i = 0; i < self->count; i++)
        if (!tow_slot_is_over(&self->slots[i]))
            return;
    if (!self->ending || self->ended)
        return;
    self->ended = true;
    service->goodbye = (tow_letter){.open = open_all, .drop = drop, .work = 1};
    tow_loop_post_letter(service->loop, &service->goodbye);
}

static void free_pool(tow_service *service) {
    pool *self = pool_of(service);
    tow_timer_cancel(service->loop, &self->look);
    for (size_t i = 0; i < self->count; i++)
        tow_slot_clear(&self->slots[i]);
    free(self);
}

const tow_service_way tow_service_pool = {.begin = begin,
    .joined = joined,
    .event = event_came,
    .flush = flush,
    .dropped = dropped,
    .left = left,
    .reload = restart,
    .end = end,
    .free = free_pool,
    .max_posted = 8 << 20};
