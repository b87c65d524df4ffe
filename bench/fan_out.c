/* What it costs the server to tell the same to all its connections from another thread, in three ways: by one
 * task on the loop that sends to every socket (`task`), by tow_post_shared_many (`many`) and by
 * tow_post_shared to each id (`each`). The readers are a thread of this program; counted is the processor
 * time of the loop's thread and of the thread that makes the ticks. Usage:
 *
 *     fan-out [io_uring|epoll] [CONNECTIONS] [TICKS A SECOND] [SECONDS] */
#include "transport/loop.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <towline.h>
#include <unistd.h>

enum { PAYLOAD = 62, FRAME = 64, CONNECTIONS_MAX = 10000, BATCH = 64 * 1024 };

static const char request[] =
    "GET /ticks HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/* One way, measured. */
typedef struct run {
    const char *way;
    tow_loop *loop;
    tow_server *server;
    int port, connections, rate, seconds;
    tow_websocket *sockets[CONNECTIONS_MAX];
    tow_websocket_id ids[CONNECTIONS_MAX];
    int count;
    atomic_bool ready, over;
    int64_t ticks, refused;
    double producer_seconds, loop_seconds; /* of the processor */
    int64_t received;                      /* messages */
    double worst_lag, last_lag;            /* in seconds */
} run;

static run *now_running;

static int64_t nanoseconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static double thread_seconds(void) {
    return (double)nanoseconds(CLOCK_THREAD_CPUTIME_ID) / 1e9;
}

static void enter(tow_websocket *socket) {
    run *self = now_running;
    self->sockets[self->count] = socket;
    self->ids[self->count++] = tow_websocket_identify(socket);
    if (self->count == self->connections)
        atomic_store(&self->ready, true);
}

/* The ticks. */

static void send_to_all(void *argument) {
    for (int i = 0; i < now_running->count; i++)
        tow_websocket_send_shared(now_running->sockets[i], argument);
    tow_shared_release(argument);
}

static void tell(run *self, tow_shared *tick) {
    if (strcmp(self->way, "task") == 0) {
        tow_shared_retain(tick);
        tow_loop_post(self->loop, send_to_all, tick);
    } else if (strcmp(self->way, "many") == 0) {
        self->refused += tow_post_shared_many(self->server, self->ids, (size_t)self->count, tick) != 0;
    } else {
        for (int i = 0; i < self->count; i++)
            self->refused += tow_post_shared(self->server, self->ids[i], tick) != 0;
    }
}

static void tick_once(run *self) {
    char payload[PAYLOAD] = {0};
    tow_shared *tick;
    int64_t now = nanoseconds(CLOCK_MONOTONIC);
    memcpy(payload, &now, sizeof(now));
    if (tow_shared_new(&tick, TOW_BINARY, payload, sizeof(payload)) != 0)
        return;
    tell(self, tick);
    tow_shared_release(tick);
    self->ticks++;
}

static void *produce(void *argument) {
    run *self = argument;
    const struct timespec pause = {.tv_nsec = 1000000};
    while (!atomic_load(&self->ready))
        nanosleep(&pause, NULL);
    double before = thread_seconds();
    int64_t began = nanoseconds(CLOCK_MONOTONIC);
    for (int64_t i = 0; i < (int64_t)self->rate * self->seconds; i++) {
        int64_t due = began + i * 1000000000 / self->rate;
        const struct timespec at = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
        tick_once(self);
    }
    self->producer_seconds = thread_seconds() - before;
    atomic_store(&self->over, true);
    return NULL;
}

/* The readers: frames of FRAME bytes, behind the head of the response. */

typedef struct reader {
    int fd;
    int64_t behind_head; /* bytes; negative while the head is under way */
} reader;

static int64_t head_length(const char *bytes, ssize_t length) {
    const char *end = memmem(bytes, (size_t)length, "\r\n\r\n", 4);
    return end == NULL ? length : end - bytes + 4;
}

/* The time in the last frame that came whole. */
static void note_lag(run *self, const char *bytes, int64_t length, int64_t total) {
    int64_t at = length - total % FRAME - PAYLOAD;
    int64_t sent;
    if (at < 1 || bytes[at - 1] != PAYLOAD) /* cut, or behind the server's Close */
        return;
    memcpy(&sent, bytes + at, sizeof(sent));
    self->last_lag = (double)(nanoseconds(CLOCK_MONOTONIC) - sent) / 1e9;
    if (self->last_lag > self->worst_lag)
        self->worst_lag = self->last_lag;
}

static void read_some(run *self, reader *from, char *bytes) {
    ssize_t length = recv(from->fd, bytes, BATCH, MSG_DONTWAIT);
    if (length <= 0)
        return;
    int64_t head = from->behind_head < 0 ? head_length(bytes, length) : 0;
    if (from->behind_head < 0)
        from->behind_head = 0;
    int64_t before = from->behind_head / FRAME;
    from->behind_head += length - head;
    self->received += from->behind_head / FRAME - before;
    note_lag(self, bytes + head, length - head, from->behind_head);
}

static void reader_open(run *self, reader *made, int epoll) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)self->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *made = (reader){.fd = socket(AF_INET, SOCK_STREAM, 0), .behind_head = -1};
    if (made->fd < 0 || connect(made->fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        write(made->fd, request, sizeof(request) - 1) < 0) {
        perror("fan-out");
        exit(1);
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = made};
    epoll_ctl(epoll, EPOLL_CTL_ADD, made->fd, &event);
}

static void *read_all(void *argument) {
    run *self = argument;
    static reader readers[CONNECTIONS_MAX];
    static char bytes[BATCH];
    int epoll = epoll_create1(0);
    for (int i = 0; i < self->connections; i++)
        reader_open(self, &readers[i], epoll);
    for (int count = 1; count > 0 || !atomic_load(&self->over);) {
        struct epoll_event events[256];
        count = epoll_wait(epoll, events, 256, 500);
        for (int i = 0; i < count; i++)
            read_some(self, events[i].data.ptr, bytes);
    }
    tow_server_stop(self->server);
    for (int i = 0; i < self->connections; i++)
        close(readers[i].fd);
    close(epoll);
    return NULL;
}

/* Runs */

static int start(run *self, tow_io io) {
    int error = tow_loop_new(&self->loop, &(tow_loop_options){.io = io});
    if (error == 0)
        error = tow_server_new(
            &self->server, &(tow_server_options){.loop = self->loop,
                               .listen = "127.0.0.1:0",
                               .drain_seconds = 1,
                               .limits = {.max_queue = TOW_OFF, .compression = TOW_COMPRESSION_OFF}});
    if (error == 0)
        error = tow_server_route(self->server, "/ticks", &(tow_handler){.on_open = enter});
    return error != 0 ? error : tow_server_listen(self->server);
}

static void print(const run *self) {
    double messages = (double)self->received;
    printf("%-9s %-5s %9lld messages %6lld refused %6.0f ns loop %4.0f ns thread %5.3f sends a message, lag "
           "at most "
           "%.3f s, at the end %.3f s\n",
        tow_loop_io(self->loop), self->way, (long long)self->received, (long long)self->refused,
        self->loop_seconds * 1e9 / messages, self->producer_seconds * 1e9 / messages,
        (double)tow_loop_count(self->loop)->writes / messages, self->worst_lag, self->last_lag);
}

static int measure(const char *way, tow_io io, int connections, int rate, int seconds) {
    pthread_t producer, readers;
    run *self = calloc(1, sizeof(*self));
    self->way = way;
    self->connections = connections;
    self->rate = rate;
    self->seconds = seconds;
    now_running = self;
    int error = start(self, io);
    if (error != 0) {
        fprintf(stderr, "fan-out: %s\n", tow_strerror(error));
        exit(1);
    }
    self->port = tow_server_port(self->server, 0);
    pthread_create(&producer, NULL, produce, self);
    pthread_create(&readers, NULL, read_all, self);
    double before = thread_seconds();
    tow_server_run(self->server);
    self->loop_seconds = thread_seconds() - before;
    pthread_join(producer, NULL);
    pthread_join(readers, NULL);
    print(self);
    tow_server_free(self->server);
    tow_loop_free(self->loop);
    free(self);
    return 0;
}

static int number_at(int count, char **arguments, int place, int otherwise) {
    long number = place < count ? strtol(arguments[place], NULL, 10) : otherwise;
    return number > 0 && number <= CONNECTIONS_MAX ? (int)number : otherwise;
}

int main(int count, char **arguments) {
    static const char *const ways[] = {"task", "many", "each"};
    tow_io io = count > 1 && strcmp(arguments[1], "epoll") == 0 ? TOW_IO_EPOLL : TOW_IO_AUTO;
    int connections = number_at(count, arguments, 2, CONNECTIONS_MAX / 10);
    int rate = number_at(count, arguments, 3, 1000);
    int seconds = number_at(count, arguments, 4, 5);
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof(ways) / sizeof(ways[0]); i++)
        result = measure(ways[i], io, connections, rate, seconds);
    return result;
}
