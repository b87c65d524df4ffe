/* verdict: what a conversation comes to, and what is noted of it. */
#include "conversation.h"

#include "transport/loop.h"

#include <stdarg.h>
#include <stdio.h>

/* Heads of the opening handshake are kept to be read where the case is about them. */
static size_t bytes_to_keep(const conversation *self, const uint8_t *bytes) {
    const conform_case *one = self->one;
    bool is_head = bytes != NULL && bytes[0] >= ' ' && bytes[0] < 0x7f; /* frames begin otherwise */
    bool matters = one == NULL || one->edit_count > 0 || one->offer != NULL || self->status_expected;
    return is_head && matters ? ENTRY_BYTES_OF_HEADS : ENTRY_BYTES;
}

void tow_conform_conversation_note(
    conversation *self, char direction, const void *bytes, size_t length, const char *format, ...) {
    char words[120];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    int64_t microseconds = (tow_loop_now(self->settings->loop) - self->started) / 1000;
    tow_conform_transcript_note(
        &self->transcript, microseconds, direction, bytes, length, bytes_to_keep(self, bytes), words);
}

/* Keeps the first of the worst verdicts, with its reason. */
__attribute__((format(printf, 3, 0))) static void worsen(
    conversation *self, case_verdict verdict, const char *format, va_list arguments) {
    if (verdict <= self->verdict)
        return;
    self->verdict = verdict;
    vsnprintf(self->why, sizeof(self->why), format, arguments);
}

void tow_conform_conversation_not_strict(conversation *self, const char *format, ...) {
    bool is_choice = self->one != NULL && self->one->level == LEVEL_MAY;
    va_list arguments;
    va_start(arguments, format);
    worsen(self, is_choice ? VERDICT_INFORMATIONAL : VERDICT_NOT_STRICT, format, arguments);
    va_end(arguments);
}

static void end(conversation *self) {
    self->done = true;
    tow_conform_conversation_note(self, '=', NULL, 0, "%s", self->why[0] == 0 ? "as expected" : self->why);
    self->ended = tow_loop_now(self->settings->loop);
    tow_timer_cancel(self->settings->loop, &self->timer);
    tow_timer_cancel(self->settings->loop, &self->pump_timer);
    if (self->verdict < VERDICT_NOT_APPLICABLE)
        tow_stream_close(&self->stream);
    else
        tow_stream_reset(&self->stream);
}

void tow_conform_conversation_end(conversation *self, case_verdict verdict, const char *format, ...) {
    if (self->done)
        return;
    va_list arguments;
    va_start(arguments, format);
    worsen(self, verdict, format, arguments);
    va_end(arguments);
    end(self);
}

void tow_conform_conversation_unmet(conversation *self, const char *format, ...) {
    static const case_verdict verdicts[] = {[LEVEL_MUST] = VERDICT_FAIL,
        [LEVEL_SHOULD] = VERDICT_NOT_STRICT,
        [LEVEL_MAY] = VERDICT_INFORMATIONAL};
    if (self->done)
        return;
    va_list arguments;
    va_start(arguments, format);
    worsen(self, self->one == NULL ? VERDICT_FAIL : verdicts[self->one->level], format, arguments);
    va_end(arguments);
    end(self);
}
