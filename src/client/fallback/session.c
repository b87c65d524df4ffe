#include "session.h"

#include "base/text.h"
#include "ending.h"
#include "hearing.h"
#include "pacing.h"
#include "saying.h"
#include "transport/loop.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <towline/error.h>

enum {
    TOLD_AT_ONCE = 256, /* packets of an answer, before others have their turn */
    CUT_SECONDS = 60    /* a WebSocket that is lost so early is one that something between cuts */
};

static tow_fallback_session *of_polling(tow_polling *polling) {
    return (tow_fallback_session *)(void *)((char *)polling - offsetof(tow_fallback_session, polling));
}

static tow_fallback_session *of_upgrade(tow_upgrade *upgrade) {
    return (tow_fallback_session *)(void *)((char *)upgrade - offsetof(tow_fallback_session, upgrade));
}

static void take_over(tow_fallback_session *session);

static void tell(tow_fallback_session *session) {
    tow_slice bytes;
    for (int told = 0; session->telling && !session->over && !session->paused; told++) {
        if (told == TOLD_AT_ONCE) {
            tow_fallback_set_soon(session);
            return;
        }
        if (!session->peer_closed && tow_engineio_next(&session->input, &bytes)) {
            tow_fallback_hear_bytes(session, (const uint8_t *)bytes.data, bytes.length);
        } else {
            session->telling = false;
            tow_buffer_clear(&session->answer);
        }
    }
    if (session->telling || session->over)
        return;
    tow_fallback_poll(session);
    take_over(session);
}

static void gone(tow_fallback_session *session) {
    tow_loop_paid(session->loop);
    tow_carried_gone(session->socket, session->error);
    tow_fallback_destroy(session);
}

static void soon(tow_timer *timer) {
    tow_fallback_session *session =
        (tow_fallback_session *)(void *)((char *)timer - offsetof(tow_fallback_session, soon));
    if (session->over) {
        gone(session);
        return;
    }
    tow_fallback_post(session);
    if (session->telling)
        tell(session);
}

/* Polling. */

static void answered(tow_polling *polling, tow_buffer *answer) {
    tow_fallback_session *session = of_polling(polling);
    assert(!session->over && !session->telling);
    tow_buffer_clear(&session->answer);
    session->answer = *answer;
    session->input = (tow_engineio_body){.bytes = answer->data, .length = answer->length};
    session->telling = true;
    tow_carried_heard(session->socket);
    tell(session);
}

/* Our Close is with the server. Of plain Engine.IO there is no answer to it. */
static void close_was_posted(tow_fallback_session *session) {
    session->posts_close = false;
    session->close_taken = true;
    if (session->peer_closed)
        tow_fallback_end(session, 0);
    else if (!session->polling.opened.is_extended)
        tow_fallback_hear_close(session, TOW_CLOSE_NO_STATUS, "", 0);
}

static void posted(tow_polling *polling) {
    tow_fallback_session *session = of_polling(polling);
    session->posted = 0;
    if (session->posts_close)
        close_was_posted(session);
    else if (session->peer_closed && !session->polling.opened.is_extended)
        tow_fallback_end(session, 0);
    if (!session->over)
        tow_carried_drain(session->socket);
    if (!session->over)
        tow_fallback_post(session);
    take_over(session);
}

/* The server knows a session no more to whose Close it has given its answer: that was our code. */
static void lost(tow_polling *polling, int error, const char *text) {
    tow_fallback_session *session = of_polling(polling);
    if (session->close_taken)
        tow_fallback_hear_close(
            session, session->our_code == 0 ? TOW_CLOSE_NO_STATUS : session->our_code, "", 0);
    tow_fallback_lose(session, error, text);
}

/* The WebSocket. */

/* No request is under way any more, and all that has come is told. */
static bool comes_to_rest(tow_fallback_session *session) {
    if (session->over || session->telling)
        return false;
    tow_polling_ask_no_more(&session->polling);
    return !tow_polling_is_asking(&session->polling) && !tow_polling_is_posting(&session->polling);
}

static void take_over(tow_fallback_session *session) {
    char packet[32] = "5";
    if (!tow_fallback_is_parked(session) || !comes_to_rest(session))
        return;
    if (session->polling.opened.is_extended)
        snprintf(packet, sizeof(packet), "5%llu", (unsigned long long)session->polling.answers);
    if (tow_upgrade_take(&session->upgrade, packet) != 0) {
        tow_fallback_give_upgrade_up(session);
        tow_fallback_post(session);
        return;
    }
    session->upgraded_at = tow_loop_now(session->loop);
    tow_polling_stop(&session->polling);
    tow_timer_cancel(session->loop, &session->look);
    if (session->paused)
        tow_websocket_pause(session->upgrade.link);
    tow_fallback_watch(session);
    tow_fallback_flush(session);
    if (!session->over)
        tow_fallback_look_at_marks(session);
}

static void probed(tow_upgrade *upgrade) {
    take_over(of_upgrade(upgrade));
}

static void link_heard(tow_upgrade *upgrade, const tow_message *message) {
    tow_fallback_session *session = of_upgrade(upgrade);
    tow_carried_heard(session->socket);
    tow_fallback_watch(session);
    if (message->type == TOW_TEXT)
        tow_fallback_hear_bytes(session, message->data, message->length);
    else
        tow_fallback_hear(session,
            &(tow_packet){.type = TOW_PACKET_BINARY, .data = message->data, .length = message->length});
}

static void link_drained(tow_upgrade *upgrade) {
    tow_carried_drain(of_upgrade(upgrade)->socket);
}

static void note_cut(tow_fallback_session *session) {
    if (tow_loop_now(session->loop) - session->upgraded_at < CUT_SECONDS * TOW_SECOND)
        session->settings.events->on_cut(session->settings.user);
}

/* Before it was taken only the WebSocket has ended: polling goes on. */
static void link_closed(tow_upgrade *upgrade, const tow_close_event *event) {
    tow_fallback_session *session = of_upgrade(upgrade);
    bool was_taken = tow_fallback_is_upgraded(session);
    tow_upgrade_stop(upgrade);
    if (session->over)
        return;
    if (!was_taken) {
        tow_fallback_poll(session);
        tow_fallback_post(session);
    } else if (event->was_clean) {
        tow_fallback_hear_close(session, event->code, event->reason, event->reason_length);
        tow_fallback_lose(session, 0, NULL);
    } else {
        note_cut(session);
        tow_fallback_lose(session, TOW_ERROR_ENDED, NULL);
    }
}

static void upgrade(tow_fallback_session *session) {
    static const tow_upgrade_events events = {
        .on_probed = probed, .on_message = link_heard, .on_drain = link_drained, .on_closed = link_closed};
    const tow_fallback_session_settings *settings = &session->settings;
    char query[sizeof(session->polling.opened.sid) + 8];
    tow_buffer url = {0};
    snprintf(query, sizeof(query), "sid=%s", session->polling.opened.sid);
    tow_websocket_options options = *settings->options;
    options.origin = NULL; /* it is among the fields */
    options.headers = settings->target->fields;
    if (tow_target_write(settings->target, &url, true, query) == 0)
        (void)tow_upgrade_start(&session->upgrade, session->loop, settings->open, (const char *)url.data,
            &options, &events); /* else polling goes on */
    tow_buffer_clear(&url);
}

/* The beginning. */

/* Bytes of an answer: what servers gather, and a message more, in base64. */
static int64_t max_answer_for(int64_t max_message) {
    const int64_t gathered = INT64_C(4) * 1024 * 1024;
    if (max_message == TOW_OFF || max_message > INT64_MAX / 2 - gathered)
        return TOW_OFF;
    return gathered + max_message + max_message / 2;
}

static void not_begun(tow_fallback_session *session, const tow_http_result *result, int error) {
    char text[200];
    const tow_http_head *head = result->error == 0 ? result->head : NULL;
    int status = head != NULL && head->status != 200 ? head->status : 0;
    if (status != 0)
        tow_text_format(text, sizeof(text), "the server answered %d%s%.*s", status,
            head->reason.length > 0 ? " " : "",
            (int)tow_text_cut(head->reason.data, head->reason.length, 100), head->reason.data);
    else if (error == TOW_ERROR_PACKET)
        tow_text_format(text, sizeof(text), "what answered speaks no Engine.IO");
    else
        tow_text_format(text, sizeof(text), "%s", result->error != 0 ? result->text : tow_strerror(error));
    const tow_not_begun why = {.error = error,
        .http_status = status,
        .text = text,
        .is_foreign = error == TOW_ERROR_PACKET || status == 404,
        .head = head};
    session->settings.events->on_not_begun(session->settings.user, &why);
}

static int read_answer(tow_opened *opened, const tow_http_result *result) {
    if (result->error != 0)
        return result->error;
    assert(result->head != NULL);
    if (result->head->status != 200)
        return TOW_ERROR_HTTP_STATUS;
    return tow_opened_read(opened, (tow_slice){(const char *)result->body, result->body_length});
}

static void begun(tow_polling *polling, tow_http_call *call, const tow_http_result *result) {
    tow_fallback_session *session = of_polling(polling);
    const tow_fallback_session_settings *settings = &session->settings;
    if (result->head != NULL)
        settings->events->on_head(settings->user, false, tow_http_call_response(call));
    tow_opened opened;
    int error = read_answer(&opened, result);
    if (error != 0) {
        not_begun(session, result, error);
        return;
    }
    tow_polling_go_on(polling, &opened, max_answer_for(settings->options->limits.max_message));
    settings->events->on_begun(settings->user, &opened, result->head);
}

int tow_fallback_session_new(
    tow_fallback_session **session, tow_loop *loop, const tow_fallback_session_settings *settings) {
    static const tow_polling_events events = {
        .on_begun = begun, .on_answer = answered, .on_posted = posted, .on_lost = lost};
    tow_fallback_session *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->loop = loop;
    made->on_soon = soon;
    made->settings = *settings;
    int error = tow_polling_begin(
        &made->polling, loop, settings->target, settings->http, settings->options->unix_path, &events);
    if (error != 0) {
        tow_fallback_destroy(made);
        return error;
    }
    settings->events->on_head(settings->user, true, tow_http_call_request(made->polling.beginning));
    *session = made;
    return 0;
}

void tow_fallback_session_carry(tow_fallback_session *session, tow_websocket *socket) {
    session->socket = socket;
    socket->carried = session;
}

/* on_open has run, and may have ended it. */
void tow_fallback_session_go_on(tow_fallback_session *session) {
    if (session->over)
        return;
    tow_fallback_poll(session);
    if (session->polling.opened.may_upgrade && session->settings.open != NULL && !session->closing)
        upgrade(session);
}

const char *tow_fallback_session_peer(const tow_fallback_session *session) {
    return session->polling.peer;
}

void tow_fallback_session_free(tow_fallback_session *session) {
    if (session != NULL)
        tow_fallback_destroy(session);
}
