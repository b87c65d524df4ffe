/* names: which session has a name that its client chose, for all workers. */
#ifndef TOW_HANDLER_SOCKJS_NAMES_H
#define TOW_HANDLER_SOCKJS_NAMES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <towline/server.h>

typedef struct tow_sockjs_name {
    struct tow_sockjs_name *next;
    tow_websocket_id id;
    char text[]; /* ends with a zero */
} tow_sockjs_name;

typedef struct tow_sockjs_names {
    pthread_mutex_t mutex;
    uint64_t seed; /* clients choose the names */
    bool has_seed;
    tow_sockjs_name **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
} tow_sockjs_names;

/* Errors: MEMORY. */
int tow_sockjs_names_init(tow_sockjs_names *names);
void tow_sockjs_names_clear(tow_sockjs_names *names);

/* Any thread. 0: there is none of that name. */
tow_websocket_id tow_sockjs_names_find(tow_sockjs_names *names, const char *text);

/* The loop, the caller's, knows what nobody can predict. Errors: STATE (there is one), MEMORY. */
int tow_sockjs_names_add(tow_sockjs_names *names, tow_loop *loop, const char *text, tow_websocket_id id);
void tow_sockjs_names_remove(tow_sockjs_names *names, const char *text);

#endif
