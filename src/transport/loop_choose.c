#include "loop_shared.h"

#include <string.h>
#include <towline/error.h>

static int new_of_kind(tow_loop **loop, tow_io io) {
    if (io == TOW_IO_EPOLL)
        return tow_loop_new_epoll(loop);
    int error = tow_loop_new_uring(loop);
    return error != 0 && io == TOW_IO_AUTO ? tow_loop_new_epoll(loop) : error;
}

int tow_loop_new_sized(tow_loop **loop, const tow_loop_options *options, size_t options_size) {
    tow_loop_options known = {0};
    if (options != NULL)
        memcpy(&known, options, options_size < sizeof(known) ? options_size : sizeof(known));
    if (loop == NULL || known.io > TOW_IO_EPOLL)
        return TOW_ERROR_ARGUMENT;
    int error = new_of_kind(loop, known.io);
    if (error == 0)
        (*loop)->no_name_thread = known.no_name_thread;
    return error;
}
