#include "loop_shared.h"
#include "transport/byte_stream.h"
#include "transport/inherited.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* The kernel may hold a socket for the length of an accept that is being cancelled: until then it counts as
 * one that somebody listens on, whose file stays. */
#define FAREWELL (5 * TOW_MILLISECOND)

/* One for each address, or socket of somebody else's, that the text stands for. */
typedef struct byte_site {
    tow_listener listener; /* first */
    tow_byte_listener *owner;
    tow_address address;
    int fd; /* until the listener has it; -1: none */
} byte_site;

struct tow_byte_listener {
    tow_loop *loop;
    tow_byte_on_accept on_accept;
    tow_byte_stream_options options;
    bool inherited;
    tow_timer farewell; /* the loop may still look at what stopped inside a callback */
    int count;
    byte_site sites[];
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

/* Those of others stay. */
static void remove_files(tow_byte_listener *listener) {
    for (int i = 0; !listener->inherited && i < listener->count; i++)
        tow_listen_remove(&listener->sites[i].address);
}

static int open_own(tow_byte_listener *listener, tow_address *addresses) {
    int fds[TOW_ADDRESSES_MAX];
    int error = tow_listen_group_open(listener->loop, addresses, fds, listener->count, NULL);
    for (int i = 0; error == 0 && i < listener->count; i++) {
        listener->sites[i].address = addresses[i];
        listener->sites[i].fd = fds[i];
    }
    return error;
}

static int open_inherited(tow_byte_listener *listener, const char *text) {
    int error = 0;
    for (int i = 0; error == 0 && i < listener->count; i++) {
        tow_complaint complaint;
        byte_site *site = &listener->sites[i];
        site->fd = tow_inherited_open(listener->loop, text, i, &site->address, &complaint);
        error = site->fd < 0 ? site->fd : 0;
    }
    return error;
}

static int start_all(tow_byte_listener *listener) {
    int error = 0;
    for (int i = 0; error == 0 && i < listener->count; i++) {
        byte_site *site = &listener->sites[i];
        if (site->fd < 0)
            continue;
        error = tow_listener_start(&site->listener, listener->loop, site->fd, accepted);
        if (error == 0)
            site->fd = -1;
    }
    return error;
}

static void give_up(tow_byte_listener *listener) {
    stop_all(listener);
    for (int i = 0; i < listener->count; i++) {
        if (listener->sites[i].fd >= 0)
            tow_loop_discard(listener->loop, listener->sites[i].fd);
    }
    remove_files(listener);
}

/* `count` sites that are still to be opened. NULL without memory. */
static tow_byte_listener *listener_new(tow_loop *loop, int count) {
    tow_byte_listener *made = calloc(1, sizeof(*made) + (size_t)count * sizeof(made->sites[0]));
    if (made == NULL)
        return NULL;
    made->loop = loop;
    made->count = count;
    for (int i = 0; i < count; i++) {
        made->sites[i].owner = made;
        made->sites[i].fd = -1;
    }
    return made;
}

int tow_byte_listener_new_sized(tow_byte_listener **listener, tow_loop *loop, const char *address,
    tow_byte_on_accept on_accept, const tow_byte_stream_options *options, size_t options_size) {
    if (listener == NULL || loop == NULL || address == NULL || on_accept == NULL)
        return TOW_ERROR_ARGUMENT;
    tow_address addresses[TOW_ADDRESSES_MAX];
    tow_complaint complaint;
    bool inherited = tow_is_inherited(address);
    int count = inherited ? tow_inherited_count(address, &complaint) : tow_address_parse(address, addresses);
    if (count < 0)
        return count;
    tow_byte_listener *made = listener_new(loop, count);
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->inherited = inherited;
    made->on_accept = on_accept;
    if (options != NULL)
        memcpy(&made->options, options,
            options_size < sizeof(made->options) ? options_size : sizeof(made->options));
    int error = tow_byte_stream_options_check(&made->options);
    if (error != 0) {
        free(made);
        return error;
    }
    error = inherited ? open_inherited(made, address) : open_own(made, addresses);
    if (error == 0)
        error = start_all(made);
    if (error == 0) {
        *listener = made;
        return 0;
    }
    give_up(made);
    free(made);
    return error;
}

int tow_byte_listener_port(const tow_byte_listener *listener) {
    if (listener == NULL)
        return 0;
    for (int i = 0; i < listener->count; i++)
        if (tow_listener_is_started(&listener->sites[i].listener))
            return tow_address_is_unix(&listener->sites[i].address)
                       ? 0
                       : tow_address_port(&listener->sites[i].address);
    return 0;
}

bool tow_byte_listener_text(const tow_byte_listener *listener, int place, char out[TOW_ADDRESS_TEXT_MAX]) {
    if (place >= listener->count)
        return false;
    tow_address_text(&listener->sites[place].address, out);
    return true;
}

static void gone(tow_timer *timer) {
    tow_byte_listener *listener =
        (tow_byte_listener *)(void *)((char *)timer - offsetof(tow_byte_listener, farewell));
    tow_loop_paid(listener->loop);
    remove_files(listener);
    free(listener);
}

void tow_byte_listener_free(tow_byte_listener *listener) {
    if (listener == NULL)
        return;
    tow_loop *loop = listener->loop;
    stop_all(listener);
    bool is_looked_at =
        loop->stepping || loop->closing > 0; /* accepts that are being cancelled are owed, too */
    tow_loop_owe(loop);
    if (is_looked_at)
        tow_timer_set(loop, &listener->farewell, tow_loop_now(loop) + FAREWELL, gone);
    else
        gone(&listener->farewell);
}
