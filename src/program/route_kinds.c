#include "route_kinds.h"

#include "handler/console.h"
#include "handler/echo.h"
#include "handler/files.h"
#include "handler/module.h"
#include "handler/program.h"
#include "handler/redirect.h"
#include "handler/respond.h"
#include "handler/tunnel.h"

#include <string.h>

const tow_route_kind tow_route_kinds[] = {
    {&tow_echo_kind, 0, NULL},
    {&tow_console_kind, 0, NULL},
    {&tow_files_kind, sizeof(tow_files_settings), "root"},
    {&tow_module_kind, sizeof(tow_module_settings), "file"},
    {&tow_program_kind, sizeof(tow_program_settings), "file"},
    {&tow_redirect_kind, sizeof(tow_redirect_settings), "target"},
    {&tow_respond_kind, sizeof(tow_respond_settings), "body"},
    {&tow_tunnel_kind, sizeof(tow_tunnel_options), "target"},
    {0},
};

const tow_route_kind *tow_route_kind_find(const char *name) {
    for (const tow_route_kind *row = tow_route_kinds; row->kind != NULL; row++)
        if (strcmp(row->kind->name, name) == 0)
            return row;
    return NULL;
}
