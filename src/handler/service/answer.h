/* answer: what a back end says: as the answer to an event, or later by a request of its own. The body is a
 * message for the connection, or frames as programs write them; fields besides attach a state and close. */
#ifndef TOW_HANDLER_SERVICE_ANSWER_H
#define TOW_HANDLER_SERVICE_ANSWER_H

#include "base/slice.h"
#include "service.h"

typedef struct tow_answer { /* data is NULL where nothing was said */
    tow_slice type;         /* Content-Type */
    tow_slice state;        /* Towline-State: base64 */
    tow_slice close;        /* Towline-Close: a code, perhaps a blank and a reason */
    const uint8_t *body;
    size_t length;
} tow_answer;

/* Does it for a connection; `id` 0: only frames with ids of their own mean anything, and those with 0 are for
 * `id`. Errors: ARGUMENT (it is none; what stands before may be done), QUEUE_FULL, MEMORY. */
int tow_answer_do(tow_service *service, tow_websocket_id id, const tow_answer *answer);

#endif
