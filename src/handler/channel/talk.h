/* talk: a WebSocket that speaks towline.v1: many channels on one connection, by envelopes. */
#ifndef TOW_HANDLER_CHANNEL_TALK_H
#define TOW_HANDLER_CHANNEL_TALK_H

#include "base/ring.h"
#include "envelope.h"
#include "visit.h"

enum {
    TOW_TALK_CHANNELS_MAX = 1000,        /* of a connection, by default */
    TOW_TALK_WAITING_MAX = 32,           /* requests that wait for answers: then the peer is not read; */
    TOW_TALK_WAITING_BYTES = 256 * 1024, /* or when they are so large */
    TOW_TALK_MEMBERS_MAX = 1000          /* that are told at once */
};

typedef struct tow_talk {
    tow_websocket *socket;
    tow_visit *visit;
    const tow_socket_subscriber *subscriber; /* by which it subscribes */
    tow_ring requests;                       /* that wait for something */
    size_t request_count;
    size_t request_bytes;
    bool is_asking; /* its keeper: what the peer says next has to wait, so that all stays in order */
    uint64_t alias; /* of who has no subject, where it is present; 0: none was needed yet */
    bool is_paused;
} tow_talk;

/* The socket's user is a visit; later a talk, or NULL without memory. */
void tow_talk_begin(tow_websocket *socket);
void tow_talk_take(tow_websocket *socket, const tow_message *message);
void tow_talk_end(tow_websocket *socket);

#endif
