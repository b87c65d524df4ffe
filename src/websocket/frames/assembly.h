/* assembly: the memory in which a message that did not come at once grows.
 *
 * What a peer merely claims costs nothing: memory grows with what really came, and never beyond the claim. */
#ifndef TOW_WEBSOCKET_ASSEMBLY_H
#define TOW_WEBSOCKET_ASSEMBLY_H

#include "base/buffer.h"
#include "websocket/websocket.h"

/* From this many bytes still to come in a frame, they are received straight into the assembly. */
enum { TOW_STRAIGHT_MIN = 64 * 1024 };

/* Where the next read should go, if that spares copying: into the message under way when much of its frame is
 * still to come, or into memory for a whole message when the last one was large. Sets *length; NULL for none.
 */
uint8_t *tow_assembly_room(tow_websocket *socket, size_t *length);

/* A read came, perhaps into that memory for a whole message; and: it has been delivered. */
void tow_assembly_read_begins(tow_websocket *socket, const uint8_t *bytes, size_t length);
void tow_assembly_read_ends(tow_websocket *socket, size_t length);

/* The buffer that holds a message at the end of a read, and nothing else that is needed: the send queue may
 * take it. NULL if there is none. */
tow_buffer *tow_assembly_owner(tow_websocket *socket, const tow_received *message);

/* Adds a piece; one that was received straight into the assembly is there already. Errors: MEMORY. */
int tow_assembly_add(tow_websocket *socket, const tow_received *piece);

/* A message of this length was assembled: the next may be as large. */
void tow_assembly_note_size(tow_websocket *socket, size_t length);

#endif
