/* visit: one who has come to a door, a connection or a request: which channel it names, what its keeper knows
 * of it, and what it may do.
 *
 * It begins in on_admit and is what on_open and on_request get as their user, who end it. */
#ifndef TOW_HANDLER_CHANNEL_VISIT_H
#define TOW_HANDLER_CHANNEL_VISIT_H

#include "door.h"

typedef struct tow_visit {
    const tow_door *door;
    tow_hub_part *part;
    tow_exchange *exchange;        /* until it is let in; */
    void *owner;                   /* then: whose it is */
    tow_channel_guest guest;       /* on_dismissed is whose it is by now */
    tow_channel_question question; /* while it waits to be let in */
    bool is_asked;                 /* that question is */
    bool has_entered;
    size_t length; /* 0: the path named no channel */
    char name[];
} tow_visit;

static inline tow_slice tow_visit_channel(const tow_visit *visit) {
    return (tow_slice){visit->name, visit->length};
}

static inline tow_visit *tow_visit_of_guest(tow_channel_guest *guest) {
    return (tow_visit *)(void *)((char *)guest - offsetof(tow_visit, guest));
}

/* Who it is; empty: nobody said. */
static inline tow_slice tow_visit_subject(const tow_visit *visit) {
    return visit->guest.subject != NULL ? tow_slice_from(visit->guest.subject) : (tow_slice){0};
}

/* A door's on_admit. */
void tow_visit_admit(tow_exchange *exchange, const tow_request *request);

/* Whether it may do that: by the channel's policy, and by its keeper where that leaves it to tokens. The
 * answer may come later, as channel_keeper.h says. */
void tow_visit_ask(tow_visit *visit, tow_channel_act act, tow_slice channel, tow_channel_question *question,
    tow_channel_answer *answer);
void tow_visit_forget(tow_visit *visit, tow_channel_question *question);

/* What an answer that came later is worth: nobody may what the policy leaves to nobody by now. */
tow_channel_answer tow_visit_confirm(
    const tow_visit *visit, tow_channel_act act, tow_slice channel, const tow_channel_answer *answer);

/* What is known of whether it may subscribe; LATER: somebody would have to be asked. */
tow_channel_word tow_visit_known(tow_visit *visit, tow_slice channel);

/* It shows a token. */
void tow_visit_show(
    tow_visit *visit, tow_slice token, tow_channel_question *question, tow_channel_answer *answer);

/* Frees it; what it asks was answered or forgotten. NULL is allowed. */
void tow_visit_end(tow_visit *visit);

#endif
