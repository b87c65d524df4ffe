#include "send_posted.h"

#include "extra.h"
#include "overflow.h"
#include "send.h"
#include "shared.h"
#include "stage.h"

#include <towline/error.h>

static int64_t send_or_wait(tow_websocket *socket, tow_shared *shared) {
    if (!tow_stage_is_open(socket) || !socket->sends_pieces)
        return tow_websocket_send_shared(socket, shared);
    int error = tow_overflow_check(socket, tow_shared_length(shared));
    if (error == 0)
        error = tow_posted_add(socket, shared);
    return error != 0 ? error : tow_websocket_buffered_amount(socket);
}

/* Whoever posted does not hear that it was refused. */
void tow_websocket_send_posted(tow_websocket *socket, tow_shared *shared) {
    if (send_or_wait(socket, shared) == TOW_ERROR_QUEUE_FULL && tow_stage_is_open(socket))
        tow_overflow_note_dropped(socket, 1);
}

void tow_send_posted(tow_websocket *socket) {
    tow_shared *message;
    while (socket->extra != NULL && (message = tow_posted_take(&socket->extra->posted)) != NULL) {
        tow_send_shared(socket, message);
        tow_shared_release(message);
    }
}
