/* channel-load: readers of one channel, and one that says what all get. So many publications are under way:
 * the next is said when all have one of them. Prints the server's processor time for each delivery. Usage:
 *
 *     channel-load PORT PID CONNECTIONS UNDER_WAY SECONDS */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 20000, PAYLOAD = 64, FRAME = 2 + PAYLOAD, UNDER_WAY_MAX = 64, EVENTS = 1024 };

static const char request[] =
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

typedef struct reader {
    int fd;
    uint64_t bytes; /* behind the response's head */
} reader;

static reader readers[CONNECTIONS_MAX];
static int connections;
static int under_way;
static uint64_t said, finished;    /* publications */
static int missing[UNDER_WAY_MAX]; /* readers that have not got it yet, by its number */

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Of the server's process: all its threads together would be its tasks'; these servers have one. */
static int64_t processor_time(const char *pid) {
    char path[64];
    long long time = 0;
    snprintf(path, sizeof(path), "/proc/%s/schedstat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL || fscanf(file, "%lld", &time) != 1)
        fail(path);
    fclose(file);
    return time;
}

static void open_reader(reader *made, int port, int epoll) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    char answer[1024];
    size_t length = 0;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    made->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (made->fd < 0 || connect(made->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        fail("connect");
    setsockopt(made->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (write(made->fd, request, sizeof(request) - 1) < 0)
        fail("write");
    while (memmem(answer, length, "\r\n\r\n", 4) == NULL) {
        ssize_t more = read(made->fd, answer + length, sizeof(answer) - length);
        if (more <= 0)
            fail("read");
        length += (size_t)more;
    }
    if (memcmp(answer, "HTTP/1.1 101", 12) != 0)
        fail(answer);
    fcntl(made->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = made};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, made->fd, &event) != 0)
        fail("epoll_ctl");
}

/* All that may be under way leave in one write. */
static void say(void) {
    static uint8_t frames[UNDER_WAY_MAX * (6 + PAYLOAD)];
    size_t length = 0;
    for (; said - finished < (uint64_t)under_way; said++) {
        uint8_t *frame = frames + length;
        memset(frame, 0, 6 + PAYLOAD);
        frame[0] = 0x82;
        frame[1] = 0x80 | PAYLOAD;
        length += 6 + PAYLOAD;
        missing[said % UNDER_WAY_MAX] = connections;
    }
    if (length > 0 && write(readers[0].fd, frames, length) != (ssize_t)length)
        fail("write");
}

static void hear(reader *from) {
    static uint8_t bytes[256 * 1024];
    ssize_t length = read(from->fd, bytes, sizeof(bytes));
    if (length == 0 || (length < 0 && errno != EAGAIN))
        fail("read");
    if (length < 0)
        return;
    uint64_t before = from->bytes / FRAME;
    from->bytes += (uint64_t)length;
    for (uint64_t number = before; number < from->bytes / FRAME; number++)
        missing[number % UNDER_WAY_MAX]--;
    while (finished < said && missing[finished % UNDER_WAY_MAX] == 0)
        finished++;
}

static void run(int epoll, int64_t until) {
    struct epoll_event events[EVENTS];
    while (now() < until) {
        say();
        int count = epoll_wait(epoll, events, EVENTS, 1000);
        for (int i = 0; i < count; i++)
            hear(events[i].data.ptr);
    }
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: channel-load PORT PID CONNECTIONS UNDER_WAY SECONDS\n");
        return 2;
    }
    connections = atoi(argv[3]);
    under_way = atoi(argv[4]);
    if (connections < 1 || connections > CONNECTIONS_MAX || under_way < 1 || under_way > UNDER_WAY_MAX)
        return 2;
    int epoll = epoll_create1(0);
    for (int i = 0; i < connections; i++)
        open_reader(&readers[i], atoi(argv[1]), epoll);
    run(epoll, now() + 300000000); /* warm */
    uint64_t before = finished;
    int64_t time = processor_time(argv[2]);
    int64_t began = now();
    run(epoll, began + (int64_t)(atof(argv[5]) * 1e9));
    time = processor_time(argv[2]) - time;
    double deliveries = (double)(finished - before) * connections;
    printf("%.1f ns, %.0f deliveries/s\n", (double)time / deliveries,
        deliveries / ((double)(now() - began) / 1e9));
    return 0;
}
