/* system_names: asks the system's name service, which blocks (getaddrinfo), on a thread of its own.
 *
 * The thread is made for the first query and takes one at a time, so one that is stuck delays only the names
 * behind it. Whoever asks does not wait for it: neither to cancel nor to leave. */
#ifndef TOW_CONNECT_SYSTEM_NAMES_H
#define TOW_CONNECT_SYSTEM_NAMES_H

#include <netdb.h>
#include <stdbool.h>
#include <towline/loop.h>

typedef struct tow_system_names tow_system_names;
typedef struct tow_system_query tow_system_query;

/* On the loop's thread: what getaddrinfo returned for the query of this user; NULL for one that was
 * cancelled. `found` is borrowed. The query is gone. */
typedef void (*tow_on_system_name)(void *owner, void *user, int status, const struct addrinfo *found);

/* Makes no thread yet. Errors: MEMORY. */
int tow_system_names_new(tow_system_names **names, tow_loop *loop, tow_on_system_name on_name, void *owner);

/* No callback comes any more. A thread that is stuck ends by itself, whenever that is. NULL is allowed. */
void tow_system_names_free(tow_system_names *names);

/* Whether no query is under way; those that were cancelled count as long as the thread is at them. */
bool tow_system_names_is_idle(const tow_system_names *names);

/* Errors: MEMORY, SYSTEM (no thread could be made). */
int tow_system_query_start(
    tow_system_query **query, tow_system_names *names, const char *name, int family, void *user);
void tow_system_query_cancel(tow_system_query *query);

#endif
