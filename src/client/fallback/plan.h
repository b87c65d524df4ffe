/* plan: what a client keeps to go on by polling where its opening handshake fails. */
#ifndef TOW_CLIENT_FALLBACK_PLAN_H
#define TOW_CLIENT_FALLBACK_PLAN_H

#include "../object.h"
#include "../options.h"
#include "known_ways.h"
#include "session.h"

typedef struct tow_fallback_plan {
    tow_options_copy options; /* of the user, with limits that are resolved */
    tow_target target;
    tow_buffer server; /* what is remembered of it goes by this text */
    tow_upgrade_open open;
    int64_t deadline;              /* of the whole opening; INT64_MAX: none */
    tow_known_way way;             /* by which polling was begun, or is to */
    bool is_tried;                 /* polling was begun, and is no more to be tried */
    tow_fallback_session *session; /* that is to begin */
    int error;                     /* of the opening handshake; 0: there was none */
    int http_status;
    char text[512];
} tow_fallback_plan;

/* Errors: MEMORY. */
int tow_fallback_plan_new(tow_fallback_plan **plan, const tow_client *client,
    const tow_websocket_options *options, tow_upgrade_open open);

/* Gives the session up that is to begin, if there is one. NULL is allowed. */
void tow_fallback_plan_stop(tow_fallback_plan *plan);

void tow_fallback_plan_free(tow_fallback_plan *plan);

/* From now on this is what is known of the server. */
void tow_fallback_plan_note(const tow_fallback_plan *plan, tow_loop *loop, tow_known_way way);

#endif
