/* service_rules: options of what serves that contradict each other, or mean nothing beside the others. */
#ifndef TOW_PROGRAM_SERVICE_RULES_H
#define TOW_PROGRAM_SERVICE_RULES_H

#include "serve.h"

/* The first thing that is wrong, as a line that says what to do, or NULL. `settings` are a part of those of
 * the options. */
const char *tow_service_contradiction(const tow_options *options, const tow_serve_settings *settings);

#endif
