#include "extra.h"

#include "context.h"
#include "stage.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

tow_websocket_extra *tow_extra_need(tow_websocket *socket) {
    if (socket->extra == NULL)
        socket->extra = calloc(1, sizeof(*socket->extra));
    if (socket->extra == NULL && socket->context != NULL)
        tow_count(&socket->context->counters.memory_failures);
    return socket->extra;
}

void tow_extra_clear_kept(tow_websocket *socket) {
    tow_buffer *kept = &socket->extra->kept;
    tow_count_add(&socket->context->counters.kept, 0 - (uint64_t)kept->length);
    tow_buffer_clear(kept);
    socket->extra->kept_offset = 0;
}

char *tow_extra_text(const char *text, size_t length) {
    char *copy = malloc(length + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

static bool is_empty(const tow_websocket *socket) {
    const tow_websocket_extra *extra = socket->extra;
    return !socket->sends_pieces && tow_queue_is_empty(&extra->queue) && extra->discarded == 0 &&
           extra->dropped == 0 && extra->ahead == 0 && extra->pong == NULL && extra->assembly.data == NULL &&
           extra->message_began == 0 && extra->left == 0 && extra->kept.data == NULL &&
           extra->deflater == NULL && extra->inflater == NULL && extra->protocol == NULL &&
           extra->close_reason == NULL && extra->failure == NULL && extra->peer_end == 0 &&
           extra->references == 0 && extra->piecewise == NULL && extra->unfinished.bytes == 0 &&
           extra->gathered.data == NULL;
}

void tow_extra_release(tow_websocket *socket) {
    if (socket->extra == NULL || !tow_stage_is_open(socket) || !is_empty(socket))
        return;
    assert(socket->extra->posted.first == NULL); /* it waits for the end of a message in pieces */
    assert(socket->extra->our_reason == NULL);   /* it comes with the end of the connection */
    free(socket->extra);
    socket->extra = NULL;
}

void tow_extra_discard(tow_websocket *socket, size_t length) {
    if (length > 0 && tow_extra_need(socket) != NULL)
        socket->extra->discarded += (int64_t)length;
}
