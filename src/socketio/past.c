#include "past.h"

#include "identity.h"
#include "transport/loop.h"

#include <stdlib.h>
#include <towline/error.h>

typedef struct event {
    tow_published *published; /* or, of the socket's own: */
    tow_socketio_form *own;
    tow_position position;
    size_t bytes;
} event;

struct tow_socketio_past {
    char id[TOW_SOCKETIO_ID_LENGTH + 1];
    bool is_whole;       /* nothing was forgotten */
    tow_position latest; /* of the socket's own events */
    size_t first;        /* of a ring of events */
    size_t count;
    size_t capacity;
    size_t bytes;
    event *events;
};

const char *tow_socketio_past_id(const tow_socketio_past *past) {
    return past->id;
}

tow_socketio_past *tow_socketio_past_new(tow_loop *loop) {
    tow_socketio_past *past = calloc(1, sizeof(*past));
    if (past == NULL)
        return NULL;
    past->is_whole = true;
    tow_socketio_id_make(past->id, loop);
    tow_loop_random(loop, &past->latest.epoch, sizeof(past->latest.epoch));
    past->latest.epoch |= 1;
    return past;
}

static event *at(const tow_socketio_past *past, size_t index) {
    return &past->events[(past->first + index) % past->capacity];
}

static void forget_first(tow_socketio_past *past) {
    event *first = at(past, 0);
    tow_published_release(first->published);
    tow_socketio_form_free(first->own);
    past->bytes -= first->bytes;
    past->first = (past->first + 1) % past->capacity;
    past->count--;
    past->is_whole = false;
}

static void forget_all(tow_socketio_past *past) {
    while (past->count > 0)
        forget_first(past);
    past->is_whole = false;
}

void tow_socketio_past_free(tow_socketio_past *past) {
    if (past == NULL)
        return;
    forget_all(past);
    free(past->events);
    free(past);
}

/* Errors: MEMORY. */
static int grow(tow_socketio_past *past) {
    size_t capacity = past->capacity == 0 ? 8 : past->capacity * 2;
    event *events = malloc(capacity * sizeof(*events));
    if (events == NULL)
        return TOW_ERROR_MEMORY;
    for (size_t i = 0; i < past->count; i++)
        events[i] = *at(past, i);
    free(past->events);
    past->events = events;
    past->capacity = capacity;
    past->first = 0;
    return 0;
}

static bool add(tow_socketio_past *past, const event *added) {
    while (past->count == TOW_SOCKETIO_PAST_MAX ||
           (past->count > 0 && past->bytes + added->bytes > TOW_SOCKETIO_PAST_BYTES_MAX))
        forget_first(past);
    if (past->count == past->capacity && grow(past) != 0) {
        forget_all(past);
        return false;
    }
    past->count++;
    *at(past, past->count - 1) = *added;
    past->bytes += added->bytes;
    return true;
}

void tow_socketio_past_add(tow_socketio_past *past, tow_published *published) {
    event added = {.published = published,
        .position = tow_published_position(published),
        .bytes = tow_published_data(published).length};
    if (added.position.number > 0 && add(past, &added))
        tow_published_retain(published);
}

size_t tow_socketio_past_offset(const tow_socketio_past *past, char offset[TOW_POSITION_TEXT_SIZE]) {
    tow_position position = {past->latest.epoch, past->latest.number + 1};
    return tow_position_write(offset, &position);
}

void tow_socketio_past_add_own(tow_socketio_past *past, tow_socketio_form *form) {
    past->latest.number++;
    event added = {.own = form, .position = past->latest, .bytes = tow_socketio_form_bytes(form)};
    if (!add(past, &added))
        tow_socketio_form_free(form);
}

bool tow_socketio_past_has(const tow_socketio_past *past, tow_slice offset, size_t *first) {
    tow_position position;
    *first = 0;
    if (offset.length == 0)
        return past->is_whole;
    if (tow_position_read(&position, offset) != 0)
        return false;
    for (size_t i = past->count; i > 0; i--) {
        const event *known = at(past, i - 1);
        if (known->position.epoch == position.epoch && known->position.number == position.number) {
            *first = i;
            return true;
        }
    }
    return false;
}

size_t tow_socketio_past_count(const tow_socketio_past *past) {
    return past->count;
}

const tow_socketio_form *tow_socketio_past_at(
    const tow_socketio_past *past, size_t index, const tow_encoding *encoding) {
    const event *known = at(past, index);
    return known->own != NULL ? known->own : tow_published_form(known->published, encoding);
}
