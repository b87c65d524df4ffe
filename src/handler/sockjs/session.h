/* session: one session of SockJS on its worker: a socket of a route, whose messages go to whoever receives (a
 * request, or a WebSocket) and come by xhr_send or that WebSocket. */
#ifndef TOW_HANDLER_SOCKJS_SESSION_H
#define TOW_HANDLER_SOCKJS_SESSION_H

#include "../session/half_made.h"
#include "../session/agenda.h"
#include "../session/visit.h"
#include "protocol/packets.h"
#include "base/json.h"
#include "names.h"
#include "server/carried.h"
#include "server/entrance.h"

enum { TOW_SOCKJS_NAME_MAX = 250 };

/* What --status tells of it. */
#define TOW_SOCKJS_METRICS(X)                                                                                \
    X(sessions, TOW_METRIC_GAUGE, "sockjs_sessions", "Sessions of SockJS now.")                              \
    X(receivers, TOW_METRIC_GAUGE, "sockjs_receivers",                                                       \
        "Sessions of SockJS whose client receives now: by a request, or a WebSocket.")                       \
    X(half_made, TOW_METRIC_GAUGE, "sockjs_half_made", "Sessions of SockJS to which nobody has come back.")  \
    X(over_half_made, TOW_METRIC_LIMIT, "sockjs-half-made", NULL)
typedef struct tow_sockjs_metrics {
    TOW_SOCKJS_METRICS(TOW_METRIC_FIELD)
} tow_sockjs_metrics;

struct tow_sockjs {
    tow_entrance entrance; /* first */
    tow_server *server;
    tow_sockjs_names names;
    tow_sockjs_metrics metrics;
    int64_t max_half_made;
    tow_half_made *half_made; /* of each worker */
};

typedef enum tow_sockjs_due {
    TOW_SOCKJS_DUE_HEARTBEAT,
    TOW_SOCKJS_DUE_LINGER, /* nobody receives any more */
    TOW_SOCKJS_DUE_FLUSH,
    TOW_SOCKJS_DUE_INPUT,
    TOW_SOCKJS_DUE_GONE,
    TOW_SOCKJS_DUE_COUNT
} tow_sockjs_due;

typedef struct tow_sockjs_session {
    struct tow_sockjs *sockjs;
    tow_loop *loop;
    tow_websocket *socket;
    char *name;        /* NULL: it is over a WebSocket alone */
    tow_agenda agenda; /* by tow_sockjs_due */
    tow_packets out;
    tow_session_visit *receiver;
    tow_session_visit *post;
    tow_buffer posted;   /* what it brought */
    tow_json_walk input; /* of that, what is not told yet */
    tow_buffer room;
    tow_websocket *wire;           /* a WebSocket that receives */
    tow_behaviour *behaviour;      /* of it meanwhile, with the marks of the route; */
    const tow_behaviour *original; /* before, and afterwards */
    tow_ring half_made;            /* zeroed: it is not, or not yet */
    unsigned visits;               /* requests that have come for it; 2 stands for more */
    size_t streamed;               /* to the receiver, which takes several frames */
    bool streams;
    bool greeted; /* the open frame is out */
    bool telling;
    bool paused;
    bool closing;     /* our Close is in `out`, or said */
    bool peer_closed; /* the client's has come */
    bool over;
    int error;
} tow_sockjs_session;

extern const tow_carrier tow_sockjs_carrier;

/* Begins one in an exchange that was let in; on_open runs in this call. `name` (NULL: none) is not in use.
 * Errors: as tow_exchange_open_carried; STATE (the name is in use, by now). */
int tow_sockjs_session_new(
    tow_sockjs_session **session, struct tow_sockjs *sockjs, tow_exchange *exchange, const char *name);

/* On its worker; NULL: there is none. */
tow_sockjs_session *tow_sockjs_find(struct tow_sockjs *sockjs, tow_websocket_id id);

/* A drain closes it: no other receiver comes. */
static inline bool tow_sockjs_is_drained(const tow_sockjs_session *session) {
    return session->closing && session->socket->end.cause == TOW_CAUSE_DRAIN;
}

#endif
