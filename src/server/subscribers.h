/* subscribers: what a worker has of channels: its part of the server's hub, and its sockets' subscriptions,
 * which are found by their sockets: 60 bytes for one that is subscribed to one channel, and none for others.
 */
#ifndef TOW_SERVER_SUBSCRIBERS_H
#define TOW_SERVER_SUBSCRIBERS_H

#include "base/slab.h"
#include "hub/hub.h"
#include "server/channels.h"

typedef struct tow_worker tow_worker;

enum { TOW_SOCKET_SUBSCRIBERS_MAX = 255 };

typedef struct tow_worker_channels {
    tow_hub_part *part;           /* NULL: not begun, or ended */
    tow_slab subscriptions;       /* in use only while there are any */
    uint32_t *buckets;            /* of chains: a slot's number plus one, 0 for none */
    uint32_t bucket_count;        /* a power of two, or 0 */
    uint32_t turn;                /* of the channels of sockets that take again */
    const tow_websocket *counted; /* whose subscriptions were counted last: who asks for many, asks for all */
    size_t count;                 /* how many it has */
    uint8_t kind_count;
    const tow_socket_subscriber *kinds[TOW_SOCKET_SUBSCRIBERS_MAX]; /* that subscriptions are of */
} tow_worker_channels;

/* On the worker's thread: begins its part, and hears of its sockets from now on. Errors: MEMORY. */
int tow_worker_channels_begin(tow_worker *worker);

/* The same thread: ends what is subscribed there. A second call does nothing. */
void tow_worker_channels_end(tow_worker *worker);

/* For tow_channel_subscribe: the socket hears of nothing but publications, and policies do not end it. Once
 * more for the same channel does nothing. Errors: as there. */
int tow_socket_subscribe_silently(tow_websocket *socket, tow_slice name, const tow_socket_subscriber *kind);

#endif
