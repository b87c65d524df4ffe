#include "loop_shared.h"
#include "transport/byte_stream.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* The kernel may hold a socket for the length of an accept that is being cancelled: until then it counts as
 * one that somebody listens on, whose file stays. */
#define FAREWELL (5 * TOW_MILLISECOND)

/* One for each address that the text stands for. */
typedef struct byte_site {
    tow_listener listener; /* first */
    tow_byte_listener *owner;
} byte_site;

struct tow_byte_listener {
    tow_loop *loop;
    tow_byte_on_accept on_accept;
    tow_byte_stream_options options;
    tow_address addresses[TOW_ADDRESSES_MAX];
    byte_site sites[TOW_ADDRESSES_MAX];
    int count;
    tow_timer farewell; /* the loop may still look at what stopped inside a callback */
};

/* Without memory for it the connection is given up. */
static void accepted(tow_listener *site, int fd) {
    tow_byte_listener *listener = ((byte_site *)(void *)site)->owner;
    tow_byte_stream *stream;
    if (tow_byte_stream_adopt(&stream, listener->loop, fd, &listener->options) != 0)
        tow_loop_discard(listener->loop, fd);
    else
        listener->on_accept(listener, stream);
}

static void stop_all(tow_byte_listener *listener) {
    for (int i = 0; i < listener->count; i++)
        tow_listener_stop(&listener->sites[i].listener);
}

static void remove_files(tow_byte_listener *listener) {
    for (int i = 0; i < listener->count; i++)
        tow_listen_remove(&listener->addresses[i]);
}

static int start_all(tow_byte_listener *listener) {
    int fds[TOW_ADDRESSES_MAX];
    int error = tow_listen_group_open(listener->loop, listener->addresses, fds, listener->count, NULL);
    for (int i = 0; error == 0 && i < listener->count; i++) {
        listener->sites[i].owner = listener;
        if (fds[i] < 0)
            continue;
        error = tow_listener_start(&listener->sites[i].listener, listener->loop, fds[i], accepted);
        if (error == 0)
            fds[i] = -1; /* the listener's */
    }
    if (error != 0) {
        stop_all(listener);
        remove_files(listener);
        tow_listen_group_close(listener->loop, listener->addresses, fds, listener->count);
    }
    return error;
}

int tow_byte_listener_new_sized(tow_byte_listener **listener, tow_loop *loop, const char *address,
    tow_byte_on_accept on_accept, const tow_byte_stream_options *options, size_t options_size) {
    if (listener == NULL || loop == NULL || address == NULL || on_accept == NULL)
        return TOW_ERROR_ARGUMENT;
    tow_byte_listener *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->loop = loop;
    made->on_accept = on_accept;
    if (options != NULL)
        memcpy(&made->options, options,
            options_size < sizeof(made->options) ? options_size : sizeof(made->options));
    made->count = tow_address_parse(address, made->addresses);
    int error = made->count < 0 ? made->count : tow_byte_stream_options_check(&made->options);
    if (error == 0)
        error = start_all(made);
    if (error != 0)
        free(made);
    else
        *listener = made;
    return error;
}

int tow_byte_listener_port(const tow_byte_listener *listener) {
    if (listener == NULL)
        return 0;
    for (int i = 0; i < listener->count; i++)
        if (tow_listener_is_started(&listener->sites[i].listener))
            return tow_address_is_unix(&listener->addresses[i]) ? 0
                                                                : tow_address_port(&listener->addresses[i]);
    return 0;
}

static void gone(tow_timer *timer) {
    tow_byte_listener *listener =
        (tow_byte_listener *)(void *)((char *)timer - offsetof(tow_byte_listener, farewell));
    remove_files(listener);
    free(listener);
}

void tow_byte_listener_free(tow_byte_listener *listener) {
    if (listener == NULL)
        return;
    stop_all(listener);
    if (listener->loop->stepping)
        tow_timer_set(listener->loop, &listener->farewell, listener->loop->now + FAREWELL, gone);
    else
        gone(&listener->farewell);
}
