/* peer_end: the peer ends its side of the stream, in order or not. */
#ifndef TOW_WEBSOCKET_FRAMES_PEER_END_H
#define TOW_WEBSOCKET_FRAMES_PEER_END_H

#include "websocket/websocket.h"

/* The peer's end may have waited for the delivery of what came before it. */
void tow_peer_end_check(tow_websocket *socket);

/* What the peer said before it ended its side is not read any more. */
void tow_peer_end_give_up(tow_websocket *socket);

/* The stream's on_end, on_fin, on_error and on_closed. */
void tow_peer_end_came(tow_stream *stream);
void tow_peer_end_fin(tow_stream *stream);
void tow_peer_end_failed(tow_stream *stream, int error);
void tow_peer_end_closed(tow_stream *stream);

#endif
