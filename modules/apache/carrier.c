#include "carrier.h"

#include "apr_portable.h"
#include "apr_strings.h"
#include "http_connection.h"
#include "http_core.h"
#include "util_filter.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <towline/error.h>

enum {
    READ_SIZE = 64 * 1024,
    READS = 8,             /* in a row: then timers and posts have their turn */
    WRITE_SIZE = 32 * 1024 /* below FlushMaxThreshold, above which Apache would wait */
};

static void look(tow_carrier *carrier);

/* In the loop's own rounds, when whoever asks for it has returned. */

static void letters_opened(tow_letter *letter) {
    tow_carrier *carrier = (tow_carrier *)(void *)((char *)letter - offsetof(tow_carrier, letter));
    carrier->posted = false;
    look(carrier);
}

static void letter_dropped(tow_letter *letter) {
    (void)letter; /* its memory is the request's */
}

static void look_soon(tow_carrier *carrier) {
    if (carrier->posted)
        return;
    carrier->posted = true;
    carrier->letter = (tow_letter){.open = letters_opened, .drop = letter_dropped, .work = 1};
    tow_loop_post_urgently(carrier->loop, &carrier->letter);
}

/* Nothing is read while the stream is paused, but its owner may want to know that nobody waits any more. */
static void note_fin(tow_carrier *carrier) {
    carrier->fin = true;
    tow_carried_tell_fin(carrier->stream);
}

static void ready(tow_watch *watch, int what) {
    tow_carrier *carrier = watch->user;
    if (what & TOW_HUNG_UP && carrier->paused && !carrier->fin && !carrier->closing)
        note_fin(carrier);
    look(carrier);
}

static bool is_read(const tow_carrier *carrier) {
    return !carrier->paused && !carrier->ended && !carrier->closing;
}

static void watch_again(tow_carrier *carrier) {
    bool waits_for_fin = carrier->paused && !carrier->fin && !carrier->ended;
    int wanted = (is_read(carrier) ? TOW_READABLE : 0) | (carrier->blocked ? TOW_WRITABLE : 0) |
                 (waits_for_fin ? TOW_HUNG_UP : 0);
    if (carrier->closing)
        wanted = 0;
    if (wanted == carrier->watched)
        return;
    tow_watch_stop(&carrier->watch);
    carrier->watch = (tow_watch){.user = carrier};
    carrier->watched = wanted;
    if (wanted != 0 && tow_watch_start(&carrier->watch, carrier->loop, carrier->fd, wanted, ready) != 0) {
        carrier->watched = 0;
        tow_byte_stream_tell_error(carrier->stream, TOW_ERROR_SYSTEM, "it can't be waited for");
    }
}

/* Reading. */

/* Whether the peer has ended its side and nothing lies before that. */
static bool socket_has_ended(const tow_carrier *carrier) {
    char byte;
    return recv(carrier->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Returns how many bytes came, 0 for none now, or an error: ENDED is the peer's end. */
static ssize_t receive(tow_carrier *carrier) {
    conn_rec *connection = carrier->request->connection;
    apr_size_t length = READ_SIZE;
    apr_brigade_cleanup(carrier->in);
    apr_status_t status = ap_get_brigade(
        connection->input_filters, carrier->in, AP_MODE_READBYTES, APR_NONBLOCK_READ, READ_SIZE);
    if (APR_STATUS_IS_EAGAIN(status))
        return 0;
    if (APR_STATUS_IS_EOF(status))
        return TOW_ERROR_ENDED;
    if (status == APR_SUCCESS)
        status = apr_brigade_flatten(carrier->in, carrier->buffer, &length);
    apr_brigade_cleanup(carrier->in);
    if (status != APR_SUCCESS)
        return TOW_ERROR_RESET;
    return length == 0 && socket_has_ended(carrier) ? TOW_ERROR_ENDED : (ssize_t)length;
}

static void tell_of_end(tow_carrier *carrier, int error) {
    carrier->ended = true;
    if (error == TOW_ERROR_ENDED)
        tow_byte_stream_tell_end(carrier->stream);
    else
        tow_byte_stream_tell_error(carrier->stream, error, tow_strerror(error));
}

/* What the head says is read once; it may be changed. */
static void tell_head(tow_carrier *carrier) {
    char *copy = apr_pstrmemdup(carrier->request->pool, carrier->head, carrier->head_length);
    size_t length = carrier->head_length;
    carrier->head_length = 0;
    tow_byte_stream_tell_bytes(carrier->stream, copy, length);
}

/* Filters may keep what the socket does not show any more: so it is read until there is nothing. */
static void read_some(tow_carrier *carrier) {
    if (is_read(carrier) && carrier->head_length > 0)
        tell_head(carrier);
    for (int i = 0; i < READS && is_read(carrier); i++) {
        ssize_t got = receive(carrier);
        if (got == 0)
            return;
        if (got < 0)
            tell_of_end(carrier, (int)got);
        else
            tow_byte_stream_tell_bytes(carrier->stream, carrier->buffer, (size_t)got);
    }
    if (is_read(carrier))
        look_soon(carrier);
}

/* Writing. */

/* Has the last filter, the one that writes, try again what it has kept. */
static apr_status_t push(conn_rec *connection) {
    ap_filter_t *last = connection->output_filters;
    while (last->next != NULL)
        last = last->next;
    apr_status_t status = last->frec->filter_func.out_func(last, NULL);
    return connection->aborted ? APR_ECONNABORTED : status;
}

static void write_rest(tow_carrier *carrier) {
    conn_rec *connection = carrier->request->connection;
    if (push(connection) != APR_SUCCESS) {
        carrier->blocked = false;
        tow_byte_stream_tell_error(carrier->stream, TOW_ERROR_RESET, tow_strerror(TOW_ERROR_RESET));
    } else if (!connection->data_in_output_filters) {
        carrier->blocked = false;
        tow_byte_stream_tell_writable(carrier->stream);
    }
}

static void note_sent(tow_carrier *carrier, const void *bytes, size_t length) {
    size_t before = strlen(carrier->status), room = sizeof(carrier->status) - 1 - before;
    if (room > 0)
        memcpy(carrier->status + before, bytes, length < room ? length : room);
    carrier->sent += (apr_off_t)length;
}

/* Takes a part of them, all of which Apache has then, or the system. */
static bool write_part(tow_carrier *carrier, const char *bytes, size_t length) {
    conn_rec *connection = carrier->request->connection;
    apr_bucket *bucket = apr_bucket_transient_create(bytes, length, connection->bucket_alloc);
    APR_BRIGADE_INSERT_TAIL(carrier->out, bucket);
    apr_status_t status = ap_pass_brigade(connection->output_filters, carrier->out);
    apr_brigade_cleanup(carrier->out);
    if (status == APR_SUCCESS && connection->data_in_output_filters)
        status = push(connection);
    if (status != APR_SUCCESS || connection->aborted)
        return false;
    note_sent(carrier, bytes, length);
    carrier->blocked = connection->data_in_output_filters;
    return true;
}

static int64_t write_pieces(void *user, const tow_bytes *pieces, size_t count) {
    tow_carrier *carrier = user;
    int64_t taken = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at < pieces[i].length && !carrier->blocked;) {
            size_t left = pieces[i].length - at, part = left < WRITE_SIZE ? left : WRITE_SIZE;
            if (!write_part(carrier, (const char *)pieces[i].data + at, part))
                return TOW_ERROR_RESET;
            taken += (int64_t)part;
            at += part;
        }
    }
    watch_again(carrier);
    return taken;
}

/* All that there is to do. */

static void tell_closed(tow_carrier *carrier) {
    tow_byte_stream *stream = carrier->stream;
    carrier->stream = NULL;
    tow_byte_stream_tell_closed(stream);
}

static void look(tow_carrier *carrier) {
    if (carrier->stream == NULL)
        return;
    if (carrier->blocked && !carrier->closing)
        write_rest(carrier);
    if (carrier->shut && !carrier->ended && !carrier->closing)
        tell_of_end(carrier, TOW_ERROR_ENDED);
    read_some(carrier);
    if (!carrier->closing)
        watch_again(carrier);
    else if (!carrier->posted)
        tell_closed(carrier);
}

/* What is asked for. */

static void pause_reading(void *user) {
    ((tow_carrier *)user)->paused = true;
    ((tow_carrier *)user)->fin = false;
    watch_again(user);
}

static void resume_reading(void *user) {
    ((tow_carrier *)user)->paused = false;
    look_soon(user);
}

/* Apache ends a connection in order: it sends what there is, ends our side (TLS too), and reads on for a
 * while.
 */
static void shut_down(void *user) {
    ((tow_carrier *)user)->shut = true;
    look_soon(user);
}

static void close_connection(void *user) {
    ((tow_carrier *)user)->closing = true;
    watch_again(user);
    look_soon(user);
}

static void reset_connection(void *user) {
    const tow_carrier *carrier = user;
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(carrier->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    carrier->request->connection->aborted = 1;
    close_connection(user);
}

const tow_byte_stream_functions tow_carrier_functions = {
    .write = write_pieces,
    .pause = pause_reading,
    .resume = resume_reading,
    .shutdown = shut_down,
    .close = close_connection,
    .reset = reset_connection,
};

/* Beginning. */

/* Filters of HTTP have no part in it any more; and Apache's time limits for requests are none for messages.
 */
static void take_filters(request_rec *request) {
    conn_rec *connection = request->connection;
    ap_remove_output_filter_byhandle(connection->output_filters, "SSL/TLS Coalescing Filter");
    ap_remove_input_filter_byhandle(connection->input_filters, "reqtimeout");
    request->input_filters = request->proto_input_filters = connection->input_filters;
    request->output_filters = request->proto_output_filters = connection->output_filters;
    connection->keepalive = AP_CONN_CLOSE;
}

bool tow_carrier_take(tow_carrier *carrier, request_rec *request, tow_loop *loop, const char *head) {
    conn_rec *connection = request->connection;
    apr_socket_t *socket = ap_get_conn_socket(connection);
    *carrier = (tow_carrier){.request = request, .loop = loop, .head = head, .head_length = strlen(head)};
    if (socket == NULL || apr_os_sock_get(&carrier->fd, socket) != APR_SUCCESS)
        return false;
    (void)apr_socket_opt_set(socket, APR_SO_NONBLOCK, 1);
    take_filters(request);
    carrier->buffer = apr_palloc(request->pool, READ_SIZE);
    carrier->in = apr_brigade_create(request->pool, connection->bucket_alloc);
    carrier->out = apr_brigade_create(request->pool, connection->bucket_alloc);
    return true;
}

void tow_carrier_begin(tow_carrier *carrier) {
    look_soon(carrier);
}

int tow_carrier_status(const tow_carrier *carrier) {
    bool is_http = strncmp(carrier->status, "HTTP/1.1 ", 9) == 0;
    return is_http ? (int)strtol(carrier->status + 9, NULL, 10) : 0;
}
