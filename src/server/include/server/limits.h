/* limits: the limits of a route or a server, with their defaults filled in. */
#ifndef TOW_SERVER_LIMITS_H
#define TOW_SERVER_LIMITS_H

#include <towline/server.h>

/* The defaults of every limit. */
extern const tow_limits tow_limits_standard;

/* `own` with its zeros replaced by `base`, which has none. TOW_OFF stays. */
tow_limits tow_limits_filled(const tow_limits *own, const tow_limits *base);

#endif
