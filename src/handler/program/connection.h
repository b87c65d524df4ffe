/* connection: a client with its program: messages become input, output becomes messages, each as fast as the
 * other side takes it; and how either ends. */
#ifndef TOW_HANDLER_PROGRAM_CONNECTION_H
#define TOW_HANDLER_PROGRAM_CONNECTION_H

#include "handler/program.h"
#include "server/descriptors.h"

#include <stdatomic.h>

/* Kept by the route, and by each connection's program: on whichever thread. */
typedef struct tow_program {
    void (*free)(void *user); /* first: as of whatever the kind makes */
    tow_program_settings settings;
    tow_handler_log log;
    const char **arguments;       /* with the file in front */
    char *file;                   /* where it is */
    char *path;                   /* where it is served; NULL: the request's path */
    tow_descriptors *descriptors; /* the server's; held */
    tow_nursery *nursery;
    atomic_int holders;
    atomic_int running;
} tow_program;

/* That one takes beside the client's connection: three sockets, and what its process is watched by; and
 * until it runs, the other ends. */
enum { TOW_PROGRAM_DESCRIPTORS = 4, TOW_PROGRAM_DESCRIPTORS_AT_FIRST = 3 };

/* One holder less; the last frees it. */
void tow_program_release(tow_program *program);

/* Starts the program of a socket, whose user is this connection from then on: in its on_open. */
void tow_program_connection_open(tow_program *program, tow_websocket *socket);

/* The socket's callbacks. */
void tow_program_connection_message(tow_websocket *socket, const tow_message *message);
void tow_program_connection_drained(tow_websocket *socket);
void tow_program_connection_closed(tow_websocket *socket, const tow_close_event *event);

#endif
