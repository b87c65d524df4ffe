#include "conversation.h"

#include <stdlib.h>
#include <string.h>

static const char *expectation(const case_step *step) {
    static const char *const frames[16] = {
        [1] = "a text message", [2] = "a binary message", [9] = "a Ping", [10] = "a Pong"};
    static const char *const names[] = {[STEP_EXPECT_CLOSE] = "a Close",
        [STEP_EXPECT_FAIL] = "the connection to fail",
        [STEP_EXPECT_END] = "the end of the connection",
        [STEP_EXPECT_SILENCE] = "nothing",
        [STEP_EXPECT_NO_MESSAGE] = "no message",
        [STEP_EXPECT_STATUS] = "an answer to the opening handshake",
        [STEP_EXPECT_FIELD] = "an answer to the opening handshake",
        [STEP_FINISH] = "the closing handshake"};
    const char *name = step->kind == STEP_EXPECT ? frames[step->opcode & 15] : names[step->kind];
    return name == NULL ? "this" : name;
}

/* Events. */

static case_event *next_event(conversation *self) {
    return self->event_at < self->event_count ? &self->events[self->event_at] : NULL;
}

static void drop_event(conversation *self) {
    tow_buffer_clear(&self->events[self->event_at++].payload);
}

/* The status of a right opening handshake is no event of the case's, unless the case asks for it. */
static void pass_over_status(conversation *self) {
    case_event *event = next_event(self);
    if (event != NULL && event->kind == EVENT_STATUS && !self->status_expected)
        drop_event(self);
}

/* Pongs and messages are two orders: what a step waits for is the first of its own kind, but never behind a
 * Close. */
static case_event *next_of_kind(conversation *self, bool pong) {
    for (size_t i = self->event_at; i < self->event_count; i++) {
        case_event *event = &self->events[i];
        bool data = event->kind == EVENT_MESSAGE || event->kind == EVENT_PONG;
        if (!data || (event->kind == EVENT_PONG) == pong)
            return event;
    }
    return NULL;
}

static void drop_this(conversation *self, case_event *event) {
    case_event gone = *event;
    case_event *first = &self->events[self->event_at];
    memmove(first + 1, first, (size_t)(event - first) * sizeof(*event));
    *first = gone;
    drop_event(self);
}

/* What is left when only the end is of interest: Pongs are passed over, and Pings, which a peer may always
 * send. */
static case_event *next_but_pongs(conversation *self) {
    case_event *event;
    while ((event = next_event(self)) != NULL && (event->kind == EVENT_PONG || event->kind == EVENT_PING))
        drop_event(self);
    return event;
}

/* Nothing came yet: waits, or gives up when the time is over. */
static progress await(conversation *self, const case_step *step) {
    if (self->waited)
        tow_conform_conversation_unmet(
            self, "%s did not come within %d ms", expectation(step), tow_conform_conversation_patience(self));
    else
        tow_conform_conversation_wait(self, tow_conform_conversation_patience(self));
    return STEP_WAITS;
}

/* What is not expected. */

static const char *event_word(const case_event *event) {
    static const char *const words[] = {[EVENT_STATUS] = "an answer to the opening handshake",
        [EVENT_PING] = "a Ping",
        [EVENT_PONG] = "a Pong",
        [EVENT_CLOSE] = "a Close",
        [EVENT_END] = "the end of the connection"};
    if (event->kind == EVENT_MESSAGE)
        return event->opcode == 1 ? "a text message" : "a binary message";
    return words[event->kind];
}

/* A peer may have limits of its own, on sizes and on numbers of fragments (RFC 6455, section 10.4). */
static bool is_a_limit(const conversation *self, const case_event *event) {
    return self->one->may_be_too_large && event->kind == EVENT_CLOSE &&
           (event->code == 1009 || event->code == 1008);
}

static progress unexpected(conversation *self, const case_step *step, const case_event *event) {
    if (is_a_limit(self, event))
        tow_conform_conversation_end(self, VERDICT_NOT_APPLICABLE, "larger than the peer wants to take");
    else if (event->kind == EVENT_CLOSE)
        tow_conform_conversation_unmet(self, "a Close with %u instead of %s", event->code, expectation(step));
    else
        tow_conform_conversation_unmet(self, "%s instead of %s", event_word(event), expectation(step));
    return STEP_WAITS;
}

static bool has_code(const case_step *step, unsigned code) {
    for (size_t i = 0; i < step->code_count; i++) {
        if (step->codes[i] == code || (code >= 100 && step->codes[i] == code / 100))
            return true;
    }
    return step->code_count == 0;
}

/* Messages and control frames. */

static bool payload_is(const case_step *step, const case_event *event) {
    if (step->any_payload)
        return true;
    uint8_t *payload = tow_conform_case_payload_make(&step->payload);
    bool same = payload != NULL && event->payload.length == step->payload.size &&
                (step->payload.size == 0 || memcmp(event->payload.data, payload, step->payload.size) == 0);
    free(payload);
    return same;
}

static progress expect_frame(conversation *self, const case_step *step) {
    case_event *event;
    while ((event = next_of_kind(self, step->opcode == 10)) != NULL) {
        if (event->opcode != step->opcode || event->kind == EVENT_END || event->kind == EVENT_STATUS)
            return unexpected(self, step, event);
        bool same = payload_is(step, event);
        if (!same && !step->eventually) {
            tow_conform_conversation_unmet(self,
                "%s of %zu bytes with another payload than expected: %zu bytes", expectation(step),
                event->payload.length, step->payload.size);
            return STEP_WAITS;
        }
        drop_this(self, event);
        if (same && ++self->matched == step->count)
            return STEP_DONE;
    }
    return await(self, step);
}

/* The end. */

/* A peer answers a Close with a Close (RFC 6455, section 5.5.1): we do, too. */
static void answer_close(conversation *self, unsigned code) {
    if (self->close_sent || self->ended_by_peer)
        return;
    tow_conform_outgoing_close(self, code);
    tow_conform_outgoing_pump(self);
}

static progress expect_close(conversation *self, const case_step *step) {
    case_event *event = next_but_pongs(self);
    if (event == NULL)
        return await(self, step);
    if (event->kind != EVENT_CLOSE)
        return unexpected(self, step, event);
    if (!has_code(step, event->code))
        tow_conform_conversation_not_strict(self, "status code %u, expected %u", event->code, step->codes[0]);
    answer_close(self, event->code);
    drop_event(self);
    return STEP_DONE;
}

/* RFC 6455, section 7.1.7: a Close with a fitting status code, then the end; the end alone will do, but does
 * not help anybody. */
static progress expect_failure(conversation *self, const case_step *step) {
    case_event *event = next_but_pongs(self);
    if (event == NULL)
        return await(self, step);
    if (event->kind == EVENT_CLOSE)
        return expect_close(self, step);
    if (event->kind != EVENT_END)
        return unexpected(self, step, event);
    if (!has_code(step, 0))
        tow_conform_conversation_not_strict(self, "the connection ended without a Close that says why");
    return STEP_DONE; /* the end itself is for a later step */
}

/* RFC 6455, section 7.1.1: the server ends TCP, so when a client is tested, we do. */
static void end_as_server(conversation *self) {
    if (self->tests_client && self->opened && self->close_sent && self->close_received)
        tow_conform_outgoing_shut(self);
}

static progress expect_end(conversation *self, const case_step *step) {
    end_as_server(self);
    case_event *event = next_but_pongs(self);
    if (event == NULL)
        return await(self, step);
    if (event->kind != EVENT_END)
        return unexpected(self, step, event);
    if (event->code == END_BY_RESET && step->cleanly)
        tow_conform_conversation_not_strict(self, "TCP was reset instead of ended (RFC 6455, section 7.1.1)");
    if (event->code == END_TRUNCATED && step->cleanly)
        tow_conform_conversation_not_strict(
            self, "TLS was not ended by a close_notify (RFC 6455, section 7.1.1)");
    return STEP_DONE;
}

static progress expect_silence(conversation *self, const case_step *step) {
    case_event *event = next_event(self);
    if (event != NULL)
        return unexpected(self, step, event);
    if (self->waited)
        return STEP_DONE;
    tow_conform_conversation_wait(self, step->milliseconds);
    return STEP_WAITS;
}

static progress expect_no_message(conversation *self, const case_step *step) {
    case_event *event = next_but_pongs(self);
    if (event != NULL && event->kind == EVENT_MESSAGE)
        return unexpected(self, step, event);
    if (event != NULL || self->waited)
        return STEP_DONE;
    tow_conform_conversation_wait(self, step->milliseconds);
    return STEP_WAITS;
}

/* Our Close, the peer's, and TCP's end, which the server makes (RFC 6455, section 7.1.1). */
static progress finish(conversation *self, const case_step *step) {
    case_event *event;
    if (!self->close_sent) {
        tow_conform_outgoing_close(self, 1000);
        tow_conform_outgoing_pump(self);
    }
    while ((event = next_but_pongs(self)) != NULL) {
        if (event->kind == EVENT_END && self->close_received)
            return expect_end(self, &(case_step){.kind = STEP_EXPECT_END, .cleanly = true});
        if (event->kind != EVENT_CLOSE)
            return unexpected(self, step, event);
        if (event->code != 1000 && event->code != 1005)
            tow_conform_conversation_not_strict(self, "the Close was answered with %u", event->code);
        drop_event(self);
        end_as_server(self);
    }
    return await(self, step);
}

/* The answer to the opening handshake. */

static progress expect_status(conversation *self, const case_step *step) {
    case_event *event = next_event(self);
    if (event == NULL)
        return await(self, step);
    unsigned code = event->kind == EVENT_STATUS ? event->code : 0;
    if (!has_code(step, code)) {
        if (code == 0)
            tow_conform_conversation_unmet(self, "no answer to the opening handshake");
        else
            tow_conform_conversation_unmet(self, "the opening handshake was answered with %u", code);
        return STEP_WAITS;
    }
    if (code == 0) /* RFC 6455, section 10.7 */
        tow_conform_conversation_not_strict(self, "the connection ended without a status that says why");
    else
        drop_event(self);
    return STEP_DONE;
}

static progress expect_field(conversation *self, const case_step *step) {
    size_t count;
    const char *value = tow_conform_judged_head_value(&self->answer, step->name, &count);
    if (step->code_count > 0 && !has_code(step, (unsigned)self->answer.status))
        return STEP_DONE;
    if (value != NULL &&
        (step->value == NULL || tow_conform_judged_head_has_token(&self->answer, step->name, step->value)))
        return STEP_DONE;
    if (value == NULL)
        tow_conform_conversation_unmet(self, "the answer has no field %s", step->name);
    else
        tow_conform_conversation_unmet(self, "the answer's %s is %.100s", step->name, value);
    return STEP_WAITS;
}

progress tow_conform_expectation_step(conversation *self, const case_step *step) {
    pass_over_status(self);
    switch (step->kind) {
    case STEP_EXPECT:
        return expect_frame(self, step);
    case STEP_EXPECT_CLOSE:
        return expect_close(self, step);
    case STEP_EXPECT_FAIL:
        return expect_failure(self, step);
    case STEP_EXPECT_END:
        return expect_end(self, step);
    case STEP_EXPECT_SILENCE:
        return expect_silence(self, step);
    case STEP_EXPECT_NO_MESSAGE:
        return expect_no_message(self, step);
    case STEP_EXPECT_STATUS:
        return expect_status(self, step);
    case STEP_EXPECT_FIELD:
        return expect_field(self, step);
    case STEP_FINISH:
        return finish(self, step);
    case STEP_SEND:
    case STEP_RAW:
    case STEP_CHOP:
    case STEP_TOGETHER:
    case STEP_APART:
    case STEP_WAIT:
    case STEP_SHUTDOWN:
    case STEP_RESET:
        break;
    }
    return STEP_DONE;
}
