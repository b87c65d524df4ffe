/* visitor: one client in a namespace, where there is no application: who it is, as whoever keeps the channels
 * knows, and what it may do.
 *
 * It is the user of its socket from `welcome` until that is disconnected. */
#ifndef TOW_HANDLER_SOCKETIO_VISITOR_H
#define TOW_HANDLER_SOCKETIO_VISITOR_H

#include "base/buffer.h"
#include "handler/channels.h"

#include <towline/socketio.h>

/* What visitors have in common: the user of their sockets at first. Outlives them. */
typedef struct tow_socketio_house {
    tow_server *server;
    const tow_channels *channels; /* NULL: there are no tokens */
    const char *const *rooms;     /* that everybody is in; ends with NULL; may be NULL */
} tow_socketio_house;

typedef struct tow_socketio_wish tow_socketio_wish;

typedef struct tow_socketio_visitor {
    const tow_socketio_house *house;
    tow_socketio_socket *socket;
    tow_channel_guest guest;
    tow_channel_question question; /* who it is */
    bool is_asked;                 /* it is under way */
    bool has_entered;
    size_t allowed;            /* of what everybody hears, so many have been granted */
    bool has_grant;            /* it was let into a room that is not open to everybody */
    tow_buffer token;          /* that it shows next; empty: none */
    int64_t ack;               /* of the event that has brought it; -1: none */
    tow_socketio_wish *wishes; /* the oldest first */
    int wish_count;
    int concluding; /* calls that conclude wishes: the last of them frees it if it has gone */
    bool is_gone;
} tow_socketio_visitor;

/* For on_connect and on_disconnect. A token is the member `token` of what the client sends along, or in its
 * request. */
void tow_socketio_visitor_welcome(tow_socketio_socket *socket, const tow_socketio_arguments *auth);
void tow_socketio_visitor_leave(tow_socketio_socket *socket, tow_socketio_reason reason);

/* A tow_socketio_stays. */
bool tow_socketio_visitor_stays(tow_socketio_socket *socket, const char *room);

/* It shows another token, and leaves the rooms that this one does not cover; what comes of it is
 * acknowledged. False: something else is being asked. */
bool tow_socketio_visitor_show(tow_socketio_visitor *visitor, tow_slice token, int64_t ack);

/* Asks whether it may: `then` comes with the answer, in this call or later, or not at all if it is gone by
 * then; about one room in the order of the calls. What is asked is copied. False: too much is being asked, or
 * there is no memory. */
typedef struct tow_socketio_asked {
    tow_channel_act act;
    tow_slice room;                          /* ends with a zero, as the next does; empty: the namespace */
    tow_slice event;                         /* of what is to be published */
    const tow_socketio_arguments *arguments; /* the same, or NULL */
    int64_t ack;
} tow_socketio_asked;

typedef void (*tow_socketio_then)(
    tow_socketio_visitor *visitor, const tow_socketio_asked *asked, const tow_channel_answer *answer);

/* What is known of whether it may be in a room; LATER: somebody would have to be asked. */
tow_channel_word tow_socketio_visitor_known(tow_socketio_visitor *visitor, const char *room);

bool tow_socketio_visitor_ask(
    tow_socketio_visitor *visitor, const tow_socketio_asked *asked, tow_socketio_then then);

/* The same of what everybody may. */
bool tow_socketio_visitor_in_turn(
    tow_socketio_visitor *visitor, const tow_socketio_asked *asked, tow_socketio_then then);

/* Acknowledges, if that is waited for: {"ok":true}, or {"error":TEXT,"status":NUMBER} with the text of an
 * answer. */
void tow_socketio_visitor_tell(
    const tow_socketio_visitor *visitor, int64_t ack, int status, const char *text);

#endif
