#include "polling.h"

#include "../session/arrival.h"
#include "hearing.h"
#include "life.h"
#include "protocol/close.h"
#include "transport/loop.h"
#include "waiting.h"
#include "websocket/websocket.h"

#include <assert.h>
#include <towline/error.h>

enum {
    ANSWER_BYTES = 1024 * 1024, /* of packets in an answer; one more may come */
    POLL_MILLISECONDS = 8000,   /* that a poll waits, between our own ends */
    NOOP_MILLISECONDS = 100,    /* that one waits which is in the way of an upgrade */
    TOLD_AT_ONCE = 256          /* packets of a post, before others have their turn */
};

#define TEXT_TYPE "text/plain; charset=UTF-8"

/* Answers to polls. */

/* Whole packets, as many as fit; whether our Close is among them. Errors: MEMORY. */
static int gather(tow_engineio_session *session, tow_buffer *body, bool *has_close) {
    static const tow_packet noop = {.type = TOW_ENGINEIO_NOOP};
    int error = 0;
    while (error == 0 && !tow_packets_are_empty(&session->out) && body->length < ANSWER_BYTES) {
        tow_packet packet = tow_packets_first(&session->out);
        if (packet.type == TOW_ENGINEIO_CLOSE) {
            *has_close = true;
            packet.length = session->extended ? packet.length : 0;
        }
        error = tow_engineio_append(body, &packet, session->extended);
        if (error == 0)
            tow_packets_take(&session->out);
    }
    return error == 0 && body->length == 0 ? tow_engineio_append(body, &noop, false) : error;
}

/* Between our own ends, until the next poll. */
static void linger(tow_engineio_session *session) {
    int64_t milliseconds = TOW_ENGINEIO_LINGER + tow_session_arrival(session->answer.length);
    if (session->extended && !session->peer_closed)
        tow_agenda_set(&session->agenda, TOW_ENGINEIO_DUE_LINGER, milliseconds);
}

/* Gives the body to the poll; between our own ends it is kept until the client has had it. */
static void give(tow_engineio_session *session, tow_buffer *body) {
    tow_session_visit *poll = tow_engineio_take_poll(session);
    assert(poll != NULL);
    tow_agenda_drop(&session->agenda, TOW_ENGINEIO_DUE_POLL);
    tow_agenda_drop(&session->agenda, TOW_ENGINEIO_DUE_NOOP);
    linger(session);
    session->arrives = tow_loop_now(session->loop) + tow_session_arrival(body->length) * TOW_MILLISECOND;
    const tow_session_visit_answer what = {
        .status = 200, .type = TEXT_TYPE, .body = body->data, .length = body->length};
    if (tow_session_visit_answer_with(poll, &what) != 0 && !session->extended)
        tow_engineio_break(session, TOW_CAUSE_MEMORY, TOW_ERROR_MEMORY);
}

/* The client has our Close, and says no more. */
static void close_was_taken(tow_engineio_session *session) {
    if (session->answers_close)
        tow_engineio_end(session, 0);
    else if (!session->extended || tow_engineio_is_drained(session))
        tow_engineio_hear_close(session, TOW_CLOSE_NO_STATUS, "", 0);
}

void tow_engineio_answer_poll(tow_engineio_session *session, bool noop) {
    tow_buffer body = {0};
    bool has_close = false;
    if (session->poll == NULL || (!noop && tow_packets_are_empty(&session->out)))
        return;
    int error = gather(session, &body, &has_close);
    if (error != 0) {
        tow_buffer_clear(&body);
        tow_engineio_break(session, TOW_CAUSE_MEMORY, error);
        return;
    }
    if (session->extended) {
        tow_buffer_clear(&session->answer);
        session->answer = body;
        session->answers++;
        give(session, &session->answer);
    } else {
        give(session, &body);
        tow_buffer_clear(&body);
    }
    if (!session->over)
        tow_carried_drain(session->socket);
    if (has_close && !session->over)
        close_was_taken(session);
}

/* Polls. */

static void poll_gone(tow_session_visit *visit, void *user) {
    tow_engineio_session *session = user;
    if (session->poll != visit)
        return;
    (void)tow_engineio_take_poll(session);
    tow_agenda_drop(&session->agenda, TOW_ENGINEIO_DUE_POLL);
    tow_agenda_drop(&session->agenda, TOW_ENGINEIO_DUE_NOOP);
    if (!session->extended)
        tow_engineio_end(session, 0);
    else
        linger(session);
}

/* A second poll beside one that waits is against the protocol: the first is told of the end. */
static void refuse_second(tow_engineio_session *session, tow_session_visit *visit) {
    tow_session_visit *first = tow_engineio_take_poll(session);
    tow_engineio_answer(first, 200, "1");
    tow_engineio_answer(visit, 400, "");
    tow_engineio_violated(session);
}

int tow_engineio_polling_had(tow_engineio_session *session, uint64_t number) {
    if (number == session->answers) {
        tow_buffer_clear(&session->answer);
        return 0;
    }
    bool is_kept = number + 1 == session->answers && session->answer.length > 0;
    return is_kept ? 0 : TOW_ERROR_ARGUMENT;
}

/* Between our own ends: the number says what the client has had. False: the poll is answered. */
static bool take_number(tow_engineio_session *session, tow_session_visit *visit) {
    if (!visit->has_number || tow_engineio_polling_had(session, visit->number) != 0) {
        tow_engineio_answer(visit, 400, "");
        tow_engineio_violated(session);
        return false;
    }
    if (session->poll != NULL) {
        tow_session_visit *first = tow_engineio_take_poll(session);
        tow_engineio_answer(first, 400, "");
    }
    return true;
}

static void wait(tow_engineio_session *session, tow_session_visit *visit) {
    assert(session->poll == NULL);
    session->poll = visit;
    tow_metric_add(session->engineio->metrics.polls, 1);
    session->polled = true;
    visit->on_gone = poll_gone;
    visit->user = session;
    if (session->extended) {
        tow_agenda_drop(&session->agenda, TOW_ENGINEIO_DUE_LINGER);
        tow_agenda_set(&session->agenda, TOW_ENGINEIO_DUE_POLL, POLL_MILLISECONDS);
    }
    if (session->probe != NULL && session->probe->probed)
        tow_agenda_set(&session->agenda, TOW_ENGINEIO_DUE_NOOP, NOOP_MILLISECONDS);
}

void tow_engineio_poll(tow_engineio_session *session, tow_session_visit *visit) {
    if (session->poll != NULL && !session->extended) {
        refuse_second(session, visit);
        return;
    }
    if (session->extended && !take_number(session, visit))
        return;
    tow_carried_heard(session->socket);
    wait(session, visit);
    if (session->answer.length > 0) {
        give(session, &session->answer); /* once more */
        return;
    }
    tow_carried_drain(session->socket); /* the last answer waits no more */
    if (!session->over)
        tow_engineio_answer_poll(session, false);
}

/* Posts. */

/* Between our own ends its packets are taken, and it may come again for the answer. */
static void post_gone(tow_session_visit *visit, void *user) {
    tow_engineio_session *session = user;
    if (session->post != visit)
        return;
    session->post = NULL;
    if (!session->extended)
        tow_engineio_end(session, 0);
}

static void wait_for_telling(tow_engineio_session *session, tow_session_visit *visit) {
    session->post = visit;
    visit->on_gone = post_gone;
    visit->user = session;
}

/* Between our own ends: one that was taken before is answered, perhaps when it has been told. */
static void repeat(tow_engineio_session *session, tow_session_visit *visit) {
    if (!session->telling) {
        tow_engineio_answer(visit, 200, "ok");
        return;
    }
    if (session->post != NULL)
        tow_engineio_answer(session->post, 400, "");
    wait_for_telling(session, visit);
    tow_engineio_answer_early(session);
}

void tow_engineio_refuse_post(tow_engineio_session *session, tow_session_visit *visit) {
    tow_engineio_answer(visit, 400, "");
    tow_engineio_violated(session);
}

/* The first that is to be told. */
static void take_body(tow_engineio_session *session, tow_buffer *body) {
    tow_buffer_clear(&session->posted);
    session->posted = *body;
    *body = (tow_buffer){0};
    session->input = (tow_engineio_body){.bytes = session->posted.data, .length = session->posted.length};
}

/* Behind what is not told yet of one that was answered early. Errors: MEMORY. */
static int take_body_behind(tow_engineio_session *session, const tow_buffer *body) {
    tow_buffer joined = {0};
    int error = 0;
    if (!session->input.is_over)
        error = tow_buffer_append(&joined, session->input.bytes, session->input.length);
    if (error == 0 && !session->input.is_over)
        error = tow_buffer_append_text(&joined, "\x1e");
    if (error == 0)
        error = tow_buffer_append(&joined, body->data, body->length);
    if (error == 0)
        take_body(session, &joined);
    tow_buffer_clear(&joined);
    return error;
}

/* One at a time; an upgrade that came to nothing may have left one that waits without an answer to it. */
static bool may_post(const tow_engineio_session *session) {
    bool has_room = session->input.length <= (uint64_t)session->max_payload;
    return !session->telling || (session->post == NULL && session->answered_early && has_room);
}

void tow_engineio_post(tow_engineio_session *session, tow_session_visit *visit) {
    bool is_repeated = session->extended && visit->has_number && visit->number == session->posts;
    bool is_next = !session->extended || (visit->has_number && visit->number == session->posts + 1);
    if (is_repeated && session->posts > 0) {
        repeat(session, visit);
        return;
    }
    if (!is_next || !may_post(session)) {
        tow_engineio_refuse_post(session, visit);
        return;
    }
    wait_for_telling(session, visit);
    if (!session->telling) {
        take_body(session, &visit->body);
    } else if (take_body_behind(session, &visit->body) != 0) {
        tow_engineio_break(session, TOW_CAUSE_MEMORY, TOW_ERROR_MEMORY);
        return;
    }
    session->posts++;
    session->telling = true;
    tow_engineio_tell(session);
}

void tow_engineio_answer_early(tow_engineio_session *session) {
    bool is_in_the_way = session->probe != NULL && session->probe->probed && session->paused;
    if (session->over || !session->telling || !is_in_the_way)
        return;
    session->answered_early = true;
    tow_engineio_end_post(session);
}

/* All packets of the post were told. */
static void post_end(tow_engineio_session *session) {
    session->telling = session->answered_early = false;
    tow_buffer_clear(&session->posted);
    tow_engineio_end_post(session);
    tow_engineio_pause_link(session);
}

/* As much as a turn may have; the rest waits for a later round. */
static void tell_some(tow_engineio_session *session, const tow_websocket_context *context) {
    tow_slice bytes;
    for (int told = 0; !session->over && session->telling && !session->paused; told++) {
        if (told == TOLD_AT_ONCE || tow_websocket_turn_is_over(context)) {
            tow_agenda_set(&session->agenda, TOW_ENGINEIO_DUE_INPUT, 0);
            return;
        }
        if (!session->peer_closed && tow_engineio_next(&session->input, &bytes))
            tow_engineio_hear_bytes(session, bytes.data, bytes.length);
        else
            post_end(session);
    }
    tow_engineio_answer_early(session);
}

void tow_engineio_tell(tow_engineio_session *session) {
    tow_websocket_context *context = tow_websocket_context_of(session->socket);
    uint32_t outer = tow_websocket_begin_turn(context);
    tell_some(session, context);
    tow_websocket_end_turn(context, outer);
}
