/* towline/channel.h: publish once, reach everyone: channels of a server, which others call topics or rooms.
 *
 * A channel is a name. What is published to it goes to all sockets that are subscribed, whichever worker they
 * live on, in one order; it is encoded once, and what one socket gets in a round leaves in one write.
 *
 *     static void enter(tow_websocket *socket) {
 *         tow_channel_subscribe(socket, "news");
 *     }
 *     static void say(tow_websocket *socket, const tow_message *message) {
 *         tow_channel_publish(server, "news", &(tow_publication){
 *             .type = message->type, .data = message->data, .length = message->length,
 *             .leave_out = tow_websocket_identify(socket)});
 *     }
 *
 * A name has 1 to 200 bytes of UTF-8 without control characters. A channel is there as long as somebody is
 * subscribed, or something of it is kept; nobody makes or frees one. A subscription ends with
 * tow_channel_unsubscribe, or by itself when the socket is open no more: when the Close is read or sent, not
 * when the connection is gone.
 */
#ifndef TOWLINE_CHANNEL_H
#define TOWLINE_CHANNEL_H

#include <towline/server.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is published; zero means the default. It is copied by the call. */
typedef struct tow_publication {
    tow_message_type type; /* default TOW_TEXT */
    const void *data;      /* a text is UTF-8 */
    size_t length;         /* bytes; at most 16 MiB */
    const char *event;     /* a name for what happened; default "message"; at most 200 bytes. Plain WebSocket
                              subscribers get the data alone */
    const char *key; /* what it is about: of a slow subscriber's channel that keeps only the latest of each
                        key it takes the place of what waits by the same key; at most 200 bytes */
    tow_websocket_id leave_out; /* this socket does not get it: the one that said it, perhaps */
} tow_publication;

/* Subscribes an open socket of a server. What is published from now on is sent to it as a message, in on_open
 * and later. Once more for the same channel does nothing. For the thread of the socket's loop. Errors:
 * ARGUMENT (not a name; a client's socket), CONNECTING, CLOSED, LIMIT (too many channels), MEMORY. */
int tow_channel_subscribe(tow_websocket *socket, const char *name);

/* What is on its way to the socket then still arrives; what was published and is not sent yet does not. The
 * same thread. Errors: ARGUMENT (not a name), STATE (it is not subscribed). */
int tow_channel_unsubscribe(tow_websocket *socket, const char *name);

/* Publishes to whoever is subscribed. Any thread, at any time between tow_server_listen and tow_server_free;
 * of what one thread publishes to a channel the order stays, and all see the publications of several threads
 * in the same order. Errors: ARGUMENT (not a name; a type that is none; an event or a key that is too long or
 * no UTF-8), UTF8 (a text that is none), MESSAGE_TOO_LARGE, QUEUE_FULL (subscribers' workers have too much to
 * do: nobody gets it, and later it may go), LIMIT, STATE (the server does not listen), MEMORY. */
int tow_channel_publish_sized(
    tow_server *server, const char *name, const tow_publication *publication, size_t publication_size);
static inline int tow_channel_publish(
    tow_server *server, const char *name, const tow_publication *publication) {
    return tow_channel_publish_sized(server, name, publication, sizeof(tow_publication));
}

/* How many are subscribed to a channel, on all workers, by whatever protocol. Any thread. 0 for what is no
 * name. */
size_t tow_channel_subscribers(tow_server *server, const char *name);

/* Calls `each` for channels whose name begins with `prefix` ("": all), in the order of the names' bytes. It
 * may call anything; channels that come or go meanwhile are seen or not. Returns how many it was called for.
 * Any thread. Errors: ARGUMENT, MEMORY. */
int64_t tow_channel_list(tow_server *server, const char *prefix,
    void (*each)(void *user, const char *name, size_t subscribers), void *user);

#ifdef __cplusplus
}
#endif

#endif
