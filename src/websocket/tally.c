#include "tally.h"

#include <stdlib.h>

tow_tally *tow_websocket_tally_new(tow_websocket *socket, size_t note_size) {
    socket->tally = calloc(1, sizeof(*socket->tally) + note_size);
    return socket->tally;
}
