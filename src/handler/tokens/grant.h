/* grant: what somebody may do, as a token's claims or the answer of a back end say in JSON:
 *
 *     {"sub": "ann", "exp": 1767225600, "info": {"name": "Ann"},
 *      "channels": {"subscribe": ["news", "chat-*"], "publish": "chat-7"}}
 *
 * A pattern is a channel's name, or with an asterisk at its end all that begin so. One is made whole and
 * never changed: whoever uses it holds a reference, from any thread. */
#ifndef TOW_HANDLER_TOKENS_GRANT_H
#define TOW_HANDLER_TOKENS_GRANT_H

#include "base/slice.h"
#include "handler/channel_keeper.h"

enum {
    TOW_GRANT_SUBJECT_MAX = 200, /* bytes */
    TOW_GRANT_INFO_MAX = 1024,
    TOW_GRANT_PATTERNS_MAX = 100 /* of each act */
};

typedef struct tow_grant tow_grant;

/* Of an object; `why` then is a static text. Errors: ARGUMENT, MEMORY. */
int tow_grant_read(tow_grant **grant, tow_slice json, const char **why);

void tow_grant_free(tow_grant *grant); /* NULL is allowed */

const char *tow_grant_subject(const tow_grant *grant); /* NULL: nobody in particular */
tow_slice tow_grant_info(const tow_grant *grant);      /* a value of JSON, or nothing */
int64_t tow_grant_expires(const tow_grant *grant);     /* seconds since 1970; 0: never */
int64_t tow_grant_begins(const tow_grant *grant);      /* the same; 0: it has begun */

/* Whether it says anything of channels. */
bool tow_grant_has_channels(const tow_grant *grant);
bool tow_grant_allows(const tow_grant *grant, tow_channel_act act, tow_slice channel);

/* Whether it is meant for this audience; NULL: for one that has no name. */
bool tow_grant_is_for(const tow_grant *grant, const char *audience);

#endif
