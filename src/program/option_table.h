/* option_table: every subcommand of towline. Their rows stand with them, in NAME_options.c. */
#ifndef TOW_PROGRAM_OPTION_TABLE_H
#define TOW_PROGRAM_OPTION_TABLE_H

#include "options.h"

extern const tow_command tow_serve_command;
extern const tow_command tow_connect_command;
extern const tow_command tow_publish_command;
extern const tow_command tow_subscribe_command;
extern const tow_command tow_tunnel_command;
extern const tow_command tow_bench_command;
extern const tow_command tow_conform_command;
extern const tow_command tow_handler_command;

/* All of them, in the order of --help. */
extern const tow_command *const tow_commands[];
extern const size_t tow_command_count;

/* The subcommand of this name, or NULL. */
const tow_command *tow_command_find(const char *name);

#endif
