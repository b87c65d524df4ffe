/* state: what is kept of a client with its program, what the log says of it, and how both are let go. */
#ifndef TOW_HANDLER_PROGRAM_STATE_H
#define TOW_HANDLER_PROGRAM_STATE_H

#include "base/buffer.h"
#include "command.h"
#include "error_lines.h"
#include "program/connection.h"
#include "transport/timer.h"

#include <stdint.h>

enum { TOW_PROGRAM_NAME_MAX = 160, TOW_PROGRAM_TEXT_MAX = 124 /* of a reason, with its zero */ };

typedef struct tow_program_connection {
    tow_program *program;
    tow_websocket *socket;   /* NULL: it has closed */
    tow_byte_stream *stream; /* the program's; NULL: gone */
    tow_loop *loop;
    tow_command command;
    tow_error_lines errors;
    tow_timer turn;     /* until more of its output is looked at */
    tow_timer deadline; /* until it has run for too long, or has had its time to end */
    tow_buffer input;   /* that it has not taken */
    tow_buffer output;  /* that was not sent */
    size_t seen;        /* of that */
    int descriptors;    /* that were taken for it */
    bool ended;         /* it has exited, and its output is all here */
    bool closing;       /* its stream */
    char name[TOW_PROGRAM_NAME_MAX];
} tow_program_connection;

/* A line of the log. */
__attribute__((format(printf, 3, 4))) void tow_program_say(
    const tow_program_connection *connection, int level, const char *format, ...);

/* When the loop will be so many seconds later. */
int64_t tow_program_in_seconds(const tow_program_connection *connection, int seconds);

/* Frees it when the socket, the stream and the process are gone. */
void tow_program_free_if_over(tow_program_connection *connection);

/* The program has what it gets, and has to end. */
void tow_program_let_go(tow_program_connection *connection);

void tow_program_close_client(tow_program_connection *connection, uint16_t code, const char *reason);

/* Ends both: the reason is for the client and, with a level, for the log. */
void tow_program_fail(tow_program_connection *connection, int level, uint16_t code, const char *reason);

/* How it has ended, in words. */
void tow_program_write_status(char out[TOW_PROGRAM_TEXT_MAX], int status);

#endif
