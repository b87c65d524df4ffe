#include "session.h"

#include "base/text.h"
#include "ending.h"
#include "hearing.h"
#include "saying.h"
#include "transport/loop.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <towline/error.h>

enum {
    TOLD_AT_ONCE = 256,      /* packets of an answer, before others have their turn */
    LOOK_MILLISECONDS = 100, /* at what was handed to the WebSocket, while the socket waits for that */
    CUT_SECONDS = 60,        /* a WebSocket that is lost so early is one that something between cuts */
    SIGNS = 3                /* of life, in the time that the server waits for one */
};

static tow_fallback_session *of(const tow_websocket *socket) {
    return socket->carried;
}

static tow_fallback_session *of_polling(tow_polling *polling) {
    return (tow_fallback_session *)(void *)((char *)polling - offsetof(tow_fallback_session, polling));
}

static tow_fallback_session *of_upgrade(tow_upgrade *upgrade) {
    return (tow_fallback_session *)(void *)((char *)upgrade - offsetof(tow_fallback_session, upgrade));
}

static void set_after(
    tow_fallback_session *session, tow_timer *timer, int64_t milliseconds, tow_timer_callback callback) {
    tow_timer_set(
        session->loop, timer, tow_loop_now(session->loop) + milliseconds * TOW_MILLISECOND, callback);
}

static void poll(tow_fallback_session *session) {
    bool is_wanted = !session->over && !session->telling && !session->peer_closed;
    if (is_wanted && !tow_fallback_is_upgraded(session) && !tow_fallback_is_parked(session))
        tow_polling_ask(&session->polling);
}

/* What is left is said by polling. */
static void give_upgrade_up(tow_fallback_session *session) {
    tow_upgrade_stop(&session->upgrade);
    poll(session);
}

/* What the socket asks for: see websocket/carrier.h. */

static int send_message(tow_websocket *socket, tow_message_type type, const void *data, size_t length) {
    return tow_fallback_say(of(socket), type == TOW_TEXT ? TOW_PACKET_TEXT : TOW_PACKET_BINARY, data, length);
}

/* Of plain Engine.IO nobody waits for an answer; what is being posted may have arrived. */
static int answer_close(tow_fallback_session *session, uint16_t code) {
    if (session->polling.opened.is_extended && !tow_fallback_is_upgraded(session) &&
        session->upgraded_at == 0)
        return tow_fallback_say_close(session, code, NULL);
    if (!tow_polling_is_posting(&session->polling))
        tow_fallback_end(session, 0);
    return 0;
}

static int send_close(tow_websocket *socket, uint16_t code, const char *reason) {
    tow_fallback_session *session = of(socket);
    if (session->over)
        return 0;
    if (code == TOW_CLOSE_ABNORMAL) {
        tow_packets_clear(&session->out);
        session->posted = 0;
        tow_fallback_end(session, 0);
        return 0;
    }
    session->closing = true;
    session->our_code = code;
    if (session->peer_closed)
        return answer_close(session, code);
    if (tow_fallback_is_upgraded(session)) {
        tow_upgrade_close(&session->upgrade, code, reason);
        return 0;
    }
    give_upgrade_up(session);
    return tow_fallback_say_close(session, code, reason);
}

static uint64_t buffered(const tow_websocket *socket) {
    const tow_fallback_session *session = of(socket);
    uint64_t sum = session->out.payload + session->posted;
    return session->upgrade.link == NULL
               ? sum
               : sum + (uint64_t)tow_websocket_buffered_amount(session->upgrade.link);
}

static void is_silent(tow_timer *timer);

/* A WebSocket that is not read brings no Pings. */
static void watch(tow_fallback_session *session) {
    session->watched_at = tow_loop_now(session->loop);
    if (session->paused || session->over)
        tow_timer_cancel(session->loop, &session->silence);
    else
        set_after(session, &session->silence,
            session->polling.opened.ping_milliseconds + session->polling.opened.pong_milliseconds, is_silent);
}

static void show_life(tow_timer *timer);

static void set_reading(tow_fallback_session *session) {
    tow_websocket *link = session->upgrade.link;
    if (tow_fallback_is_upgraded(session)) {
        (session->paused ? tow_websocket_pause : tow_websocket_resume)(link);
        watch(session);
    } else if (!session->paused) {
        tow_timer_cancel(session->loop, &session->look);
    } else if (session->polling.opened.is_extended) {
        set_after(session, &session->look, session->polling.opened.linger_milliseconds / SIGNS, show_life);
    }
}

static void set_paused(tow_websocket *socket, bool paused) {
    tow_fallback_session *session = of(socket);
    session->paused = paused;
    if (session->over)
        return;
    set_reading(session);
    if (!paused && session->telling)
        tow_fallback_set_soon(session);
}

static size_t drop(tow_websocket *socket, uint64_t max) {
    tow_fallback_session *session = of(socket);
    uint64_t gone_before = buffered(socket) - session->out.payload;
    return tow_packets_drop(&session->out, max > gone_before ? max - gone_before : 0);
}

const tow_carrier tow_fallback_carrier = {
    .send = send_message, .close = send_close, .buffered = buffered, .set_paused = set_paused, .drop = drop};

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
    poll(session);
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

/* While nobody takes what there is, no poll is made; but the server must not think that there is nobody. */
static void show_life(tow_timer *timer) {
    tow_fallback_session *session =
        (tow_fallback_session *)(void *)((char *)timer - offsetof(tow_fallback_session, look));
    if (session->telling)
        tow_polling_show_life(&session->polling);
    set_after(session, &session->look, session->polling.opened.linger_milliseconds / SIGNS, show_life);
}

/* Polling. */

static void answered(tow_polling *polling, tow_buffer *answer) {
    tow_fallback_session *session = of_polling(polling);
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

static void is_silent(tow_timer *timer) {
    tow_fallback_session *session =
        (tow_fallback_session *)(void *)((char *)timer - offsetof(tow_fallback_session, silence));
    if (tow_websocket_lives(session->upgrade.link, session->watched_at)) { /* a long message is on its way */
        tow_carried_heard(session->socket);
        watch(session);
        return;
    }
    tow_fallback_lose(session, TOW_ERROR_TIMED_OUT, "the server has sent nothing, not even its Pings");
}

/* The WebSocket tells when it is below the low mark only if it was above the high one; the socket may have
 * been so before. */
static void look_at_marks(tow_timer *timer) {
    tow_fallback_session *session =
        (tow_fallback_session *)(void *)((char *)timer - offsetof(tow_fallback_session, look));
    tow_carried_drain(session->socket);
    if (!session->over && tow_fallback_is_upgraded(session) && tow_websocket_is_above_high(session->socket))
        set_after(session, &session->look, LOOK_MILLISECONDS, look_at_marks);
}

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
        give_upgrade_up(session);
        tow_fallback_post(session);
        return;
    }
    session->upgraded_at = tow_loop_now(session->loop);
    tow_polling_stop(&session->polling);
    tow_timer_cancel(session->loop, &session->look);
    if (session->paused)
        tow_websocket_pause(session->upgrade.link);
    watch(session);
    tow_fallback_flush(session);
    if (!session->over)
        look_at_marks(&session->look);
}

static void probed(tow_upgrade *upgrade) {
    take_over(of_upgrade(upgrade));
}

static void link_heard(tow_upgrade *upgrade, const tow_message *message) {
    tow_fallback_session *session = of_upgrade(upgrade);
    tow_carried_heard(session->socket);
    watch(session);
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
        poll(session);
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
    poll(session);
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
