/* A byte stream that reaches its peer by name: a connector carries it until there is a descriptor that does.
 */
#include "base/text.h"
#include "connect/connector.h"
#include "transport/byte_stream.h"
#include "transport/listener.h"
#include "transport/loop.h"
#include "transport/timer.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { CONNECT_SECONDS = 30, PLACE_MAX = 300, TEXT_MAX = PLACE_MAX + 100 };

typedef struct connecting {
    tow_byte_stream *handle;
    tow_loop *loop;
    tow_connector *connector; /* NULL when it has failed, or was stopped */
    tow_timer timer;          /* the time limit, or what comes last */
    int seconds;
    char place[PLACE_MAX];
} connecting;

static connecting *of(tow_timer *timer) {
    return (connecting *)(void *)((char *)timer - offsetof(connecting, timer));
}

/* What the handle asks for, while there is nobody to talk to. */

static int64_t take_nothing(void *user, const tow_bytes *pieces, size_t count) {
    (void)user;
    (void)pieces;
    (void)count;
    return 0;
}

/* The handle remembers it for the next carrier. */
static void wait(void *user) {
    (void)user;
}

static void closed_by_timer(tow_timer *timer) {
    connecting *carrier = of(timer);
    tow_loop_paid(carrier->loop);
    tow_byte_stream_tell_closed(carrier->handle);
    free(carrier);
}

static void give_up(void *user) {
    connecting *carrier = user;
    tow_connector_stop(carrier->connector);
    carrier->connector = NULL;
    tow_timer_set(carrier->loop, &carrier->timer, 0, closed_by_timer);
    tow_loop_owe(carrier->loop);
}

static int no_peer(const void *user, char *text, size_t size) {
    (void)user;
    (void)text;
    (void)size;
    return TOW_ERROR_STATE;
}

static const tow_byte_stream_functions functions = {
    .write = take_nothing,
    .pause = wait,
    .resume = wait,
    .shutdown = wait,
    .close = give_up,
    .reset = give_up,
    .peer = no_peer,
};

/* How it goes on. */

static void not_connected(void *user, int error, const char *text) {
    connecting *carrier = user;
    carrier->connector = NULL;
    tow_timer_cancel(carrier->loop, &carrier->timer);
    tow_byte_stream_tell_error(carrier->handle, error, text);
}

static void connected(void *user, int fd) {
    connecting *carrier = user;
    tow_byte_stream *handle = carrier->handle;
    carrier->connector = NULL;
    tow_timer_cancel(carrier->loop, &carrier->timer);
    int error = tow_byte_stream_carry(handle, fd);
    if (error != 0) {
        tow_loop_discard(carrier->loop, fd);
        tow_byte_stream_tell_error(handle, error, tow_strerror(error));
        return;
    }
    free(carrier);
    tow_byte_stream_tell_writable(handle);
}

static void took_too_long(tow_timer *timer) {
    connecting *carrier = of(timer);
    char text[TEXT_MAX];
    tow_text_format(text, sizeof(text), "%s %s within %d seconds", carrier->place,
        tow_connector_is_resolving(carrier->connector) ? "was not found" : "was not reached",
        carrier->seconds);
    tow_connector_stop(carrier->connector);
    carrier->connector = NULL;
    tow_byte_stream_tell_error(carrier->handle, TOW_ERROR_TIMED_OUT, text);
}

/* The beginning. */

static int port_read(const char *digits, uint16_t *port) {
    unsigned value = 0;
    for (const char *digit = digits; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9')
            return TOW_ERROR_ADDRESS;
        value = value * 10 + (unsigned)(*digit - '0');
        if (value > UINT16_MAX)
            return TOW_ERROR_ADDRESS;
    }
    *port = (uint16_t)value;
    return value == 0 ? TOW_ERROR_ADDRESS : 0;
}

/* "[HOST:]PORT" or "unix:PATH"; cuts `text` where the host ends. */
static int place_read(tow_place *place, char *text) {
    if (strncmp(text, "unix:", 5) == 0) {
        place->unix_path = text + 5;
        return 0;
    }
    char *colon = strrchr(text, ':');
    place->host = colon == NULL ? "localhost" : text;
    int error = port_read(colon == NULL ? text : colon + 1, &place->port);
    if (colon != NULL)
        *colon = '\0';
    return error == 0 && place->host[0] == '\0' ? TOW_ERROR_ADDRESS : error;
}

static int start(connecting *carrier, const char *text) {
    static const tow_connector_events events = {.on_connected = connected, .on_failed = not_connected};
    char copy[PLACE_MAX];
    tow_place place = {0};
    if (strlen(text) >= sizeof(copy))
        return TOW_ERROR_ADDRESS;
    memcpy(copy, text, strlen(text) + 1);
    memcpy(carrier->place, text, strlen(text) + 1);
    int error = place_read(&place, copy);
    return error != 0 ? error
                      : tow_connector_start(&carrier->connector, carrier->loop, &place, &events, carrier);
}

static void set_time_limit(connecting *carrier) {
    int seconds = tow_byte_stream_get_options(carrier->handle)->connect_seconds;
    carrier->seconds = seconds == 0 ? CONNECT_SECONDS : seconds;
    if (carrier->seconds != TOW_OFF)
        tow_timer_set(carrier->loop, &carrier->timer,
            tow_loop_now(carrier->loop) + carrier->seconds * TOW_SECOND, took_too_long);
}

int tow_byte_stream_connect_sized(tow_byte_stream **stream, tow_loop *loop, const char *place,
    const tow_byte_stream_options *options, size_t options_size) {
    if (stream == NULL || loop == NULL || place == NULL)
        return TOW_ERROR_ARGUMENT;
    connecting *carrier = calloc(1, sizeof(*carrier));
    if (carrier == NULL)
        return TOW_ERROR_MEMORY;
    carrier->loop = loop;
    int error = tow_byte_stream_new_sized(
        &carrier->handle, loop, &functions, sizeof(functions), carrier, options, options_size);
    if (error == 0)
        error = start(carrier, place);
    if (error != 0) {
        tow_byte_stream_discard(carrier->handle);
        free(carrier);
        return error;
    }
    set_time_limit(carrier);
    *stream = carrier->handle;
    return 0;
}
