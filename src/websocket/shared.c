#include "shared.h"

#include "context.h"
#include "frames/compressing.h"
#include "protocol/frame.h"
#include "protocol/mask.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { WINDOWS = 8 /* of 8 to 15 bits */ };

/* A frame as it goes over the wire, behind its description. */
typedef struct encoding {
    size_t length;
    size_t payload_length; /* 0: compressing gains nothing, and there are no bytes */
    uint8_t bytes[];
} encoding;

struct tow_shared {
    atomic_size_t references;
    tow_message_type type;
    _Atomic(encoding *) compressed[WINDOWS]; /* NULL: nobody has needed it yet */
    encoding *plain;
    size_t count;        /* of messages */
    tow_shared *parts[]; /* of several: references to them */
};

static encoding *encoding_with_room(size_t length, size_t payload_length) {
    encoding *made = malloc(sizeof(*made) + length);
    if (made != NULL)
        *made = (encoding){.length = length, .payload_length = payload_length};
    return made;
}

/* A frame with room for the payload, which the caller fills in at the end. */
static encoding *encoding_new(tow_message_type type, uint8_t reserved_bits, size_t payload_length) {
    uint8_t header_bytes[TOW_FRAME_HEADER_MAX];
    if (payload_length > SIZE_MAX / 2)
        return NULL;
    tow_frame_header header = {.payload_length = payload_length,
        .opcode = (uint8_t)type,
        .reserved_bits = reserved_bits,
        .final = true};
    size_t header_length = tow_frame_header_write(header_bytes, &header);
    encoding *made = encoding_with_room(header_length + payload_length, payload_length);
    if (made != NULL)
        memcpy(made->bytes, header_bytes, header_length);
    return made;
}

static uint8_t *payload_of(encoding *frame) {
    return frame->bytes + frame->length - frame->payload_length;
}

static tow_shared_frame frame_of(const encoding *frame) {
    return (tow_shared_frame){
        .bytes = frame->bytes, .length = frame->length, .payload_length = frame->payload_length};
}

int tow_shared_new(tow_shared **shared, tow_message_type type, const void *data, size_t length) {
    if (shared == NULL || (data == NULL && length > 0))
        return TOW_ERROR_ARGUMENT;
    if (type != TOW_TEXT && type != TOW_BINARY)
        return TOW_ERROR_ARGUMENT;
    if (type == TOW_TEXT && !tow_utf8_valid(data, length))
        return TOW_ERROR_UTF8;
    tow_shared *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->plain = encoding_new(type, 0, length);
    if (made->plain == NULL) {
        free(made);
        return TOW_ERROR_MEMORY;
    }
    if (length > 0)
        memcpy(payload_of(made->plain), data, length);
    atomic_init(&made->references, 1);
    made->type = type;
    made->count = 1;
    *shared = made;
    return 0;
}

static encoding *join_plain(tow_shared *const *parts, size_t count) {
    size_t length = 0;
    size_t payload_length = 0;
    for (size_t i = 0; i < count; i++) {
        length += parts[i]->plain->length;
        payload_length += parts[i]->plain->payload_length;
    }
    encoding *made = encoding_with_room(length, payload_length);
    uint8_t *out = made == NULL ? NULL : made->bytes;
    for (size_t i = 0; out != NULL && i < count; out += parts[i++]->plain->length)
        memcpy(out, parts[i]->plain->bytes, parts[i]->plain->length);
    return made;
}

/* Those that were joined themselves are taken apart. */
static size_t add_parts(tow_shared **out, tow_shared *const *parts, size_t count) {
    size_t added = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < parts[i]->count; j++, added++)
            if (out != NULL)
                tow_shared_retain(out[added] = tow_shared_part(parts[i], j));
    return added;
}

int tow_shared_join(tow_shared **shared, tow_shared *const *parts, size_t count) {
    size_t all = add_parts(NULL, parts, count);
    tow_shared *made = calloc(1, sizeof(*made) + all * sizeof(tow_shared *));
    encoding *plain = join_plain(parts, count);
    if (made == NULL || plain == NULL) {
        free(made);
        free(plain);
        return TOW_ERROR_MEMORY;
    }
    atomic_init(&made->references, 1);
    made->plain = plain;
    made->count = all;
    add_parts(made->parts, parts, count);
    *shared = made;
    return 0;
}

void tow_shared_retain(tow_shared *shared) {
    if (shared != NULL)
        atomic_fetch_add_explicit(&shared->references, 1, memory_order_relaxed);
}

/* Whoever takes the last reference away sees all that the others did before. */
void tow_shared_release(tow_shared *shared) {
    if (shared == NULL || atomic_fetch_sub_explicit(&shared->references, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < WINDOWS; i++)
        free(atomic_load_explicit(&shared->compressed[i], memory_order_relaxed));
    for (size_t i = 0; shared->count > 1 && i < shared->count; i++)
        tow_shared_release(shared->parts[i]);
    free(shared->plain);
    free(shared);
}

size_t tow_shared_count(const tow_shared *shared) {
    return shared->count;
}

tow_shared *tow_shared_part(const tow_shared *shared, size_t index) {
    if (shared->count > 1)
        return shared->parts[index];
    return (tow_shared *)(uintptr_t)shared; // NOLINT(performance-no-int-to-ptr)
}

tow_message_type tow_shared_type(const tow_shared *shared) {
    return shared->type;
}

const void *tow_shared_data(const tow_shared *shared, size_t *length) {
    *length = shared->plain->payload_length;
    return payload_of(shared->plain);
}

size_t tow_shared_length(const tow_shared *shared) {
    return shared->plain->payload_length;
}

tow_shared_frame tow_shared_plain(const tow_shared *shared) {
    return frame_of(shared->plain);
}

/* The message compressed by the loop's compressor; without bytes where it does not become smaller. NULL when
 * out of memory. */
static encoding *compress(tow_shared *shared, tow_websocket *socket) {
    tow_buffer *deflated = &socket->context->deflated;
    encoding *made = NULL;
    size_t length;
    const void *data = tow_shared_data(shared, &length);
    tow_compress_result result = tow_compress(socket, data, length);
    if (result == TOW_COMPRESSED) {
        made = encoding_new(shared->type, TOW_RSV1, deflated->length);
        if (made != NULL)
            memcpy(payload_of(made), deflated->data, deflated->length);
    } else if (result == TOW_COMPRESS_NO_GAIN) {
        made = calloc(1, sizeof(*made));
    }
    if (made == NULL && result != TOW_COMPRESS_FAILED)
        tow_count(&socket->context->counters.memory_failures);
    tow_context_empty_scratch(deflated);
    return made;
}

/* Ours, unless another thread was faster. */
static encoding *publish(_Atomic(encoding *) *place, encoding *ours) {
    encoding *theirs = NULL;
    if (atomic_compare_exchange_strong_explicit(
            place, &theirs, ours, memory_order_acq_rel, memory_order_acquire))
        return ours;
    free(ours);
    return theirs;
}

tow_shared_frame tow_shared_compressed(tow_shared *shared, tow_websocket *socket) {
    _Atomic(encoding *) *place = &shared->compressed[tow_compress_window_bits(socket) - 8];
    encoding *found = atomic_load_explicit(place, memory_order_acquire);
    if (found == NULL) {
        encoding *made = compress(shared, socket);
        if (made == NULL)
            return tow_shared_plain(shared);
        found = publish(place, made);
    }
    return found->payload_length == 0 ? tow_shared_plain(shared) : frame_of(found);
}
