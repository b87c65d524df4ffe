/* assembly: the memory in which a message that did not come at once grows.
 *
 * What a peer merely claims costs nothing: memory grows with what really came, and never beyond the claim. */
#ifndef TOW_WEBSOCKET_ASSEMBLY_H
#define TOW_WEBSOCKET_ASSEMBLY_H

#include "websocket/websocket.h"

/* From this many bytes still to come in a frame, they are received straight into the assembly. */
enum { TOW_STRAIGHT_MIN = 64 * 1024 };

/* Adds a piece; one that was received straight into the assembly is there already. Errors: MEMORY. */
int tow_assembly_add(tow_websocket *socket, const tow_received *piece);

/* Where the next bytes of the frame under way should be received: *length of them; NULL when they are too few
 * for that. */
uint8_t *tow_assembly_room(tow_websocket *socket, size_t *length);

#endif
