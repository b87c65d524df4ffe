/* link: a WebSocket connection as a session of Engine.IO sees it, on whichever worker that lives. */
#ifndef TOW_HANDLER_ENGINEIO_LINK_H
#define TOW_HANDLER_ENGINEIO_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <towline/websocket.h>

typedef struct tow_engineio_link tow_engineio_link;

/* What a link does for its session. */
typedef struct tow_engineio_link_class {
    /* Errors: MEMORY, CLOSED. */
    int (*send)(tow_engineio_link *link, tow_message_type type, const void *data, size_t length);
    /* Ends it behind what was sent: with a code (0: none) and a reason (may be NULL). The session is not told
     * of it any more unless it asks for that (`tells`). */
    void (*close)(tow_engineio_link *link, uint16_t code, const char *reason, bool tells);
    void (*pause)(tow_engineio_link *link, bool paused);
    uint64_t (*buffered)(const tow_engineio_link *link);
    /* A Ping is about to be sent; and whether the client has shown life since then, in so many milliseconds:
     * tow_engineio_link_lives tells, perhaps in this call. */
    void (*mark)(tow_engineio_link *link);
    void (*ask)(tow_engineio_link *link, int64_t milliseconds);
} tow_engineio_link_class;

struct tow_engineio_link { /* the first field of whatever it is */
    const tow_engineio_link_class *class;
    struct tow_engineio_session *session; /* NULL: nobody is told */
    bool probed;                          /* the client has asked whether it gets through */
};

/* What it brings: a message, that it takes more, whether the client lives, that it is over. */
void tow_engineio_link_heard(tow_engineio_link *link, tow_message_type type, const void *data, size_t length);
void tow_engineio_link_drained(tow_engineio_link *link);
void tow_engineio_link_lives(tow_engineio_link *link, bool lives);
void tow_engineio_link_closed(tow_engineio_link *link, const tow_close_event *event);

/* It is to take a session over. False: another does, or has, already. */
bool tow_engineio_link_probe(tow_engineio_link *link, struct tow_engineio_session *session);

#endif
