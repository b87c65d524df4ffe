/* view: what each kind of client gets of a publication: one table, by which the encodings write. In words it
 * is the one of docs/channels.md. */
#ifndef TOW_HUB_VIEW_H
#define TOW_HUB_VIEW_H

#include "base/buffer.h"
#include "hub/published.h"

typedef enum tow_client_kind {
    TOW_CLIENT_PLAIN,     /* WebSocket, and Engine.IO */
    TOW_CLIENT_TEXTS,     /* carriers that have texts only: SockJS */
    TOW_CLIENT_ENVELOPES, /* towline.v1, and polls */
    TOW_CLIENT_EVENTS,    /* Server-Sent Events */
    TOW_CLIENT_PUSHER,
    TOW_CLIENT_SOCKETIO,
    TOW_CLIENT_KINDS
} tow_client_kind;

typedef struct tow_client_gets {
    const char *const *reserved; /* events that come as "message": NAME, BEGINNING* or *END; ends with NULL */
    bool bytes;                  /* binary data as they are; else in base64 */
    bool json;                   /* JSON as the value that it is; else as a text */
    bool event;                  /* its name */
    bool position;
    bool user; /* who published it, where that is known */
    bool time;
    bool members; /* who comes and goes */
} tow_client_gets;
extern const tow_client_gets tow_client_table[TOW_CLIENT_KINDS];

/* A message as a kind of client gets it: what is zeroed it is not told. Borrowed from the publication. */
typedef struct tow_view {
    tow_message_type type; /* of its data by now */
    bool is_base64;
    bool is_json;
    tow_slice data;
    tow_slice event;
    tow_slice user;
    tow_position position;
    int64_t milliseconds;
} tow_view;

/* `text` holds the data where they are in base64; clear it when the view is not needed any more. Errors:
 * MEMORY. */
int tow_view_make(tow_view *view, tow_client_kind kind, const tow_published *published, tow_buffer *text);

/* Whether an event comes to this kind by its own name. */
bool tow_client_event_is_free(tow_client_kind kind, tow_slice event);

#endif
