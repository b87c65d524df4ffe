/* service_options: the rows of what serves, whatever it serves: how it speaks TLS, who may connect, what a
 * connection may do, and how it all runs. They fill a tow_serve_settings, those of limits and compression a
 * tow_limits. */
#ifndef TOW_PROGRAM_SERVICE_OPTIONS_H
#define TOW_PROGRAM_SERVICE_OPTIONS_H

#include "options.h"

extern const tow_option tow_service_status_rows[];
extern const tow_option tow_service_tls_rows[];
extern const tow_option tow_service_access_rows[];
extern const tow_option tow_service_limit_rows[];
extern const tow_option tow_service_compression_rows[];
extern const tow_option tow_service_running_rows[];

/* What an origin or a host must be, 0 or an error, and what errors say of it. */
int tow_check_origin(const char *text);
int tow_check_host_name(const char *text);
#define TOW_ORIGIN_EXPECTED                                                                                  \
    "an origin such as https://example.org, https://*.example.org for all below, null, or *"
#define TOW_HOST_EXPECTED "a host's name such as example.org, or *"

/* off, shared, takeover. */
extern const tow_option_choice tow_compression_choices[];

#endif
