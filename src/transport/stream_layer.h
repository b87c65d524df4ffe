/* stream_layer: a stream that lies over another one. The outer one is the owner's, and keeps its functions
 * and events; the inner one carries what it becomes on the way (records of TLS). Between them stands the
 * layer's kind, which turns what is written to the outer one into bytes for the inner one, and what comes of
 * the inner one into events of the outer one.
 *
 * What is alike for all kinds is here: the cork of the one becomes the cork of the other; what the inner one
 * does not take is kept, within a bound, and blocks the outer one; and the order of ends: the owner's last
 * bytes, our FIN, the peer's, on_closed.
 *
 * A layer may be put over another one: its inner stream is then the outer one of the layer beneath. Loops
 * know of all this only that a stream's cork may have to be changed before it is sent
 * (tow_stream_class.send_cork). */
#ifndef TOW_TRANSPORT_STREAM_LAYER_H
#define TOW_TRANSPORT_STREAM_LAYER_H

#include "base/buffer.h"
#include "loop_shared.h"
#include "transport/timer.h"

typedef struct tow_stream_layer tow_stream_layer;

typedef struct tow_layer_kind {
    /* Bytes came, in memory that may be changed, and the owner may hear of them. */
    void (*receive)(tow_stream_layer *layer, uint8_t *bytes, size_t length);
    /* As tow_stream_class.send: turns the pieces into tow_stream_layer_put, until the layer is stuck. */
    ssize_t (*send)(tow_stream_layer *layer, const struct iovec *pieces, int count);
    /* Whether nothing that has come is still to be turned into events. */
    bool (*is_quiet)(const tow_stream_layer *layer);
    /* Our end is next: last words may be put. */
    void (*take_leave)(tow_stream_layer *layer);
    /* The peer's end has come. Returns 0, or the error that it is. */
    int (*end)(tow_stream_layer *layer);
    /* The inner stream failed, of which the owner will hear. */
    void (*fail)(tow_stream_layer *layer, int error);
    /* Both streams are over. The layer itself was cleared. */
    void (*free)(tow_stream_layer *layer);
} tow_layer_kind;

struct tow_stream_layer {   /* the beginning of a kind's state, on the heap; zeroed before it is put */
    tow_stream_class class; /* first: the outer stream's, by which the layer is found */
    const tow_layer_kind *kind;
    tow_stream *outer;
    tow_stream inner;
    uint8_t *early;    /* to be received before what comes; NULL: nothing */
    tow_buffer unsent; /* what was put and the inner stream has not taken */
    uint8_t *memory;   /* what the layer beneath delivers into; NULL if the inner stream has a descriptor */
    tow_timer parting;
    uint32_t early_length;
    bool opening; /* the kind begins: the owner may not write yet, and is read even if paused */
    bool lingers; /* the peer should get to read our last words, also after a close */
    bool lost;    /* there was no memory for what was unsent */
    bool ending;  /* our FIN is to come when all is sent */
    bool parts;   /* the owner has closed; the inner stream lives a little longer */
    bool inner_closed;
};

/* The layer whose outer stream this is, or NULL. */
tow_stream_layer *tow_stream_layer_of(const tow_stream *stream);

/* Puts a layer under a stream: it takes over the descriptor (see tow_stream_release for when), or lies over
 * the layer that the stream has. On success the stream owns it. Errors: STATE, MEMORY, SYSTEM. */
int tow_stream_layer_insert(tow_stream_layer *layer, const tow_layer_kind *kind, tow_stream *outer);

/* The owner may hear of something: it has neither closed the stream nor will it be told of an error. */
static inline bool tow_stream_layer_is_live(const tow_stream_layer *layer) {
    return !(layer->outer->flags & (STREAM_CLOSED | STREAM_FAILED));
}

/* The same, of bytes. */
static inline bool tow_stream_layer_is_hearing(const tow_stream_layer *layer) {
    return tow_stream_layer_is_live(layer) && !(layer->outer->flags & STREAM_ENDED);
}

/* The kind begins: the outer stream is blocked until tow_stream_layer_open. */
void tow_stream_layer_begin(tow_stream_layer *layer);
void tow_stream_layer_open(tow_stream_layer *layer);

/* Bytes for the inner stream, copied. Everything is taken: what can't be sent is kept, and what is kept is
 * bounded. */
void tow_stream_layer_put(tow_stream_layer *layer, const uint8_t *bytes, size_t length);

/* Bytes that have come before the layer was there (copied). Errors: MEMORY, STATE (a second time). */
int tow_stream_layer_keep_early(tow_stream_layer *layer, const uint8_t *bytes, size_t length);

/* Whether no more should be put, as nobody takes it at the moment. */
bool tow_stream_layer_is_stuck(const tow_stream_layer *layer);

/* Before much more is put: `left` bytes of the owner's. */
void tow_stream_layer_make_room(tow_stream_layer *layer, size_t left);

/* After a callback of the owner's: sends all that it corked meanwhile, as the loop does for plain streams. */
void tow_stream_layer_reply(tow_stream_layer *layer);

#endif
