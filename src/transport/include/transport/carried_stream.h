/* carried_stream: a stream whose bytes somebody outside carries, by the table of towline/stream.h: another
 * server that has the connection (Apache), or whatever else has bytes of a peer.
 *
 * To its owner it is a stream as any other. What the carrier tells, it tells in rounds of the loop. */
#ifndef TOW_TRANSPORT_CARRIED_STREAM_H
#define TOW_TRANSPORT_CARRIED_STREAM_H

#include "transport/stream.h"

#include <towline/stream.h>

typedef struct tow_carriage {
    const tow_byte_stream_functions *functions;
    void *carrier;
    int fd; /* of the socket beneath, which stays the carrier's: for who is asked for the peer, and what it
               has taken; -1: none */
} tow_carriage;

/* Starts a stream that is carried. `*handle` is what the carrier tells its events to. Errors: MEMORY,
 * ARGUMENT (a function is missing). */
int tow_stream_carry(tow_stream *stream, tow_loop *loop, const tow_carriage *carriage,
    const tow_stream_events *events, tow_byte_stream **handle);

/* What a carrier may tell besides: the peer has ended its side while the stream is paused. */
void tow_carried_tell_fin(const tow_byte_stream *handle);

#endif
