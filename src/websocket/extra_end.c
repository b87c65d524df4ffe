#include "extra_end.h"

#include "context.h"
#include "extra.h"
#include "frames/piecewise.h"
#include "frames/unfinished.h"

#include <stdlib.h>

void tow_extra_end(tow_websocket *socket) {
    tow_websocket_extra *extra = socket->extra;
    if (extra == NULL)
        return;
    extra->discarded += (int64_t)(extra->queue.payload + extra->posted.payload);
    tow_queue_clear(&extra->queue);
    while (tow_posted_drop(&extra->posted)) {
    }
    tow_buffer_clear(&extra->gathered); /* of a message that never got whole */
    free(extra->pong);
    extra->pong = NULL;
    tow_context_give_buffer(socket->context, &extra->assembly);
    tow_extra_clear_kept(socket);
    tow_piecewise_end(socket);
    tow_unfinished_update(socket);
    tow_deflater_free(extra->deflater);
    extra->deflater = NULL;
    tow_inflater_free(extra->inflater);
    extra->inflater = NULL;
}

void tow_extra_clear(tow_websocket *socket) {
    if (socket->extra == NULL)
        return;
    tow_extra_end(socket);
    free(socket->extra->protocol);
    free(socket->extra->close_reason);
    free(socket->extra->our_reason);
    free(socket->extra->failure);
    free(socket->extra);
    socket->extra = NULL;
}
