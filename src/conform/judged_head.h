/* judged_head: the judge's own reading of heads (RFC 9112): every line by itself, nothing forgiven. */
#ifndef TOW_CONFORM_JUDGED_HEAD_H
#define TOW_CONFORM_JUDGED_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct head_line {
    char *name; /* in lower case; owned with `text` */
    char *value;
} head_line;

enum { HEAD_LINES_MAX = 100 };

typedef struct judged_head {
    char *text; /* owned; the lines point into it */
    char *first;
    head_line lines[HEAD_LINES_MAX];
    size_t count;
    size_t size; /* bytes of the head */
    int status;  /* of a response */
} judged_head;

/* Reads a head from the front of the bytes. 1: read, 0: not complete, negative: not a head (`why` says so) or
 * MEMORY. */
int tow_conform_judged_head_read(judged_head *head, const uint8_t *bytes, size_t length, char why[160]);
void tow_conform_judged_head_clear(judged_head *head);

/* The only value of a name, NULL if there is none; `*count` is how many there are. */
const char *tow_conform_judged_head_value(const judged_head *head, const char *name, size_t *count);

/* Whether a comma list under the name has the token, without regard to case. */
bool tow_conform_judged_head_has_token(const judged_head *head, const char *name, const char *token);

/* The value of Sec-WebSocket-Accept for a key; `out` has room for 29 bytes. */
void tow_conform_judged_accept(const char *key, char out[29]);

/* The next element of a comma list: its length without white space around it, 0 behind the last; *at moves
 * behind it. */
size_t tow_conform_list_next(const char **at, const char **element);

#endif
