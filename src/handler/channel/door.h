/* door: a path at which channels are reached: which of them, and what whoever comes is asked.
 *
 * A path that is a prefix serves all channels whose names begin with the door's: what stands below, decoded,
 * is behind that. Another path serves one channel. */
#ifndef TOW_HANDLER_CHANNEL_DOOR_H
#define TOW_HANDLER_CHANNEL_DOOR_H

#include "handler/channel.h"
#include "hub/name.h"
#include "server/channels.h"
#include "server/metric.h"

#define TOW_TALK_PROTOCOL "towline.v1"

/* What --status tells of them. */
#define TOW_DOOR_METRICS(X)                                                                                  \
    X(over_subscriptions, TOW_METRIC_LIMIT, "max-subscriptions", NULL)                                       \
    X(streams, TOW_METRIC_GAUGE, "event_streams", "Streams of Server-Sent Events now.")                      \
    X(polls, TOW_METRIC_GAUGE, "long_polls", "Long polls of channels that wait now.")
typedef struct tow_door_metrics {
    TOW_DOOR_METRICS(TOW_METRIC_FIELD)
} tow_door_metrics;

typedef struct tow_door {
    const tow_channel_keeper *keeper; /* NULL: there are no tokens */
    tow_handler_log log;
    tow_door_metrics metrics;
    size_t max_subscriptions; /* of a connection that speaks towline.v1 */
    size_t path_length; /* of a request's path, how much is the route's own; 0: the door serves one channel */
    size_t length;
    char name[]; /* of that one, or what names begin with; ends with a zero */
} tow_door;

/* Whether it leads to this channel. */
bool tow_door_serves(const tow_door *door, tow_slice channel);

/* The channel of a request, as its length; 0: the path names none. Errors: ARGUMENT (it is no name). */
int tow_door_read(const tow_door *door, const tow_exchange *exchange, char name[TOW_CHANNEL_NAME_MAX]);

#endif
