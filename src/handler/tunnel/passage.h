/* passage: one connection through a tunnel, whichever way that leads: its relay, from where and since when it
 * is, its place among the tunnel's, and what the log says of it. */
#ifndef TOW_HANDLER_TUNNEL_PASSAGE_H
#define TOW_HANDLER_TUNNEL_PASSAGE_H

#include "handler/kind.h"
#include "relay.h"
#include "transport/address.h"

#include <pthread.h>

typedef struct tow_passage tow_passage;

/* Those of one tunnel; embedded. Any worker's thread adds and removes. */
typedef struct tow_passages {
    tow_handler_log log;
    pthread_mutex_t mutex; /* of the list */
    tow_passage *first;
    int64_t count;
    bool retired; /* the owner waits for the last */
} tow_passages;

struct tow_passage { /* embedded, zeroed; the owner sets `peer` and `target` */
    tow_relay relay; /* first */
    char peer[TOW_ADDRESS_TEXT_MAX];
    const char *target; /* as the log calls it; NULL: there is but one server */
    tow_loop *loop;     /* from here on private */
    int64_t began;
    tow_passages *passages;
    tow_passage *next, **previous;
};

void tow_passages_init(tow_passages *passages, tow_handler_log log);
void tow_passages_clear(tow_passages *passages);

/* A line about none of them. */
__attribute__((format(printf, 3, 4))) void tow_passages_say(
    const tow_passages *passages, int level, const char *format, ...);

/* Puts it among the others, and says so. */
void tow_passage_begin(tow_passage *passage, tow_passages *passages, tow_loop *loop);

/* Takes it out; it may be freed. True: it was the last of those whose owner has retired. */
bool tow_passage_end(tow_passage *passage);

/* The owner goes. True: there is none; else the end of the last tells. */
bool tow_passages_retire(tow_passages *passages);

/* A line about one: behind its peer and target. */
__attribute__((format(printf, 3, 4))) void tow_passage_say(
    const tow_passage *passage, int level, const char *format, ...);

/* How long it was and what it carried, when both streams are gone. */
void tow_passage_say_closed(const tow_passage *passage);

/* That a side has failed. */
void tow_passage_say_failed(const tow_passage *passage, tow_relay_side side, int error, const char *text);

#endif
