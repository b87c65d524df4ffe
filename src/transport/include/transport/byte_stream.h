/* byte_stream: what floors above transport need of tow_byte_stream beyond towline/stream.h: streams that are
 * carried by a connected descriptor.
 *
 * The handle knows what was asked for (paused, ended, closed) and passes it on to what carries it; so the
 * carrier can change: from what connects to what is connected. */
#ifndef TOW_TRANSPORT_BYTE_STREAM_H
#define TOW_TRANSPORT_BYTE_STREAM_H

#include "transport/address.h"

#include <towline/stream.h>

/* The address that is listened on at `place`, from 0; false: there is none more. A text may stand for
 * several.
 */
bool tow_byte_listener_text(const tow_byte_listener *listener, int place, char out[TOW_ADDRESS_TEXT_MAX]);

/* Makes a stream of a connected descriptor of a socket. Errors: MEMORY, SYSTEM; the descriptor is then still
 * the caller's. */
int tow_byte_stream_adopt(
    tow_byte_stream **stream, tow_loop *loop, int fd, const tow_byte_stream_options *options);

/* The same for a stream that there is already: from now on the descriptor carries it instead of what did. */
int tow_byte_stream_carry(tow_byte_stream *stream, int fd);

/* Gives a stream another carrier. What was asked of the stream before, the new one hears of. */
void tow_byte_stream_set_carrier(
    tow_byte_stream *stream, const tow_byte_stream_functions *functions, void *carrier);

/* Errors: ARGUMENT (a number out of its range). */
int tow_byte_stream_options_check(const tow_byte_stream_options *options);

/* The options as they were copied; missing ones are zero. */
const tow_byte_stream_options *tow_byte_stream_get_options(const tow_byte_stream *stream);

/* Frees a stream that nobody has heard of. */
void tow_byte_stream_discard(tow_byte_stream *stream);

#endif
