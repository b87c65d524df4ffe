/* gate: what stands between a client and a server on a simulated network: a proxy that does not know
 * WebSocket, and cuts connections. */
#ifndef TOW_TESTS_GATE_H
#define TOW_TESTS_GATE_H

#include "../unit.h"

#include "base/buffer.h"
#include "transport/listener.h"
#include "transport/loop.h"
#include "transport/stream.h"
#include "transport/timer.h"

/* What becomes of a request for an upgrade. */
typedef enum gate_act {
    GATE_PASSES,
    GATE_REFUSES, /* 400 */
    GATE_RESETS,
    GATE_ENDS,
    GATE_SAYS_NOTHING,
    GATE_SAYS_OK, /* 200 */
    GATE_SAYS_NONSENSE
} gate_act;

enum { GATE_WAYS = 256 };

/* A connection, and the one to the server. */
typedef struct gate_way {
    tow_stream near, far;
    struct gate *gate;
    tow_buffer to_near, to_far;
    size_t near_may, far_may;                /* bytes that may go yet */
    bool near_open, far_open, far_connected; /* until on_closed */
    bool near_ended, far_ended;              /* is told on when all is said */
    bool is_decided;
    bool is_dead; /* something was swallowed: nothing comes behind that */
} gate_way;

typedef struct gate {
    tow_loop *loop;
    gate_act upgrades;
    gate_act polls; /* all other requests */
    gate_act link;  /* the same for those of Engine.IO */
    size_t cut_at;  /* bytes, by which the connection is cut that carries the next; 0: none */
    int cut_milliseconds;
    bool swallows;  /* nothing comes through any more, and nobody is told */
    bool is_slow;   /* nothing comes through but by gate_let_through */
    bool is_narrow; /* and it takes no more while something has still to come through */
    /* What happened. */
    size_t bytes, accepts, upgrades_seen, cuts;
    const char *server;
    tow_listener listener;
    tow_timer timer;
    size_t ways_used;
    gate_way ways[GATE_WAYS];
} test_gate;

/* Listens on 127.0.0.1:7000, and connects to the server. What the options are may be changed at any time. */
void gate_open(test_gate *gate, tow_loop *loop, const char *server);

/* So much from now on, in each direction of each connection. */
void gate_let_through(test_gate *gate, size_t bytes);

/* Cuts all that is open. */
void gate_cut(test_gate *gate);

/* Ends all; the loop is stepped until that is done. */
void gate_close(test_gate *gate);

#endif
