#include "posted.h"

#include "context.h"
#include "extra.h"
#include "overflow.h"
#include "send.h"
#include "shared.h"
#include "stage.h"

#include <stdlib.h>
#include <towline/error.h>

struct tow_posted_message {
    tow_posted_message *next;
    tow_shared *message; /* of which this is a reference */
};

static int add(tow_websocket *socket, tow_shared *message) {
    tow_posted *posted = &socket->extra->posted;
    tow_posted_message *made = malloc(sizeof(*made));
    if (made == NULL) {
        tow_count(&socket->context->counters.memory_failures);
        return TOW_ERROR_MEMORY;
    }
    tow_shared_retain(message);
    *made = (tow_posted_message){.message = message};
    if (posted->last == NULL)
        posted->first = made;
    else
        posted->last->next = made;
    posted->last = made;
    posted->payload += tow_shared_length(message);
    posted->bytes += tow_shared_length(message) + sizeof(*made);
    return 0;
}

/* The oldest message with its reference, or NULL. */
static tow_shared *take(tow_posted *posted) {
    tow_posted_message *first = posted->first;
    if (first == NULL)
        return NULL;
    tow_shared *message = first->message;
    posted->first = first->next;
    if (posted->first == NULL)
        posted->last = NULL;
    posted->payload -= tow_shared_length(message);
    posted->bytes -= tow_shared_length(message) + sizeof(*first);
    free(first);
    return message;
}

static int64_t send_or_wait(tow_websocket *socket, tow_shared *shared) {
    if (!tow_stage_is_open(socket) || !socket->sends_pieces)
        return tow_websocket_send_shared(socket, shared);
    int error = tow_overflow_check(socket, tow_shared_length(shared));
    if (error == 0)
        error = add(socket, shared);
    return error != 0 ? error : tow_websocket_buffered_amount(socket);
}

/* Whoever posted does not hear that it was refused. */
void tow_websocket_send_posted(tow_websocket *socket, tow_shared *shared) {
    if (send_or_wait(socket, shared) == TOW_ERROR_QUEUE_FULL && tow_stage_is_open(socket))
        tow_overflow_note_dropped(socket, 1);
}

void tow_posted_send(tow_websocket *socket) {
    tow_shared *message;
    while (socket->extra != NULL && (message = take(&socket->extra->posted)) != NULL) {
        tow_send_shared(socket, message);
        tow_shared_release(message);
    }
}

bool tow_posted_drop(tow_posted *posted) {
    tow_shared *message = take(posted);
    tow_shared_release(message);
    return message != NULL;
}
