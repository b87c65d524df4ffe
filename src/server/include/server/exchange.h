/* exchange: one HTTP request and its response, as handlers in the program see it beyond towline/http.h.
 *
 * A body may come from a source, which is pulled: the server asks for more when the peer took what there was,
 * so a slow peer costs one piece of memory. */
#ifndef TOW_SERVER_EXCHANGE_H
#define TOW_SERVER_EXCHANGE_H

#include <towline/server.h>

/* Where a body comes from. `read` fills at most `length` bytes and returns how many (0 or less before the
 * announced end breaks the connection off); `close` (may be NULL) is called exactly once, also when the peer
 * vanishes. */
typedef struct tow_body_source {
    int64_t (*read)(void *user, void *out, size_t length);
    void (*close)(void *user);
    void *user;
} tow_body_source;

/* Answers with a body of `length` bytes from `source` (for HEAD: not read, closed at once). The source is the
 * exchange's from the call on, also when it fails. Errors: MEMORY, STATE. */
int tow_exchange_stream(
    tow_exchange *exchange, int status, const char *type, uint64_t length, const tow_body_source *source);

/* Work for an answer, done in steps of a millisecond at most: other connections have their turns in between.
 * `step` tells whether there is more to do, and is called again then; the last one answers. `free` is called
 * exactly once, when the answer is out or the peer has vanished: a body may come from `user`. */
typedef struct tow_exchange_work {
    bool (*step)(tow_exchange *exchange, void *user);
    void (*free)(void *user);
    void *user;
} tow_exchange_work;

/* Answers by such work, whose first step comes later. Call it in on_request instead of answering. The work is
 * the exchange's from the call on, also when it fails. Errors: STATE. */
int tow_exchange_answer_by(tow_exchange *exchange, const tow_exchange_work *work);

/* Who admits on behalf of others hands a request over: from now on it is as if the route's `user` were this
 * one, and its on_admit had just been called. Instead of an answer, in on_admit or, if the exchange was kept,
 * later; the events that it was given come no more. */
void tow_exchange_admit_by(
    tow_exchange *exchange, void (*on_admit)(tow_exchange *exchange, const tow_request *request), void *user);

/* Whether more than high_mark of an answer in pieces waits to be sent: on_drain comes when that is less than
 * low_mark. */
bool tow_exchange_is_above_high_mark(const tow_exchange *exchange);

/* What the client counts as among others (address_table.h); 0: its address is not known. */
uint64_t tow_exchange_client(tow_exchange *exchange);

/* Judges the Origin of any request as that of an opening handshake, for handlers that stream to pages,
 * whatever the method. True: it was refused with 403, and is over. In on_admit or on_request, instead of
 * answering. */
bool tow_exchange_refuse_origin(tow_exchange *exchange);

/* Whether it is of a page of another origin that no list lets in, whatever the route's any_origin says. */
bool tow_exchange_is_foreign(tow_exchange *exchange);

#endif
