#include "posted.h"

#include "context.h"
#include "extra.h"
#include "shared.h"

#include <stdlib.h>
#include <towline/error.h>

struct tow_posted_message {
    tow_posted_message *next;
    tow_shared *message; /* of which this is a reference */
};

int tow_posted_add(tow_websocket *socket, tow_shared *message) {
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

tow_shared *tow_posted_take(tow_posted *posted) {
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

bool tow_posted_drop(tow_posted *posted) {
    tow_shared *message = tow_posted_take(posted);
    tow_shared_release(message);
    return message != NULL;
}
