/* settings: what the options of an HTTP client come to: limits, and whom it trusts. */
#ifndef TOW_CLIENT_HTTP_SETTINGS_H
#define TOW_CLIENT_HTTP_SETTINGS_H

#include "pool.h"

/* Checks the numbers, and fills defaults in. Errors: ARGUMENT. */
int tow_http_settings_resolve(tow_http_client_options *options);

/* Files are read now, so that what is wrong with them is known early; the system's roots take their time, and
 * are read when they are needed: by the second. Errors: as tow_trust_context. */
int tow_http_settings_read_trust(tow_http_client *client, const tow_http_client_options *options);
int tow_http_settings_trust_server(tow_http_client *client);

#endif
