/* raw_echo_uring: a TCP echo server that parses nothing: the floor under any server on io_uring.
 *
 * Multishot accept and receive, one ring of provided buffers, one send in flight for each connection, all
 * work done by the thread itself (DEFER_TASKRUN). A buffer goes back to the ring when it has been sent. */
#include "raw_listen.h"

#include <errno.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BUFFER_SIZE = 64 * 1024, BUFFERS = 512, ENTRIES = 4096, GROUP = 0, NONE = -1 };

struct connection {
    int fd;
    int32_t first; /* buffers waiting to be sent, the first one in flight; NONE */
    int32_t last;
    uint32_t sent; /* of the first */
    bool receiving;
    bool sending;
    bool starved; /* waits for a buffer, in the server's list */
    bool ended;
    struct connection *next;
};

struct server {
    struct io_uring ring;
    struct io_uring_buf_ring *buffers;
    uint8_t *memory;
    struct connection *starved; /* those that wait for a buffer, the first first */
    struct connection **starved_end;
    int free; /* buffers in the ring */
    int listener;
    struct {
        uint32_t length;
        int32_t next;
    } received[BUFFERS];
};

/* The low bits of user data; connections are aligned. */
enum operation { ACCEPT, RECEIVE, SEND };

static struct io_uring_sqe *entry(struct server *server, struct connection *connection,
    enum operation operation, void (*prepare)(struct io_uring_sqe *, struct server *, struct connection *)) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&server->ring);
    if (entry == NULL) {
        must(io_uring_submit(&server->ring), "io_uring_submit");
        entry = io_uring_get_sqe(&server->ring);
    }
    prepare(entry, server, connection);
    io_uring_sqe_set_data64(entry, (uint64_t)(uintptr_t)connection | operation);
    return entry;
}

static void prepare_accept(struct io_uring_sqe *entry, struct server *server, struct connection *connection) {
    (void)connection;
    io_uring_prep_multishot_accept(entry, server->listener, NULL, NULL, SOCK_CLOEXEC);
}

static void prepare_receive(
    struct io_uring_sqe *entry, struct server *server, struct connection *connection) {
    (void)server;
    io_uring_prep_recv_multishot(entry, connection->fd, NULL, 0, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = GROUP;
}

static void prepare_send(struct io_uring_sqe *entry, struct server *server, struct connection *connection) {
    const uint8_t *bytes = server->memory + (size_t)connection->first * BUFFER_SIZE + connection->sent;
    io_uring_prep_send(entry, connection->fd, bytes,
        server->received[connection->first].length - connection->sent, MSG_NOSIGNAL);
}

static void receive(struct server *server, struct connection *connection) {
    connection->receiving = true;
    entry(server, connection, RECEIVE, prepare_receive);
}

static void send_first(struct server *server, struct connection *connection) {
    connection->sending = true;
    entry(server, connection, SEND, prepare_send);
}

static void give_back(struct server *server, int32_t buffer) {
    io_uring_buf_ring_add(server->buffers, server->memory + (size_t)buffer * BUFFER_SIZE, BUFFER_SIZE,
        (unsigned short)buffer, io_uring_buf_ring_mask(BUFFERS), 0);
    io_uring_buf_ring_advance(server->buffers, 1);
    server->free++;
}

/* Lets as many of those that wait for a buffer receive again as there are buffers. One may find that it has
 * nothing to receive, so the next round lets others have a try. */
static void feed_starved(struct server *server) {
    for (int i = server->free; i > 0 && server->starved != NULL; i--) {
        struct connection *connection = server->starved;
        server->starved = connection->next;
        if (server->starved == NULL)
            server->starved_end = &server->starved;
        connection->starved = false;
        receive(server, connection);
    }
}

static void drop_first(struct server *server, struct connection *connection) {
    int32_t buffer = connection->first;
    connection->first = server->received[buffer].next;
    connection->sent = 0;
    give_back(server, buffer);
}

/* Lets go of a connection that ended: of its buffers when none is being sent, as others may wait for them; of
 * the rest when nothing of it is in the kernel or in a list. */
static void settle(struct server *server, struct connection *connection) {
    if (!connection->ended || connection->sending)
        return;
    while (connection->first != NONE)
        drop_first(server, connection);
    if (connection->receiving || connection->starved)
        return;
    close(connection->fd);
    free(connection);
}

static void on_accept(struct server *server, const struct io_uring_cqe *completion) {
    if (!(completion->flags & IORING_CQE_F_MORE))
        entry(server, NULL, ACCEPT, prepare_accept);
    if (completion->res < 0)
        return;
    struct connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL) {
        close(completion->res);
        return;
    }
    connection->fd = completion->res;
    connection->first = NONE;
    receive(server, connection);
}

static void queue(struct server *server, struct connection *connection, int32_t buffer, uint32_t length) {
    server->free--;
    server->received[buffer].length = length;
    server->received[buffer].next = NONE;
    if (connection->first == NONE)
        connection->first = buffer;
    else
        server->received[connection->last].next = buffer;
    connection->last = buffer;
    if (!connection->sending)
        send_first(server, connection);
}

static void starve(struct server *server, struct connection *connection) {
    connection->starved = true;
    connection->next = NULL;
    *server->starved_end = connection;
    server->starved_end = &connection->next;
}

static void on_receive(
    struct server *server, struct connection *connection, const struct io_uring_cqe *completion) {
    connection->receiving = (completion->flags & IORING_CQE_F_MORE) != 0;
    if (completion->res > 0)
        queue(server, connection, (int32_t)(completion->flags >> IORING_CQE_BUFFER_SHIFT),
            (uint32_t)completion->res);
    else if (completion->res != -ENOBUFS)
        connection->ended = true;
    if (!connection->receiving && !connection->ended) {
        if (completion->res == -ENOBUFS)
            starve(server, connection);
        else
            receive(server, connection);
    }
    settle(server, connection);
}

static void on_send(
    struct server *server, struct connection *connection, const struct io_uring_cqe *completion) {
    connection->sending = false;
    if (completion->res < 0) {
        shutdown(connection->fd, SHUT_RDWR); /* ends the receive as well */
        connection->ended = true;
        settle(server, connection);
        return;
    }
    connection->sent += (uint32_t)completion->res;
    if (connection->sent == server->received[connection->first].length)
        drop_first(server, connection);
    if (connection->first != NONE)
        send_first(server, connection);
    settle(server, connection);
}

static void dispatch(struct server *server, const struct io_uring_cqe *completion) {
    uintptr_t address = (uintptr_t)(completion->user_data & ~UINT64_C(3));
    struct connection *connection = (struct connection *)address; // NOLINT(performance-no-int-to-ptr)
    switch ((enum operation)(completion->user_data & 3)) {
    case ACCEPT:
        on_accept(server, completion);
        break;
    case RECEIVE:
        on_receive(server, connection, completion);
        break;
    case SEND:
        on_send(server, connection, completion);
        break;
    }
}

static void *map(size_t length) {
    void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(memory == MAP_FAILED ? -1 : 0, "mmap");
    return memory;
}

static void check(int result, const char *what) {
    errno = -result;
    must(result, what);
}

static void start(struct server *server) {
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
        .cq_entries = 4 * ENTRIES};
    server->listener = raw_listen(0);
    server->starved_end = &server->starved;
    check(io_uring_queue_init_params(ENTRIES, &server->ring, &parameters), "io_uring_queue_init");
    server->memory = map((size_t)BUFFERS * BUFFER_SIZE);
    server->buffers = map(BUFFERS * sizeof(struct io_uring_buf));
    struct io_uring_buf_reg registration = {
        .ring_addr = (uint64_t)(uintptr_t)server->buffers, .ring_entries = BUFFERS, .bgid = GROUP};
    check(io_uring_register_buf_ring(&server->ring, &registration, 0), "io_uring_register_buf_ring");
    io_uring_buf_ring_init(server->buffers);
    for (int32_t i = 0; i < BUFFERS; i++)
        give_back(server, i);
    entry(server, NULL, ACCEPT, prepare_accept);
}

int main(void) {
    static struct server server;
    start(&server);
    for (;;) {
        feed_starved(&server);
        bool hurry = server.starved != NULL && server.free > 0;
        int submitted = io_uring_submit_and_wait(&server.ring, hurry ? 0 : 1);
        if (submitted < 0 && submitted != -EINTR && submitted != -EBUSY)
            check(submitted, "io_uring_submit_and_wait");
        struct io_uring_cqe *completion;
        unsigned head;
        unsigned count = 0;
        io_uring_for_each_cqe(&server.ring, head, completion) {
            dispatch(&server, completion);
            count++;
        }
        io_uring_cq_advance(&server.ring, count);
    }
}
