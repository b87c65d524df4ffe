/* http_world: a loop with a server on it that answers one request after the other by a script, and an HTTP
 * client with calls. */
#ifndef TOW_TESTS_HTTP_WORLD_H
#define TOW_TESTS_HTTP_WORLD_H

#include "../unit.h"

#include "base/buffer.h"
#include "client/http_client.h"
#include "transport/listener.h"
#include "transport/loop.h"
#include "transport/stream.h"
#include "transport/timer.h"
#include "transport/tls.h"

/* What is done with a request. */
typedef struct world_act {
    const char *response; /* NULL: nothing is said */
    int milliseconds;     /* until then */
    bool ends;            /* the connection ends behind it, or behind `cut` bytes of it */
    bool resets;          /* the same by a reset */
    size_t cut;           /* with one of them; 0: nothing is cut; CUT_ALL: nothing is said */
    bool early;           /* as soon as the head of the request is whole */
} world_act;

enum { CUT_ALL = -1, WORLD_CONNECTIONS = 64, WORLD_CALLS = 40 };

typedef struct world_connection {
    tow_stream stream; /* first */
    struct world *world;
    tow_buffer input;
    size_t taken; /* of it, by requests that were answered */
    const world_act *act;
    size_t said;
    tow_timer timer;
    size_t requests;
    bool is_early, is_ended, is_closed;
} world_connection;

/* A call, and what has come of it. */
typedef struct world_call {
    tow_http_call *call;
    struct world *world;
    int error; /* of tow_http_call_start */
    size_t heads, pieces, dones;
    int result; /* the error of on_done */
    int status; /* 0: there was no head */
    char text[512];
    char note[64]; /* what the field X-Note said in the end */
    tow_buffer body;
    bool in_pieces;
    void (*then_head)(struct world_call *call);
    void (*then_body)(struct world_call *call);
    void (*then_done)(struct world_call *call);
} world_call;

typedef struct world {
    tow_simulation_options simulation;
    const char *scheme;    /* "http" */
    tow_tls_context *tls;  /* the server's */
    bool is_deaf;          /* the server reads nothing */
    const world_act *acts; /* the last one is for all requests that come behind it */
    size_t act_count;
    tow_http_client_options options;
    tow_loop *loop;
    tow_http_client *client;
    tow_listener listener;
    tow_http_call_options usual; /* of calls */
    char url[64];                /* of the server, without a path */
    uint16_t port;
    world_connection connections[WORLD_CONNECTIONS];
    size_t accepts;
    size_t requests;
    char seen[4096];  /* "GET /a\n" for each request that was whole, with its body behind it */
    tow_buffer last;  /* the bytes of the last request */
    size_t most_open; /* connections at once */
    world_call calls[WORLD_CALLS];
    tow_timer timer;
    void (*apart)(bool begins); /* around what the world does itself; may be NULL */
} test_world;

void world_open(test_world *world);

/* Frees the client and the calls, ends everything, and steps the loop until that is done. */
void world_close(test_world *world);

/* Starts call number `index`, for a path. */
world_call *world_ask(
    test_world *world, size_t index, const char *path, const tow_http_call_options *options);

/* The same with a call of the test's own. */
void world_start(test_world *world, world_call *call, const char *path, const tow_http_call_options *options);

/* The call has ended; its result. */
int world_wait(world_call *call);

/* Steps the loop until this is so; fails if it never gets so. */
#define world_until(world, condition)                                                                        \
    do {                                                                                                     \
        for (size_t world_steps = 0; !(condition); world_steps++) {                                          \
            assert_true(world_steps < 100000);                                                               \
            assert_true(tow_loop_step((world)->loop) >= 0);                                                  \
        }                                                                                                    \
    } while (0)

/* Steps the loop for so long. */
void world_run(test_world *world, int milliseconds);

/* Says some of this on a connection, where nobody has asked for it. */
void world_say(test_world *world, size_t connection, const char *bytes);

/* Ends a connection. */
void world_end(test_world *world, size_t connection, bool resets);

#endif
