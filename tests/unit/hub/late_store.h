/* late_store: a store that lies elsewhere: a server with the channels, and links to it, one for each hub.
 * What goes either way stays in order, and takes a while, by chance: answers come late, and what is brought,
 * too. */
#ifndef TOW_TESTS_LATE_STORE_H
#define TOW_TESTS_LATE_STORE_H

#include "hub/hub.h"
#include "hub/store.h"
#include "transport/loop.h"

typedef struct late_server late_server;

/* Keeps so many publications of each channel, and so many users. */
late_server *late_server_new(tow_loop *loop, uint64_t seed, size_t kept, size_t max_members);
void late_server_free(late_server *server); /* after its stores */

/* A hub's link. It goes with the hub. */
tow_store *late_store_new(late_server *server);

/* The link is cut: what is on its way is lost, and who waits is refused, as is all that is asked from then
 * on. Mended: those who are subscribed do not know what they have missed. */
void late_store_cut(tow_store *store);
void late_store_mend(tow_store *store);

/* Who is not heard of any more has no leases. */
void late_server_expire(late_server *server);

/* Answers nothing from now on, or again. */
void late_store_hold(tow_store *store, bool holds);

/* The next question that is answered is so by an error. */
void late_store_fail_next(tow_store *store, int error);

/* Questions that wait, leases that are held, and channels that are brought. */
size_t late_store_waiting(const tow_store *store);
size_t late_store_leases(const tow_store *store);
size_t late_store_interests(const tow_store *store);

#endif
