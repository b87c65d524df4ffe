#include "output.h"

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

void tow_output_init(
    tow_output *output, tow_loop *loop, int fd, void (*on_change)(tow_output *), void *user) {
    *output = (tow_output){
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
static int64_t write_now(const tow_output *output, const uint8_t *bytes, size_t length) {
    size_t done = 0;
    while (done < length) {
        ssize_t count = output->direct ? write(output->fd, bytes + done, length - done)
                                       : write_some(output->fd, bytes + done, length - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN && !output->direct)
            break;
        if (count <= 0)
            return TOW_ERROR_SYSTEM;
        done += (size_t)count;
    }
    return (int64_t)done;
}

static void watch_end(tow_output *output) {
    if (output->watching)
        tow_watch_stop(&output->watch);
    output->watching = false;
}

static void fail(tow_output *output) {
    output->error = TOW_ERROR_SYSTEM;
    output->reason = errno;
    tow_output_clear(output);
}

static void on_writable(tow_watch *watch, int ready) {
    tow_output *output = watch->user;
    int64_t done = write_now(output, output->waiting.data, output->waiting.length);
    if (done < 0)
        fail(output);
    else
        tow_buffer_consume(&output->waiting, (size_t)done);
    if (output->waiting.length == 0)
        watch_end(output);
    output->on_change(output);
}

static int wait_with(tow_output *output, const uint8_t *bytes, size_t length) {
    int error = tow_buffer_append(&output->waiting, bytes, length);
    if (error != 0 || output->watching)
        return error;
    output->watch = (tow_watch){.user = output};
    error = tow_watch_start(&output->watch, output->loop, output->fd, TOW_WRITABLE, on_writable);
    output->watching = error == 0;
    return error;
}

int tow_output_write(tow_output *output, const void *bytes, size_t length) {
    const uint8_t *from = bytes;
    int64_t done = 0;
    if (output->error != 0)
        return output->error;
    if (output->waiting.length == 0)
        done = write_now(output, from, length);
    if (done < 0) {
        fail(output);
        return output->error;
    }
    return (size_t)done == length ? 0 : wait_with(output, from + done, length - (size_t)done);
}

void tow_output_finish(tow_output *output) {
    while (output->waiting.length > 0) {
        struct pollfd room = {.fd = output->fd, .events = POLLOUT};
        if (poll(&room, 1, -1) < 0 && errno != EINTR)
            break;
        int64_t done = write_now(output, output->waiting.data, output->waiting.length);
        if (done < 0)
            break;
        tow_buffer_consume(&output->waiting, (size_t)done);
    }
    tow_output_clear(output);
}

void tow_output_clear(tow_output *output) {
    watch_end(output);
    tow_buffer_clear(&output->waiting);
}
