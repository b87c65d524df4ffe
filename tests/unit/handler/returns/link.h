/* link: messages of one client, by whatever carries them: a WebSocket, a session of Engine.IO or of SockJS.
 *
 * It knows nothing of what the messages say. Where a session survives its connections, a cut is not its end.
 */
#ifndef TOW_TESTS_RETURNS_LINK_H
#define TOW_TESTS_RETURNS_LINK_H

#include "wire.h"

enum { LINK_WIRES = 3 };

struct link;

struct link_owner {
    void (*opened)(struct link *link);
    void (*heard)(struct link *link, tow_slice message);
    void (*closed)(
        struct link *link, uint16_t code, tow_slice reason); /* the server's Close, where there is one */
};

struct link_kind {
    void (*begin)(struct link *link);
    void (*say)(struct link *link, tow_slice message);
    void (*go_on)(struct link *link);                   /* after what has come was looked at */
    void (*lost)(struct link *link, struct wire *wire); /* it was cut, or has ended */
    bool begins_by_polling, upgrades;                   /* of Engine.IO */
    bool is_own;                                        /* between towline's own ends */
    const char *transport;                              /* of SockJS */
};

struct link {
    const struct link_kind *kind;
    struct scene *scene;
    const struct link_owner *owner;
    void *user;
    const char *protocol; /* that is offered; NULL: none */
    char path[64];        /* "/echo", or that of the carrier */
    char query[96];       /* "name=value", or "" */
    struct wire wires[LINK_WIRES];
    bool is_open; /* messages may go */
    bool is_over;
    /* Sessions. */
    char session[80];
    tow_buffer unsent; /* what waits for a request */
    tow_buffer posted; /* what that has taken along, until it is answered */
    unsigned answers, posts;
    size_t scanned;
    bool is_upgrading, is_pausing, is_upgraded; /* from polling to WebSocket: tried, about to, done */
};

extern const struct link_kind link_websocket;
extern const struct link_kind link_engineio_polling, link_engineio_websocket, link_engineio_upgrade;
extern const struct link_kind link_own_polling, link_own_upgrade;
extern const struct link_kind link_sockjs_websocket, link_sockjs_xhr, link_sockjs_streaming;

/* `path`: of the WebSocket, or where the carrier is ("/echo/engine.io/", "/echo/sockjs"). */
void link_begin(struct link *link, const struct link_kind *kind, struct scene *scene, const char *path,
    const char *query);
void link_say(struct link *link, const char *text);
void link_step(struct link *link);

/* Cuts one of its connections, by chance. */
void link_cut(struct link *link);

/* Cuts all of them, and forgets the session. */
void link_end(struct link *link);

/* For the kinds. */

/* A wire that is open: anew, if it is not. */
struct wire *link_wire(struct link *link, int number, const struct wire_events *events);
void link_is_open(struct link *link);
void link_is_over(struct link *link);
void link_close(struct link *link, uint16_t code, tow_slice reason);
void link_wire_over(struct wire *wire); /* a wire's `over` */

#endif
