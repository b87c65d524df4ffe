/* channel-load: readers of one channel, and one that says what all get. So many publications are under way:
 * the next is said when all have one of them. Prints the server's processor time for each delivery. Usage:
 *
 *     channel-load PORT PID CONNECTIONS UNDER_WAY SECONDS [PROTOCOL]
 *
 * Without a protocol the server is one of those that bench/channels compares, where the first reader says
 * it; with one (plain, pusher, socketio, polling) it is `towline serve`, and a connection of its own says it.
 * With 0 seconds prints the memory of a subscription instead: what the server's grows by when all subscribe.
 */
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

enum { CONNECTIONS_MAX = 20000, PAYLOAD = 64, UNDER_WAY_MAX = 64, EVENTS = 1024 };

/* How a reader comes to the channel "c". */
typedef struct protocol {
    const char *name;
    const char *target;
    const char *asks; /* NULL: the target says it all */
    bool greets;      /* the server's first frame is not of the channel */
    bool polls;       /* by HTTP */
} protocol;

static const protocol none = {.target = "/"};
static const protocol protocols[] = {{.name = "plain", .target = "/channel/c"},
    {.name = "pusher",
        .target = "/app/key?protocol=7",
        .asks = "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\"}}",
        .greets = true},
    {.name = "socketio", .target = "/socket.io/?EIO=4&transport=websocket", .asks = "40", .greets = true},
    {.name = "polling", .target = "/channel/c/engine.io/?EIO=4&transport=polling", .polls = true}};

enum { ANSWER_MAX = 8192 };

/* Engine.IO by polling: what is asked again and again, and what has come of the answer. */
typedef struct polling {
    char request[256];
    char answer[ANSWER_MAX + 1];
    size_t length;
} polling;

typedef struct reader {
    int fd;
    uint64_t bytes; /* behind the response's head, or of bodies */
    polling *polling;
} reader;

static reader readers[CONNECTIONS_MAX];
static int connections;
static int under_way;
static int speaker;                /* what says it */
static uint64_t frame;             /* bytes of what a reader gets of one publication */
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

/* The numbers at the beginning of a file of the server's process. */
static long long process_number(const char *pid, const char *file, int index) {
    char path[64], line[256];
    snprintf(path, sizeof(path), "/proc/%s/%s", pid, file);
    FILE *opened = fopen(path, "r");
    if (opened == NULL || fgets(line, sizeof(line), opened) == NULL)
        fail(path);
    fclose(opened);
    char *at = line;
    long long number = strtoll(at, &at, 10);
    for (int i = 0; i < index; i++)
        number = strtoll(at, &at, 10);
    return number;
}

/* In nanoseconds: all its threads together would be its tasks'; these servers have one. */
static int64_t processor_time(const char *pid) {
    return process_number(pid, "schedstat", 0);
}

static int64_t resident_memory(const char *pid) {
    return process_number(pid, "statm", 1) * sysconf(_SC_PAGESIZE);
}

/* Opening. */

static void read_exactly(int fd, void *out, size_t length) {
    if (recv(fd, out, length, MSG_WAITALL) != (ssize_t)length)
        fail("read");
}

/* Nothing that is behind the head. */
static void read_head(int fd) {
    char head[1024] = "";
    size_t length = 0;
    while (length < 4 || memcmp(head + length - 4, "\r\n\r\n", 4) != 0) {
        if (length == sizeof(head))
            fail("the head is too long");
        read_exactly(fd, head + length++, 1);
    }
    if (memcmp(head, "HTTP/1.1 101", 12) != 0) {
        fprintf(stderr, "%.*s", (int)length, head);
        exit(1);
    }
}

static int connect_to(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}

static int open_socket(int port, const char *target) {
    char request[512];
    int fd = connect_to(port);
    int length = snprintf(request, sizeof(request),
        "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        target);
    if (write(fd, request, (size_t)length) != length)
        fail("write");
    read_head(fd);
    return fd;
}

static void skip_frame(int fd) {
    uint8_t head[2], more[2], payload[65536];
    read_exactly(fd, head, 2);
    size_t length = head[1];
    if (length == 126) {
        read_exactly(fd, more, 2);
        length = (size_t)more[0] << 8 | more[1];
    }
    read_exactly(fd, payload, length);
}

/* Polls. */

static void ask_again(const reader *asking) {
    size_t length = strlen(asking->polling->request);
    if (write(asking->fd, asking->polling->request, length) != (ssize_t)length)
        fail("write");
}

/* Bytes of the body of an answer that is whole, with one more for the separator that is not behind the last
 * packet; 0: it is not. */
static size_t take_answer(polling *from) {
    from->answer[from->length] = '\0';
    const char *body = strstr(from->answer, "\r\n\r\n");
    const char *field = strstr(from->answer, "Content-Length: ");
    if (body == NULL || field == NULL)
        return 0;
    size_t length = strtoul(field + strlen("Content-Length: "), NULL, 10);
    if (from->length < (size_t)(body + 4 - from->answer) + length)
        return 0;
    from->length = 0;
    return length + 1;
}

static void receive_answer(reader *from) {
    polling *into = from->polling;
    ssize_t length = read(from->fd, into->answer + into->length, ANSWER_MAX - into->length);
    if (length == 0 || (length < 0 && errno != EAGAIN))
        fail("read");
    if (length > 0)
        into->length += (size_t)length;
}

static void open_polling(reader *made, int port, const protocol *by) {
    polling *opened = made->polling = calloc(1, sizeof(*opened));
    if (opened == NULL)
        fail("calloc");
    made->fd = connect_to(port);
    snprintf(
        opened->request, sizeof(opened->request), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", by->target);
    ask_again(made);
    while (take_answer(opened) == 0)
        receive_answer(made);
    char *sid = strstr(opened->answer, "\"sid\":\"");
    if (sid == NULL)
        fail(opened->answer);
    sid += strlen("\"sid\":\"");
    snprintf(opened->request, sizeof(opened->request), "GET %s&sid=%.*s HTTP/1.1\r\nHost: localhost\r\n\r\n",
        by->target, (int)strcspn(sid, "\""), sid);
    ask_again(made);
}

static void open_reader(reader *made, int port, const protocol *by) {
    if (by->polls) {
        open_polling(made, port, by);
        return;
    }
    made->fd = open_socket(port, by->target);
    if (by->greets)
        skip_frame(made->fd);
}

/* With a mask of zeros. */
static void ask(reader *asking, const char *text) {
    size_t length = strlen(text);
    const uint8_t head[6] = {0x81, (uint8_t)(0x80 | length)};
    if (write(asking->fd, head, sizeof(head)) != sizeof(head) ||
        write(asking->fd, text, length) != (ssize_t)length)
        fail("write");
    skip_frame(asking->fd);
}

static void listen_to(reader *listening, int epoll) {
    fcntl(listening->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = listening};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, listening->fd, &event) != 0)
        fail("epoll_ctl");
}

/* All that may be under way leave in one write. */
static void say(void) {
    static uint8_t frames[UNDER_WAY_MAX * (6 + PAYLOAD)];
    size_t length = 0;
    for (; said - finished < (uint64_t)under_way; said++) {
        uint8_t *next = frames + length;
        memset(next, 0, 6); /* of which four are the mask */
        memset(next + 6, 'x', PAYLOAD);
        next[0] = 0x81;
        next[1] = 0x80 | PAYLOAD;
        length += 6 + PAYLOAD;
        missing[said % UNDER_WAY_MAX] = connections;
    }
    if (length > 0 && write(speaker, frames, length) != (ssize_t)length)
        fail("write");
}

static size_t hear_frames(const reader *from) {
    static uint8_t bytes[256 * 1024];
    ssize_t length = read(from->fd, bytes, sizeof(bytes));
    if (length == 0 || (length < 0 && errno != EAGAIN))
        fail("read");
    return length < 0 ? 0 : (size_t)length;
}

static size_t hear_answer(reader *from) {
    receive_answer(from);
    size_t length = take_answer(from->polling);
    if (length > 0)
        ask_again(from);
    return length;
}

static void hear(reader *from) {
    uint64_t before = from->bytes / frame;
    from->bytes += from->polling != NULL ? hear_answer(from) : hear_frames(from);
    for (uint64_t number = before; number < from->bytes / frame; number++)
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

/* What one publication is for a reader: it comes whole, as it is small. */
static uint64_t measure_frame(void) {
    uint8_t bytes[4096];
    int more = under_way;
    under_way = 1;
    say();
    under_way = more;
    ssize_t length = recv(readers[0].fd, bytes, sizeof(bytes), 0);
    if (length <= 0)
        fail("read");
    readers[0].bytes = (uint64_t)length;
    for (int i = 1; i < connections; i++) {
        read_exactly(readers[i].fd, bytes, (size_t)length);
        readers[i].bytes = (uint64_t)length;
    }
    finished = said;
    return (uint64_t)length;
}

static const protocol *find_protocol(const char *name) {
    for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
        if (strcmp(protocols[i].name, name) == 0)
            return &protocols[i];
    fprintf(stderr, "channel-load: no protocol %s\n", name);
    exit(2);
}

static void measure(const char *pid, double seconds) {
    int epoll = epoll_create1(0);
    for (int i = 0; i < connections; i++)
        listen_to(&readers[i], epoll);
    run(epoll, now() + 300000000); /* warm */
    uint64_t before = finished;
    int64_t time = processor_time(pid);
    int64_t began = now();
    run(epoll, began + (int64_t)(seconds * 1e9));
    time = processor_time(pid) - time;
    double deliveries = (double)(finished - before) * connections;
    printf("%.1f ns, %.0f deliveries/s\n", (double)time / deliveries,
        deliveries / ((double)(now() - began) / 1e9));
}

int main(int argc, char **argv) {
    if (argc != 6 && argc != 7) {
        fprintf(stderr, "usage: channel-load PORT PID CONNECTIONS UNDER_WAY SECONDS [PROTOCOL]\n");
        return 2;
    }
    const protocol *by = argc == 7 ? find_protocol(argv[6]) : &none;
    int port = (int)strtol(argv[1], NULL, 10);
    connections = (int)strtol(argv[3], NULL, 10);
    under_way = (int)strtol(argv[4], NULL, 10);
    double seconds = strtod(argv[5], NULL);
    if (connections < 1 || connections > CONNECTIONS_MAX || under_way < 1 || under_way > UNDER_WAY_MAX)
        return 2;
    for (int i = 0; i < connections; i++)
        open_reader(&readers[i], port, by);
    int64_t memory = resident_memory(argv[2]);
    for (int i = 0; by->asks != NULL && i < connections; i++)
        ask(&readers[i], by->asks);
    memory = resident_memory(argv[2]) - memory;
    speaker = by == &none ? readers[0].fd : open_socket(port, "/channel/c?echo=false");
    frame = by->polls ? 1 + PAYLOAD + 1 : measure_frame();
    if (seconds > 0)
        measure(argv[2], seconds);
    else
        printf("%.1f bytes\n", (double)memory / connections);
    return 0;
}
