/* compressing: which compressor and inflater a connection uses (RFC 7692), and what was agreed on in nine
 * bits. */
#ifndef TOW_WEBSOCKET_COMPRESSING_H
#define TOW_WEBSOCKET_COMPRESSING_H

#include "protocol/deflate.h"
#include "websocket/websocket.h"

/* An agreement in nine bits; 0 is none. */
uint16_t tow_agreement_pack(const tow_compression_agreement *agreement);
tow_compression_agreement tow_agreement_unpack(uint16_t packed);

typedef enum tow_compress_result {
    TOW_COMPRESSED,
    TOW_COMPRESS_NO_GAIN, /* the message should be sent as it is */
    TOW_COMPRESS_FAILED   /* so it should, for want of memory (counted) */
} tow_compress_result;

/* Compresses a message into the context's scratch memory. */
tow_compress_result tow_compress(tow_websocket *socket, const void *data, size_t length);

/* Whether the compressor of what we send keeps its context, so that no other connection can use its frames;
 * and the window that was agreed on for it, in bits. */
bool tow_compress_takes_over(const tow_websocket *socket);
int tow_compress_window_bits(const tow_websocket *socket);

/* Forgets the compressor's context, after a compressed message that the peer will never get. */
void tow_compress_forget(tow_websocket *socket);

/* The inflater for a message: the connection's own, or one that is lent until it is given back, when it has
 * ended the message or was reset. NULL when out of memory. */
tow_inflater *tow_inflate_take(tow_websocket *socket);
void tow_inflate_give(tow_websocket *socket, tow_inflater *inflater);

/* The agreement as the header's value: "" if there is none or no memory. Lives as long as the context. */
const char *tow_agreement_text(tow_websocket_context *context, uint16_t packed);

#endif
