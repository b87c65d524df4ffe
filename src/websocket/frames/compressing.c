#include "compressing.h"

#include "../context.h"
#include "../extra.h"
#include "protocol/deflate.h"
#include "turn.h"

#include <stdlib.h>
#include <towline/error.h>

enum { ENABLED = 1, SERVER_NO_TAKEOVER = 2, CLIENT_NO_TAKEOVER = 4, SERVER_BITS = 3, CLIENT_BITS = 6 };

uint16_t tow_agreement_pack(const tow_compression_agreement *agreement) {
    if (agreement == NULL || !agreement->enabled)
        return 0;
    unsigned packed = ENABLED;
    packed |= agreement->server_no_context_takeover ? SERVER_NO_TAKEOVER : 0;
    packed |= agreement->client_no_context_takeover ? CLIENT_NO_TAKEOVER : 0;
    packed |= ((agreement->server_max_window_bits - 8U) & 7U) << SERVER_BITS;
    packed |= ((agreement->client_max_window_bits - 8U) & 7U) << CLIENT_BITS;
    return (uint16_t)packed;
}

tow_compression_agreement tow_agreement_unpack(uint16_t packed) {
    if (packed == 0)
        return (tow_compression_agreement){0};
    return (tow_compression_agreement){.enabled = true,
        .server_no_context_takeover = (packed & SERVER_NO_TAKEOVER) != 0,
        .client_no_context_takeover = (packed & CLIENT_NO_TAKEOVER) != 0,
        .server_max_window_bits = (uint8_t)(8 + ((packed >> SERVER_BITS) & 7)),
        .client_max_window_bits = (uint8_t)(8 + ((packed >> CLIENT_BITS) & 7))};
}

/* What was agreed on for one direction. */
typedef struct direction {
    bool takeover;
    int window_bits;
} direction;

/* `sender` is the role of the end that compresses. */
static direction direction_of(const tow_websocket *socket, tow_role sender) {
    tow_compression_agreement agreement = tow_agreement_unpack((uint16_t)socket->agreement);
    if (sender == TOW_ROLE_SERVER)
        return (direction){!agreement.server_no_context_takeover, agreement.server_max_window_bits};
    return (direction){!agreement.client_no_context_takeover, agreement.client_max_window_bits};
}

static direction outgoing(const tow_websocket *socket) {
    return direction_of(socket, socket->behaviour->role);
}

static direction incoming(const tow_websocket *socket) {
    return direction_of(
        socket, socket->behaviour->role == TOW_ROLE_SERVER ? TOW_ROLE_CLIENT : TOW_ROLE_SERVER);
}

/* With takeover the connection's own compressor, else the one that all connections on the loop share. */
static tow_deflater *deflater_of(tow_websocket *socket, direction way) {
    tow_deflater **deflater = &socket->context->deflaters[way.window_bits - 8];
    if (way.takeover) {
        if (tow_extra_need(socket) == NULL)
            return NULL;
        deflater = &socket->extra->deflater;
    }
    if (*deflater == NULL && tow_deflater_new(deflater, way.window_bits, way.takeover) != 0)
        return NULL;
    return *deflater;
}

/* The shared one has the full window: it can read what any smaller window wrote. */
static tow_inflater *inflater_of(tow_websocket *socket, direction way) {
    tow_inflater **inflater = &socket->context->inflater;
    if (way.takeover) {
        if (tow_extra_need(socket) == NULL)
            return NULL;
        inflater = &socket->extra->inflater;
    }
    if (*inflater == NULL &&
        tow_inflater_new(inflater, way.takeover ? way.window_bits : 15, way.takeover) != 0)
        return NULL;
    return *inflater;
}

void tow_compress_forget(tow_websocket *socket) {
    if (!outgoing(socket).takeover || socket->extra == NULL)
        return;
    tow_deflater_free(socket->extra->deflater);
    socket->extra->deflater = NULL;
}

bool tow_compress_takes_over(const tow_websocket *socket) {
    return outgoing(socket).takeover;
}

int tow_compress_window_bits(const tow_websocket *socket) {
    return outgoing(socket).window_bits;
}

tow_compress_result tow_compress(tow_websocket *socket, const void *data, size_t length) {
    direction way = outgoing(socket);
    tow_buffer *out = &socket->context->deflated;
    tow_context_empty_scratch(out);
    tow_turn_add(socket->context, (uint32_t)(length / 1024) * TOW_WORK_DEFLATED_KIB);
    tow_deflater *deflater = deflater_of(socket, way);
    if (deflater == NULL || tow_deflater_message(deflater, data, length, out) != 0) {
        tow_count(&socket->context->counters.memory_failures);
        tow_compress_forget(socket);
        return TOW_COMPRESS_FAILED;
    }
    bool gains = way.takeover || out->length < length; /* a kept context must see what the compressor saw */
    return gains ? TOW_COMPRESSED : TOW_COMPRESS_NO_GAIN;
}

tow_inflater *tow_inflate_take(tow_websocket *socket) {
    direction way = incoming(socket);
    if (way.takeover)
        return inflater_of(socket, way);
    tow_inflater *taken = inflater_of(socket, way);
    socket->context->inflater = NULL;
    return taken;
}

void tow_inflate_give(tow_websocket *socket, tow_inflater *inflater) {
    if (incoming(socket).takeover)
        return;
    if (socket->context->inflater == NULL)
        socket->context->inflater = inflater;
    else
        tow_inflater_free(inflater);
}

const char *tow_agreement_text(tow_websocket_context *context, uint16_t packed) {
    if (packed == 0)
        return "";
    tow_extension_text *text = context->extension_texts;
    while (text != NULL && text->agreement != packed)
        text = text->next;
    if (text != NULL)
        return text->text;
    text = calloc(1, sizeof(*text));
    if (text == NULL)
        return "";
    tow_compression_agreement agreement = tow_agreement_unpack(packed);
    tow_compression_text(&agreement, text->text);
    text->agreement = packed;
    text->next = context->extension_texts;
    context->extension_texts = text;
    return text->text;
}
