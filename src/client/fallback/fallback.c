#include "fallback.h"

#include "../failure.h"
#include "../response.h"
#include "../retry.h"
#include "../stages.h"
#include "base/text.h"
#include "transport/loop.h"
#include "transport/timer.h"
#include "websocket/cause.h"

#include <string.h>
#include <towline/error.h>

enum { CUT_SECONDS = 60 };

/* How it fails. What the opening handshake said counts where nothing speaks Engine.IO; both are told. */

static void fail(tow_client *client, int error, int http_status, const char *why) {
    const tow_fallback_plan *plan = client->plan;
    char text[sizeof(client->text)];
    if (plan->error != 0)
        tow_text_format(text, sizeof(text), "%.300s; by polling: %s", plan->text, why);
    else
        tow_text_format(text, sizeof(text), "by polling: %s", why);
    client->http_status = http_status;
    tow_client_fail(client, error, text);
}

static void too_late(tow_timer *timer) {
    fail(tow_client_of_timer(timer), TOW_ERROR_TIMED_OUT, 0, "no answer in time");
}

/* What was remembered is wrong, or polling does not get through at the moment: as if nothing were known. */
static void try_websocket(tow_client *client, bool may_poll_again) {
    tow_fallback_plan *plan = client->plan;
    tow_fallback_plan_note(plan, tow_websocket_loop(&client->socket), TOW_WAY_UNKNOWN);
    tow_fallback_plan_stop(plan);
    plan->way = TOW_WAY_UNKNOWN;
    plan->is_tried = !may_poll_again;
    int error = tow_stages_start(client);
    if (error != 0)
        tow_client_fail(client, error, NULL);
}

static void hangs(tow_timer *timer) {
    try_websocket(tow_client_of_timer(timer), true);
}

/* Where WebSocket was not tried, half of the time is for that. */
static void set_deadline(tow_client *client) {
    const tow_fallback_plan *plan = client->plan;
    tow_loop *loop = tow_websocket_loop(&client->socket);
    if (plan->deadline == INT64_MAX)
        return;
    if (plan->error != 0)
        tow_timer_set(loop, &client->socket.timer, plan->deadline, too_late);
    else
        tow_timer_set(
            loop, &client->socket.timer, plan->deadline - (plan->deadline - tow_loop_now(loop)) / 2, hangs);
}

static void take_answer(tow_client *client, const tow_http_head *head) {
    tow_response *answer;
    if (head == NULL || tow_response_new(&answer, head) != 0)
        return;
    tow_response_free(client->answer);
    client->answer = answer;
    client->retry_after_seconds = 0;
    if (head->status == 429 || head->status == 503)
        client->retry_after_seconds = tow_retry_after(
            tow_http_field(head, "Retry-After"), tow_loop_wall_seconds(tow_websocket_loop(&client->socket)));
}

static void not_begun(void *user, const tow_not_begun *why) {
    tow_client *client = user;
    const tow_fallback_plan *plan = client->plan;
    if (plan->error == 0) {
        try_websocket(client, !why->is_foreign);
        return;
    }
    if (why->is_foreign) {
        fail(client, plan->error, plan->http_status, why->text);
        return;
    }
    take_answer(client, why->head);
    fail(client, why->error, why->http_status, why->text);
}

/* How it begins. */

static void head_went(void *user, bool sent, tow_slice head) {
    tow_client *client = user;
    if (client->on_head != NULL)
        client->on_head(&client->socket, sent, head.data, head.length);
}

static void was_cut(void *user) {
    tow_client *client = user;
    tow_fallback_plan_note(client->plan, tow_websocket_loop(&client->socket), TOW_WAY_CUT);
}

/* As in an opening handshake. Plain Engine.IO knows of no subprotocols. */
static bool is_protocol_right(const tow_client *client, const tow_opened *opened) {
    char **offered = client->protocols;
    if (!opened->is_extended || (opened->protocol[0] == '\0' && offered[0] == NULL))
        return true;
    for (; *offered != NULL; offered++)
        if (strcmp(*offered, opened->protocol) == 0)
            return true;
    return false;
}

static int open_socket(tow_client *client, const tow_opened *opened) {
    tow_fallback_plan *plan = client->plan;
    tow_websocket *socket = &client->socket;
    tow_fallback_session *session = plan->session;
    client->stage = TOW_CLIENT_OPENED;
    client->behaviour.carrier = &tow_fallback_carrier;
    tow_timer_cancel(tow_websocket_loop(socket), &socket->timer);
    tow_fallback_session_carry(session, socket);
    plan->session = NULL;
    int error = tow_websocket_start(
        socket, socket->context, &client->behaviour, tow_slice_from(opened->protocol), NULL, NULL, 0);
    if (error == 0) {
        tow_fallback_session_go_on(session);
        return 0;
    }
    client->stage = TOW_CLIENT_FALLING_BACK;
    client->behaviour.carrier = NULL;
    socket->carried = NULL;
    plan->session = session;
    return error;
}

static void begun(void *user, const tow_opened *opened, const tow_http_head *head) {
    tow_client *client = user;
    tow_fallback_plan *plan = client->plan;
    if (!is_protocol_right(client, opened)) {
        fail(client, TOW_ERROR_HANDSHAKE_PROTOCOL, 0, tow_strerror(TOW_ERROR_HANDSHAKE_PROTOCOL));
        return;
    }
    take_answer(client, head);
    tow_text_format(client->peer, sizeof(client->peer), "%s", tow_fallback_session_peer(plan->session));
    if (plan->way != TOW_WAY_CUT) /* whose hour goes on from the cut */
        tow_fallback_plan_note(plan, tow_websocket_loop(&client->socket), TOW_WAY_POLLING);
    int error = open_socket(client, opened);
    if (error != 0)
        tow_client_fail(client, error, NULL);
}

static void begin(tow_client *client) {
    static const tow_fallback_session_events events = {
        .on_head = head_went, .on_begun = begun, .on_not_begun = not_begun, .on_cut = was_cut};
    tow_fallback_plan *plan = client->plan;
    const tow_http_client_options http = {.connect_seconds = TOW_OFF, /* there is one limit for all */
        .proxy = client->proxy.host != NULL ? &client->proxy : NULL,
        .tls = client->tls,
        .proxy_tls = client->proxy_tls};
    const tow_fallback_session_settings settings = {.target = &plan->target,
        .options = &plan->options.options,
        .http = &http,
        .open = plan->way == TOW_WAY_CUT ? NULL : plan->open,
        .events = &events,
        .user = client};
    set_deadline(client);
    int error = tow_fallback_session_new(&plan->session, tow_websocket_loop(&client->socket), &settings);
    if (error != 0)
        fail(client, error, 0, tow_strerror(error));
}

static void begin_by_timer(tow_timer *timer) {
    begin(tow_client_of_timer(timer));
}

/* What the opening handshake has left. */
static void forget_handshake(tow_client *client) {
    tow_fallback_plan *plan = client->plan;
    plan->error = client->error;
    plan->http_status = client->http_status;
    tow_text_format(plan->text, sizeof(plan->text), "%s", client->text);
    client->error = client->http_status = 0;
    tow_client_end_talk(client);
    tow_buffer_clear(&client->response);
    memset(&client->socket.stream, 0, sizeof(client->socket.stream));
}

void tow_fallback_start(tow_client *client) {
    if (client->error != 0)
        forget_handshake(client);
    client->plan->is_tried = true;
    client->stage = TOW_CLIENT_FALLING_BACK;
    tow_timer_set(tow_websocket_loop(&client->socket), &client->socket.timer, 0, begin_by_timer);
}

static bool was_cut_off(const tow_websocket *socket) {
    tow_cause cause = tow_websocket_how_it_ended(socket).cause;
    return cause == TOW_CAUSE_PEER_END || cause == TOW_CAUSE_PEER_RESET || cause == TOW_CAUSE_NETWORK;
}

void tow_fallback_note_end(const tow_client *client) {
    tow_loop *loop = tow_websocket_loop(&client->socket);
    bool is_early = tow_loop_now(loop) - client->opened_at < CUT_SECONDS * TOW_SECOND;
    if (client->behaviour.carrier == NULL && is_early && was_cut_off(&client->socket))
        tow_fallback_plan_note(client->plan, loop, TOW_WAY_CUT);
}
