/* option_effect: whether an option has an effect beside the others, by what its row says of that. */
#ifndef TOW_PROGRAM_OPTION_EFFECT_H
#define TOW_PROGRAM_OPTION_EFFECT_H

#include "options.h"

bool tow_option_has_effect(const tow_options *options, const tow_option *option);

/* The first that was given and has none, in one line; false: there is none. */
bool tow_options_without_effect(const tow_options *options, char error[TOW_OPTIONS_ERROR_MAX]);

#endif
