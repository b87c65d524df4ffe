/* options: what there is to set of a route that publishes. */
#ifndef TOW_HANDLER_PUBLISH_OPTIONS_H
#define TOW_HANDLER_PUBLISH_OPTIONS_H

#include "handler/publish.h"

extern const tow_option tow_publish_route_rows[];

#endif
