/* cork: what streams have said and not yet sent, in one piece of memory for the whole loop.
 *
 * The memory is filled from front to back. What one stream adds in a row is one segment; a stream's segments
 * are linked, and leave in one write. When the memory or the table of segments is full, everything is sent
 * and both start over; they also start over whenever nothing is left in them, so that they stay in cache. */
#ifndef TOW_TRANSPORT_CORK_H
#define TOW_TRANSPORT_CORK_H

#include "transport/stream.h"

/* Room for a quarter of a megabyte that a TLS stream's owner says, and the same encrypted. */
enum { TOW_CORK_SIZE = 576 * 1024, TOW_CORK_SEGMENTS = 4096 };

typedef struct tow_segment {
    tow_stream *stream; /* NULL once it has left */
    uint32_t offset;
    uint32_t length;
    uint32_t next;  /* of the same stream, numbered from 1; 0: the last */
    uint32_t start; /* how much of the memory was used when it was opened */
} tow_segment;

typedef struct tow_cork {
    uint8_t *memory;
    tow_segment *segments;
    struct iovec *pieces; /* as many as segments: for writes of several segments */
    uint32_t used;
    uint32_t count;
    uint32_t growing;       /* the segment that grows when its stream adds more, numbered from 1 */
    uint32_t common_offset; /* the last bytes that were to go to many; they may be others by now */
    uint32_t common_length; /* 0: none */
} tow_cork;

int tow_cork_init(tow_cork *cork);
void tow_cork_clear(tow_cork *cork);

/* A new segment behind all others; NULL if there are too many. */
static inline tow_segment *tow_cork_open_segment(tow_cork *cork, tow_stream *stream) {
    if (cork->count == TOW_CORK_SEGMENTS)
        return NULL;
    tow_segment *segment = &cork->segments[cork->count++];
    *segment = (tow_segment){.stream = stream, .offset = cork->used, .start = cork->used};
    if (stream->cork_first == 0)
        stream->cork_first = cork->count;
    else
        cork->segments[stream->cork_last - 1].next = cork->count;
    stream->cork_last = cork->growing = cork->count;
    return segment;
}

/* Room for `length` bytes more of a stream, in its last segment or a new one; NULL if there is none. */
static inline uint8_t *tow_cork_add(tow_cork *cork, tow_stream *stream, size_t length) {
    if (length > TOW_CORK_SIZE - cork->used)
        return NULL;
    tow_segment *segment;
    if (stream->cork_last != 0 && stream->cork_last == cork->growing)
        segment = &cork->segments[cork->growing - 1];
    else if ((segment = tow_cork_open_segment(cork, stream)) == NULL)
        return NULL;
    uint8_t *room = cork->memory + cork->used;
    segment->length += (uint32_t)length;
    cork->used += (uint32_t)length;
    return room;
}

/* Adds bytes that are likely to be those of the last call, for another stream: then both have them in one
 * place, which stays in cache. False: there is no room. */
bool tow_cork_add_common(tow_cork *cork, tow_stream *stream, const uint8_t *bytes, size_t length);

/* The stream's segments as pieces for one write. At most IOV_MAX of them are written to
 * `out`: the rest counts as not taken. Returns how many. The segments stay until they are released. */
int tow_cork_pieces(const tow_cork *cork, const tow_stream *stream, struct iovec *out);

/* At most `max` of them, from segment `*number` on, which becomes that of the next; 0: there are no more. */
int tow_cork_pieces_from(const tow_cork *cork, uint32_t *number, struct iovec *out, int max);

/* How many bytes the stream has in the cork. */
size_t tow_cork_length(const tow_cork *cork, const tow_stream *stream);

/* The stream's segments have left, up to `taken` bytes; the stream hears of those that have not. */
void tow_cork_release(tow_cork *cork, tow_stream *stream, size_t taken);

/* The same without telling the stream. */
void tow_cork_drop(tow_cork *cork, tow_stream *stream);

#endif
