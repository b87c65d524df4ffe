/* socket_id: what a connection is called in Pusher's protocol: two numbers with a dot between them
 * ("1234.5678"), of which the hub knows one number of 64 bits. */
#ifndef TOW_HANDLER_PUSHER_SOCKET_ID_H
#define TOW_HANDLER_PUSHER_SOCKET_ID_H

#include "base/slice.h"

#include <stdint.h>

enum { TOW_PUSHER_SOCKET_ID_TEXT = 22 /* with a zero */ };

/* Writes the text; returns its length. */
size_t tow_pusher_socket_id_write(char out[TOW_PUSHER_SOCKET_ID_TEXT], uint64_t id);

/* Whether it is one at all; *id is 0 for those that we can't have given. */
bool tow_pusher_socket_id_read(tow_slice text, uint64_t *id);

#endif
