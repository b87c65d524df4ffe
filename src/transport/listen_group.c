#include "transport/listener.h"

#include <stdbool.h>
#include <towline/error.h>

enum { PORT_TRIES = 8 };

/* A machine may have no IPv6, or no IPv4: one address of a text that stands for several is enough. */
static bool is_missing_family(int error) {
    return error == TOW_ERROR_ADDRESS || error == TOW_ERROR_UNSUPPORTED;
}

void tow_listen_group_close(tow_loop *loop, tow_address *addresses, int *fds, int count) {
    for (int i = 0; i < count; i++) {
        if (fds[i] >= 0) {
            tow_loop_discard(loop, fds[i]);
            tow_listen_remove(&addresses[i]);
        }
        fds[i] = -1;
    }
}

static void set_port(tow_address *address, uint16_t port) {
    if (!tow_address_is_unix(address))
        tow_address_set_port(address, port);
}

/* With port 0 the first address decides on the port for all. */
static int try_once(tow_loop *loop, tow_address *addresses, int *fds, int count, int *failed) {
    uint16_t port = tow_address_port(&addresses[0]);
    int missing = 0;
    bool any = false;
    for (int i = 0; i < count; i++) {
        *failed = i;
        set_port(&addresses[i], port);
        int fd = tow_listen_socket(loop, &addresses[i], NULL, &addresses[i]);
        if (fd < 0 && !(count > 1 && is_missing_family(fd)))
            return fd;
        if (fd < 0) {
            missing = fd;
            continue;
        }
        any = true;
        fds[i] = fd;
        port = tow_address_port(&addresses[i]);
    }
    return any ? 0 : missing;
}

/* The kernel's choice of a port is free on the first address only: another choice when it is not on the next.
 */
int tow_listen_group_open(tow_loop *loop, tow_address *addresses, int *fds, int count, int *failed) {
    bool any_port = !tow_address_is_unix(&addresses[0]) && tow_address_port(&addresses[0]) == 0;
    int error = TOW_ERROR_ADDRESS_IN_USE;
    int tried = 0;
    for (int i = 0; i < count; i++)
        fds[i] = -1;
    for (int i = 0; error == TOW_ERROR_ADDRESS_IN_USE && i < (any_port ? PORT_TRIES : 1); i++) {
        if (any_port)
            set_port(&addresses[0], 0);
        error = try_once(loop, addresses, fds, count, &tried);
        if (error != 0)
            tow_listen_group_close(loop, addresses, fds, count);
    }
    if (error != 0 && failed != NULL)
        *failed = tried;
    return error;
}
