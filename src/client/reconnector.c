/* The life of a reconnector: a socket, or the wait for the next one, or nothing more once it has given up.
 *
 * Its sockets run the user's callbacks; three of them pass through here, so that the end of a socket is the
 * beginning of a wait. In each of the user's callbacks the reconnector may be freed: its memory goes when
 * the loop, which entered by the socket or by the timer, leaves it again. */
#include "base/range.h"
#include "object.h"
#include "options.h"
#include "retry.h"
#include "transport/loop.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/reconnector.h>

enum { FIRST_MILLISECONDS = 1000, MAX_MILLISECONDS = 30 * 1000, STABLE_SECONDS = 10 };

#define NOT_OPEN INT64_MIN

struct tow_reconnector {
    tow_loop *loop;
    char *url;
    tow_options_copy socket_options; /* as the user gave them */
    tow_reconnector_options options; /* resolved */
    tow_client_on_head trace;
    tow_websocket *socket; /* NULL: there is none */
    tow_timer timer;       /* set while waiting, and until the end is told */
    int64_t opened_at;     /* when the socket was open, or NOT_OPEN */
    int error;             /* of the socket or the attempt */
    int http_status;       /* the same */
    int after_seconds;     /* what Retry-After said */
    int attempts;          /* since a connection was stable */
    bool stopped;          /* by tow_reconnector_close */
    bool entered;          /* by the loop: freeing waits until it has left */
    bool freed;
};

static tow_reconnector *owner_of(const tow_websocket *socket) {
    return tow_client_of(socket)->holder;
}

static tow_reconnector *owner_of_timer(tow_timer *timer) {
    return (tow_reconnector *)(void *)((char *)timer - offsetof(tow_reconnector, timer));
}

static void destroy(tow_reconnector *reconnector) {
    tow_options_copy_clear(&reconnector->socket_options);
    free(reconnector->url);
    free(reconnector);
}

static void enter(tow_reconnector *reconnector) {
    reconnector->entered = true;
}

static void leave(tow_reconnector *reconnector) {
    reconnector->entered = false;
    if (reconnector->freed)
        destroy(reconnector);
}

/* The end, and the wait. Each tells the user last. */

static void give_up(tow_reconnector *reconnector, int error) {
    if (reconnector->options.on_give_up != NULL)
        reconnector->options.on_give_up(reconnector, error);
}

static void end_by_timer(tow_timer *timer) {
    tow_reconnector *reconnector = owner_of_timer(timer);
    enter(reconnector);
    give_up(reconnector, 0);
    leave(reconnector);
}

static void try_again(tow_timer *timer);

static void wait_for_next(tow_reconnector *reconnector) {
    uint64_t random;
    tow_loop_random(reconnector->loop, &random, sizeof(random));
    reconnector->attempts++;
    int64_t milliseconds = reconnector->after_seconds * INT64_C(1000) +
                           tow_retry_delay(&reconnector->options, reconnector->attempts, random);
    tow_timer_set(reconnector->loop, &reconnector->timer,
        tow_loop_now(reconnector->loop) + milliseconds * TOW_MILLISECOND, try_again);
    if (reconnector->options.on_wait != NULL)
        reconnector->options.on_wait(reconnector, milliseconds, reconnector->attempts);
}

static bool has_tried_enough(const tow_reconnector *reconnector) {
    int max = reconnector->options.max_attempts;
    return max != TOW_OFF && reconnector->attempts >= max;
}

static void failed(tow_reconnector *reconnector) {
    bool hopeless = !tow_retry_may_help(reconnector->error, reconnector->http_status);
    if (hopeless || has_tried_enough(reconnector))
        give_up(reconnector, reconnector->error);
    else
        wait_for_next(reconnector);
}

/* The socket's callbacks. */

static void on_open(tow_websocket *socket) {
    tow_reconnector *reconnector = owner_of(socket);
    reconnector->opened_at = tow_loop_now(reconnector->loop);
    enter(reconnector);
    if (reconnector->socket_options.options.on_open != NULL)
        reconnector->socket_options.options.on_open(socket);
    leave(reconnector);
}

static void on_error(tow_websocket *socket, const tow_error_event *event) {
    tow_reconnector *reconnector = owner_of(socket);
    reconnector->error = event->error;
    reconnector->http_status = event->http_status;
    reconnector->after_seconds = ((const tow_client *)(const void *)socket)->retry_after_seconds;
    enter(reconnector);
    if (reconnector->socket_options.options.on_error != NULL)
        reconnector->socket_options.options.on_error(socket, event);
    leave(reconnector);
}

static bool was_stable(const tow_reconnector *reconnector) {
    int stable_seconds = reconnector->options.stable_seconds;
    if (reconnector->opened_at == NOT_OPEN)
        return false;
    if (stable_seconds == TOW_OFF)
        return true;
    return tow_loop_now(reconnector->loop) - reconnector->opened_at >= stable_seconds * TOW_SECOND;
}

/* What follows when the socket has gone. */
static void go_on(tow_reconnector *reconnector, bool was_asked, bool was_clean, uint16_t code) {
    if (was_stable(reconnector))
        reconnector->attempts = 0;
    bool is_final = was_clean && tow_retry_ends_at(code, reconnector->options.after_clean_close);
    if (was_asked || reconnector->stopped || is_final)
        give_up(reconnector, 0);
    else
        failed(reconnector);
}

static void on_close(tow_websocket *socket, const tow_close_event *event) {
    tow_reconnector *reconnector = owner_of(socket);
    const tow_close_event seen = *event;
    enter(reconnector);
    if (reconnector->socket_options.options.on_close != NULL)
        reconnector->socket_options.options.on_close(socket, event);
    if (!reconnector->freed) {
        bool was_asked = tow_websocket_was_asked_to_close(socket);
        reconnector->socket = NULL;
        tow_websocket_free(socket);
        go_on(reconnector, was_asked, seen.was_clean, seen.code);
    }
    leave(reconnector);
}

/* Opening. */

static int open_socket(tow_reconnector *reconnector) {
    tow_websocket_options options = reconnector->socket_options.options;
    options.on_open = on_open;
    options.on_error = on_error;
    options.on_close = on_close;
    reconnector->opened_at = NOT_OPEN;
    reconnector->error = 0;
    reconnector->http_status = 0;
    reconnector->after_seconds = 0;
    int error = tow_websocket_open(&reconnector->socket, reconnector->loop, reconnector->url, &options);
    if (error != 0)
        return error;
    tow_client_of(reconnector->socket)->holder = reconnector;
    if (reconnector->trace != NULL)
        tow_client_set_trace(reconnector->socket, reconnector->trace);
    return 0;
}

static void try_again(tow_timer *timer) {
    tow_reconnector *reconnector = owner_of_timer(timer);
    enter(reconnector);
    reconnector->error = open_socket(reconnector);
    if (reconnector->error != 0)
        failed(reconnector);
    leave(reconnector);
}

/* The calls. */

static int or_default(int value, int otherwise) {
    return value == 0 ? otherwise : value;
}

static int resolve(tow_reconnector_options *options) {
    const tow_range ranges[] = {
        TOW_RANGE(options, first_milliseconds, TOW_OFF, INT_MAX),
        TOW_RANGE(options, max_milliseconds, TOW_OFF, INT_MAX),
        TOW_RANGE(options, max_attempts, TOW_OFF, INT_MAX),
        TOW_RANGE(options, stable_seconds, TOW_OFF, INT_MAX),
        TOW_RANGE(options, after_clean_close, TOW_AFTER_CLEAN_CLOSE_BY_CODE, TOW_AFTER_CLEAN_CLOSE_END),
    };
    int error = tow_ranges_check(ranges, sizeof(ranges) / sizeof(ranges[0]), NULL);
    if (error != 0)
        return error;
    options->first_milliseconds = or_default(options->first_milliseconds, FIRST_MILLISECONDS);
    options->max_milliseconds = or_default(options->max_milliseconds, MAX_MILLISECONDS);
    options->max_attempts = or_default(options->max_attempts, TOW_OFF);
    options->stable_seconds = or_default(options->stable_seconds, STABLE_SECONDS);
    return 0;
}

int tow_client_set_url(tow_reconnector *reconnector, const char *url) {
    char *copy = strdup(url);
    if (copy == NULL)
        return TOW_ERROR_MEMORY;
    free(reconnector->url);
    reconnector->url = copy;
    return 0;
}

static int fill(tow_reconnector *reconnector, const char *url, const tow_websocket_options *socket_options) {
    int error = tow_client_set_url(reconnector, url);
    if (error == 0)
        error = tow_options_copy_init(&reconnector->socket_options, socket_options);
    return error != 0 ? error : open_socket(reconnector);
}

static size_t smaller(size_t one, size_t other) {
    return one < other ? one : other;
}

int tow_reconnector_new_sized(tow_reconnector **reconnector, tow_loop *loop, const char *url,
    const tow_websocket_options *socket_options, size_t socket_options_size,
    const tow_reconnector_options *options, size_t options_size) {
    if (reconnector == NULL || loop == NULL || url == NULL)
        return TOW_ERROR_ARGUMENT;
    tow_websocket_options known = {0};
    if (socket_options != NULL)
        memcpy(&known, socket_options, smaller(socket_options_size, sizeof(known)));
    tow_reconnector *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->loop = loop;
    if (options != NULL)
        memcpy(&made->options, options, smaller(options_size, sizeof(made->options)));
    int error = resolve(&made->options);
    if (error == 0)
        error = fill(made, url, &known);
    if (error != 0) {
        destroy(made);
        return error;
    }
    *reconnector = made;
    return 0;
}

void tow_reconnector_free(tow_reconnector *reconnector) {
    if (reconnector == NULL)
        return;
    tow_timer_cancel(reconnector->loop, &reconnector->timer);
    tow_websocket_free(reconnector->socket);
    reconnector->socket = NULL;
    reconnector->freed = true;
    if (!reconnector->entered)
        destroy(reconnector);
}

int tow_reconnector_close(tow_reconnector *reconnector, uint16_t code, const char *reason) {
    int error =
        reconnector == NULL ? TOW_ERROR_ARGUMENT : tow_websocket_close_check(TOW_ROLE_CLIENT, code, reason);
    if (error != 0)
        return error;
    reconnector->stopped = true;
    if (reconnector->socket != NULL)
        return tow_websocket_close(reconnector->socket, code, reason);
    if (tow_timer_is_set(&reconnector->timer))
        tow_timer_set(reconnector->loop, &reconnector->timer, 0, end_by_timer);
    return 0;
}

tow_websocket *tow_reconnector_socket(const tow_reconnector *reconnector) {
    return reconnector == NULL ? NULL : reconnector->socket;
}

void *tow_reconnector_user(const tow_reconnector *reconnector) {
    return reconnector == NULL ? NULL : reconnector->socket_options.options.user;
}

void tow_client_trace_all(tow_reconnector *reconnector, tow_client_on_head on_head) {
    reconnector->trace = on_head;
    if (reconnector->socket != NULL)
        tow_client_set_trace(reconnector->socket, on_head);
}
