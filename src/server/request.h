/* request: a request's head as handlers see it (towline/http.h), on the stack while it is dispatched;
 * a copy if the handler goes on later. */
#ifndef TOW_SERVER_REQUEST_H
#define TOW_SERVER_REQUEST_H

#include "http/pairs.h"
#include "transport/tls.h"
#include "visitor.h"

/* What is made when somebody asks. */
typedef struct tow_request_lists {
    tow_header_field *headers; /* ends with a NULL name */
    tow_pairs parameters;
    tow_pairs cookies;
    tow_tls_details *tls; /* with the client's certificate */
} tow_request_lists;

struct tow_request {
    const tow_http_head *head;
    uint8_t *bytes; /* what the head was read from; texts are ended in place, where a delimiter stood */
    size_t length;
    char *path; /* a copy, when a query stands behind the path in `bytes`; else NULL */
    tow_connection *connection;
    tow_visitor *visitor; /* NULL of a copy that outlives it */
    const char *peer;     /* then: the client's address, */
    const char *scheme;   /* and tow_request_scheme */
    const tow_route *route;
    void *user;               /* the handler's, or what on_admit has put in its place */
    tow_request_lists *lists; /* `own` */
    tow_request_lists own;
};

/* Errors: MEMORY. */
int tow_request_init(
    tow_request *request, tow_visitor *visitor, const tow_http_head *head, uint8_t *bytes, size_t length);
void tow_request_clear(tow_request *request);

/* A copy of it, with its bytes, which knows the client when its stream is closed. Errors: MEMORY. */
int tow_request_copy(tow_request **copy, const tow_request *request);
void tow_request_free(tow_request *copy);

#endif
