#include "faults.h"

#include <errno.h>
#include <liburing.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static atomic_uint chances[FAULTS];
static _Atomic uint64_t counts[FAULTS];
static _Thread_local bool is_on;
static _Thread_local uint64_t state;

void faults_set(fault kind, unsigned chance) {
    atomic_store(&chances[kind], chance);
}

void faults_clear(void) {
    for (int kind = 0; kind < FAULTS; kind++) {
        atomic_store(&chances[kind], 0);
        atomic_store(&counts[kind], 0);
    }
}

bool faults_on(bool on) {
    bool before = is_on;
    is_on = on;
    return before;
}

void faults_seed(uint64_t seed) {
    state = seed;
}

uint64_t faults_count(fault kind) {
    return atomic_load(&counts[kind]);
}

static unsigned dice(unsigned sides) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(state >> 33) % sides;
}

static bool happens(fault kind) {
    unsigned chance = is_on ? atomic_load_explicit(&chances[kind], memory_order_relaxed) : 0;
    if (chance == 0 || dice(1000) >= chance)
        return false;
    atomic_fetch_add_explicit(&counts[kind], 1, memory_order_relaxed);
    return true;
}

/* From 1 to less than `length`. */
static size_t part_of(size_t length) {
    return 1 + dice((unsigned)length - 1);
}

#define ONE_OF(...) ((const int[]){__VA_ARGS__}[dice(sizeof((const int[]){__VA_ARGS__}) / sizeof(int))])

/* Memory */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__real_strndup(const char *text, size_t length);
char *__wrap_strndup(const char *text, size_t length);

void *__wrap_malloc(size_t size) {
    return happens(FAULT_MEMORY) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    return happens(FAULT_MEMORY) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size) {
    return happens(FAULT_MEMORY) ? NULL : __real_realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    return happens(FAULT_MEMORY) ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text) {
    return happens(FAULT_MEMORY) ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t length) {
    return happens(FAULT_MEMORY) ? NULL : __real_strndup(text, length);
}

/* Calls */

ssize_t __real_send(int fd, const void *bytes, size_t length, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __real_recv(int fd, void *bytes, size_t length, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t length, int flags);
int __real_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
int __real_epoll_wait(int epoll, struct epoll_event *events, int count, int timeout);
int __wrap_epoll_wait(int epoll, struct epoll_event *events, int count, int timeout);
int __real_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);

static int fails(int number) {
    errno = number;
    return -1;
}

ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags) {
    if (happens(FAULT_SEND_NONE))
        return fails(ONE_OF(EAGAIN, EINTR));
    return __real_send(fd, bytes, length > 1 && happens(FAULT_SEND_SHORT) ? part_of(length) : length, flags);
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags) {
    if (happens(FAULT_SEND_NONE))
        return fails(ONE_OF(EAGAIN, EINTR));
    struct msghdr less = *message;
    if (less.msg_iovlen > 1 && happens(FAULT_SEND_SHORT))
        less.msg_iovlen = part_of(less.msg_iovlen);
    return __real_sendmsg(fd, &less, flags);
}

ssize_t __wrap_recv(int fd, void *bytes, size_t length, int flags) {
    if (happens(FAULT_RECEIVE_NONE))
        return fails(ONE_OF(EAGAIN, EINTR));
    return __real_recv(fd, bytes,
        length > 1 && happens(FAULT_RECEIVE_SHORT) ? part_of(length < 3000 ? length : 3000) : length, flags);
}

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
    if (happens(FAULT_ACCEPT))
        return fails(ONE_OF(EMFILE, ENFILE, ENOMEM, ENOBUFS, ECONNABORTED, EINTR));
    return __real_accept4(fd, address, length, flags);
}

int __wrap_socket(int domain, int type, int protocol) {
    return happens(FAULT_SOCKET) ? fails(EMFILE) : __real_socket(domain, type, protocol);
}

int __wrap_epoll_wait(int epoll, struct epoll_event *events, int count, int timeout) {
    return happens(FAULT_WAIT) ? fails(EINTR) : __real_epoll_wait(epoll, events, count, timeout);
}

int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
    bool asks = operation != EPOLL_CTL_DEL;
    return asks && happens(FAULT_CONTROL) ? fails(ENOMEM) : __real_epoll_ctl(epoll, operation, fd, event);
}

/* io_uring */

int __real_io_uring_submit(struct io_uring *ring);
int __wrap_io_uring_submit(struct io_uring *ring);
int __real_io_uring_submit_and_wait(struct io_uring *ring, unsigned count);
int __wrap_io_uring_submit_and_wait(struct io_uring *ring, unsigned count);
int __real_io_uring_submit_and_get_events(struct io_uring *ring);
int __wrap_io_uring_submit_and_get_events(struct io_uring *ring);
int __real_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **completion,
    unsigned count, struct __kernel_timespec *timeout, sigset_t *signals);
int __wrap_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **completion,
    unsigned count, struct __kernel_timespec *timeout, sigset_t *signals);

static void spoil_send(struct io_uring_sqe *entry) {
    struct msghdr *message;
    memcpy(&message, &entry->addr, sizeof(message));
    if (entry->opcode == IORING_OP_SEND && entry->len > 1 && happens(FAULT_SEND_SHORT))
        entry->len = (uint32_t)part_of(entry->len);
    else if (entry->opcode == IORING_OP_SENDMSG && message->msg_iovlen > 1 && happens(FAULT_SEND_SHORT))
        message->msg_iovlen = part_of(message->msg_iovlen);
}

static void spoil_entries(struct io_uring *ring) {
    struct io_uring_sq *queue = &ring->sq;
    for (unsigned i = queue->sqe_head; i != queue->sqe_tail; i++) {
        struct io_uring_sqe *entry = &queue->sqes[i & queue->ring_mask];
        if (entry->opcode == IORING_OP_ASYNC_CANCEL && happens(FAULT_CANCEL))
            entry->cancel_flags = UINT32_MAX; /* which the kernel refuses */
        else
            spoil_send(entry);
    }
}

/* As the kernel counts them. */
static void lose_completions(struct io_uring *ring) {
    unsigned head;
    struct io_uring_cqe *completion;
    io_uring_for_each_cqe(ring, head, completion) {
        bool last = completion->user_data != 0 && !(completion->flags & IORING_CQE_F_MORE);
        if (!last || !happens(FAULT_LOST))
            continue;
        completion->user_data = 0;
        ++*ring->cq.koverflow;
    }
}

/* The kernel sees the first of the entries only. */
static int submit_part(struct io_uring *ring) {
    unsigned kept = io_uring_sq_ready(ring);
    kept = kept < 2 ? 0 : (unsigned)part_of(kept);
    ring->sq.sqe_tail -= kept;
    int result = __real_io_uring_submit(ring);
    ring->sq.sqe_tail += kept;
    return result;
}

/* Whether the call went wrong, with the result. */
static bool goes_wrong(struct io_uring *ring, int *result) {
    if (happens(FAULT_SUBMIT_NONE)) {
        *result = -EAGAIN;
        return true;
    }
    spoil_entries(ring);
    if (happens(FAULT_SUBMIT_PART)) {
        *result = submit_part(ring);
        return true;
    }
    if (!happens(FAULT_ENTER))
        return false;
    (void)__real_io_uring_submit_and_get_events(ring);
    *result = ONE_OF(-EINTR, -EBUSY, -ENOMEM, -EBADR);
    return true;
}

static int done(struct io_uring *ring, int result) {
    lose_completions(ring);
    return result;
}

int __wrap_io_uring_submit(struct io_uring *ring) {
    int result;
    return done(ring, goes_wrong(ring, &result) ? result : __real_io_uring_submit(ring));
}

int __wrap_io_uring_submit_and_wait(struct io_uring *ring, unsigned count) {
    int result;
    return done(ring, goes_wrong(ring, &result) ? result : __real_io_uring_submit_and_wait(ring, count));
}

int __wrap_io_uring_submit_and_get_events(struct io_uring *ring) {
    int result;
    return done(ring, goes_wrong(ring, &result) ? result : __real_io_uring_submit_and_get_events(ring));
}

int __wrap_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **completion,
    unsigned count, struct __kernel_timespec *timeout, sigset_t *signals) {
    int result;
    if (!goes_wrong(ring, &result))
        result = __real_io_uring_submit_and_wait_timeout(ring, completion, count, timeout, signals);
    return done(ring, result);
}
