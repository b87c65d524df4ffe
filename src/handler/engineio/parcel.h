/* parcel: what a WebSocket connection of Engine.IO and its session tell each other where they live on
 * different workers, as letters. */
#ifndef TOW_HANDLER_ENGINEIO_PARCEL_H
#define TOW_HANDLER_ENGINEIO_PARCEL_H

#include "session.h"

typedef enum tow_parcel_kind {
    /* To the session: */
    TOW_PARCEL_ATTACH, /* here is a WebSocket for it */
    TOW_PARCEL_HEARD,  /* a message has come */
    TOW_PARCEL_TAKEN,  /* how many bytes of what was said have left */
    TOW_PARCEL_CLOSED, /* it is over: was_clean is `flag`, the reason is the data */
    TOW_PARCEL_LIVES,  /* whether the client does is `flag` */
    TOW_PARCEL_GO_ON,  /* the session's worker to itself: what was kept is told */
    /* To the connection: */
    TOW_PARCEL_SAY,   /* sends a message */
    TOW_PARCEL_END,   /* closes it; whether its end is told is `flag` */
    TOW_PARCEL_PAUSE, /* reads no more (`flag`), or again */
    TOW_PARCEL_READ,  /* how many bytes of what was heard are told */
    TOW_PARCEL_MARK,  /* a Ping follows */
    TOW_PARCEL_ASK    /* whether the client has shown life in so many (`count`) milliseconds */
} tow_parcel_kind;

typedef struct tow_parcel {
    tow_letter letter; /* first */
    tow_engineio *engineio;
    tow_server *server;
    tow_websocket_id wire;    /* the connection */
    tow_websocket_id session; /* and its session */
    uint8_t secret[TOW_ENGINEIO_SECRET];
    tow_parcel_kind kind;
    tow_message_type type;
    uint64_t count;
    uint16_t code;
    bool flag;
    size_t bytes;
    size_t length;
    char data[]; /* ends with a zero behind its length */
} tow_parcel;

/* The other end, as both have it. */
typedef struct tow_parcel_way {
    tow_engineio *engineio;
    tow_websocket_id wire;
    tow_websocket_id session;
    uint8_t secret[TOW_ENGINEIO_SECRET];
} tow_parcel_way;

/* Sends what `what` says (kind, type, count, code, flag), with data. Errors: MEMORY, QUEUE_FULL (the other
 * worker ends, or takes no more messages). */
int tow_parcel_send(const tow_parcel_way *way, const tow_parcel *what, const void *data, size_t length);

/* Where they arrive: at the session's worker (remote.c), at the connection's (wire.c). */
typedef struct tow_parcel_ends {
    void (*to_session)(const tow_parcel *parcel);
    void (*to_wire)(const tow_parcel *parcel);
} tow_parcel_ends;
void tow_parcel_to_session(const tow_parcel *parcel);
void tow_parcel_to_wire(const tow_parcel *parcel);

#endif
