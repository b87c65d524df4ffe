/* request: what a talk was asked for and has not answered yet: it waits for the keeper's word, for the
 * subscription to stand, or for the hub's answer. */
#ifndef TOW_HANDLER_CHANNEL_REQUEST_H
#define TOW_HANDLER_CHANNEL_REQUEST_H

#include "talk.h"

typedef struct tow_talk_request {
    tow_ring link; /* first: of the talk's */
    tow_talk *talk;
    tow_envelope envelope; /* which lies in `message` */
    tow_channel_question question;
    tow_hub_question hub;
    bool is_asked;   /* the keeper is */
    bool is_waiting; /* for the subscription to stand */
    size_t length;
    char message[];
} tow_talk_request;

/* Does what a message asks for, at once or when what it needs has come. */
void tow_talk_request_take(tow_talk *talk, tow_slice message);

/* The one that waits for this channel's subscription, or NULL. */
tow_talk_request *tow_talk_request_find(const tow_talk *talk, tow_slice channel);

/* It is over: frees it, and what it asks is not wanted any more. */
void tow_talk_request_end(tow_talk_request *request);

#endif
