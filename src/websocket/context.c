#include "context.h"

#include "transport/loop.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

int tow_websocket_context_new(tow_websocket_context **context, tow_loop *loop, void *owner) {
    tow_websocket_context *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->loop = loop;
    made->owner = owner;
    *context = made;
    return 0;
}

static void extension_texts_free(tow_extension_text *text) {
    while (text != NULL) {
        tow_extension_text *next = text->next;
        free(text);
        text = next;
    }
}

void tow_websocket_context_free(tow_websocket_context *context) {
    if (context == NULL)
        return;
    tow_inflater_free(context->inflater);
    for (size_t i = 0; i < sizeof(context->deflaters) / sizeof(context->deflaters[0]); i++)
        tow_deflater_free(context->deflaters[i]);
    for (size_t i = 0; i < TOW_SPARES; i++)
        tow_buffer_clear(&context->spares[i]);
    tow_buffer_clear(&context->landing);
    tow_buffer_clear(&context->inflated);
    tow_buffer_clear(&context->deflated);
    extension_texts_free(context->extension_texts);
    tow_names_clear(&context->protocols);
    free(context);
}

void *tow_websocket_context_owner(const tow_websocket_context *context) {
    return context->owner;
}

void tow_websocket_context_bound(
    tow_websocket_context *context, int64_t max_unfinished, int64_t max_unfinished_per_address) {
    context->unfinished.max = max_unfinished;
    context->unfinished.max_per_address = max_unfinished_per_address;
}

tow_websocket_counters *tow_websocket_context_counters(tow_websocket_context *context) {
    return &context->counters;
}

void tow_websocket_context_watch(tow_websocket_context *context, const tow_socket_watcher *watcher) {
    context->watcher = watcher;
}

const tow_socket_watcher *tow_websocket_context_watcher(const tow_websocket_context *context) {
    return context->watcher;
}

tow_websocket_context *tow_websocket_context_of(const tow_websocket *socket) {
    return socket->context;
}

void tow_websocket_context_keep_tallies(tow_websocket_context *context) {
    context->keeps_tallies = true;
}

void tow_context_masking_key(tow_websocket_context *context, uint8_t key[4]) {
    if (context->keys_left == 0) {
        tow_loop_random(context->loop, context->keys, sizeof(context->keys));
        context->keys_left = sizeof(context->keys);
    }
    memcpy(key, context->keys + sizeof(context->keys) - context->keys_left, 4);
    context->keys_left = (uint16_t)(context->keys_left - 4);
}

/* The largest one: a message that needs assembling is likely to be as large as the last. */
tow_buffer tow_context_take_buffer(tow_websocket_context *context) {
    tow_buffer *best = &context->spares[0];
    for (size_t i = 1; i < TOW_SPARES; i++)
        if (context->spares[i].capacity > best->capacity)
            best = &context->spares[i];
    tow_buffer taken = *best;
    *best = (tow_buffer){0};
    return taken;
}

void tow_context_give_buffer(tow_websocket_context *context, tow_buffer *buffer) {
    tow_buffer given = *buffer;
    *buffer = (tow_buffer){0};
    given.length = 0;
    tow_buffer *smallest = &context->spares[0];
    for (size_t i = 1; i < TOW_SPARES; i++)
        if (context->spares[i].capacity < smallest->capacity)
            smallest = &context->spares[i];
    if (given.capacity > TOW_SPARE_MAX || given.capacity <= smallest->capacity) {
        tow_buffer_clear(&given);
        return;
    }
    tow_buffer_clear(smallest);
    *smallest = given;
}

void tow_context_empty_scratch(tow_buffer *scratch) {
    tow_buffer_empty(scratch, TOW_SCRATCH_MAX);
}
