/* context: what the connections on one loop share, and what exists once because only one of them is served at
 * a time: masking keys, compressors without context takeover, scratch memory, counters, and the message that
 * is being delivered. */
#ifndef TOW_WEBSOCKET_CONTEXT_H
#define TOW_WEBSOCKET_CONTEXT_H

#include "base/buffer.h"
#include "base/count.h"
#include "names.h"
#include "protocol/deflate.h"
#include "websocket/websocket.h"

enum {
    TOW_KEYS_SIZE = 256,             /* bytes of masking keys fetched at once */
    TOW_SPARES = 8,                  /* assembly buffers kept for the next large message */
    TOW_SPARE_MAX = 2 * 1024 * 1024, /* larger ones are freed */
    TOW_SCRATCH_MAX = 1024 * 1024    /* scratch memory above this is freed after use */
};

/* Of the connections of one address: see unfinished.c. */
typedef struct tow_unfinished_account tow_unfinished_account;

typedef struct tow_unfinished { /* zero: no limit */
    int64_t max, max_per_address;
    tow_unfinished_account *accounts[256];
} tow_unfinished;

/* The message that on_message is looking at. */
typedef struct tow_delivery {
    const tow_websocket *socket; /* NULL: none */
    const void *data;
    size_t length;
    tow_message_type type;
    tow_buffer *assembly; /* the buffer that holds the message, if it was assembled; the send queue may take
                             it over */
} tow_delivery;

/* The value of Sec-WebSocket-Extensions for one agreement. */
typedef struct tow_extension_text {
    struct tow_extension_text *next;
    uint16_t agreement;
    char text[TOW_COMPRESSION_TEXT_MAX];
} tow_extension_text;

/* What lies above those who call it: of sockets over frames, see input.h and due.h. */
typedef struct tow_frames_above {
    void (*go_on)(tow_websocket *socket);
    void (*resumed)(tow_websocket *socket);
    void (*time_is_up)(tow_timer *timer);
} tow_frames_above;

struct tow_websocket_context {
    tow_loop *loop;
    void *owner;                   /* for whoever made it */
    const tow_frames_above *above; /* given by tow_websocket_start */
    tow_websocket_counters counters;
    tow_delivery delivery;
    const tow_socket_watcher *watcher; /* NULL: nobody */
    bool keeps_tallies;
    uint32_t work;       /* done in the turn under way: see turn.h */
    uint32_t turn;       /* how much it may be */
    uint32_t round_work; /* done in all turns since the round in which that was measured last */
    uint32_t round;
    uint16_t keys_left; /* bytes at the end of `keys` that were not used yet */
    uint8_t keys[TOW_KEYS_SIZE];
    tow_buffer spares[TOW_SPARES];
    tow_buffer landing;  /* where a socket that gets large messages reads the next one, header and all */
    size_t landing_size; /* how large it should be: for one more like the last large message */
    const uint8_t *landing_end; /* behind the bytes that are being delivered from it; NULL: from elsewhere */
    tow_inflater *inflater;     /* for the next message without takeover, or NULL */
    tow_deflater *deflaters[8]; /* by window bits, from 8 */
    tow_buffer inflated;
    tow_buffer deflated;
    tow_extension_text *extension_texts;
    tow_names protocols; /* in use */
    tow_unfinished unfinished;
};

/* A fresh masking key that nobody can predict (RFC 6455, section 5.3). */
void tow_context_masking_key(tow_websocket_context *context, uint8_t key[4]);

/* An empty buffer for a message, with memory if one is at hand. */
tow_buffer tow_context_take_buffer(tow_websocket_context *context);

/* Takes a buffer back: keeps its memory for the next message, or frees it. */
void tow_context_give_buffer(tow_websocket_context *context, tow_buffer *buffer);

/* Empties a scratch buffer after use; frees it if it has become large. */
void tow_context_empty_scratch(tow_buffer *scratch);

#endif
