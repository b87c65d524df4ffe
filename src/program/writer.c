#include "writer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <towline/error.h>
#include <unistd.h>

enum { GATHERED_MAX = 64 * 1024 };

static bool takes_at_once(int fd) {
    struct stat status;
    return fstat(fd, &status) != 0 || !(S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

void tow_writer_init(
    tow_writer *writer, tow_loop *loop, int fd, void (*on_change)(tow_writer *), void *user) {
    *writer = (tow_writer){
        .loop = loop, .fd = fd, .direct = takes_at_once(fd), .on_change = on_change, .user = user};
}

/* Writes without waiting, though the descriptor may be shared with others and so must stay a blocking one. A
 * pipe that poll calls writable has room for PIPE_BUF bytes. */
static ssize_t write_some(int fd, const void *bytes, size_t length) {
    ssize_t sent = send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0 || errno != ENOTSOCK)
        return sent;
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    if (poll(&room, 1, 0) <= 0) {
        errno = EAGAIN;
        return -1;
    }
    return write(fd, bytes, length < PIPE_BUF ? length : PIPE_BUF);
}

/* Writes as much as is taken now; returns how much, or SYSTEM. */
static int64_t write_now(const tow_writer *writer, const uint8_t *bytes, size_t length) {
    size_t done = 0;
    while (done < length) {
        ssize_t count = writer->direct ? write(writer->fd, bytes + done, length - done)
                                       : write_some(writer->fd, bytes + done, length - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN && !writer->direct)
            break;
        if (count <= 0)
            return TOW_ERROR_SYSTEM;
        done += (size_t)count;
    }
    return (int64_t)done;
}

static void watch_end(tow_writer *writer) {
    if (writer->watching)
        tow_watch_stop(&writer->watch);
    writer->watching = false;
}

static void fail(tow_writer *writer) {
    writer->error = TOW_ERROR_SYSTEM;
    writer->reason = errno;
    tow_writer_clear(writer);
}

static void write_waiting(tow_writer *writer) {
    int64_t done = write_now(writer, writer->waiting.data, writer->waiting.length);
    if (done < 0)
        fail(writer);
    else
        tow_buffer_consume(&writer->waiting, (size_t)done);
    if (writer->waiting.length == 0)
        watch_end(writer);
}

static void on_writable(tow_watch *watch, int ready) {
    tow_writer *writer = watch->user;
    write_waiting(writer);
    writer->on_change(writer);
}

/* For what the descriptor does not take now. */
static int watch_begin(tow_writer *writer) {
    if (writer->watching || writer->waiting.length == 0)
        return 0;
    writer->watch = (tow_watch){.user = writer};
    int error = tow_watch_start(&writer->watch, writer->loop, writer->fd, TOW_WRITABLE, on_writable);
    writer->watching = error == 0;
    return error;
}

/* Without memory for the watch, it is tried again with the next that is written. */
void tow_writer_push(tow_writer *writer) {
    if (writer->waiting.length == 0 || writer->watching)
        return;
    write_waiting(writer);
    (void)watch_begin(writer);
}

static void on_round(tow_timer *timer) {
    tow_writer *writer = (tow_writer *)(void *)((char *)timer - offsetof(tow_writer, round));
    if (writer->waiting.length == 0 || writer->watching)
        return;
    tow_writer_push(writer);
    writer->on_change(writer);
}

/* What comes in the same round waits for its end, unless it is much. */
static int gather(tow_writer *writer, const uint8_t *bytes, size_t length) {
    int error = tow_buffer_append(&writer->waiting, bytes, length);
    if (error == 0 && writer->waiting.length >= GATHERED_MAX)
        tow_writer_push(writer);
    return error != 0 ? error : writer->error;
}

int tow_writer_write(tow_writer *writer, const void *bytes, size_t length) {
    const uint8_t *from = bytes;
    if (writer->error != 0)
        return writer->error;
    if (writer->waiting.length > 0 || tow_timer_is_set(&writer->round))
        return gather(writer, from, length);
    int64_t done = write_now(writer, from, length);
    if (done < 0) {
        fail(writer);
        return writer->error;
    }
    tow_timer_set(writer->loop, &writer->round, 0, on_round);
    int error = tow_buffer_append(&writer->waiting, from + done, length - (size_t)done);
    return error != 0 ? error : watch_begin(writer);
}

int tow_writer_finish(tow_writer *writer) {
    while (writer->waiting.length > 0) {
        struct pollfd room = {.fd = writer->fd, .events = POLLOUT};
        int64_t done = poll(&room, 1, -1) < 0 && errno != EINTR
                           ? TOW_ERROR_SYSTEM
                           : write_now(writer, writer->waiting.data, writer->waiting.length);
        if (done < 0)
            fail(writer);
        else
            tow_buffer_consume(&writer->waiting, (size_t)done);
    }
    tow_writer_clear(writer);
    return writer->error;
}

void tow_writer_clear(tow_writer *writer) {
    watch_end(writer);
    tow_timer_cancel(writer->loop, &writer->round);
    tow_buffer_clear(&writer->waiting);
}
