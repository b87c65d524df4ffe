/* child: what one process of Apache's serves of a site: a server of its own, with the handlers that the
 * parent has found, and a worker for each of its threads that has had a connection. So the state of native
 * modules is a child's. */
#ifndef TOW_APACHE_CHILD_H
#define TOW_APACHE_CHILD_H

#include "site.h"

#include "server/hosted.h"

typedef struct tow_apache_child tow_apache_child;

/* Begins to serve all sites; what can't be served the log tells. `pool` is the child's: with it all ends,
 * unless there are threads that still run. */
void tow_apache_children_begin(apr_pool_t *pool);

/* The child is to end: what is open is closed with 1001. */
void tow_apache_children_stop(void);

/* Whether something is served at a path. */
bool tow_apache_child_serves(const tow_apache_child *child, const char *path);

/* The worker of the calling thread, made for its first connection. NULL: there is none. */
tow_worker *tow_apache_child_worker(tow_apache_child *child);

#endif
