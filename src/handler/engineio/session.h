/* session: one session of Engine.IO on its worker: a socket of a route, whose messages go by polls and posts,
 * or by a WebSocket. It owns what waits for the client, its times, and how it ends; visits and links bring it
 * what the client says, and it knows neither how these are read nor where they live. */
#ifndef TOW_HANDLER_ENGINEIO_SESSION_H
#define TOW_HANDLER_ENGINEIO_SESSION_H

#include "../session/half_made.h"
#include "../session/agenda.h"
#include "../session/visit.h"
#include "protocol/packets.h"
#include "protocol/engineio.h"
#include "handler/engineio.h"
#include "link.h"
#include "server/carried.h"
#include "server/entrance.h"
#include "websocket/cause.h"

enum { TOW_ENGINEIO_SECRET = 15 /* bytes of chance in a session's id */ };

typedef struct tow_engineio_session tow_engineio_session;

/* What each worker has of it. */
typedef struct tow_engineio_part {
    tow_half_made half_made;
    tow_buffer scratch; /* for a packet that is about to be sent */
} tow_engineio_part;

/* What --status tells of it. */
#define TOW_ENGINEIO_METRICS(X)                                                                              \
    X(sessions, TOW_METRIC_GAUGE, "engineio_sessions", "Sessions of Engine.IO now.")                         \
    X(polls, TOW_METRIC_GAUGE, "engineio_polls", "Sessions of Engine.IO whose poll waits for something.")    \
    X(links, TOW_METRIC_GAUGE, "engineio_websockets", "Sessions of Engine.IO that are over a WebSocket.")    \
    X(half_made, TOW_METRIC_GAUGE, "engineio_half_made",                                                     \
        "Sessions of Engine.IO to which nobody has come back.")                                              \
    X(over_half_made, TOW_METRIC_LIMIT, "engineio-half-made", NULL)                                          \
    X(silent, TOW_METRIC_LIMIT, "engineio-pong-ms", NULL)
typedef struct tow_engineio_metrics {
    TOW_ENGINEIO_METRICS(TOW_METRIC_FIELD)
} tow_engineio_metrics;

struct tow_engineio {
    tow_entrance entrance;          /* first */
    tow_engineio_settings settings; /* resolved */
    tow_server *server;
    tow_engineio_metrics metrics;
    const struct tow_parcel_ends *ends;
    char *path;               /* NULL: each route's */
    tow_engineio_part *parts; /* of each worker */
    size_t part_count;
};

/* What a session waits for. */
typedef enum tow_engineio_due {
    TOW_ENGINEIO_DUE_PING,    /* it is time for one */
    TOW_ENGINEIO_DUE_PONG,    /* the client should have answered */
    TOW_ENGINEIO_DUE_UPGRADE, /* the WebSocket that is to take it over should have */
    TOW_ENGINEIO_DUE_NOOP,    /* the poll that waits is in the way of that */
    TOW_ENGINEIO_DUE_POLL,    /* it has waited long enough, for what stands between */
    TOW_ENGINEIO_DUE_LINGER,  /* no poll has come (back) */
    TOW_ENGINEIO_DUE_FLUSH,   /* in the next round: what waits goes out */
    TOW_ENGINEIO_DUE_INPUT,   /* the same: what has come is told */
    TOW_ENGINEIO_DUE_GONE,    /* the same: it is over */
    TOW_ENGINEIO_DUE_COUNT
} tow_engineio_due;

struct tow_engineio_session {
    tow_engineio *engineio;
    tow_loop *loop;
    tow_websocket *socket;
    tow_websocket_id id;
    uint8_t secret[TOW_ENGINEIO_SECRET];
    tow_agenda agenda; /* by tow_engineio_due */
    tow_packets out;
    tow_session_visit *poll;  /* that waits for something */
    tow_session_visit *post;  /* that is answered when its packets are told */
    tow_buffer posted;        /* these packets */
    tow_engineio_body input;  /* of them, what is not told yet */
    tow_buffer room;          /* for a packet that is decoded */
    tow_engineio_link *link;  /* the WebSocket that it is over; NULL: polling */
    tow_engineio_link *probe; /* the one that is to take it over */
    tow_buffer answer;        /* extended: the last answer to a poll, until the client has had it */
    uint64_t answers;         /* its number */
    int64_t arrives;          /* the last answer does by then, at the latest; in tow_loop_now's time */
    uint64_t posts;           /* the number of the last post */
    int64_t max_payload;
    tow_ring half_made;  /* zeroed: somebody has come back */
    bool extended;       /* between our own ends */
    bool base64;         /* no binary WebSocket messages */
    bool had_link;       /* it is, or was, over a WebSocket */
    bool telling;        /* what was posted */
    bool answered_early; /* that post has its answer already */
    bool paused;         /* nothing is told to the socket */
    bool pinged;
    bool polled;        /* a poll has come since */
    bool asks_for_life; /* of its link */
    bool closing;       /* our Close is in `out`, or said */
    bool peer_closed;   /* the client's has come */
    bool answers_close; /* and a poll has still to take ours */
    bool over;          /* nothing is said to the client any more, or heard of it */
    int error;          /* that it ends with */
};

enum { TOW_ENGINEIO_LINGER = 15000 /* milliseconds without a poll, between our own ends */ };

extern const tow_carrier tow_engineio_carrier;

/* Begins one in an exchange that was let in, with the route's handler; on_open runs in this call. Errors: as
 * tow_exchange_open_carried. */
int tow_engineio_session_new(tow_engineio_session **session, tow_engineio *engineio, tow_exchange *exchange);

/* The open packet: `upgrades` where the client polls. Errors: MEMORY. */
int tow_engineio_open_packet(const tow_engineio_session *session, tow_buffer *out, bool upgrades);

/* A session's id as a text, and the other way: false for what is none. */
enum { TOW_ENGINEIO_SID = 16 + 2 * TOW_ENGINEIO_SECRET };
void tow_engineio_write_sid(const tow_engineio_session *session, char out[TOW_ENGINEIO_SID + 1]);
bool tow_engineio_read_sid(const char *text, tow_websocket_id *id, uint8_t secret[TOW_ENGINEIO_SECRET]);

/* On its worker: the session of an id, if it is there and the secret is right, and it is not over. */
tow_engineio_session *tow_engineio_find(
    tow_engineio *engineio, tow_websocket_id id, const uint8_t secret[TOW_ENGINEIO_SECRET]);

/* Whether a request asks for what goes between our own ends. */
bool tow_engineio_is_extended(const tow_request *request);

/* A WebSocket has taken the session over: what waits goes there. */
void tow_engineio_take_link(tow_engineio_session *session, tow_engineio_link *link);

/* Whether the client lives, which the link was asked for. */
void tow_engineio_told_of_life(tow_engineio_session *session, bool lives);

#endif
