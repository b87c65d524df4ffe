/* cases: the cases as data, read from a text. docs/conformance-cases.md explains its language.
 *
 * A text in, an array of cases out. Knows nothing of running them. */
#ifndef TOW_CONFORM_CASES_H
#define TOW_CONFORM_CASES_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum case_level { LEVEL_MUST, LEVEL_SHOULD, LEVEL_MAY } case_level;
typedef enum case_role { ROLE_BOTH, ROLE_SERVER_TESTED, ROLE_CLIENT_TESTED } case_role;

/* Where the bytes of a payload come from; made when they are needed, as some are large. */
typedef enum payload_kind {
    PAYLOAD_LITERAL, /* bytes as written: "text" or hex */
    PAYLOAD_ASCII,   /* `size` printable bytes */
    PAYLOAD_UNICODE, /* `size` bytes of characters of one to four bytes, filled up with ASCII */
    PAYLOAD_BINARY,  /* `size` bytes that repeat with a period of 251 */
    PAYLOAD_RANDOM,  /* `size` bytes that do not compress, or repeat after `period`; the same in each run */
    PAYLOAD_ZEROS
} payload_kind;

typedef struct case_payload {
    payload_kind kind;
    uint8_t *literal; /* owned */
    size_t size;
    size_t period; /* 0: none */
} case_payload;

typedef enum step_kind {
    STEP_SEND,     /* a frame */
    STEP_RAW,      /* bytes as they are */
    STEP_CHOP,     /* from now on (of the next `first` bytes, if that is not 0) in pieces of `count` bytes,
                      `milliseconds` between them */
    STEP_TOGETHER, /* keep what is sent until STEP_APART or an expectation, then send it in one write */
    STEP_APART,
    STEP_WAIT,
    STEP_SHUTDOWN, /* half close */
    STEP_RESET,
    STEP_EXPECT,            /* a message or control frame */
    STEP_EXPECT_CLOSE,      /* a Close; with another code than one of `codes` it is not strict */
    STEP_EXPECT_FAIL,       /* the same, or the end: that is not strict unless 0 is one of `codes` */
    STEP_EXPECT_END,        /* the end of TCP */
    STEP_EXPECT_SILENCE,    /* nothing at all for `milliseconds` */
    STEP_EXPECT_NO_MESSAGE, /* a Close, the end, or no message for `milliseconds` */
    STEP_EXPECT_STATUS, /* the answer's status, of `codes`; 0 among them: ending without one is not strict */
    STEP_EXPECT_FIELD,  /* the answer has the field `name`, and `value` in its list */
    STEP_FINISH         /* closing handshake begun by us, with 1000; then the peer's end */
} step_kind;

/* What a step may ask for at most: it is made in memory. */
enum { STEP_CODES_MAX = 16, STEP_SIZE_MAX = 256 << 20, STEP_COUNT_MAX = 100000 };

typedef struct case_step {
    step_kind kind;
    case_payload payload;
    uint64_t claimed_length;        /* with has_claim */
    unsigned codes[STEP_CODES_MAX]; /* 1 to 9: a class of statuses */
    size_t code_count;
    size_t fragment; /* bytes of each fragment, 0: one frame */
    size_t count;    /* repetitions; bytes of a chop */
    size_t first;
    int milliseconds;
    int line; /* in the text, for messages */
    uint8_t opcode;
    uint8_t reserved_bits;
    uint8_t length_bytes; /* 0: minimal; else 1, 3 or 9 */
    uint8_t level;        /* of compression */
    bool final;
    bool wrongly_masked; /* the wrong way round for our role */
    bool zero_key;
    bool deflate; /* compress the payload (and set RSV1 on the first frame unless rsv= was given) */
    bool has_reserved_bits;
    bool has_claim;
    bool any_payload;
    bool eventually; /* what comes before with another payload is passed over */
    bool cleanly;    /* an end by RST is not strict */
    char *name;      /* of a field, owned */
    char *value;     /* owned; NULL: any */
} case_step;

/* A change of the opening handshake, with the names {host}, {path}, {key}, {accept} and {nul} to be filled
 * in: of our request when a server is tested, of our answer when a client is.
 */
typedef enum edit_kind { EDIT_LINE, EDIT_REPLACE, EDIT_ADD, EDIT_DROP, EDIT_RAW, EDIT_BREAK } edit_kind;

typedef struct case_edit {
    edit_kind kind;
    char *name;  /* owned */
    char *value; /* owned */
} case_edit;

typedef struct conform_case {
    char *id;      /* "framing.length.126" */
    char *section; /* "RFC 6455, section 5.2" */
    char *says;    /* the requirement, in a sentence */
    case_level level;
    case_role role;
    case_edit *edits;
    size_t edit_count;
    case_step *steps;
    size_t step_count;
    char *offer;     /* the extension offered or answered, NULL: none */
    char *needs;     /* what the peer's answer must hold, else the case is not applicable; NULL: nothing */
    char *unless;    /* if the peer's answer holds this, the case is not applicable; NULL: nothing */
    char *refuses;   /* what the peer's answer must not hold; NULL: nothing */
    bool early;      /* the first steps go in the same write as the request */
    bool is_service; /* no case, but an answer to a client that asks about them */
    bool may_be_too_large; /* a Close with 1009 or 1008 in place of a message: the peer's limit, not
                              applicable */
    size_t pieces;         /* the opening handshake goes in pieces of so many bytes, 0: whole */
    int pieces_milliseconds;
    int within; /* milliseconds for each expectation, 0: as the run has it */
    int line;
} conform_case;

typedef struct case_list {
    conform_case *cases;
    size_t count;
    size_t capacity;
} case_list;

/* Reads a text of cases and appends them. Ids must be new. Returns 0, or MEMORY, or ARGUMENT with a line of
 * explanation in `error`; what was appended until then stays. */
int tow_conform_case_list_read(case_list *list, const char *name, const char *text, tow_buffer *error);
void tow_conform_case_list_clear(case_list *list);

/* The bytes of a payload: the caller frees them. NULL when out of memory. Never NULL for a size of 0. */
uint8_t *tow_conform_case_payload_make(const case_payload *payload);

#endif
