/* option_table: every subcommand of towline and every option of each. */
#ifndef TOW_PROGRAM_OPTION_TABLE_H
#define TOW_PROGRAM_OPTION_TABLE_H

#include "options.h"

extern const tow_command tow_commands[];
extern const size_t tow_command_count;

/* The subcommand of this name, or NULL. */
const tow_command *tow_command_find(const char *name);

#endif
