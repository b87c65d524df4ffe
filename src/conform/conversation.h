/* conversation: one case being played with a peer, over one stream.
 *
 * Sends what the case says, turns what comes back into events, holds those against the case's expectations
 * and against the rules that every frame must keep, and ends with a verdict. Many run at the same time on one
 * loop. It knows its stream only by tow_stream's calls, whatever carries that. */
#ifndef TOW_CONFORM_CONVERSATION_H
#define TOW_CONFORM_CONVERSATION_H

#include "base/buffer.h"
#include "cases.h"
#include "decoder.h"
#include "key_watch.h"
#include "opening_judge.h"
#include "opening_write.h"
#include "squeeze.h"
#include "transcript.h"
#include "transport/stream.h"
#include "transport/timer.h"
#include "transport/tls.h"

/* From good to bad: of several the worst counts. */
typedef enum case_verdict {
    VERDICT_PASS,
    VERDICT_INFORMATIONAL,  /* a MAY that the peer does not make use of */
    VERDICT_NOT_STRICT,     /* works, but not as a SHOULD asks */
    VERDICT_NOT_APPLICABLE, /* the peer does not have what the case needs: compression, a window size */
    VERDICT_FAIL            /* a MUST that is not met */
} case_verdict;

typedef enum event_kind {
    EVENT_STATUS,
    EVENT_MESSAGE,
    EVENT_PING,
    EVENT_PONG,
    EVENT_CLOSE,
    EVENT_END
} event_kind;

/* How a peer ended its side. */
typedef enum end_manner {
    END_ORDERLY,
    END_BY_RESET,
    END_TRUNCATED /* a FIN without TLS's close_notify before it */
} end_manner;

typedef struct case_event {
    event_kind kind;
    uint8_t opcode;
    unsigned code; /* status, a Close's status code (1005: none), or an end's manner */
    tow_buffer payload;
} case_event;

enum { EVENTS_MAX = 4096, NONCES_MAX = 1024 };

/* What all clients of a run have sent, to be found again. */
typedef struct client_memory {
    key_watch first_keys; /* of each connection */
    char nonces[NONCES_MAX][25];
    size_t nonce_count;
} client_memory;

typedef struct conversation conversation;

/* What all conversations of a run share. */
typedef struct conversation_settings {
    tow_loop *loop;
    tow_tls_context *tls;    /* NULL: without TLS */
    const char *server_name; /* whose certificate a server shows; NULL when clients are tested */
    const char *host;        /* as in the Host field */
    const char *path;
    int timeout_milliseconds; /* for each expectation, as long as nothing crosses */
    client_memory *memory;    /* of clients under test; NULL for servers */
    conversation **under_way; /* the list of them all */
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
    void (*go_on)(conversation *self); /* with the steps, from below */
    conversation *next;                /* of the run's conversations under way */
    conversation **previous;
    transcript transcript;
    char why[200];
    case_verdict verdict;
    int64_t started;
    int64_t ended;
    int64_t last_crossed; /* when a byte came or went */

    judged_agreement agreement;
    judged_head answer; /* the peer's part of the opening handshake */
    squeeze squeeze;
    char key[25];
    bool tests_client;
    bool opened;    /* the opening handshake is done */
    bool connected; /* bytes may be written */
    bool done;
    bool ended_by_peer;
    bool close_sent;
    bool close_received;
    bool shut;      /* our side of TCP has ended */
    bool abandoned; /* the run was stopped: no result */
    bool together;
    bool awaits;          /* the current step waits for the peer */
    bool waited;          /* its time is over */
    bool status_expected; /* the case judges the status itself */

    size_t step;
    size_t matched; /* repetitions of the current expectation that came */
    size_t chop;
    size_t chop_left; /* bytes that are still chopped */
    int chop_milliseconds;
    tow_buffer out;
    size_t sent;

    tow_buffer in;
    tow_buffer message;
    uint8_t message_opcode; /* 0: no message under way */
    bool message_compressed;
    key_watch keys;
    case_event *events;
    size_t event_count;
    size_t event_at;
    size_t event_capacity;
};

/* Plays a case with a server. Errors: as tow_stream_connect, MEMORY. */
int tow_conform_conversation_connect(
    const conversation_settings *settings, const conform_case *one, const tow_address *address);

/* Plays the case that `choose` finds with a client that was accepted. */
int tow_conform_conversation_accept(const conversation_settings *settings, int fd);

void tow_conform_conversation_free(conversation *talk);

/* Ends it without a result: on_done follows. */
void tow_conform_conversation_abandon(conversation *talk);

/* Between the files of the conversation, lowest first. */

/* verdict.c: ends it; the first verdict that is worse than before is kept with its reason. */
__attribute__((format(printf, 3, 4))) void tow_conform_conversation_end(
    conversation *self, case_verdict verdict, const char *format, ...);
/* Ends it because an expectation was not met: what that weighs is the case's level. */
__attribute__((format(printf, 2, 3))) void tow_conform_conversation_unmet(
    conversation *self, const char *format, ...);
/* Notes a lesser fault and goes on. */
__attribute__((format(printf, 2, 3))) void tow_conform_conversation_not_strict(
    conversation *self, const char *format, ...);
__attribute__((format(printf, 5, 6))) void tow_conform_conversation_note(
    conversation *self, char direction, const void *bytes, size_t length, const char *format, ...);

/* patience.c: lets the step wait for an event, or so long at most; `waited` tells when the time is over. */
void tow_conform_conversation_wait(conversation *self, int milliseconds);
/* How long an expectation of the case may take. */
int tow_conform_conversation_patience(const conversation *self);
/* Whether the case's steps may go on. */
bool tow_conform_conversation_is_playing(const conversation *self);

/* outgoing.c: encodes a step's frames; writes what is waiting. */
int tow_conform_outgoing_frames(conversation *self, const case_step *step);
int tow_conform_outgoing_close(conversation *self, unsigned code);
void tow_conform_outgoing_pong(conversation *self, const uint8_t *payload, size_t length);
void tow_conform_outgoing_pump(conversation *self);
/* Our part of the opening handshake is ready to be sent. */
void tow_conform_outgoing_begin(conversation *self);
/* Ends our side of TCP. */
void tow_conform_outgoing_shut(conversation *self);

/* incoming.c: takes what was received apart and adds events; the steps have to go on. */
void tow_conform_conversation_receive(conversation *self, const uint8_t *bytes, size_t length);
void tow_conform_conversation_add_event(conversation *self, case_event event);

/* What a step comes to. */
typedef enum progress { STEP_DONE, STEP_WAITS } progress;

/* expectations.c: holds what came against an expectation. */
progress tow_conform_expectation_step(conversation *self, const case_step *step);

/* steps.c: goes on with the case's steps as far as they go now. */
void tow_conform_conversation_advance(conversation *self);

#endif
