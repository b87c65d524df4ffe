/* patience: how long a conversation waits for its peer. */
#include "conversation.h"

#include "transport/loop.h"

int tow_conform_conversation_patience(const conversation *self) {
    bool own = self->one != NULL && self->one->within > 0;
    return own ? self->one->within : self->settings->timeout_milliseconds;
}

/* Whether the case's steps may go on. */
bool tow_conform_conversation_is_playing(const conversation *self) {
    return self->connected && self->one != NULL &&
           (self->opened || self->status_expected || self->one->early || self->ended_by_peer);
}

/* Time is not over while bytes cross, unless the case says how long it may take. */
static void on_time(tow_timer *timer) {
    conversation *self = (conversation *)((char *)timer - offsetof(conversation, timer));
    int64_t patience = self->settings->timeout_milliseconds * TOW_MILLISECOND;
    if (!tow_conform_conversation_is_playing(self)) {
        tow_conform_conversation_unmet(
            self, self->connected ? "no opening handshake came" : "no connection came about");
        return;
    }
    bool busy = tow_loop_now(self->settings->loop) - self->last_crossed < patience;
    if (busy && self->awaits && self->one->within == 0) {
        tow_timer_set(self->settings->loop, &self->timer, self->last_crossed + patience, on_time);
        return;
    }
    self->waited = true;
    self->go_on(self);
}

void tow_conform_conversation_wait(conversation *self, int milliseconds) {
    if (!tow_timer_is_set(&self->timer))
        tow_timer_set(self->settings->loop, &self->timer,
            tow_loop_now(self->settings->loop) + milliseconds * TOW_MILLISECOND, on_time);
}
