/* member: a connection of a service, between its worker's thread and the service on the server's first loop.
 *
 * What happens to it (it opens, a message comes, it closes) is an event each, a letter from the worker to the
 * service, which keeps it until whoever serves has acknowledged it. Of those that are not acknowledged each
 * connection has a bounded amount, and then is not read. */
#ifndef TOW_HANDLER_SERVICE_MEMBER_H
#define TOW_HANDLER_SERVICE_MEMBER_H

#include "protocol.h"
#include "transport/loop.h"
#include "transport/timer.h"

#include <stdatomic.h>
#include <towline/server.h>

typedef struct tow_service tow_service;
typedef struct tow_member tow_member;
typedef struct tow_event tow_event;

struct tow_event {
    tow_letter letter; /* first */
    tow_member *member;
    tow_event *next;         /* of the member's */
    tow_event *next_waiting; /* of those that wait to be given */
    tow_service_frame_type type;
    bool is_binary;
    bool given;    /* and not acknowledged yet */
    uint8_t tries; /* how often it was given to somebody who ended without a word */
    size_t length;
    uint8_t data[]; /* OPEN: the environment; MESSAGE; CLOSED: code and reason */
};

struct tow_member {
    tow_service *service;
    tow_websocket_id id;
    uint64_t key; /* of affinity; 0: none */
    atomic_int holders;
    atomic_int waiting; /* messages that are not acknowledged */
    atomic_size_t waiting_bytes;
    atomic_bool paused; /* whoever sets it back has the socket resumed */
    /* the worker's */
    tow_loop *loop;
    tow_websocket *socket; /* NULL: closed */
    tow_event *farewell;   /* made ahead, so that it can't fail */
    tow_letter resume;
    /* the service's */
    tow_member *next_alike; /* in the table */
    void *server;           /* who serves it: a slot of a pool, or a back end */
    union {
        struct {
            tow_member *next, **previous; /* of the slot's */
        };
        struct {
            struct tow_http_call *call; /* that asks the back end about the first event */
            tow_timer timer;            /* until that is done once more */
        };
    };
    tow_event *first, **end; /* not acknowledged, oldest first */
    uint8_t *state;
    size_t state_length;
    bool is_known;  /* its opening was acknowledged */
    bool abandoned; /* nothing of it is given any more, but its end */
};

/* What it takes while it is not acknowledged. */
static inline size_t tow_event_size(const tow_event *event) {
    return sizeof(*event) + event->length;
}

/* The socket's callbacks; its user is the service before, and the member after. */
void tow_member_opened(tow_websocket *socket);
void tow_member_message(tow_websocket *socket, const tow_message *message);
void tow_member_closed(tow_websocket *socket, const tow_close_event *event);

/* The service's: an event is put behind the others; the first is acknowledged, and gone; all are dropped. */
void tow_member_add(tow_member *member, tow_event *event);
void tow_member_acknowledge(tow_member *member);
void tow_member_drop_events(tow_member *member);

/* An event that is not taken is gone. */
void tow_member_refuse(tow_event *event);

/* Errors: MEMORY; then it is as before. */
int tow_member_attach(tow_member *member, const void *state, size_t length);

/* One holder less; the last frees it. */
void tow_member_release(tow_member *member);

/* It was not taken, or is for nobody: it goes. */
void tow_member_drop_event(tow_event *event);

#endif
