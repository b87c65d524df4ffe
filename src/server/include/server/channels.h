/* channels: the hub of a server, and sockets at it: what handlers need beyond towline/channel.h.
 *
 * A socket's subscriptions are found by the socket, delivered to in one send for what it gets in a round, and
 * gone when it is open no more: its Close was read, or ours is said. That holds over every carrier. Handlers
 * of other than sockets (SSE, polling) embed a tow_subscription of their own. */
#ifndef TOW_SERVER_CHANNELS_H
#define TOW_SERVER_CHANNELS_H

#include "base/buffer.h"
#include "hub/hub.h"

#include <towline/channel.h>

/* A server's hub; it has parts from tow_server_listen on, one for each worker. */
tow_hub *tow_server_hub(tow_server *server);

/* The part of the worker that an exchange, or a server's socket, lives on. */
tow_hub_part *tow_exchange_hub(const tow_exchange *exchange);
tow_hub_part *tow_websocket_hub(const tow_websocket *socket);

/* Who gives policies. Before tow_server_listen; and then as tow_hub_renew. */
void tow_server_set_channel_policy(tow_server *server, tow_channel_policy_find find, void *user);

/* Encodings whose forms are shared messages (tow_shared), so that a socket can be sent them: one message
 * each, joined so that they leave in one write. An encoding that makes several messages of a publication has
 * an `encode` of its own, with tow_shared_join. */
typedef struct tow_message_encoding {
    tow_encoding encoding; /* TOW_MESSAGE_ENCODING */
    /* Writes the message that a publication is, and says its type. Errors: MEMORY. */
    int (*write)(const struct tow_message_encoding *encoding, const tow_published *published, tow_buffer *out,
        tow_message_type *type);
} tow_message_encoding;
void *tow_message_encode(const tow_encoding *encoding, const tow_published *published);
void *tow_messages_join(const tow_encoding *encoding, void *const *forms, size_t count);
void tow_message_free(const tow_encoding *encoding, void *form);
#define TOW_MESSAGE_ENCODING                                                                                 \
    { .encode = tow_message_encode, .join = tow_messages_join, .free = tow_message_free }

/* The data as it is; to sockets whose carrier has texts only by the latter: binary data in base64. */
extern const tow_message_encoding tow_plain_encoding;
extern const tow_message_encoding tow_plain_texts_encoding;

/* What subscribes sockets. Functions may be NULL, and are called as those of tow_subscriber; then the socket
 * is open. Where `ended` is NULL a subscriber that is too slow (SLOW), or has lost something (LOST), is
 * closed with 1008 and a reason; one that is revoked as well. */
typedef struct tow_socket_subscriber {
    const tow_encoding *encoding; /* its forms are tow_shared */
    void (*subscribed)(tow_websocket *socket, tow_slice channel, const tow_subscribed *what);
    void (*gap)(tow_websocket *socket, tow_slice channel, const tow_gap *gap);
    void (*ended)(tow_websocket *socket, tow_slice channel, tow_subscription_end why);
    bool (*may_stay)(tow_websocket *socket, tow_slice channel);
} tow_socket_subscriber;

/* Errors: as tow_subscribe, and STATE (it is subscribed to this channel), CONNECTING, CLOSED. A publication
 * is left out for a socket by its tow_websocket_id. */
int tow_socket_subscribe(tow_websocket *socket, tow_slice name, const tow_socket_subscriber *kind,
    const tow_subscribe_options *options);

/* Errors: STATE (it is not). */
int tow_socket_unsubscribe(tow_websocket *socket, tow_slice name);

/* Ends those of its subscriptions of which `stays` says no, as REVOKED, in this call: `ended` is called,
 * which unsubscribes from nothing. */
void tow_socket_sift(tow_websocket *socket, bool (*stays)(tow_websocket *socket, tow_slice channel));

/* Its subscription to a channel, or NULL; and how many it has. */
tow_subscription *tow_socket_subscription(const tow_websocket *socket, tow_slice name);
size_t tow_socket_subscription_count(const tow_websocket *socket);

/* The channel that it is subscribed to, or one of them; empty: there is none. */
tow_slice tow_socket_channel(const tow_websocket *socket);

#endif
