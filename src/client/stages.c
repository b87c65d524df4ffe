#include "stages.h"

#include "failure.h"
#include "fallback/plan.h"
#include "fallback/rule.h"
#include "opening.h"
#include "proxying.h"
#include "reaching.h"
#include "securing.h"
#include "transport/timer.h"

#include <assert.h>
#include <stdio.h>
#include <towline/error.h>

enum { PATIENCE_SECONDS = 5 };

typedef struct stage_row {
    tow_client_stage stage;
    bool is_needed;
    void (*start)(tow_client *client, uint8_t *rest, size_t rest_length);
} stage_row;

/* What was not done in time. */
static void write_delay(const tow_client *client, char *out, size_t size) {
    const char *proxy = client->proxy.host;
    if (client->connector != NULL)
        snprintf(out, size, "%s%.255s %s", proxy != NULL ? "the proxy " : "",
            proxy != NULL ? proxy : client->url.host,
            tow_connector_is_resolving(client->connector) ? "was not found" : "was not reached");
    else if (client->stage == TOW_CLIENT_SECURING_PROXY)
        snprintf(out, size, "the TLS handshake with the proxy %.255s was not finished", proxy);
    else if (client->stage == TOW_CLIENT_PROXYING)
        snprintf(out, size, "the proxy %.255s did not reach the server", proxy);
    else if (client->stage == TOW_CLIENT_SECURING)
        snprintf(out, size, "the TLS handshake with %.255s was not finished", client->url.host);
    else
        snprintf(out, size, "no answer to the opening handshake");
}

static void not_done_in_time(tow_timer *timer) {
    tow_client *client = tow_client_of_timer(timer);
    char delay[sizeof(client->text) - 64];
    char text[sizeof(client->text)];
    write_delay(client, delay, sizeof(delay));
    snprintf(text, sizeof(text), "%s within %g seconds", delay, (double)client->limit / TOW_SECOND);
    tow_client_fail(client, TOW_ERROR_TIMED_OUT, text);
}

static void set_limit(tow_client *client, int64_t nanoseconds) {
    tow_loop *loop = tow_websocket_loop(&client->socket);
    client->limit = nanoseconds;
    tow_timer_set(loop, &client->socket.timer, tow_loop_now(loop) + nanoseconds, not_done_in_time);
}

/* Where there is another way, silence is not waited for as long as one may. */
static void limit_patience(tow_client *client) {
    int64_t most = PATIENCE_SECONDS * TOW_SECOND;
    tow_loop *loop = tow_websocket_loop(&client->socket);
    int64_t left = client->plan->deadline - tow_loop_now(loop);
    bool may_help = tow_fallback_may_help(client, client->stage, TOW_ERROR_TIMED_OUT, 0);
    if (may_help && !client->plan->is_tried)
        set_limit(client, left / 2 < most ? left / 2 : most);
}

/* What is done behind the stage that is done. The last one gives the stream to the websocket floor. */
static void go_on(tow_client *client, uint8_t *rest, size_t rest_length) {
    const stage_row order[] = {
        {TOW_CLIENT_SECURING_PROXY, client->proxy_tls != NULL, tow_securing_proxy},
        {TOW_CLIENT_PROXYING, client->proxy.host != NULL, tow_proxying_start},
        {TOW_CLIENT_SECURING, client->tls != NULL, tow_securing_server},
        {TOW_CLIENT_ASKING, true, tow_opening_ask},
    };
    const stage_row *next = order;
    assert(client->stage < TOW_CLIENT_ASKING);
    while (next->stage <= client->stage || !next->is_needed)
        next++;
    client->stage = next->stage;
    if (client->plan != NULL)
        limit_patience(client);
    next->start(client, rest, rest_length);
}

/* Polling may have had a part of it. */
static int64_t time_left(const tow_client *client) {
    return client->plan == NULL ? client->connect_seconds * TOW_SECOND
                                : client->plan->deadline - tow_loop_now(tow_websocket_loop(&client->socket));
}

int tow_stages_start(tow_client *client) {
    client->stage = TOW_CLIENT_REACHING;
    client->on_stage_done = go_on;
    int error = tow_reaching_start(client);
    if (error == 0 && client->connect_seconds != TOW_OFF)
        set_limit(client, time_left(client));
    return error;
}
