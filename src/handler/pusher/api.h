/* api: an app's HTTP interface, below "/apps/ID/": which call a request is, and whether it is signed.
 * What calls do stands in api_events.c and api_channels.c. */
#ifndef TOW_HANDLER_PUSHER_API_H
#define TOW_HANDLER_PUSHER_API_H

#include "job.h"

struct tow_pusher_call_kind {
    const char *method;
    const char *first; /* of the path behind the app; then a name if there is a last or `has_name` */
    bool has_name;
    const char *last; /* NULL: none */
    void (*begin)(tow_pusher_job *job);
};

extern const tow_pusher_call_kind tow_pusher_event_calls[],
    tow_pusher_channel_calls[]; /* end with a NULL method */

/* The handler's functions: `admit` refuses opening handshakes that are at the wrong place. */
void tow_pusher_admit(tow_exchange *exchange, const tow_request *request);
void tow_pusher_request(tow_exchange *exchange, const tow_request *request);

/* Refuses a request for the interface with this status; and others, as all else is for WebSocket. */
void tow_pusher_reject(tow_exchange *exchange, const tow_request *request, int status, const char *why);

#endif
