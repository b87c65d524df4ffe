/* session: the state of one `towline connect`, shared by its parts. */
#ifndef TOW_PROGRAM_SESSION_H
#define TOW_PROGRAM_SESSION_H

#include "connect.h"
#include "exit_status.h"
#include "hub/position.h"
#include "input.h"
#include "transport/timer.h"
#include "view.h"
#include "way.h"

#include <towline/reconnector.h>

typedef struct tow_session tow_session;

struct tow_session {
    const tow_connect_settings *settings;
    const tow_way *way;
    tow_loop *loop;
    tow_reconnector *reconnector; /* with --reconnect: makes the sockets */
    tow_websocket *socket;        /* with --reconnect NULL while there is none that is or was open */
    tow_view view;
    tow_standard_input input;
    tow_signals signals;
    tow_timer linger_timer;
    tow_timer ping_timer;
    tow_timer limit_timer;
    const char *const *next_message; /* of -x */
    uint64_t sent;
    uint64_t came; /* since the first was sent */
    uint64_t ping_number;
    int64_t ping_at;
    char ping_payload[126];
    size_t ping_length;
    unsigned interrupts;
    char position[TOW_POSITION_TEXT_SIZE]; /* of a channel, the last that was seen; "": none */
    tow_buffer unsent; /* with --reconnect: a piece of the input for the next connection */
    bool has_unsent;
    tow_exit_status end;    /* what the end of the last connection says */
    tow_exit_status status; /* the first failure besides, whatever the close code */
    uint16_t own_code;      /* of the Close by our own decision, 0: none */
    bool interactive;       /* lines are edited */
    bool opened;
    bool advised; /* to fall back */
    bool input_ended;
    bool ended;
};

/* The callbacks of a client's socket, with the session as their user. */
void tow_session_listen(tow_session *session, tow_websocket_options *options);

/* The owner of view.output: it took something, or is gone. */
void tow_session_output_changed(tow_writer *output);

/* Sends a message; what cannot be sent is told and fails the session. */
void tow_session_send(tow_session *session, tow_message_type type, const void *data, size_t length);

/* Sends a Ping with this payload, at most 125 bytes, and notes the time; without a payload, its number. */
void tow_session_ping(tow_session *session, const void *payload, size_t length);

/* Opens the connection, and others when it is lost. Errors: those of tow_reconnector_new. */
int tow_session_reconnect(tow_session *session, const char *url, const tow_websocket_options *options);

/* With --reconnect, the connection is gone: nothing is read or pinged until there is another. */
void tow_session_lost(tow_session *session);

/* With --reconnect: no connection is open at the moment. */
bool tow_session_is_cut(const tow_session *session);

/* With --reconnect, a piece of the input that finds no open connection waits for the next, and is the last
 * that is read until then. False: there is one, or none will come. */
bool tow_session_keep(tow_session *session, const char *bytes, size_t length);

/* Pings at the interval that the settings say, from now on. */
void tow_session_ping_regularly(tow_session *session);

/* For tow_websocket_options. */
void tow_session_on_ping(tow_websocket *socket, const void *payload, size_t length);
void tow_session_on_pong(tow_websocket *socket, const void *payload, size_t length);

/* Closes with this code, by our own decision. */
void tow_session_leave(tow_session *session, uint16_t code, const char *reason);

/* The input has ended, which is passed on: the Close is sent, and what comes is shown until the peer's. */
void tow_session_shut(tow_session *session);

/* Notes how `towline connect` is to end, unless that was noted before. */
void tow_session_note(tow_session *session, tow_exit_status status);

/* Notes a failure, and closes with 1000. */
void tow_session_fail(tow_session *session, tow_exit_status status);

/* The last connection is closed, and none will follow: what that says about the exit status, then the end. */
void tow_session_conclude(tow_session *session);

/* The last that happens: nothing keeps the loop running any more. */
void tow_session_end(tow_session *session);

/* Shows a message; what fails is told, and fails the session. Returns whether it did not. */
bool tow_session_show(tow_session *session, const tow_message *message);

/* The peer is read no further where too much waits for our reader or, with --echo, for the peer; it is again
 * where little does; and it may be unread between the two. */
void tow_session_read_less(tow_session *session);
void tow_session_read_on(tow_session *session);
bool tow_session_may_be_unread(const tow_session *session);

/* Of who subscribes: what the server says. */
void tow_session_hear(tow_session *session, const tow_message *message);

/* The same: sends an envelope. Errors: those of sending. */
__attribute__((format(printf, 2, 3))) int tow_session_say(tow_session *session, const char *format, ...);

/* With --presence: tells of one member, an object with `user` and perhaps `info`; and of all in an answer,
 * where more of them are asked for if it has not all. */
void tow_session_tell_member(tow_session *session, const char *what, tow_slice member);
void tow_session_tell_members(tow_session *session, tow_slice answer);

/* With --reconnect: the next connection goes on behind what was heard. Errors: MEMORY. */
int tow_session_go_on_from(const tow_session *session);

/* Carries out a line that was typed: a message or a command. */
void tow_session_line(tow_session *session, const char *line);

#endif
