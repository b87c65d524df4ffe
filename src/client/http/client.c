/* The calls of an HTTP client: which gets which connection, and when.
 *
 * Everything is put in order first, and the callback of a call comes last: it may free the call, or all. */
#include "base/text.h"
#include "pool.h"
#include "settings.h"

#include <assert.h>
#include <stdlib.h>
#include <towline/error.h>

/* What a link of a list lies in. */

static tow_http_call *call_in_client(tow_ring *link) {
    return (tow_http_call *)(void *)((char *)link - offsetof(tow_http_call, in_client));
}

static tow_http_call *call_in_queue(tow_ring *link) {
    return (tow_http_call *)(void *)((char *)link - offsetof(tow_http_call, in_queue));
}

/* Calls. */

static tow_http_call *call_of(tow_timer *timer) {
    return (tow_http_call *)(void *)((char *)timer - offsetof(tow_http_call, timer));
}

static void wait_in_queue(tow_http_call *call, bool is_first) {
    tow_http_client *client = call->client;
    call->state = TOW_HTTP_CALL_WAITING;
    call->host->waiting++;
    client->counters.waiting++;
    if (is_first)
        tow_ring_add_behind(&client->queue, &call->in_queue);
    else
        tow_ring_add_last(&client->queue, &call->in_queue);
}

static void leave_queue(tow_http_call *call) {
    tow_ring_remove(&call->in_queue);
    call->client->counters.waiting--;
    call->host->waiting--;
}

/* The call is over: nobody but its owner knows it any more. */
static void end_call(tow_http_call *call) {
    tow_http_client *client = call->client;
    assert(client != NULL);
    tow_ring_remove(&call->in_client);
    tow_timer_cancel(client->loop, &call->timer);
    tow_http_host_give(call->host);
    call->state = TOW_HTTP_CALL_OVER;
    call->client = NULL;
    call->host = NULL;
}

/* The same wherever it stands. */
static void give_up(tow_http_call *call) {
    tow_http_connection *connection = call->connection;
    if (call->state == TOW_HTTP_CALL_WAITING)
        leave_queue(call);
    if (connection != NULL)
        tow_http_pool_close(connection);
    end_call(call);
}

static void tell_failure(tow_timer *timer) {
    tow_http_call *call = call_of(timer);
    end_call(call);
    tow_http_call_tell_done(call, call->error, call->text);
}

static void fail_later(tow_http_call *call, int error) {
    call->state = TOW_HTTP_CALL_FAILED;
    call->error = error;
    tow_http_place_text(&call->host->place, tow_strerror(error), call->text, sizeof(call->text));
    tow_timer_set(call->client->loop, &call->timer, 0, tell_failure);
}

/* How a call gets a connection. */

static const tow_http_connection_events events;

static void ask(tow_http_call *call) {
    tow_http_connection_ask(call->connection, &(tow_http_question){.bytes = call->request.data,
                                                  .length = call->request.length,
                                                  .is_head = call->is_head,
                                                  .limits = call->limits});
}

static void begin(tow_http_call *call, tow_http_connection *connection) {
    call->state = TOW_HTTP_CALL_UNDER_WAY;
    tow_http_pool_join(connection, call);
    if (connection->state != TOW_HTTP_IDLE)
        return; /* on_ready follows */
    call->client->counters.reused++;
    ask(call);
}

/* Whether the call need not wait any more: it is under way, or has failed. */
static bool start(tow_http_call *call) {
    tow_http_client *client = call->client;
    tow_http_connection *connection = call->is_repeated ? NULL : tow_http_pool_find(client, call->host);
    if (connection == NULL && !tow_http_pool_make_room(client, call->host))
        return false;
    int error = connection == NULL ? tow_http_pool_open(&connection, client, call->host, &events) : 0;
    if (error != 0)
        fail_later(call, error);
    else
        begin(call, connection);
    return true;
}

/* There may be room for some of those that wait. */
static void serve_queue(tow_http_client *client) {
    tow_ring *next;
    for (tow_ring *link = client->queue.next; link != &client->queue; link = next) {
        tow_http_call *call = call_in_queue(link);
        next = link->next;
        if (start(call))
            leave_queue(call);
    }
}

/* What connections tell. */

static void on_ready(tow_http_connection *connection) {
    ask(connection->call);
}

static void limit_time(tow_http_call *call);

static void extend_time(tow_http_call *call) {
    if (call->may_be_slow)
        limit_time(call);
}

static void on_head(tow_http_connection *connection) {
    extend_time(connection->call);
    tow_http_call_take_head(connection->call, &connection->reader.head);
}

/* Without memory for the rest the call has failed. */
static void on_piece(tow_http_connection *connection, tow_slice piece) {
    tow_http_call *call = connection->call;
    extend_time(call);
    int error = tow_http_call_take_piece(call, piece);
    if (error == 0)
        return;
    tow_http_client *client = call->client;
    tow_http_place_text(&call->host->place, tow_strerror(error), call->text, sizeof(call->text));
    give_up(call);
    serve_queue(client);
    tow_http_call_tell_done(call, error, call->text);
}

static void keep_idle(tow_http_connection *connection) {
    tow_http_client *client = connection->client;
    tow_ring_remove(&connection->in_client);
    tow_ring_add_behind(&client->connections, &connection->in_client);
    tow_http_connection_limit_idleness(connection, client->options.idle_seconds);
}

static void on_answered(tow_http_connection *connection) {
    tow_http_client *client = connection->client;
    tow_http_call *call = connection->call;
    tow_http_pool_part(connection);
    if (connection->state == TOW_HTTP_IDLE)
        keep_idle(connection);
    else
        tow_http_pool_forget(connection);
    end_call(call);
    serve_queue(client);
    tow_http_call_tell_done(call, 0, NULL);
}

/* RFC 9112, section 9.3.1: a server may close a connection at any time, and so just when it is used again.
 * Once more, and on a new connection, as the others may have gone the same way. */
static bool may_be_repeated(const tow_http_call *call, const tow_http_connection *connection) {
    bool was_used_before = connection->answers > 0;
    bool is_harmless = call->is_idempotent || connection->sent == 0;
    return was_used_before && !connection->has_answered && is_harmless && !call->is_repeated;
}

static void repeat(tow_http_call *call) {
    call->is_repeated = true;
    call->client->counters.repeated++;
    wait_in_queue(call, true);
}

static void on_failed(tow_http_connection *connection, int error, const char *text) {
    tow_http_client *client = connection->client;
    tow_http_call *call = connection->call;
    bool is_repeated = call != NULL && may_be_repeated(call, connection);
    tow_http_pool_forget(connection);
    if (is_repeated)
        repeat(call);
    else if (call != NULL)
        end_call(call);
    serve_queue(client);
    if (call != NULL && !is_repeated)
        tow_http_call_tell_done(call, error, text);
}

static const tow_http_connection_events events = {
    .on_ready = on_ready,
    .on_head = on_head,
    .on_piece = on_piece,
    .on_answered = on_answered,
    .on_failed = on_failed,
};

/* Calls from outside. */

static const char *write_delay(const tow_http_call *call) {
    if (call->state == TOW_HTTP_CALL_WAITING)
        return "no connection was free";
    if (call->connection->state != TOW_HTTP_ASKED)
        return "it was not reached";
    return call->head.length == 0 ? "it did not answer" : "the response was not whole";
}

static void not_done_in_time(tow_timer *timer) {
    tow_http_call *call = call_of(timer);
    tow_http_client *client = call->client;
    char what[100];
    tow_text_format(what, sizeof(what), "%s within %d seconds", write_delay(call), call->total_seconds);
    tow_http_place_text(&call->host->place, what, call->text, sizeof(call->text));
    give_up(call);
    serve_queue(client);
    tow_http_call_tell_done(call, TOW_ERROR_TIMED_OUT, call->text);
}

static void limit_time(tow_http_call *call) {
    tow_loop *loop = call->client->loop;
    if (call->total_seconds != TOW_OFF)
        tow_timer_set(
            loop, &call->timer, tow_loop_now(loop) + call->total_seconds * TOW_SECOND, not_done_in_time);
}

/* May it wait, if it must? */
static bool has_place_in_queue(const tow_http_call *call) {
    const tow_http_client *client = call->client;
    return tow_http_pool_is_below(client->counters.waiting, client->options.max_waiting) &&
           tow_http_pool_is_below(call->host->waiting, client->options.max_host_waiting);
}

static int enter(tow_http_call *call, tow_http_client *client, tow_http_host *host) {
    call->client = client;
    call->host = host;
    tow_ring_add_last(&client->calls, &call->in_client);
    limit_time(call);
    if (start(call))
        return 0;
    if (!has_place_in_queue(call)) {
        end_call(call);
        return TOW_ERROR_LIMIT;
    }
    wait_in_queue(call, false);
    return 0;
}

static int call_start(
    tow_http_call **call, tow_http_client *client, const tow_url *url, const tow_http_call_options *options) {
    tow_http_call *made;
    bool needs_tls = url->secure && client->tls == NULL;
    int error = needs_tls ? tow_http_settings_trust_server(client) : 0;
    if (error == 0)
        error = tow_http_call_new(&made, url, options, client->options.proxy);
    if (error != 0)
        return error;
    tow_http_host *host = tow_http_host_take(&client->hosts, url, options->unix_path);
    error = host == NULL ? TOW_ERROR_MEMORY : enter(made, client, host);
    if (error != 0) {
        tow_http_call_destroy(made);
        return error;
    }
    *call = made;
    return 0;
}

int tow_http_call_start(tow_http_call **call, tow_http_client *client, const tow_http_call_options *options) {
    tow_url url = {0};
    int error = options->url == NULL ? TOW_ERROR_URL : tow_http_url_read(&url, options->url);
    if (error == 0)
        error = call_start(call, client, &url, options);
    tow_url_clear(&url);
    return error;
}

void tow_http_call_free(tow_http_call *call) {
    if (call == NULL)
        return;
    tow_http_client *client = call->client;
    if (client != NULL) {
        give_up(call);
        serve_queue(client);
    }
    tow_http_call_destroy(call);
}

/* The client. */

static int fill(tow_http_client *client, const tow_http_client_options *options) {
    tow_ring_init(&client->hosts);
    tow_ring_init(&client->calls);
    tow_ring_init(&client->queue);
    tow_ring_init(&client->connections);
    client->options = *options;
    int error = tow_http_settings_resolve(&client->options);
    return error != 0 ? error : tow_http_settings_read_trust(client, options);
}

int tow_http_client_new(tow_http_client **client, tow_loop *loop, const tow_http_client_options *options) {
    static const tow_http_client_options defaults = {0};
    tow_http_client *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->loop = loop;
    int error = fill(made, options == NULL ? &defaults : options);
    if (error != 0) {
        tow_http_client_free(made);
        return error;
    }
    *client = made;
    return 0;
}

void tow_http_client_free(tow_http_client *client) {
    if (client == NULL)
        return;
    while (!tow_ring_is_empty(&client->calls))
        give_up(call_in_client(client->calls.next));
    tow_http_pool_close_all(client);
    assert(tow_ring_is_empty(&client->hosts));
    tow_tls_context_release(client->tls);
    tow_tls_context_release(client->proxy_tls);
    free(client);
}

tow_http_client_counters tow_http_client_count(const tow_http_client *client) {
    tow_http_client_counters counters = client->counters;
    for (const tow_ring *link = client->hosts.next; link != &client->hosts; link = link->next)
        counters.hosts++;
    return counters;
}
