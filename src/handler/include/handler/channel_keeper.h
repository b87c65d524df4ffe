/* channel_keeper: who may do what with channels: the doors to them (/channel/NAME and others) ask, and a
 * keeper answers, who knows tokens that clients bring, or a back end.
 *
 * A guest is one connection, or one request, at a door. The door embeds it, and asks in this order: `enter`
 * with its request, `may` for each channel and act whose policy wants a token, `show` when it brings another
 * token, `leave` at the end. All of it is on the thread of the guest's worker. */
#ifndef TOW_HANDLER_CHANNEL_KEEPER_H
#define TOW_HANDLER_CHANNEL_KEEPER_H

#include "base/slice.h"

#include <stdint.h>
#include <towline/server.h>

typedef enum tow_channel_act { TOW_CHANNEL_SUBSCRIBE, TOW_CHANNEL_PUBLISH } tow_channel_act;

typedef enum tow_channel_word {
    TOW_CHANNEL_GRANTED,
    TOW_CHANNEL_REFUSED,
    TOW_CHANNEL_LATER /* the question is kept, and answered in a later callback */
} tow_channel_word;

/* Why a guest has to go. */
typedef enum tow_channel_dismissal {
    TOW_CHANNEL_EXPIRED,     /* its token has, and it showed no other one in time */
    TOW_CHANNEL_DISCONNECTED /* somebody who may wanted that */
} tow_channel_dismissal;

/* Texts live until the call that gets them returns. */
typedef struct tow_channel_answer {
    tow_channel_word word; /* never LATER in `on_answer` */
    int status; /* of a refusal: 401 (a token is needed, or is no good), 403, 503 (nobody could be asked) */
    const char *reason; /* of a refusal, for the client: a line of at most 120 bytes, without secrets */
} tow_channel_answer;

/* Embedded by who asks, and there until it was answered or forgotten. */
typedef struct tow_channel_question {
    void (*on_answer)(struct tow_channel_question *question, const tow_channel_answer *answer);
    void *asked; /* of who answers */
} tow_channel_question;

typedef struct tow_channel_keeper tow_channel_keeper;

typedef struct tow_channel_guest { /* zeroed but for on_dismissed; `enter` and `show` fill the rest but is_in
                                    */
    /* It has to go. The door tells the client, lets it go and calls `leave`, in this call or later. Never
     * inside a call of the door's. */
    void (*on_dismissed)(struct tow_channel_guest *guest, tow_channel_dismissal why);
    tow_loop *loop;  /* set by `enter`, or before it where there is no exchange */
    uint64_t client; /* the same: tow_exchange_client; 0: nobody knows */
    const char
        *subject;    /* who it is: UTF-8 of at most 200 bytes; NULL: nobody said. Until `show` or `leave` */
    tow_slice info;  /* what presence tells of it: a value of JSON; length 0: nothing. The same */
    int64_t expires; /* seconds since 1970, after which on_dismissed comes; 0: never */
    void *known;     /* of who answers */
    bool is_in;      /* the door's: it was let in as who it is */
} tow_channel_guest;

/* What answers. What is said at once is written to `answer`; with LATER `question` is kept, and on_answer
 * comes once, never inside the call. */
struct tow_channel_keeper {
    void *user;
    /* Who comes with this request, by a token in it or whatever else; `exchange` may be NULL. A guest without
     * one is granted, as nobody in particular. A refusal ends it: `leave` is not called then. */
    void (*enter)(const tow_channel_keeper *keeper, tow_channel_guest *guest, tow_exchange *exchange,
        const tow_request *request, tow_channel_question *question, tow_channel_answer *answer);
    /* It brings a token in a message: it is who that says from now on, if it is nobody in particular or is
     * not in yet; else it stays the same user. A refusal leaves all as it was. */
    void (*show)(const tow_channel_keeper *keeper, tow_channel_guest *guest, tow_slice token,
        tow_channel_question *question, tow_channel_answer *answer);
    /* Asked for what the channel's policy leaves to tokens. Where `question` is NULL nothing is kept: LATER
     * says that somebody else would have to be asked. */
    void (*may)(const tow_channel_keeper *keeper, tow_channel_guest *guest, tow_channel_act act,
        tow_slice channel, tow_channel_question *question, tow_channel_answer *answer);
    /* A question that was kept is of no interest any more. */
    void (*forget)(const tow_channel_keeper *keeper, tow_channel_question *question);
    /* Once, after it was let in. Questions of it were answered or forgotten before. */
    void (*leave)(const tow_channel_keeper *keeper, tow_channel_guest *guest);
    /* All guests that are this subject have to go. Returns how many there are, or MEMORY: some may stay
     * then. Any thread. */
    int64_t (*dismiss)(const tow_channel_keeper *keeper, tow_slice subject);
};

#endif
