/* towline/message.h: a message, and a word that all options share. */
#ifndef TOWLINE_MESSAGE_H
#define TOWLINE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In an options struct 0 means the default and TOW_OFF means none. */
#define TOW_OFF (-1)

/* The two types of message; the values are the opcodes of RFC 6455, section 11.8. */
typedef enum tow_message_type { TOW_TEXT = 1, TOW_BINARY = 2 } tow_message_type;

/* A whole message as on_message gets it. `data` is borrowed: it is valid until the callback returns. Text is
 * valid UTF-8 and is not terminated by a zero. */
typedef struct tow_message {
    tow_message_type type;
    const void *data;
    size_t length;
} tow_message;

/* A part of a message that is received or sent piece by piece; a message has one `first` and one `last`,
 * which may be the same, and any number of pieces between, which may be empty. Text is valid UTF-8 as a
 * whole: a piece may end inside a character. */
typedef struct tow_message_piece {
    tow_message_type type; /* the same in all pieces of a message */
    const void *data;      /* on_piece: borrowed until the callback returns */
    size_t length;         /* bytes */
    bool first;            /* the message begins */
    bool last;             /* the message ends */
} tow_message_piece;

#ifdef __cplusplus
}
#endif

#endif
