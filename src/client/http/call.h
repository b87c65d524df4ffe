/* call: one request to another server and what comes of it, as the caller of an HTTP client holds it: what is
 * asked, what has come, and the callbacks. It knows nothing of connections and pools. */
#ifndef TOW_CLIENT_HTTP_CALL_H
#define TOW_CLIENT_HTTP_CALL_H

#include "connection.h"
#include "request.h"

typedef enum tow_http_call_state {
    TOW_HTTP_CALL_WAITING,   /* for a connection */
    TOW_HTTP_CALL_UNDER_WAY, /* on a connection */
    TOW_HTTP_CALL_FAILED,    /* to be told in a later round */
    TOW_HTTP_CALL_OVER       /* on_done was called, or is never to be */
} tow_http_call_state;

struct tow_http_host;

struct tow_http_call {
    tow_http_client *client; /* its pool; NULL when it is over */
    struct tow_http_host *host;
    tow_ring in_client; /* while it is not over */
    tow_ring in_queue;  /* while it waits */
    tow_http_call_state state;
    tow_http_connection *connection; /* UNDER_WAY */
    tow_timer timer;                 /* total_seconds, or to tell of a failure */
    int total_seconds;
    tow_buffer request; /* head and body */
    bool is_head;
    bool is_idempotent;
    bool may_be_slow;
    bool is_repeated; /* on a new connection: not twice */
    tow_response_limits limits;
    tow_buffer head; /* of the response */
    tow_buffer body; /* without on_body */
    void (*on_head)(tow_http_call *call, const tow_http_head *head);
    void (*on_body)(tow_http_call *call, const uint8_t *bytes, size_t length);
    void (*on_done)(tow_http_call *call, const tow_http_result *result);
    void *user;
    unsigned entered; /* callbacks that have not returned: freeing waits for them */
    bool freed;
    int error; /* FAILED */
    char text[512];
};

/* A call that belongs to no pool yet, to go through the proxy (NULL: none). Errors: ARGUMENT, MEMORY. */
int tow_http_call_new(
    tow_http_call **call, const tow_url *url, const tow_http_call_options *options, const tow_proxy *proxy);

/* Frees the memory, now or when the last callback has returned. Nobody else knows the call any more. */
void tow_http_call_destroy(tow_http_call *call);

/* Takes the head out of the buffer, and tells it. */
void tow_http_call_take_head(tow_http_call *call, tow_buffer *head);

/* Tells of a piece of the body, or keeps it. Errors: MEMORY. */
int tow_http_call_take_piece(tow_http_call *call, tow_slice piece);

/* Tells the end of a call that is OVER. `text` may be NULL without an error. */
void tow_http_call_tell_done(tow_http_call *call, int error, const char *text);

#endif
