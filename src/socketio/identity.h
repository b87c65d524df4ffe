/* identity: ids of sockets: texts that are not to be guessed, as to know one is to be let into its room or
 * its past. */
#ifndef TOW_SOCKETIO_IDENTITY_H
#define TOW_SOCKETIO_IDENTITY_H

#include "state.h"

/* "private-", so that the room of a socket's own id is open to nobody else by any door, and 20 characters of
 * base64 as it is in URLs (RFC 4648, section 5): 120 bits of chance. */
void tow_socketio_id_make(char id[TOW_SOCKETIO_ID_LENGTH + 1], tow_loop *loop);

/* A number for an id, by which the hub leaves its socket out; never 0. */
uint64_t tow_socketio_id_number(const char *id);

#endif
