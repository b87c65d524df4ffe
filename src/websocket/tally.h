/* tally: what one connection has carried, for the log's line of its end. Made with the first message, and
 * only where somebody asks for it (tow_websocket_context_keep_tallies), so that an idle connection has none.
 */
#ifndef TOW_WEBSOCKET_TALLY_H
#define TOW_WEBSOCKET_TALLY_H

#include "context.h"

/* The socket's tally, made if need be; NULL if nobody asks for it, or without memory. */
static inline tow_tally *tow_tally_need(tow_websocket *socket) {
    if (socket->tally == NULL && socket->context->keeps_tallies)
        tow_websocket_tally_new(socket, 0);
    return socket->tally;
}

/* Some bytes of a message came: they end it or not. */
static inline void tow_tally_in(tow_websocket *socket, size_t length, bool ends) {
    tow_tally *tally = tow_tally_need(socket);
    if (tally == NULL)
        return;
    tally->messages_in += ends;
    tally->bytes_in += length;
}

/* Some bytes went, and the ends of so many messages with them. */
static inline void tow_tally_out(tow_websocket *socket, size_t length, size_t ends) {
    tow_tally *tally = tow_tally_need(socket);
    if (tally == NULL)
        return;
    tally->messages_out += ends;
    tally->bytes_out += length;
}

#endif
