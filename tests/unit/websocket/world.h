/* world: a loop, simulated or real, with a socket in the server's role on it, and at the other end of its
 * stream either a socket in the client's role or a peer of which the test decides every byte. Both sockets
 * write down what they hear.
 *
 * Tests set what they need in a zeroed world, then call world_open and one of the connects. */
#ifndef TOW_TESTS_WORLD_H
#define TOW_TESTS_WORLD_H

#include "../unit.h"

#include "base/buffer.h"
#include "protocol/close.h"
#include "protocol/frame.h"
#include "transport/listener.h"
#include "transport/loop.h"
#include "websocket/websocket.h"

#include <towline/error.h>

typedef struct endpoint {
    tow_websocket socket; /* first */
    tow_behaviour behaviour;
    struct world *world;
    bool echoes;
    bool streams;     /* gets messages in pieces */
    bool wrapped;     /* a byte stream hears the rest */
    uint64_t address; /* by which its memory is counted */
    /* Called last in the callback of that name, if set. */
    void (*then_open)(struct endpoint *);
    void (*then_message)(struct endpoint *, const tow_message *);
    void (*then_piece)(struct endpoint *, const tow_message_piece *);
    void (*then_error)(struct endpoint *);
    void (*then_close)(struct endpoint *);
    void (*then_drain)(struct endpoint *);
    void (*then_ping)(struct endpoint *);
    void (*then_pong)(struct endpoint *);
    /* What was heard. */
    size_t pieces;
    bool in_message;  /* a first piece came, and no last one yet */
    tow_buffer whole; /* the pieces of that message */
    size_t opens, messages, errors, closes, drains, pings, pongs, gone;
    tow_buffer heard;    /* the messages: type, length in four bytes, data */
    tow_buffer controls; /* payloads of Pings and Pongs */
    int error;
    uint16_t code;
    bool was_clean;
    char reason[128];
    int64_t sent; /* what the last echo's send answered */
} endpoint;

/* The other end, byte by byte. */
typedef struct peer {
    tow_stream stream;
    tow_buffer outgoing;
    size_t written;
    size_t step; /* at most so many bytes a write, 0: all */
    size_t bite; /* at most so many bytes a read, 0: all */
    tow_buffer received;
    bool connected, ended, closed;
    bool shuts; /* ends its side once everything is written */
    int error;
} test_peer;

typedef struct world {
    bool real; /* the kernel's network, not the simulator */
    tow_simulation_options simulation;
    tow_limits limits; /* of both sockets; zero: the defaults */
    tow_compression_agreement agreement;
    const char *protocol;
    tow_loop *loop;
    tow_websocket_context *context;
    tow_listener listener;
    tow_timer timer; /* of world_run */
    tow_address address;
    endpoint server;
    endpoint client;
    test_peer peer;
} test_world;

void world_open(test_world *world);
void world_close(test_world *world);

/* Connects and steps until the server's socket (and the client's) is open. */
void world_connect_peer(test_world *world);
void world_connect_client(test_world *world);

/* Steps until the condition holds; fails the test when it does not within many steps. */
#define world_until(world, condition)                                                                        \
    do {                                                                                                     \
        for (size_t world_steps = 0; !(condition); world_steps++) {                                          \
            if (world_steps >= 1000 * 1000)                                                                  \
                fail_msg("seed %llu: never happened: %s", (unsigned long long)(world)->simulation.seed,      \
                    #condition);                                                                             \
            world_step(world);                                                                               \
        }                                                                                                    \
    } while (0)
void world_step(test_world *world);

/* Steps until so much time has passed. */
void world_run(test_world *world, int64_t nanoseconds);

/* The peer says something. */
void peer_bytes(test_peer *peer, const void *bytes, size_t length);
void peer_frame(test_peer *peer, uint8_t first_byte, const void *payload, size_t length);
void peer_close(test_peer *peer, uint16_t code, const char *reason);
void peer_end(test_peer *peer);
void peer_reset(test_peer *peer);

/* The peer, which was paused, reads `bite` bytes, and is paused again; then so much time passes. */
void peer_takes_a_bite(test_world *world, int64_t nanoseconds);

/* A masked frame, as a client sends it, at the end of the buffer. */
void frame_append(tow_buffer *out, uint8_t first_byte, const void *payload, size_t length);

/* Takes the frame at *offset of what the peer received, which must be there and unmasked. */
typedef struct peer_received_frame {
    tow_frame_header header;
    const uint8_t *payload;
} peer_received_frame;
bool peer_next_frame(const test_peer *peer, size_t *offset, peer_received_frame *frame);

/* How many bytes of application data the peer has received so far, partial frames included. */
uint64_t peer_payload_bytes(const test_peer *peer);

/* The first Close that the peer received: its code, 1005 without one, 0 if there was no Close. Nothing may
 * come behind it. */
uint16_t peer_close_code(const test_peer *peer);

/* Bytes that are easy to compare: `seed` chooses them. */
void pattern_fill(uint8_t *bytes, size_t length, uint8_t seed);

/* Whether the endpoint heard exactly this as its message of that number. */
void assert_heard(const endpoint *end, size_t number, tow_message_type type, const void *data, size_t length);

#endif
