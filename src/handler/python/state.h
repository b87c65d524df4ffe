/* state: what is kept of a connection of a Python handler, its place among the others, and its ends. */
#ifndef TOW_HANDLER_PYTHON_STATE_H
#define TOW_HANDLER_PYTHON_STATE_H

#include "host.h"
#include "link.h"
#include "websocket/websocket.h"

typedef struct tow_python_connection tow_python_connection;

struct tow_python_connection {
    tow_python_link link; /* first */
    tow_python_version *version;
    tow_exchange *exchange;  /* the handshake is under way; NULL: decided, or gone */
    tow_websocket *socket;   /* open or closing */
    tow_behaviour behaviour; /* the socket's meanwhile */
    const tow_behaviour *original;
    tow_buffer assembly; /* of a message that the handler sends */
    tow_timer timer;     /* after the handler's Close */
    tow_loop *loop;
    tow_python_connection *next, **previous;
    bool link_closed;
    bool held;      /* the socket is paused: the host does not take what comes */
    bool assembles; /* of a message more is to come, and nothing was sent */
    bool in_pieces; /* or the first part was */
    bool answers_pings;
};

/* Counts one more connection, which has a descriptor here and a thread in the process. False: there can't be
 * more, and *why says so. */
bool tow_python_count(tow_python *python, const char **why);
void tow_python_uncount(tow_python *python);

/* Puts it among the others of its version's process. */
void tow_python_enter(tow_python_connection *connection);

/* Frees one that is not among them, and counts it no more. */
void tow_python_connection_free(tow_python_connection *connection);

/* Link, socket and exchange: when none is left, it goes. */
void tow_python_free_if_over(tow_python_connection *connection);

/* For this connection it is the end: a handshake is refused with the status, an open one closed with 1011. */
void tow_python_fail(tow_python_connection *connection, int status, const char *text);

/* The same, where it is over another carrier, which has no bytes that a handler could read or write. */
bool tow_python_refuse_bytes(tow_python_connection *connection);

/* The same, when what the host has said makes no sense: the log has it. */
void tow_python_fail_host(tow_python_connection *connection);

/* The peer is gone, or will be: this is the last that the host hears. */
void tow_python_tell_closed(
    tow_python_connection *connection, bool clean, uint16_t code, uint16_t ours, const char *reason);

#endif
