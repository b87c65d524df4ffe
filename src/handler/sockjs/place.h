/* place: what a path asks of SockJS, and of which route. */
#ifndef TOW_HANDLER_SOCKJS_PLACE_H
#define TOW_HANDLER_SOCKJS_PLACE_H

#include "base/slice.h"

typedef enum tow_sockjs_what {
    TOW_SOCKJS_NOTHING,
    TOW_SOCKJS_GREETING,
    TOW_SOCKJS_INFO,
    TOW_SOCKJS_RAW,       /* the route's own WebSocket */
    TOW_SOCKJS_WEBSOCKET, /* from here on of a session */
    TOW_SOCKJS_XHR,
    TOW_SOCKJS_STREAM,
    TOW_SOCKJS_SEND
} tow_sockjs_what;

typedef struct tow_sockjs_place {
    tow_sockjs_what what;
    tow_slice base; /* the route's path */
    tow_slice name; /* of the session: the path without its last part */
} tow_sockjs_place;

/* PATH/sockjs/… */
tow_sockjs_place tow_sockjs_place_below(tow_slice path);

/* PATH/SERVER/SESSION/xhr and the like. */
tow_sockjs_place tow_sockjs_place_direct(tow_slice path);

/* The one, or else the other. */
tow_sockjs_place tow_sockjs_place_of(tow_slice path);

#endif
