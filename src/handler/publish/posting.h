/* posting: publications that come as the body of a POST: one, as it is, or many in JSON (batch.h). */
#ifndef TOW_HANDLER_PUBLISH_POSTING_H
#define TOW_HANDLER_PUBLISH_POSTING_H

#include "job.h"

/* For tow_exchange_read_body; `user` is the job. */
void tow_post_one(tow_exchange *exchange, void *user, const void *body, size_t length);
void tow_post_many(tow_exchange *exchange, void *user, const void *body, size_t length);

#endif
