/* rule: whether an opening handshake has failed in the way that something between makes it fail, so that
 * polling may get through. */
#ifndef TOW_CLIENT_FALLBACK_RULE_H
#define TOW_CLIENT_FALLBACK_RULE_H

#include "../object.h"

/* What is known of one that has failed in this stage; `http_status` is that of the answer, the server's or a
 * proxy's, or 0. */
bool tow_fallback_may_help(const tow_client *client, tow_client_stage stage, int error, int http_status);

#endif
