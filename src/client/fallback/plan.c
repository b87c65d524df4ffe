#include "plan.h"

#include "transport/timer.h"

#include <stdlib.h>
#include <towline/error.h>

/* The same server through another proxy is another way. */
static int write_server(tow_buffer *out, const tow_client *client) {
    const char *unix_path = client->unix_path != NULL ? client->unix_path : "";
    int error = tow_buffer_append_format(
        out, "%s%s %s", client->url.secure ? "wss://" : "ws://", client->url.authority, unix_path);
    if (error == 0 && client->proxy.host != NULL)
        error = tow_buffer_append_format(
            out, "%d %s %u", (int)client->proxy.kind, client->proxy.host, client->proxy.port);
    return error != 0 ? error : tow_buffer_append(out, "", 1);
}

static int fill(tow_fallback_plan *plan, const tow_client *client, const tow_websocket_options *options) {
    tow_websocket_options resolved = *options;
    resolved.limits = client->behaviour.limits;
    int error = tow_options_copy_init(&plan->options, &resolved);
    if (error == 0)
        error = write_server(&plan->server, client);
    return error != 0 ? error : tow_target_init(&plan->target, &client->url, &plan->options.options);
}

int tow_fallback_plan_new(tow_fallback_plan **plan, const tow_client *client,
    const tow_websocket_options *options, tow_upgrade_open open) {
    tow_loop *loop = tow_websocket_loop(&client->socket);
    tow_fallback_plan *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    int error = fill(made, client, options);
    if (error != 0) {
        tow_fallback_plan_free(made);
        return error;
    }
    made->open = open;
    made->way = tow_known_ways_find(loop, (const char *)made->server.data);
    made->deadline = client->connect_seconds == TOW_OFF
                         ? INT64_MAX
                         : tow_loop_now(loop) + client->connect_seconds * TOW_SECOND;
    *plan = made;
    return 0;
}

void tow_fallback_plan_stop(tow_fallback_plan *plan) {
    if (plan == NULL)
        return;
    tow_fallback_session_free(plan->session);
    plan->session = NULL;
}

void tow_fallback_plan_free(tow_fallback_plan *plan) {
    if (plan == NULL)
        return;
    tow_fallback_plan_stop(plan);
    tow_target_clear(&plan->target);
    tow_options_copy_clear(&plan->options);
    tow_buffer_clear(&plan->server);
    free(plan);
}

void tow_fallback_plan_note(const tow_fallback_plan *plan, tow_loop *loop, tow_known_way way) {
    tow_known_ways_note(loop, (const char *)plan->server.data, way);
}
