#include "delivery.h"

#include "context.h"
#include "extra.h"
#include "tally.h"

/* Final state first, callback last: what lies behind the message may be closed or gone when it returns. */
void tow_delivery_make(tow_websocket *socket, const tow_message *message, tow_buffer *assembly) {
    tow_websocket_context *context = socket->context;
    if (socket->extra != NULL)
        socket->extra->message_began = 0;
    tow_count(&context->counters.messages_in);
    tow_count_add(&context->counters.bytes_in, message->length);
    tow_tally_in(socket, message->length, true);
    if (socket->behaviour->on_message == NULL)
        return;
    context->delivery = (tow_delivery){.socket = socket,
        .data = message->data,
        .length = message->length,
        .type = message->type,
        .assembly = assembly};
    socket->behaviour->on_message(socket, message);
    context->delivery.socket = NULL;
}
