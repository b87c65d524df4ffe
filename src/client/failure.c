#include "failure.h"

#include "fallback/plan.h"
#include "fallback/rule.h"
#include "transport/timer.h"

#include <stdio.h>
#include <towline/error.h>

enum { CLOSE_ABNORMAL = 1006 };

static void tell_error(tow_client *client) {
    const tow_error_event event = {
        .error = client->error, .http_status = client->http_status, .text = client->text};
    if (client->behaviour.on_error != NULL)
        client->behaviour.on_error(&client->socket, &event);
}

static void tell_close(tow_client *client) {
    const tow_close_event event = {.code = CLOSE_ABNORMAL, .reason = ""};
    if (client->behaviour.on_close != NULL)
        client->behaviour.on_close(&client->socket, &event);
}

/* Another way is tried, unless the user wants none any more. */
static bool falls_back(const tow_client *client) {
    return client->falls_back && !client->freed &&
           tow_websocket_ready_state(&client->socket) == TOW_CONNECTING;
}

/* Final state first, callbacks last; when the user frees the socket in the first, the second is gone. */
static void finish(tow_client *client) {
    if (falls_back(client)) {
        client->falls_back = false;
        client->fall_back(client);
        return;
    }
    client->stage = TOW_CLIENT_GONE;
    tow_websocket_not_opened(&client->socket);
    client->in_callback = true;
    tell_error(client);
    tell_close(client);
    client->in_callback = false;
    if (client->freed)
        tow_client_destroy(client);
}

static void finish_by_timer(tow_timer *timer) {
    finish(tow_client_of_timer(timer));
}

void tow_client_closed(tow_stream *stream) {
    tow_client *client = tow_client_of_stream(stream);
    client->has_stream = false;
    finish(client);
}

void tow_client_fail(tow_client *client, int error, const char *text) {
    if (client->stage >= TOW_CLIENT_OPENED)
        return;
    tow_loop *loop = tow_websocket_loop(&client->socket);
    client->polling_may_help = tow_fallback_may_help(client, client->stage, error, client->http_status);
    client->falls_back = client->plan != NULL && !client->plan->is_tried && client->polling_may_help;
    tow_fallback_plan_stop(client->plan);
    client->stage = TOW_CLIENT_FAILED;
    client->error = error;
    snprintf(client->text, sizeof(client->text), "%s", text == NULL ? tow_strerror(error) : text);
    tow_connector_stop(client->connector);
    client->connector = NULL;
    if (client->has_stream) {
        tow_timer_cancel(loop, &client->socket.timer);
        tow_stream_close(&client->socket.stream);
    } else {
        tow_timer_set(loop, &client->socket.timer, 0, finish_by_timer);
    }
}

/* A certificate's text names the server itself. */
void tow_client_fail_with_peer(tow_client *client, int error, const char *what) {
    char text[sizeof(client->text)];
    bool is_proxy = client->stage == TOW_CLIENT_SECURING_PROXY || client->stage == TOW_CLIENT_PROXYING;
    if (is_proxy)
        snprintf(
            text, sizeof(text), "the proxy %.255s port %d: %s", client->proxy.host, client->proxy.port, what);
    else if (error == TOW_ERROR_CERTIFICATE)
        snprintf(text, sizeof(text), "%s", what);
    else if (client->unix_path != NULL)
        snprintf(text, sizeof(text), "%.255s: %s", client->unix_path, what);
    else
        snprintf(text, sizeof(text), "%.255s port %d: %s", client->url.host, client->url.port, what);
    tow_client_fail(client, error, text);
}
