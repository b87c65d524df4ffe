/* opening_judge: the opening handshake as the judge writes and reads it (RFC 6455, section 4; RFC 9112).
 *
 * Its own reading of heads: every line by itself, nothing forgiven. */
#ifndef TOW_CONFORM_OPENING_JUDGE_H
#define TOW_CONFORM_OPENING_JUDGE_H

#include "cases.h"

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

/* What was agreed on compression, as read from the server's answer. */
typedef struct judged_agreement {
    bool enabled;
    bool server_no_context_takeover;
    bool client_no_context_takeover;
    int server_max_window_bits;
    int client_max_window_bits;
} judged_agreement;

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

/* Our request for a case (key and edits applied), and our answer to a client's; `extension` may be NULL.
 * Errors: MEMORY. */
int tow_conform_opening_request_write(
    const conform_case *one, const char *host, const char *path, const char *key, tow_buffer *out);
int tow_conform_opening_answer_write(
    const conform_case *one, const char *extension, const judged_head *request, tow_buffer *out);

/* The agreement that a case wants, with what the client's offer asks for besides: who answers grants it (RFC
 * 7692, sections 7.1.1.1 and 7.1.2.1). */
enum { GRANTED_MAX = 256 };
void tow_conform_opening_grant(const char *wanted, const char *offer, char granted[GRANTED_MAX]);

/* Whether a 101 answers our request: false with the reason. `agreement` is filled from it. */
bool tow_conform_opening_answer_judge(const conform_case *one, const judged_head *answer, const char *key,
    judged_agreement *agreement, char why[160]);

/* Whether a client's request is one. */
bool tow_conform_opening_request_judge(const judged_head *request, char why[160]);

/* Reads the parameters of permessage-deflate from an extension list. False if they are not valid. */
bool tow_conform_agreement_read(const char *text, judged_agreement *agreement);

#endif
