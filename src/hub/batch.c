#include "batch.h"

#include "part.h"

#include <assert.h>
#include <stdlib.h>
#include <towline/error.h>

enum { CAPACITY_MIN = 4 };

int tow_batch_reserve(tow_batch **batch) {
    uint32_t capacity = *batch == NULL ? 0 : (*batch)->capacity;
    if (*batch != NULL && (*batch)->count < capacity)
        return 0;
    uint32_t more = capacity == 0 ? CAPACITY_MIN : 2 * capacity;
    tow_batch *made = realloc(*batch, sizeof(*made) + more * sizeof(tow_published *));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    if (capacity == 0)
        *made = (tow_batch){0};
    made->capacity = more;
    *batch = made;
    return 0;
}

void tow_batch_add(tow_batch *batch, tow_published *published) {
    assert(batch->count < batch->capacity);
    batch->items[batch->count++] = tow_published_retain(published);
}

static void piece_end(tow_batch *batch) {
    tow_burst_clear(&batch->piece);
    tow_burst_clear(&batch->messages);
    free(batch->messages.items);
    batch->messages = (tow_burst){0};
    batch->at += (uint32_t)batch->piece.count;
    batch->piece.count = 0;
}

bool tow_batch_begin_piece(tow_batch *batch) {
    piece_end(batch);
    if (batch->at == batch->count)
        return false;
    batch->piece.items = &batch->items[batch->at];
    batch->piece.count = tow_burst_fit(batch->piece.items, batch->count - batch->at);
    batch->events = 0;
    batch->has_senders = false;
    for (size_t i = 0; i < batch->piece.count; i++) {
        batch->events |= tow_subscription_flag_for(batch->piece.items[i]);
        batch->has_senders |= batch->piece.items[i]->leave_out != 0;
    }
    batch->weight = tow_burst_work(&batch->piece);
    return true;
}

static size_t filter_messages(const tow_burst *all, tow_published **out) {
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i]->kind == TOW_PUBLISHED_MESSAGE)
            out[count++] = all->items[i];
    return count;
}

tow_burst *tow_batch_messages(tow_batch *batch, bool *failed) {
    *failed = false;
    if (batch->messages.items == NULL) {
        batch->messages.items = malloc(batch->piece.count * sizeof(tow_published *));
        *failed = batch->messages.items == NULL;
        if (!*failed)
            batch->messages.count = filter_messages(&batch->piece, batch->messages.items);
    }
    return batch->messages.count > 0 ? &batch->messages : NULL;
}

size_t tow_batch_size(const tow_batch *batch) {
    size_t size = 0;
    for (size_t i = 0; i < batch->count; i++)
        size += tow_published_size(batch->items[i]);
    return size;
}

void tow_batch_free(tow_batch *batch) {
    if (batch == NULL)
        return;
    piece_end(batch);
    for (size_t i = 0; i < batch->count; i++)
        tow_published_release(batch->items[i]);
    free(batch);
}
