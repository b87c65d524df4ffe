/* socket: the system calls that the epoll and the io_uring loop make in the same way. */
#ifndef TOW_TRANSPORT_SOCKET_H
#define TOW_TRANSPORT_SOCKET_H

#include "loop_shared.h"

/* Starts a connect that does not wait. The descriptor becomes writable when it is done; tow_socket_error
 * tells how. A refusal that the system knows at once is in *refusal (a tow_error, else 0), and there is no
 * descriptor then (-1). Errors: DESCRIPTORS, MEMORY, SYSTEM. */
int tow_socket_connect(const tow_address *address, int *fd, int *refusal);

/* The error that waits on a socket as a tow_error, 0 for none. */
int tow_socket_error(int fd);

/* tow_stream_class.send, .shutdown, .untaken, .is_quiet, .peer and .local */
ssize_t tow_socket_send(tow_stream *stream, const struct iovec *pieces, int count);
void tow_socket_shutdown(tow_stream *stream);
size_t tow_socket_untaken(const tow_stream *stream);
bool tow_socket_is_quiet(tow_stream *stream);
int tow_socket_peer(const tow_stream *stream, tow_address *address);
int tow_socket_local(const tow_stream *stream, tow_address *address);

/* Closes a stream's descriptor, with RST if it was reset. */
void tow_socket_close(tow_stream *stream);

/* tow_loop_kind.listen and .discard */
int tow_socket_listen(
    tow_loop *loop, const tow_address *address, const tow_listen_options *options, tow_address *bound);
void tow_socket_discard(tow_loop *loop, int fd);

/* tow_loop_kind.clock, .wall_milliseconds, and .random */
int64_t tow_system_clock(const tow_loop *loop);
int64_t tow_system_wall_milliseconds(const tow_loop *loop);
void tow_system_random(tow_loop *loop, void *out, size_t length);

#endif
