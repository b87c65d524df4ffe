#include "option_table.h"

#include <string.h>

const tow_command *const tow_commands[] = {
    &tow_serve_command,
    &tow_connect_command,
    &tow_publish_command,
    &tow_subscribe_command,
    &tow_tunnel_command,
    &tow_bench_command,
    &tow_conform_command,
    &tow_handler_command,
};

const size_t tow_command_count = sizeof(tow_commands) / sizeof(tow_commands[0]);

const tow_command *tow_command_find(const char *name) {
    for (size_t i = 0; i < tow_command_count; i++)
        if (strcmp(tow_commands[i]->name, name) == 0)
            return tow_commands[i];
    return NULL;
}
