/* service_rules: options of what serves that contradict each other, or mean nothing beside the others. */
#ifndef TOW_PROGRAM_SERVICE_RULES_H
#define TOW_PROGRAM_SERVICE_RULES_H

#include "serve.h"

/* The first thing that is wrong, as a line that says where the option stands and what to do; false: there is
 * none. `settings` are a part of those of the options. */
bool tow_service_contradicts(
    const tow_options *options, const tow_serve_settings *settings, char out[TOW_OPTIONS_ERROR_MAX]);

/* The same for limits alone. */
bool tow_limits_contradict(
    const tow_options *options, const tow_limits *limits, char out[TOW_OPTIONS_ERROR_MAX]);

/* And for who may come in. */
bool tow_guard_contradicts(
    const tow_options *options, const tow_guard_settings *guard, char out[TOW_OPTIONS_ERROR_MAX]);

#endif
