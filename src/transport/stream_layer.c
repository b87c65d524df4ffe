#include "stream_layer.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum {
    FLUSH_SIZE = 256 * 1024,  /* of what was put: then it is sent, to know whether more will be taken */
    FLUSH_LEFT = 16 * 1024,   /* what is left of a message is better sent with the rest */
    UNSENT_MAX = 1024 * 1024, /* a peer that provokes records and takes none */
    PIECES = 64,
    PARTING_SECONDS = 1,    /* for some more of the last bytes to be taken after a close */
    MEMORY_SIZE = 32 * 1024 /* one record and what there may be of the next */
};

static void attend(tow_stream *outer);

tow_stream_layer *tow_stream_layer_of(const tow_stream *stream) {
    if (stream->class == NULL || stream->class->attend != attend)
        return NULL;
    return (tow_stream_layer *)(uintptr_t)stream->class; // NOLINT(performance-no-int-to-ptr): const
}

static tow_stream_layer *of_inner(tow_stream *inner) {
    return (tow_stream_layer *)(void *)((char *)inner - offsetof(tow_stream_layer, inner));
}

/* What is put. */

static void keep(tow_stream_layer *layer, const uint8_t *bytes, size_t length) {
    if (!(layer->outer->flags & STREAM_SHUT)) /* then the owner has nothing to wait for */
        layer->outer->flags |= STREAM_BLOCKED;
    if (length <= UNSENT_MAX - layer->unsent.length && tow_buffer_append(&layer->unsent, bytes, length) == 0)
        return;
    layer->lost = true;
    tow_loop_attend(layer->outer);
}

static bool is_kept_back(const tow_stream_layer *layer) {
    return layer->unsent.length > 0 || layer->inner.flags & STREAM_MUTE;
}

/* Into the cork, or past it when that is full. */
static size_t pass_on(tow_stream_layer *layer, const uint8_t *bytes, size_t length) {
    tow_stream *inner = &layer->inner;
    tow_loop *loop = inner->loop;
    if (is_kept_back(layer))
        return 0;
    uint8_t *room = tow_cork_add(&loop->cork, inner, length);
    if (room == NULL) {
        struct iovec piece = {.iov_len = length};
        memcpy(&piece.iov_base, &bytes, sizeof(piece.iov_base)); /* which has no const */
        ssize_t taken = tow_stream_write(inner, &piece, 1);
        return taken > 0 ? (size_t)taken : 0;
    }
    memcpy(room, bytes, length);
    if (!loop->stepping)
        tow_loop_touch(loop);
    return length;
}

void tow_stream_layer_put(tow_stream_layer *layer, const uint8_t *bytes, size_t length) {
    if (layer->inner.flags & (STREAM_FAILED | STREAM_CLOSED | STREAM_SHUT))
        return;
    size_t taken = pass_on(layer, bytes, length);
    if (taken < length)
        keep(layer, bytes + taken, length - taken);
}

bool tow_stream_layer_is_stuck(const tow_stream_layer *layer) {
    return layer->unsent.length > 0 ||
           layer->inner.flags & (STREAM_BLOCKED | STREAM_FAILED | STREAM_CLOSED) ||
           layer->outer->flags & (STREAM_BLOCKED | STREAM_FAILED);
}

void tow_stream_layer_make_room(tow_stream_layer *layer, size_t left) {
    if (left > FLUSH_LEFT && tow_cork_length(&layer->inner.loop->cork, &layer->inner) >= FLUSH_SIZE)
        tow_stream_flush(&layer->inner);
}

/* Writes what was kept. Returns whether nothing is left. */
static bool write_kept(tow_stream_layer *layer) {
    if (layer->unsent.length == 0)
        return true;
    struct iovec piece = {.iov_base = layer->unsent.data, .iov_len = layer->unsent.length};
    ssize_t taken = tow_stream_write(&layer->inner, &piece, 1);
    if (taken > 0)
        tow_buffer_consume(&layer->unsent, (size_t)taken);
    if (layer->unsent.length > 0)
        return false;
    tow_buffer_clear(&layer->unsent);
    return true;
}

/* What the owner writes. */

static ssize_t send_some(tow_stream_layer *layer, const struct iovec *pieces, int count) {
    if (layer->inner.flags & STREAM_FAILED)
        return -layer->inner.failure;
    return layer->kind->send(layer, pieces, count);
}

/* tow_stream_class.send */
static ssize_t send_pieces(tow_stream *outer, const struct iovec *pieces, int count) {
    tow_stream_layer *layer = tow_stream_layer_of(outer);
    ssize_t taken = send_some(layer, pieces, count);
    tow_stream_flush(&layer->inner);
    return taken;
}

/* A loop that sends all streams together makes an exception of those that bring a lot. */
static bool replies_at_once(const tow_stream_layer *layer) {
    return !layer->inner.loop->kind->gathers || layer->inner.flags & STREAM_DIRECT;
}

/* tow_stream_class.send_cork: what it becomes is corked in turn; a loop that sends all streams together comes
 * to it. */
static void send_cork(tow_stream *outer) {
    tow_stream_layer *layer = tow_stream_layer_of(outer);
    tow_cork *cork = &outer->loop->cork;
    struct iovec pieces[PIECES];
    size_t taken = 0;
    for (uint32_t number = outer->cork_first; number != 0;) {
        int count = tow_cork_pieces_from(cork, &number, pieces, PIECES);
        ssize_t part = send_some(layer, pieces, count);
        if (part < 0) {
            tow_stream_settle(outer, part);
            return;
        }
        taken += (size_t)part;
        if (tow_stream_layer_is_stuck(layer))
            break;
    }
    if (replies_at_once(layer))
        tow_stream_flush(&layer->inner);
    else if (taken == tow_cork_length(cork, outer))
        layer->inner.corked_payload += outer->corked_payload; /* until the round ends */
    bool has_failed = layer->inner.flags & STREAM_FAILED;     /* then nothing says how much has left */
    tow_stream_settle(outer, has_failed ? -layer->inner.failure : (ssize_t)taken);
}

void tow_stream_layer_reply(tow_stream_layer *layer) {
    if (replies_at_once(layer))
        tow_stream_flush(layer->outer);
}

/* The end. */

/* FIN follows what is still on its way. */
static void end_inner(tow_stream_layer *layer) {
    tow_stream_flush(&layer->inner);
    layer->ending = layer->unsent.length > 0;
    if (!layer->ending)
        tow_stream_shutdown(&layer->inner);
}

static void shut_down(tow_stream *outer) {
    tow_stream_layer *layer = tow_stream_layer_of(outer);
    layer->kind->take_leave(layer);
    end_inner(layer);
}

static void parted(tow_timer *timer) {
    tow_stream_layer *layer =
        (tow_stream_layer *)(void *)((char *)timer - offsetof(tow_stream_layer, parting));
    tow_stream_close(&layer->inner);
}

static void set_parting(tow_stream_layer *layer) {
    tow_loop *loop = layer->inner.loop;
    tow_timer_set(loop, &layer->parting, tow_loop_now(loop) + PARTING_SECONDS * TOW_SECOND, parted);
}

/* The owner believes that all it wrote was given to the kernel; and a reset would overtake last words that
 * the peer should get to read. */
static void part(tow_stream_layer *layer) {
    tow_stream *inner = &layer->inner;
    layer->kind->take_leave(layer);
    tow_stream_flush(inner);
    bool waits = layer->unsent.length > 0 || (layer->lingers && !(inner->flags & STREAM_ENDED));
    if (!waits || inner->flags & STREAM_FAILED) {
        tow_stream_close(inner);
        return;
    }
    layer->parts = true;
    end_inner(layer);
    tow_stream_resume(inner);
    set_parting(layer);
}

static void layer_free(tow_stream_layer *layer) {
    tow_timer_cancel(layer->inner.loop, &layer->parting);
    free(layer->early);
    tow_buffer_clear(&layer->unsent);
    free(layer->memory);
    layer->kind->free(layer);
}

/* tow_stream_class.close: false until the inner stream is closed. */
static bool close_outer(tow_stream *outer) {
    tow_stream_layer *layer = tow_stream_layer_of(outer);
    if (layer->inner_closed) {
        outer->class = outer->loop->kind->streams;
        layer_free(layer);
        return true;
    }
    if (outer->flags & STREAM_RESET)
        tow_stream_reset(&layer->inner);
    else if (!layer->parts && !(layer->inner.flags & STREAM_CLOSED))
        part(layer);
    return false;
}

/* Questions. */

static size_t untaken(const tow_stream *outer) {
    const tow_stream_layer *layer = tow_stream_layer_of(outer);
    return layer->unsent.length + tow_stream_untaken(&layer->inner);
}

static bool is_quiet(tow_stream *outer) {
    tow_stream_layer *layer = tow_stream_layer_of(outer);
    return layer->early == NULL && layer->kind->is_quiet(layer) && tow_stream_is_quiet(&layer->inner);
}

static int peer(const tow_stream *outer, tow_address *address) {
    return tow_stream_peer(&tow_stream_layer_of(outer)->inner, address);
}

static int local(const tow_stream *outer, tow_address *address) {
    return tow_stream_local(&tow_stream_layer_of(outer)->inner, address);
}

/* Pauses, and what the loop attends to. */

/* The inner one may have been paused before, and know of the FIN. */
static void pause_inner(tow_stream_layer *layer) {
    tow_stream_pause(&layer->inner);
    if (layer->inner.flags & STREAM_FIN && tow_stream_awaits_fin(layer->outer))
        tow_stream_tell_fin(layer->outer);
}

int tow_stream_layer_keep_early(tow_stream_layer *layer, const uint8_t *bytes, size_t length) {
    if (length == 0)
        return 0;
    if (layer->early != NULL || length > UINT32_MAX)
        return TOW_ERROR_STATE;
    layer->early = malloc(length);
    if (layer->early == NULL)
        return TOW_ERROR_MEMORY;
    memcpy(layer->early, bytes, length);
    layer->early_length = (uint32_t)length;
    return 0;
}

static void receive_early(tow_stream_layer *layer) {
    uint8_t *early = layer->early;
    layer->early = NULL;
    if (tow_stream_layer_is_hearing(layer))
        layer->kind->receive(layer, early, layer->early_length);
    free(early);
}

/* tow_stream_class.attend: the owner may have paused or resumed. What begins is not paused; a failed stream
 * is not read. */
static void attend(tow_stream *outer) {
    tow_stream_layer *layer = tow_stream_layer_of(outer);
    if (layer->lost)
        tow_stream_fail(outer, TOW_ERROR_MEMORY);
    if (layer->early != NULL)
        receive_early(layer);
    if (outer->flags & STREAM_CLOSED)
        return;
    bool paused = outer->flags & STREAM_PAUSED && !layer->opening;
    if (paused || outer->flags & STREAM_FAILED)
        pause_inner(layer);
    else
        tow_stream_resume(&layer->inner);
}

/* The inner stream's events. */

static void on_bytes(tow_stream *inner, uint8_t *bytes, size_t length) {
    tow_stream_layer *layer = of_inner(inner);
    if (!tow_stream_layer_is_hearing(layer))
        return;
    if (layer->early != NULL)
        receive_early(layer);
    if (tow_stream_layer_is_hearing(layer))
        layer->kind->receive(layer, bytes, length);
    tow_stream_layer_reply(layer);
}

static void on_unsent(tow_stream *inner, const uint8_t *segment, size_t length, size_t taken) {
    keep(of_inner(inner), segment + taken, length - taken);
}

static void on_writable(tow_stream *inner) {
    tow_stream_layer *layer = of_inner(inner);
    tow_stream *outer = layer->outer;
    if (!write_kept(layer)) {
        if (layer->parts)
            set_parting(layer);
        return;
    }
    if (layer->ending)
        end_inner(layer);
    if (layer->parts && !layer->lingers)
        tow_stream_close(inner);
    if (!tow_stream_layer_is_live(layer) || layer->opening)
        return;
    if ((outer->flags & (STREAM_BLOCKED | STREAM_RESTING | STREAM_SHUT)) == STREAM_BLOCKED) {
        tow_stream_unblock(outer);
        tow_stream_layer_reply(layer);
    }
}

static void on_end(tow_stream *inner) {
    tow_stream_layer *layer = of_inner(inner);
    if (layer->parts) {
        tow_stream_close(inner);
        return;
    }
    if (!tow_stream_layer_is_hearing(layer))
        return;
    int error = layer->kind->end(layer);
    if (error != 0) {
        tow_stream_fail(layer->outer, error);
        return;
    }
    tow_stream_end(layer->outer);
    tow_stream_layer_reply(layer);
}

static void on_fin(tow_stream *inner) {
    tow_stream *outer = of_inner(inner)->outer;
    if (tow_stream_awaits_fin(outer))
        tow_stream_tell_fin(outer);
}

static void on_error(tow_stream *inner, int error) {
    tow_stream_layer *layer = of_inner(inner);
    if (layer->parts || layer->outer->flags & STREAM_CLOSED) {
        tow_stream_close(inner);
        return;
    }
    layer->kind->fail(layer, error);
    layer->outer->corked_payload += inner->corked_payload;
    tow_stream_fail(layer->outer, error);
}

static void on_closed(tow_stream *inner) {
    tow_stream_layer *layer = of_inner(inner);
    layer->inner_closed = true;
    tow_loop_attend(layer->outer);
}

static const tow_stream_events inner_events = {
    .on_bytes = on_bytes,
    .on_unsent = on_unsent,
    .on_writable = on_writable,
    .on_end = on_end,
    .on_fin = on_fin,
    .on_error = on_error,
    .on_closed = on_closed,
};

/* A layer beneath must not deliver from memory that all layers of a loop share: this one's would be written
 * over what it reads. */
static uint8_t *receive_into_memory(tow_stream *inner, size_t *length) {
    *length = MEMORY_SIZE;
    return of_inner(inner)->memory;
}

static const tow_stream_events stacked_events = {
    .on_bytes = on_bytes,
    .on_unsent = on_unsent,
    .on_writable = on_writable,
    .on_end = on_end,
    .on_fin = on_fin,
    .on_error = on_error,
    .on_closed = on_closed,
    .receive_into = receive_into_memory,
};

/* The beginning. */

static const tow_stream_class outer_class = {
    .send = send_pieces,
    .send_cork = send_cork,
    .update = tow_loop_attend,
    .attend = attend,
    .shutdown = shut_down,
    .close = close_outer,
    .untaken = untaken,
    .is_quiet = is_quiet,
    .peer = peer,
    .local = local,
};

/* The descriptor moves to the inner stream. */
static int take_descriptor(tow_stream_layer *layer, tow_stream *outer) {
    int fd = tow_stream_detach(outer);
    if (fd < 0)
        return fd;
    int error = tow_stream_adopt(&layer->inner, outer->loop, fd, &inner_events);
    if (error != 0)
        outer->fd = fd;
    return error;
}

/* What was the owner's stream for the layer beneath is the inner one of a new layer now. */
static int stack(tow_stream_layer *layer, tow_stream *outer) {
    const unsigned bound = STREAM_BLOCKED | STREAM_ENDED | STREAM_SHUT | STREAM_FAILED | STREAM_CLOSED;
    if (outer->flags & bound || outer->cork_first != 0)
        return TOW_ERROR_STATE;
    layer->memory = malloc(MEMORY_SIZE);
    if (layer->memory == NULL)
        return TOW_ERROR_MEMORY;
    layer->inner =
        (tow_stream){.class = outer->class, .events = &stacked_events, .loop = outer->loop, .fd = outer->fd};
    tow_stream_layer_of(outer)->outer = &layer->inner;
    outer->loop->open++;
    tow_loop_attend(&layer->inner); /* the owner may have paused */
    return 0;
}

int tow_stream_layer_insert(tow_stream_layer *layer, const tow_layer_kind *kind, tow_stream *outer) {
    int error = tow_stream_layer_of(outer) == NULL ? take_descriptor(layer, outer) : stack(layer, outer);
    if (error != 0)
        return error;
    layer->class = outer_class;
    layer->kind = kind;
    layer->outer = outer;
    outer->class = &layer->class;
    outer->flags &= STREAM_LASTING;
    return 0;
}

void tow_stream_layer_begin(tow_stream_layer *layer) {
    layer->opening = true;
    layer->outer->flags |= STREAM_BLOCKED;
}

void tow_stream_layer_open(tow_stream_layer *layer) {
    layer->opening = false;
    tow_loop_attend(layer->outer);
    if (tow_stream_layer_is_live(layer) && !is_kept_back(layer))
        tow_stream_unblock(layer->outer);
}
