/* uring_streams: streams of the loop over io_uring: a receive that goes on by itself into the ring's buffers,
 * or direct reads where a stream brings much. */
#ifndef TOW_TRANSPORT_URING_STREAMS_H
#define TOW_TRANSPORT_URING_STREAMS_H

#include "uring.h"

extern const tow_stream_class tow_uring_streams;

/* Completions of URING_RECEIVE and URING_STOP_RECEIVE. */
void tow_uring_receive_done(tow_stream *stream, int result, unsigned flags);
void tow_uring_stop_receive_done(tow_stream *stream, int result);

/* An event of epoll. */
void tow_uring_stream_event(tow_stream *stream, uint32_t events);

#endif
