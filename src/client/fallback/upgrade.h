/* upgrade: the WebSocket that is to take a session of Engine.IO over, and then has it: another client's
 * socket, to the same server on the same way. */
#ifndef TOW_CLIENT_FALLBACK_UPGRADE_H
#define TOW_CLIENT_FALLBACK_UPGRADE_H

#include "websocket/websocket.h"

typedef struct tow_upgrade tow_upgrade;

/* As tow_websocket_open_sized. */
typedef int (*tow_upgrade_open)(tow_websocket **socket, tow_loop *loop, const char *url,
    const tow_websocket_options *options, size_t options_size);

/* In each of them it may be stopped. */
typedef struct tow_upgrade_events {
    /* It gets through. */
    void (*on_probed)(tow_upgrade *upgrade);
    /* Once it was taken. */
    void (*on_message)(tow_upgrade *upgrade, const tow_message *message);
    void (*on_drain)(tow_upgrade *upgrade);
    /* It is over, and stopped. */
    void (*on_closed)(tow_upgrade *upgrade, const tow_close_event *event);
} tow_upgrade_events;

typedef enum tow_upgrade_stage {
    TOW_UPGRADE_NONE,
    TOW_UPGRADE_PROBING, /* whether it gets through */
    TOW_UPGRADE_PROBED,  /* it does: polling comes to its end */
    TOW_UPGRADE_TAKEN    /* all goes over it */
} tow_upgrade_stage;

struct tow_upgrade { /* embedded; zeroed: none */
    tow_websocket *link;
    const tow_upgrade_events *events;
    tow_upgrade_stage stage;
};

/* Tries it. `options` are those of the user: their limits, headers and ways are taken. Errors: those of
 * `open`. */
int tow_upgrade_start(tow_upgrade *upgrade, tow_loop *loop, tow_upgrade_open open, const char *url,
    const tow_websocket_options *options, const tow_upgrade_events *events);

/* PROBED: takes the session, with a packet that says so. Errors: those of sending. */
int tow_upgrade_take(tow_upgrade *upgrade, const char *packet);

/* TAKEN. Errors: MEMORY, CLOSED. */
int tow_upgrade_send(tow_upgrade *upgrade, tow_message_type type, const void *data, size_t length);
void tow_upgrade_close(tow_upgrade *upgrade, uint16_t code, const char *reason);

/* Ends it at once. A second time does nothing. */
void tow_upgrade_stop(tow_upgrade *upgrade);

static inline bool tow_upgrade_is_taken(const tow_upgrade *upgrade) {
    return upgrade->stage == TOW_UPGRADE_TAKEN;
}

#endif
