/* answer: what the hub tells, as JSON. */
#ifndef TOW_HANDLER_PUBLISH_ANSWER_H
#define TOW_HANDLER_PUBLISH_ANSWER_H

#include "base/buffer.h"
#include "hub/hub.h"

/* Each appends a whole object. Errors: MEMORY. */

/* {"error": "why"} */
int tow_answer_error(tow_buffer *out, const char *why);

/* {"channel": "news", "subscribers": 3, "users": 2, "position": "EPOCH:NUMBER"} */
int tow_answer_count(tow_buffer *out, const tow_hub_answer *answer);

/* {"channels": [as above ...], "more": false} */
int tow_answer_channels(tow_buffer *out, const tow_hub_answer *answer);

/* {"position": …, "whole": true, "more": false, "messages":
 *     [{"position": …, "time": …, "event": "message", "data": "hello"} ...]}
 *
 * Binary data is "base64" instead of "data"; data that is JSON stands as it is. */
int tow_answer_history(tow_buffer *out, const tow_hub_answer *answer);

/* {"members": [{"user": "ann", "info": {…}} ...], "more": false} */
int tow_answer_members(tow_buffer *out, const tow_hub_answer *answer);

/* ,"position":"EPOCH:NUMBER", or nothing where there is none. */
int tow_answer_position(tow_buffer *out, const tow_position *position);

#endif
