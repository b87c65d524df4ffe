/* publish: the HTTP interface for who has the key: publishes to channels, one publication or many at once,
 * tells of channels, what is kept of them and who is present, and disconnects users. */
#ifndef TOW_HANDLER_PUBLISH_H
#define TOW_HANDLER_PUBLISH_H

#include "handler/kind.h"

typedef struct tow_publish_settings {
    const char *key;  /* a file with keys, a line each, see token_list.h; NULL: nobody may */
    int64_t max_body; /* bytes; 0: default */
    int repeats;      /* idempotency keys that are remembered; 0: default */
} tow_publish_settings;

/* For a path that is a prefix: what stands below it is a channel's name. */
extern const tow_handler_kind tow_publish_kind;

/* Rows of the same settings for a whole server, which its routes have where they say nothing. */
extern const tow_option tow_publish_rows[];

#endif
