/* name_service: what /etc/nsswitch.conf says of hosts: whether a service is asked that we know nothing of. */
#ifndef TOW_CONNECT_NAME_SERVICE_H
#define TOW_CONNECT_NAME_SERVICE_H

#include <stdbool.h>

/* Whether a line of /etc/nsswitch.conf is that of hosts, and names a service besides "files" and "dns";
 * actions in brackets are none. */
bool tow_name_service_is_other(const char *line);

/* The same of the file; false where it can't be read. */
bool tow_name_service_is_needed(void);

#endif
