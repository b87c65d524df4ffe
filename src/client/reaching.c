#include "reaching.h"

#include "failure.h"
#include "transport/listener.h"

#include <stdio.h>

static void connected(void *user, int fd) {
    static const tow_stream_events events = {.on_closed = tow_client_closed}; /* the next stage has its own */
    tow_client *client = user;
    tow_loop *loop = tow_websocket_loop(&client->socket);
    client->connector = NULL;
    int error = tow_stream_adopt(&client->socket.stream, loop, fd, &events);
    if (error != 0) {
        tow_loop_discard(loop, fd);
        tow_client_fail(client, error, NULL);
        return;
    }
    client->has_stream = true;
    client->on_stage_done(client, NULL, 0);
}

static void not_connected(void *user, int error, const char *text) {
    tow_client *client = user;
    char proxy_text[sizeof(client->text)];
    client->connector = NULL;
    snprintf(proxy_text, sizeof(proxy_text), "%s%s", client->proxy.host != NULL ? "the proxy " : "", text);
    tow_client_fail(client, error, proxy_text);
}

int tow_reaching_start(tow_client *client) {
    static const tow_connector_events events = {.on_connected = connected, .on_failed = not_connected};
    bool proxied = client->proxy.host != NULL;
    const tow_place place = {.host = proxied ? client->proxy.host : client->url.host,
        .port = proxied ? client->proxy.port : client->url.port,
        .unix_path = client->unix_path};
    return tow_connector_start(
        &client->connector, tow_websocket_loop(&client->socket), &place, &events, client);
}
