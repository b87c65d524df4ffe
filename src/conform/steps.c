/* steps: a case's steps, one after the other, as far as each goes now. */
#include "conversation.h"

#include <stdint.h>
#include <string.h>

static progress wait_step(conversation *self, const case_step *step) {
    if (self->waited)
        return STEP_DONE;
    tow_conform_conversation_wait(self, step->milliseconds);
    return STEP_WAITS;
}

static progress send_step(conversation *self, const case_step *step) {
    int error = step->kind == STEP_SEND
                    ? tow_conform_outgoing_frames(self, step)
                    : tow_buffer_append(&self->out, step->payload.literal, step->payload.size);
    if (step->kind == STEP_RAW)
        tow_conform_conversation_note(self, '>', step->payload.literal, step->payload.size, "bytes");
    if (error != 0)
        tow_conform_conversation_end(self, VERDICT_FAIL, "out of memory");
    else
        tow_conform_outgoing_pump(self);
    return STEP_DONE;
}

static void release(conversation *self) {
    self->together = false;
    tow_conform_outgoing_pump(self);
}

/* Whether all that was sent before is with the kernel; else the step is tried again soon. */
static bool is_drained(conversation *self) {
    if (self->out.length == self->sent || self->ended_by_peer)
        return true;
    tow_conform_conversation_wait(self, 1);
    self->waited = false;
    return false;
}

static progress chop_step(conversation *self, const case_step *step) {
    if (!self->together && !is_drained(self)) /* what was sent before is not chopped */
        return STEP_WAITS;
    self->chop = step->count;
    self->chop_milliseconds = step->milliseconds;
    self->chop_left = step->first == 0 ? SIZE_MAX : step->first;
    return STEP_DONE;
}

/* TLS 1.2 and older know no half close: a close_notify is answered by one, and ends both directions (RFC
 * 5246, section 7.2.1). TCP does, and TLS since 1.3 (RFC 8446, section 6.1). */
static bool can_half_close(const conversation *self) {
    tow_tls_details details;
    return tow_stream_tls_details(&self->stream, &details) != 0 || strcmp(details.version, "TLSv1.3") == 0;
}

static bool expects_more_than_the_end(const conversation *self) {
    return self->step + 1 < self->one->step_count && self->one->steps[self->step + 1].kind != STEP_EXPECT_END;
}

/* Our FIN; over TLS behind a close_notify. */
static progress shutdown_step(conversation *self) {
    release(self);
    if (!is_drained(self))
        return STEP_WAITS;
    if (expects_more_than_the_end(self) && !can_half_close(self))
        tow_conform_conversation_end(self, VERDICT_NOT_APPLICABLE, "TLS before 1.3 has no half close");
    else
        tow_conform_outgoing_shut(self);
    return STEP_DONE;
}

static progress reset_step(conversation *self) {
    release(self);
    if (!is_drained(self))
        return STEP_WAITS;
    tow_conform_conversation_note(self, '=', NULL, 0, "we reset the connection");
    tow_stream_reset(&self->stream);
    tow_conform_conversation_end(self, VERDICT_PASS, "%s", "");
    return STEP_DONE;
}

static progress run_step(conversation *self, const case_step *step) {
    switch (step->kind) {
    case STEP_SEND:
    case STEP_RAW:
        return send_step(self, step);
    case STEP_CHOP:
        return chop_step(self, step);
    case STEP_TOGETHER:
        return self->together = true, STEP_DONE;
    case STEP_APART:
        return release(self), STEP_DONE;
    case STEP_WAIT:
        return wait_step(self, step);
    case STEP_SHUTDOWN:
        return shutdown_step(self);
    case STEP_RESET:
        return reset_step(self);
    case STEP_EXPECT:
    case STEP_EXPECT_CLOSE:
    case STEP_EXPECT_FAIL:
    case STEP_EXPECT_END:
    case STEP_EXPECT_SILENCE:
    case STEP_EXPECT_NO_MESSAGE:
    case STEP_EXPECT_STATUS:
    case STEP_EXPECT_FIELD:
    case STEP_FINISH:
        break;
    }
    release(self);
    self->awaits = step->kind != STEP_EXPECT_SILENCE && step->kind != STEP_EXPECT_NO_MESSAGE;
    return tow_conform_expectation_step(self, step);
}

void tow_conform_conversation_advance(conversation *self) {
    if (!tow_conform_conversation_is_playing(self))
        return;
    while (!self->done && self->step < self->one->step_count) {
        const case_step *step = &self->one->steps[self->step];
        if (run_step(self, step) == STEP_WAITS)
            return;
        tow_timer_cancel(self->settings->loop, &self->timer);
        self->awaits = self->waited = false;
        self->matched = 0;
        self->step++;
    }
    if (!self->done && self->sent == self->out.length)
        tow_conform_conversation_end(self, VERDICT_PASS, "%s", "");
}
