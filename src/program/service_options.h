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

/* off, shared, takeover. */
extern const tow_option_choice tow_compression_choices[];

#endif
