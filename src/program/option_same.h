/* option_same: whether options have the same values, wherever these were given. */
#ifndef TOW_PROGRAM_OPTION_SAME_H
#define TOW_PROGRAM_OPTION_SAME_H

#include "options.h"

/* One option, of this row; both are of the same command. */
bool tow_option_is_same(const tow_options *one, const tow_options *other, const tow_option *option);

/* All of them. */
bool tow_options_are_same(const tow_options *one, const tow_options *other);

#endif
