/* direct_stream: streams that are read by recv(2), into the loop's one buffer, when epoll says that there is
 * something; and what epoll says about streams otherwise: room, connected, broken.
 *
 * The epoll loop reads all streams so; the io_uring loop those that bring much, as one hot buffer is then
 * better than a ring of cold ones. */
#ifndef TOW_TRANSPORT_DIRECT_STREAM_H
#define TOW_TRANSPORT_DIRECT_STREAM_H

#include "loop_shared.h"

enum { TOW_DIRECT_SIZE = 512 * 1024 };

/* Makes epoll tell of bytes, of room, of the peer's FIN: STREAM_READING, _WRITING, _WATCHING. Errors: MEMORY,
 * SYSTEM. */
int tow_direct_attach(tow_stream *stream, uint32_t interests);

/* Tells epoll what is wanted of the stream, if that has changed. */
void tow_direct_update(tow_stream *stream);
void tow_direct_detach(tow_stream *stream);

/* Handles an event of epoll. Returns how many bytes were read. */
size_t tow_direct_event(tow_stream *stream, uint32_t events);

#endif
