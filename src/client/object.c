#include "object.h"

#include "fallback/plan.h"
#include "response.h"
#include "transport/timer.h"

#include <stdlib.h>

void tow_client_end_talk(tow_client *client) {
    if (client->talk == NULL)
        return;
    tow_proxy_talk_clear(client->talk);
    free(client->talk);
    client->talk = NULL;
}

void tow_client_destroy(tow_client *client) {
    if (client->socket.context != NULL) {
        tow_timer_cancel(tow_websocket_loop(&client->socket), &client->socket.timer);
        tow_websocket_clear(&client->socket);
        tow_websocket_context_free(client->socket.context);
    }
    tow_fallback_plan_free(client->plan);
    tow_connector_stop(client->connector);
    tow_client_end_talk(client);
    free(client->refusal);
    tow_response_free(client->answer);
    tow_proxy_clear(&client->proxy);
    tow_tls_context_release(client->tls);
    tow_tls_context_release(client->proxy_tls);
    free(client->unix_path);
    tow_url_clear(&client->url);
    free(client->protocols);
    tow_buffer_clear(&client->request);
    tow_buffer_clear(&client->response);
    free(client);
}
