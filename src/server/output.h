/* output: the bytes of answers on their way to a peer, in order, with a bound on what waits.
 *
 * Goes in: heads and bodies, whole or from a source. Goes out: what the stream takes. A body from a source is
 * pulled in pieces, the next one when the last was taken, so that a slow peer costs one piece of memory. */
#ifndef TOW_SERVER_OUTPUT_H
#define TOW_SERVER_OUTPUT_H

#include "base/buffer.h"
#include "server/exchange.h"
#include "transport/stream.h"

typedef struct tow_output { /* zeroed: nothing waits */
    tow_buffer unsent;      /* what the stream gave back from its cork: goes first */
    tow_buffer pending;     /* what it was not given yet; tow_output_open */
    size_t unsent_taken;
    size_t pending_taken;
    tow_body_source source; /* `read` is NULL when there is none */
    uint64_t source_left;   /* bytes that it still has to give */
    bool lost;              /* there was no memory for what came back */
} tow_output;

typedef enum tow_output_result {
    TOW_OUTPUT_DONE,    /* all is corked or taken */
    TOW_OUTPUT_BLOCKED, /* on_writable or on_error follows */
    TOW_OUTPUT_PAUSED,  /* enough for this turn: call again in the next */
    TOW_OUTPUT_BROKEN,  /* the source ended before its announced end: reset the stream */
    TOW_OUTPUT_FAILED   /* memory is short, or the stream failed: the same */
} tow_output_result;

/* Gives the stream what it takes, in pieces of 64 KiB: at least one, and no more than *pieces, from which it
 * takes those that follow the first. *moved tells whether the stream took anything. */
tow_output_result tow_output_pump(tow_output *output, tow_stream *stream, int *pieces, bool *moved);

/* The stream's on_unsent. */
void tow_output_take_back(tow_output *output, const uint8_t *rest, size_t length);

/* To append to. What is gone from its front is cut off, so that an answer that does not end takes no more
 * memory than what waits. */
tow_buffer *tow_output_open(tow_output *output);

/* Bytes that the stream has not taken, without what a source has still to give. */
size_t tow_output_waiting(const tow_output *output);

/* The source of a body that follows what is pending; it is the output's from now on. */
void tow_output_set_source(tow_output *output, const tow_body_source *source, uint64_t length);

bool tow_output_is_idle(const tow_output *output);

/* Frees what waits and closes the source. */
void tow_output_clear(tow_output *output);

#endif
