/* world: a server and its peers on one simulated network: virtual time, reads and writes cut by a seed. */
#ifndef TOW_TESTS_SERVER_WORLD_H
#define TOW_TESTS_SERVER_WORLD_H

#include "../unit.h"

#include "base/buffer.h"
#include "transport/loop.h"
#include "transport/stream.h"
#include "transport/timer.h"
#include "transport/tls.h"

#include <towline/server.h>

struct world {
    tow_loop *loop;
    tow_loop *other; /* of a second worker, or NULL */
    uint64_t chance; /* which of the two has the next round */
    unsigned rounds, odds;
    tow_server *server;
    tow_buffer log; /* lines of the server, as "LEVEL line\n", with a zero behind */
    tow_timer clock;
    bool rang;
};

/* Makes the loop and the server, with an address and the log filled in; routes follow, then world_listen. */
void world_make(
    struct world *world, const tow_simulation_options *simulation, const tow_server_options *options);
void world_listen(struct world *world);

/* The same with options that have two workers: each has its loop, and chance decides which goes on. Who
 * connects comes to one of them by chance. */
void world_listen_on_two(struct world *world);

/* A round of a loop. Returns as tow_loop_step does. */
int world_step(struct world *world);

/* Steps for so long, in virtual time. */
void world_run(struct world *world, int milliseconds);

/* The same for so many rounds at most, and no longer than a millisecond. */
void world_run_a_little(struct world *world, unsigned rounds);

/* Drains the server, and frees everything. */
void world_end(struct world *world);

/* Whether the log has this text. */
bool world_logged(const struct world *world, const char *text);

/* The value of a counter or gauge in the text of --status, by its name with labels: "connections". */
long world_metric(struct world *world, const char *name);

/* A peer: bytes out, bytes in. */
struct peer {
    tow_stream stream;
    struct world *world;
    tow_buffer in; /* with a zero behind */
    tow_buffer out;
    bool connected;
    bool ended; /* the server's end was received */
    bool failed;
    bool used;            /* until on_closed */
    tow_tls_context *tls; /* NULL: plain */
    const char *name;     /* that TLS asks for; NULL: none */
};

void peer_connect(struct peer *peer, struct world *world);
/* Over TLS: lent, a client's context that needs no name. */
void peer_connect_secure(struct peer *peer, struct world *world, tow_tls_context *tls);
void peer_connect_to(struct peer *peer, struct world *world, const char *address);
void peer_send(struct peer *peer, const void *bytes, size_t length);
void peer_text(struct peer *peer, const char *text);

/* Sends one byte in each of the loop's rounds or so. */
void peer_trickle(struct peer *peer, const void *bytes, size_t length);

/* Runs until the text was received, at most for two seconds of virtual time; fails the test otherwise. */
void peer_expect(struct peer *peer, const char *text);
/* Runs until the server ended the connection. */
void peer_expect_end(struct peer *peer);
bool peer_has(const struct peer *peer, const char *text);

/* Ends the peer's side when all it has to say is out. */
void peer_shutdown(struct peer *peer);

/* Closes, or resets, and runs until it is done. */
void peer_close(struct peer *peer);
void peer_reset(struct peer *peer);

/* An opening handshake for a path, without and with further fields ("Name: value\r\n…"). */
#define OPENING_WITH(path, fields)                                                                           \
    "GET " path " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"              \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" fields "\r\n"
#define OPENING(path) OPENING_WITH(path, "")
#define OPENED "HTTP/1.1 101 Switching Protocols\r\n"
#define ACCEPTED "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

/* A client's frame with a mask of zeros: text of up to 125 bytes. Returns its length. */
size_t frame_write(uint8_t *out, uint8_t opcode, const void *payload, size_t length);
void peer_frame(struct peer *peer, uint8_t opcode, const void *payload, size_t length);
/* The same with a longer payload. */
void peer_long_frame(struct peer *peer, uint8_t opcode, const void *payload, size_t length);

/* Whether the server's frame (unmasked) of this payload was received. */
bool peer_has_frame(const struct peer *peer, uint8_t opcode, const void *payload, size_t length);
void peer_expect_frame(struct peer *peer, uint8_t opcode, const void *payload, size_t length);

#endif
