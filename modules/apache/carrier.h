/* carrier: the bytes of a connection of Apache's, through its filters (TLS is one of them), as a stream that
 * a worker serves. It never waits: what Apache does not get rid of makes the stream wait. */
#ifndef TOW_APACHE_CARRIER_H
#define TOW_APACHE_CARRIER_H

#include "httpd.h"

#include "transport/carried_stream.h"
#include "transport/loop.h"
#include "transport/watch.h"

#include <stdbool.h>
#include <towline/stream.h>

typedef struct tow_carrier {
    request_rec *request;
    tow_loop *loop;
    tow_byte_stream *stream; /* NULL: it was told that all is over */
    const char *head;        /* of the request, which comes first */
    size_t head_length;
    apr_bucket_brigade *in, *out;
    char *buffer;
    int fd;
    tow_watch watch;
    int watched; /* for what */
    tow_letter letter;
    bool posted;
    bool paused;
    bool fin;     /* the peer has ended its side since then */
    bool blocked; /* Apache has something that the system did not take */
    bool ended;   /* nothing comes any more */
    bool shut;    /* by the server: Apache ends our side, and waits for the peer's */
    bool closing;
    apr_off_t sent;
    char status[16]; /* the beginning of what was sent: "HTTP/1.1 101" */
} tow_carrier;

extern const tow_byte_stream_functions tow_carrier_functions;

/* Takes the connection of a request over, of which nothing was answered; `head` is told first. `stream` is to
 * be set before tow_carrier_begin. Returns false if the connection has no socket. */
bool tow_carrier_take(tow_carrier *carrier, request_rec *request, tow_loop *loop, const char *head);
void tow_carrier_begin(tow_carrier *carrier);

/* The status that was answered; 0: none. */
int tow_carrier_status(const tow_carrier *carrier);

#endif
