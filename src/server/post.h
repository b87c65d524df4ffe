/* post: a letter from another thread about connections of one worker, by their ids. */
#ifndef TOW_SERVER_POST_H
#define TOW_SERVER_POST_H

#include "slot.h"

#include <stdatomic.h>
#include <towline/server.h>

/* An id, from its lowest bits: generation, slot, number of the worker. */
enum { TOW_ID_SLOT_SHIFT = TOW_GENERATION_BITS, TOW_ID_WORKER_SHIFT = TOW_ID_SLOT_SHIFT + TOW_SLOT_BITS };

static inline tow_websocket_id tow_id_make(size_t worker, uint32_t slot, uint32_t generation) {
    return (tow_websocket_id)worker << TOW_ID_WORKER_SHIFT | (tow_websocket_id)slot << TOW_ID_SLOT_SHIFT |
           generation;
}

static inline uint32_t tow_id_generation(tow_websocket_id id) {
    return (uint32_t)id & ((UINT32_C(1) << TOW_GENERATION_BITS) - 1);
}

static inline uint32_t tow_id_slot(tow_websocket_id id) {
    return (uint32_t)(id >> TOW_ID_SLOT_SHIFT) & ((UINT32_C(1) << TOW_SLOT_BITS) - 1);
}

/* Set in `filled` when the letter is opened: no more ids are added. */
#define TOW_POST_CLOSED (UINT32_C(1) << 31)

typedef struct tow_post {
    tow_letter letter; /* first; its work is the room for ids */
    tow_worker *worker;
    tow_shared *message;     /* NULL: a Close */
    size_t bytes;            /* that count as posted: the letter and the message */
    uint16_t code;           /* of the Close */
    _Atomic uint32_t filled; /* ids so far; more may come until the letter is opened */
    atomic_int holders;      /* the mailbox, and whoever may still add ids */
    uint32_t count;          /* ids, once it is closed */
    tow_websocket_id ids[];  /* behind them the Close's reason, which ends with a zero */
} tow_post;

static inline char *tow_post_reason(tow_post *self) {
    return (char *)(self->ids + self->count);
}

/* The socket of an id of this worker, if its connection is still there. */
tow_websocket *tow_worker_socket(tow_worker *worker, tow_websocket_id id);

/* One holder less; the last frees it. NULL is allowed. */
void tow_post_forget(tow_post *self);

/* What the letters' owner calls: they are opened on the worker's thread, or one is dropped: as one is that
 * was not left. */
void tow_posts_arrive(tow_letter *letters);
void tow_post_drop(tow_letter *letter);

#endif
