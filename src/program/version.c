#include "version.h"

#include <stdbool.h>
#include <string.h>
#include <towline/loop.h>
#include <towline/version.h>

/* Whether the kernel lets this process have this kind of loop. */
static bool io_works(tow_io io) {
    tow_loop *loop;
    if (tow_loop_new(&loop, &(tow_loop_options){.io = io}) != 0)
        return false;
    tow_loop_free(loop);
    return true;
}

int tow_version_write(tow_buffer *out) {
    return tow_buffer_append_format(out,
        "towline %s\nio: %s\nlibraries: %s\nnot in this build: " TOW_LACKING "\n", tow_version(),
        io_works(TOW_IO_URING) ? "io_uring, epoll" : "epoll (the kernel refuses io_uring)", TOW_LIBRARIES);
}
