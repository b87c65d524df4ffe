/* fallback_world: a client with fallback, a gate, and a server with Engine.IO on one simulated network. Each
 * side writes down what it hears. */
#ifndef TOW_TESTS_FALLBACK_WORLD_H
#define TOW_TESTS_FALLBACK_WORLD_H

#include "../server/world.h"
#include "gate.h"

#include "handler/engineio.h"

#include <towline/websocket.h>

enum { HEARD_MAX = 1024 };

/* What one side has heard. */
typedef struct heard_log {
    size_t opens, errors, closes, drains;
    size_t count; /* messages */
    size_t lengths[HEARD_MAX];
    tow_message_type types[HEARD_MAX];
    char firsts[HEARD_MAX][24]; /* how they begin */
    int error, http_status;
    char text[800];
    uint16_t code;
    bool was_clean;
    char reason[128];
    char protocol[32];
    tow_websocket *socket; /* the server's, while it is open */
} heard_log;

typedef struct fallback_world {
    struct world world;
    test_gate gate;
    tow_engineio *engineio;
    tow_websocket_options options; /* of the client; the callbacks are the world's unless they are set */
    const char *url;               /* default ws://127.0.0.1:7000/echo */
    tow_websocket *client;
    heard_log here, there;
    bool echoes;                                /* the server does */
    void (*then_open)(struct fallback_world *); /* in the client's on_open */
    void (*then_message)(struct fallback_world *);
} test_fallback;

/* Zeroed but for what is set before; `seed` is that of the network. */
void fallback_open(test_fallback *world, uint64_t seed);
void fallback_connect(test_fallback *world);
void fallback_close(test_fallback *world);

/* Opens it, and connects the client; and waits until that is open. */
void fallback_begin(test_fallback *world, uint64_t seed);
void fallback_meet(test_fallback *world, uint64_t seed);

/* Steps until this is so, for a minute of virtual time at most. */
#define fallback_until(one, condition)                                                                       \
    do {                                                                                                     \
        int64_t fallback_end = tow_loop_now((one)->world.loop) + 120 * TOW_SECOND;                           \
        while (!(condition)) {                                                                               \
            if (tow_loop_now((one)->world.loop) > fallback_end)                                              \
                fail_msg("never happened: %s (%s)", #condition, (one)->here.text);                           \
            assert_true(tow_loop_step((one)->world.loop) >= 0);                                              \
        }                                                                                                    \
    } while (0)

void fallback_send(tow_websocket *socket, const char *text);

#endif
