/* simulated_network: sockets in memory, connected to each other, and a generator that decides by its seed how
 * writes and reads are cut. It knows neither streams nor time: loop_simulated drives it.
 *
 * What it keeps of TCP: bytes stay in order; a writer is stopped when `capacity` bytes are on their way, and
 * hears that it may go on when a third of that is free, as with Linux; a connect is complete before it is
 * accepted; FIN comes behind the bytes, RST may overtake them; closing with unread bytes sends RST; the first
 * write to a closed peer is taken, and answered by RST. */
#ifndef TOW_TRANSPORT_SIMULATED_NETWORK_H
#define TOW_TRANSPORT_SIMULATED_NETWORK_H

#include "transport/address.h"
#include "transport/loop.h"

#include <sys/types.h>
#include <sys/uio.h>

/* Descriptors are numbers that the system never gives. */
enum { TOW_SIMULATED_FD = 1 << 30 };

static inline bool tow_is_simulated_fd(int fd) {
    return fd >= TOW_SIMULATED_FD;
}

typedef struct tow_simulated_socket {
    void *owner; /* the loop's: a stream or a listener */
    tow_address local, remote;
    struct tow_simulated_socket *peer;    /* NULL: none yet, or gone */
    struct tow_simulated_socket *next;    /* behind this one in a listener's queue; the next listener */
    struct tow_simulated_socket *waiting; /* of a listener: connections that are not accepted yet */
    int waiting_count;
    int fd;
    uint8_t *bytes; /* `length` bytes from `begin` on, round the end, are on their way to this socket */
    size_t begin, length;
    bool listening, reuse_port;
    bool connected;
    bool fin;   /* the peer's FIN follows the bytes */
    bool reset; /* the peer's RST */
} tow_simulated_socket;

typedef struct tow_network {
    tow_simulated_socket **sockets; /* by descriptor; NULL: free */
    int *ready;                     /* as many places, for the loop */
    bool *stirred;                  /* as many: which may be ready for something (tow_network_stir) */
    tow_simulated_socket *listeners;
    size_t count;
    size_t open;
    tow_simulation_options options;
    uint64_t chance;
    uint16_t next_port;
} tow_network;

void tow_network_init(tow_network *network, const tow_simulation_options *options);
void tow_network_clear(tow_network *network);

/* The next of a sequence of numbers that looks like chance (SplitMix64). */
uint64_t tow_chance(uint64_t *state);
/* A number below `limit`. */
size_t tow_network_chance(tow_network *network, size_t limit);

/* NULL if the descriptor is not open. */
tow_simulated_socket *tow_network_socket(const tow_network *network, int fd);

/* The socket may be ready for something. So it is with whatever comes from the network; the loop says what
 * its owner wants, and puts by what is quiet: a round does not look at each socket. */
void tow_network_stir(tow_network *network, const tow_simulated_socket *socket);
void tow_network_put_by(tow_network *network, const tow_simulated_socket *socket);

/* Each returns a descriptor, or: ADDRESS_IN_USE, DESCRIPTORS, MEMORY. */
int tow_network_listen(tow_network *network, const tow_address *address, bool reuse_port, tow_address *bound);
int tow_network_connect(tow_network *network, const tow_address *address);

/* The connect arrives. Returns 1 when it is connected, 0 when it has to wait (the listener's queue is full),
 * or REFUSED. */
int tow_network_arrive(tow_network *network, tow_simulated_socket *socket);

/* Takes the oldest waiting connection. Returns its descriptor, or a negative errno as accept(2) would
 * (EMFILE, EAGAIN). */
int tow_network_accept(tow_network *network, tow_simulated_socket *listener);

/* Whether a writer that was stopped hears that it may go on. */
bool tow_network_is_writable(const tow_network *network, const tow_simulated_socket *socket);

/* How many bytes that were sent the peer has not taken. */
size_t tow_network_untaken(const tow_simulated_socket *socket);

/* Returns how many bytes were taken, perhaps none, or RESET. */
ssize_t tow_network_send(
    tow_network *network, tow_simulated_socket *socket, const struct iovec *pieces, int count);

/* Returns how many bytes came: 0 for the end. There must be some, or the end. */
size_t tow_network_receive(tow_network *network, tow_simulated_socket *socket, uint8_t *out, size_t length);

void tow_network_shutdown(tow_network *network, tow_simulated_socket *socket);

/* Closes; with RST if `reset` or if bytes are unread. */
void tow_network_close(tow_network *network, tow_simulated_socket *socket, bool reset);

#endif
