/* envelope: what a client says in the subprotocol towline.v1, read: an object of JSON with a type and what
 * belongs to that (docs/channels.md). Which channels there are and who may do what with them, others know. */
#ifndef TOW_HANDLER_CHANNEL_ENVELOPE_H
#define TOW_HANDLER_CHANNEL_ENVELOPE_H

#include "base/buffer.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum tow_envelope_type {
    TOW_ENVELOPE_SUBSCRIBE,
    TOW_ENVELOPE_UNSUBSCRIBE,
    TOW_ENVELOPE_PUBLISH,
    TOW_ENVELOPE_HISTORY,
    TOW_ENVELOPE_PRESENCE,
    TOW_ENVELOPE_TOKEN,
    TOW_ENVELOPE_PING,
    TOW_ENVELOPE_TYPES
} tow_envelope_type;

/* Bytes of what a client may say at most, as the text is, not as it is escaped. */
enum {
    TOW_ENVELOPE_ID_MAX = 64,    /* as it is written */
    TOW_ENVELOPE_NAME_MAX = 200, /* of channels, events, keys and users */
    TOW_ENVELOPE_POSITION_MAX = 64,
    TOW_ENVELOPE_TOKEN_MAX = 8192,
    TOW_ENVELOPE_INFO_MAX = 1024,
    TOW_ENVELOPE_LIST_MAX = 1000 /* messages or members that are asked for at once */
};

typedef struct tow_envelope { /* slices lie in the message or in `texts`; length 0: not said */
    tow_envelope_type type;
    tow_slice id; /* a number or a string, as it is written */
    tow_slice channel;
    tow_slice since;
    tow_slice event;
    tow_slice data; /* data.data is NULL: not said */
    tow_slice key;
    tow_slice after; /* a user */
    tow_slice token;
    tow_slice info; /* a value, as it is written */
    int64_t limit;
    int64_t last;   /* messages that are wanted of those before */
    bool is_binary; /* the data were in base64 */
    bool is_json;   /* they were another value than a string */
    bool presence;
    bool no_echo; /* echo: false */
    tow_buffer texts;
} tow_envelope;

/* Reads a message. False: it is none, and `why`, a static line, says what is wrong; `id` is set all the same
 * if it could be read. To be cleared in either case; the message outlives it. */
bool tow_envelope_read(tow_envelope *envelope, tow_slice message, const char **why);
void tow_envelope_clear(tow_envelope *envelope);

#endif
