/* request: a request of Apache's that belongs to a site: served by the child's server on the connection's
 * thread, from its head to the end of the connection. */
#ifndef TOW_APACHE_REQUEST_H
#define TOW_APACHE_REQUEST_H

#include "httpd.h"

/* Apache's handler hook. */
int tow_apache_handle(request_rec *request);

#endif
