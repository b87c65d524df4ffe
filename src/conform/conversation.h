/* conversation: one case being played with a peer, over one stream.
 *
 * Sends what the case says, turns what comes back into events, holds those against the case's expectations
 * and against the rules that every frame must keep, and ends with a verdict. Many run at the same time on one
 * loop. */
#ifndef TOW_CONFORM_CONVERSATION_H
#define TOW_CONFORM_CONVERSATION_H

#include "base/buffer.h"
#include "cases.h"
#include "decoder.h"
#include "opening_judge.h"
#include "squeeze.h"
#include "transcript.h"
#include "transport/stream.h"
#include "transport/timer.h"

typedef enum case_verdict {
    VERDICT_PASS,
    VERDICT_NOT_STRICT,     /* works, but not as the text asks */
    VERDICT_INFORMATIONAL,  /* a SHOULD or MAY that is not met */
    VERDICT_NOT_APPLICABLE, /* the peer does not have what the case needs: compression, a window size */
    VERDICT_FAIL
} case_verdict;

typedef enum event_kind {
    EVENT_STATUS,
    EVENT_MESSAGE,
    EVENT_PING,
    EVENT_PONG,
    EVENT_CLOSE,
    EVENT_END
} event_kind;

typedef struct case_event {
    event_kind kind;
    uint8_t opcode;
    unsigned code; /* status, or a Close's status code (1005: none) */
    tow_buffer payload;
} case_event;

enum { EVENTS_MAX = 4096 };

typedef struct conversation conversation;

/* What all conversations of a run share. */
typedef struct conversation_settings {
    tow_loop *loop;
    const char *host; /* as in the Host field */
    const char *path;
    int timeout_milliseconds; /* for each expectation */
    /* A client is tested: finds the case for a request's target; NULL refuses it with 404. */
    const conform_case *(*choose)(void *user, const char *target);
    /* The conversation is over; its stream is closed already. The callee frees it. */
    void (*on_done)(void *user, conversation *talk);
    void *user;
} conversation_settings;

struct conversation {
    tow_stream stream; /* first */
    tow_timer timer;   /* of the step */
    tow_timer pump_timer;
    const conversation_settings *settings;
    const conform_case *one;
    transcript transcript;
    char why[200];
    case_verdict verdict;
    int64_t started;
    int64_t ended;

    judged_agreement agreement;
    squeeze squeeze;
    char key[25];
    bool tests_client;
    bool opened;    /* the opening handshake is done */
    bool connected; /* bytes may be written */
    bool done;
    bool ended_by_peer;
    bool close_sent;
    bool close_received;
    bool together;
    bool waited;          /* the current step's time is over */
    bool status_expected; /* the case judges the status itself */

    size_t step;
    size_t matched; /* repetitions of the current expectation that came */
    size_t chop;
    int chop_milliseconds;
    tow_buffer out;
    size_t sent;

    tow_buffer in;
    tow_buffer message;
    uint8_t message_opcode; /* 0: no message under way */
    bool message_compressed;
    uint8_t last_key[4];
    size_t keys;
    size_t same_keys;
    case_event *events;
    size_t event_count;
    size_t event_at;
    size_t event_capacity;
};

/* Plays a case with a server. Errors: as tow_stream_connect, MEMORY. */
int conversation_connect(
    const conversation_settings *settings, const conform_case *one, const tow_address *address);

/* Plays the case that `choose` finds with a client that was accepted. */
int conversation_accept(const conversation_settings *settings, int fd);

void conversation_free(conversation *talk);

/* Between the files of the conversation. */

/* Ends it: the first verdict that is worse than before is kept with its reason. */
__attribute__((format(printf, 3, 4))) void conversation_end(
    conversation *self, case_verdict verdict, const char *format, ...);
/* Notes a lesser fault and goes on. */
__attribute__((format(printf, 2, 3))) void conversation_not_strict(
    conversation *self, const char *format, ...);
__attribute__((format(printf, 5, 6))) void conversation_note(
    conversation *self, char direction, const void *bytes, size_t length, const char *format, ...);
/* Goes on with the case's steps as far as they go now. */
void conversation_advance(conversation *self);

/* incoming.c: takes what was received apart and adds events. */
void conversation_receive(conversation *self, const uint8_t *bytes, size_t length);
void conversation_add_event(conversation *self, case_event event);

/* outgoing.c: encodes a step's frames; writes what is waiting. */
int outgoing_frames(conversation *self, const case_step *step);
int outgoing_close(conversation *self, unsigned code);
void outgoing_pump(conversation *self);

#endif
