#include "loop_shared.h"
#include "system_error.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <towline/error.h>
#include <unistd.h>

/* Files and folders are always ready, which epoll refuses and io_uring would report for ever. */
static bool is_always_ready(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

int tow_watch_start(
    tow_watch *watch, tow_loop *loop, int fd, int wanted, void (*callback)(tow_watch *watch, int ready)) {
    if (is_always_ready(fd))
        return TOW_ERROR_UNSUPPORTED;
    watch->loop = loop;
    watch->callback = callback;
    watch->fd = fd;
    watch->wanted = (uint8_t)wanted;
    int error = loop->kind->watch_start(watch);
    if (error != 0)
        return error;
    watch->started = true;
    loop->open += !watch->unreferenced;
    if (!loop->stepping)
        tow_loop_touch(loop);
    return 0;
}

void tow_watch_stop(tow_watch *watch) {
    if (!watch->started)
        return;
    watch->started = false;
    watch->loop->open -= !watch->unreferenced;
    watch->loop->kind->watch_stop(watch);
    if (!watch->loop->stepping)
        tow_loop_touch(watch->loop);
}

static void signal_is_there(tow_watch *watch, int ready) {
    (void)ready;
    tow_signals *signals = (tow_signals *)((char *)watch - offsetof(tow_signals, watch));
    struct signalfd_siginfo information;
    if (read(watch->fd, &information, sizeof(information)) == sizeof(information))
        signals->callback(signals, (int)information.ssi_signo);
}

int tow_signals_start(
    tow_signals *signals, tow_loop *loop, const sigset_t *set, void (*callback)(tow_signals *, int)) {
    if (pthread_sigmask(SIG_BLOCK, set, NULL) != 0)
        return TOW_ERROR_SYSTEM;
    int fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return tow_system_error(errno);
    signals->callback = callback;
    signals->watch = (tow_watch){.unreferenced = true};
    int error = tow_watch_start(&signals->watch, loop, fd, TOW_READABLE, signal_is_there);
    if (error != 0)
        close(fd);
    return error;
}

void tow_signals_stop(tow_signals *signals) {
    if (!signals->watch.started)
        return;
    tow_watch_stop(&signals->watch);
    close(signals->watch.fd);
}
