#include "writer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <towline/error.h>
#include <unistd.h>

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

static void on_writable(tow_watch *watch, int ready) {
    tow_writer *writer = watch->user;
    int64_t done = write_now(writer, writer->waiting.data, writer->waiting.length);
    if (done < 0)
        fail(writer);
    else
        tow_buffer_consume(&writer->waiting, (size_t)done);
    if (writer->waiting.length == 0)
        watch_end(writer);
    writer->on_change(writer);
}

static int wait_with(tow_writer *writer, const uint8_t *bytes, size_t length) {
    int error = tow_buffer_append(&writer->waiting, bytes, length);
    if (error != 0 || writer->watching)
        return error;
    writer->watch = (tow_watch){.user = writer};
    error = tow_watch_start(&writer->watch, writer->loop, writer->fd, TOW_WRITABLE, on_writable);
    writer->watching = error == 0;
    return error;
}

int tow_writer_write(tow_writer *writer, const void *bytes, size_t length) {
    const uint8_t *from = bytes;
    int64_t done = 0;
    if (writer->error != 0)
        return writer->error;
    if (writer->waiting.length == 0)
        done = write_now(writer, from, length);
    if (done < 0) {
        fail(writer);
        return writer->error;
    }
    return (size_t)done == length ? 0 : wait_with(writer, from + done, length - (size_t)done);
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
    tow_buffer_clear(&writer->waiting);
}
