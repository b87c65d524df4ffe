/* carrier_fake: a carrier in memory: two sockets, each with a list of what it has said, which is moved to the
 * other when the test asks for that. The sockets lie anywhere but first in their owners. */
#ifndef TOW_TESTS_CARRIER_FAKE_H
#define TOW_TESTS_CARRIER_FAKE_H

#include "../unit.h"

#include "base/buffer.h"
#include "transport/loop.h"
#include "websocket/carrier.h"

#include <towline/error.h>

/* Something that one end says: 't' and 'b' are messages, 'C' is a Close. */
typedef struct fake_line {
    char kind;
    uint16_t code;
    size_t length;
    char *text;
    struct fake_line *next;
} fake_line;

typedef struct fake_end {
    struct fake_wire *wire;
    struct fake_end *other;
    tow_behaviour behaviour;
    fake_line *said; /* and not moved yet */
    bool paused, reset, told_gone;
    int sends_to_fail; /* with MEMORY */
    size_t pauses, resumes;
    tow_websocket socket;
    /* What the application hears and does. */
    bool echoes;
    void (*then_message)(struct fake_end *, const tow_message *);
    void (*then_close)(struct fake_end *);
    tow_buffer heard; /* each message with a line feed */
    size_t opens, messages, pieces, drains, errors, closes, gone;
    int error;
    uint16_t code;
    bool was_clean;
    char reason[128];
} fake_end;

typedef struct fake_wire {
    tow_loop *loop;
    tow_websocket_context *context;
    bool has_no_drop;
    bool streams; /* both get messages in pieces */
    tow_limits limits;
    const char *protocol;
    /* NULL: as the client's, of the callbacks below */
    const tow_behaviour *(*server_behaviour)(const tow_carrier *carrier, const tow_socket_owner *owner);
    fake_end server;
    fake_end client;
} fake_wire;

void fake_open(fake_wire *wire);

/* Ends what is open, and frees all. */
void fake_close(fake_wire *wire);

/* Moves at most so many lines to the other end, which hears of them; or, both ways, until nothing moves. */
size_t fake_move(fake_end *from, size_t lines);
void fake_settle(fake_wire *wire);

/* The end is over: its carrier has gone. */
void fake_gone(fake_end *end, int error);

void assert_fake_heard(const fake_end *end, const char *lines);

#endif
