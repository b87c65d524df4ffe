/* listener: accepts connections on one address.
 *
 * Out of descriptors no accept is armed; it is tried again by a timer of at most 20 ms, and at once when the
 * loop closes a descriptor. */
#ifndef TOW_TRANSPORT_LISTENER_H
#define TOW_TRANSPORT_LISTENER_H

#include "transport/address.h"
#include "transport/timer.h"

typedef struct tow_listener tow_listener;

/* The descriptor is the callee's: tow_stream_adopt it, here or on another loop, or tow_loop_discard it. */
typedef void (*tow_on_accept)(tow_listener *listener, int fd);

/* Accepting rests: why, DESCRIPTORS or another error of the system. */
typedef void (*tow_on_starved)(tow_listener *listener, int error);

struct tow_listener { /* embedded; zeroed: not in use. Private but `user` and `on_starved`. */
    tow_loop *loop;
    tow_on_accept on_accept;
    tow_on_starved on_starved; /* may be NULL */
    tow_listener *next;
    void *user;
    void *request; /* io_uring's accept under way */
    tow_timer retry;
    uint64_t exhausted; /* how often descriptors ran out */
    int fd;
    uint16_t flags;
    bool armed; /* accepting, in the simulator */
};

typedef struct tow_listen_options {
    int backlog;     /* 0: SOMAXCONN */
    bool reuse_port; /* another worker of this process listens there already (or will) */
} tow_listen_options;

/* Binds and listens without accepting yet, so that errors are known before workers start. Stale Unix sockets
 * (nobody answers) are replaced. Port 0: the kernel picks; *bound is the address with the port. Errors:
 * ADDRESS_IN_USE, ADDRESS, PERMISSION, DESCRIPTORS, SYSTEM. Returns a descriptor. */
int tow_listen_socket(
    tow_loop *loop, const tow_address *address, const tow_listen_options *options, tow_address *bound);

/* Sets SO_REUSEPORT on a socket that was bound without it, so that other workers may bind the same address.
 */
int tow_listen_share(int fd);

/* Removes the file of a Unix socket on which nobody listens any more: once its listener is closed. Another
 * process may have taken its place; then the file stays. Nothing happens for other addresses. */
void tow_listen_remove(const tow_address *address);

/* Listens on all addresses of one text (tow_address_parse), with the same port on each; with port 0, what the
 * kernel picks. A family that this machine lacks is passed over when there is another: its descriptor is -1.
 * The addresses become those that are bound. Errors: as tow_listen_socket; nothing is open then, and *failed,
 * if it is not NULL, is the index of the address that could not be had. */
int tow_listen_group_open(tow_loop *loop, tow_address *addresses, int *fds, int count, int *failed);

/* Closes what no listener has taken, and removes the files of its Unix sockets. */
void tow_listen_group_close(tow_loop *loop, tow_address *addresses, int *fds, int count);

/* Starts accepting on a descriptor of tow_listen_socket, which is the listener's from now on. Keeps what is
 * not private. Errors: MEMORY, SYSTEM; the descriptor is then still the caller's. */
int tow_listener_start(tow_listener *listener, tow_loop *loop, int fd, tow_on_accept on_accept);

/* Stops accepting and closes the descriptor; on_closed is not needed: no callback comes afterwards, and the
 * memory may be reused at once, in on_accept when that has returned. The file of a Unix socket stays:
 * tow_listen_remove. */
void tow_listener_stop(tow_listener *listener);

bool tow_listener_is_started(const tow_listener *listener);

/* Closes a descriptor that on_accept gave and nobody adopted. */
void tow_loop_discard(tow_loop *loop, int fd);

/* The same when its loop is being freed. */
void tow_accepted_drop(int fd);

#endif
