/* server_options: the options of a site's server, the same where they are tried and where it serves. */
#ifndef TOW_APACHE_SERVER_OPTIONS_H
#define TOW_APACHE_SERVER_OPTIONS_H

#include "site.h"

#include <towline/server.h>

/* `workers` and `loop` are for who serves. */
tow_server_options tow_apache_server_options(const tow_apache_site *site);

/* A list of texts that ends with NULL, or NULL. */
const char *const *tow_apache_list(const apr_array_header_t *list);

/* For a route that is only tried. */
void tow_apache_no_message(tow_websocket *socket, const tow_message *message);

#endif
