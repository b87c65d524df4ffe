#include "route_kinds.h"

#include "handler/channel.h"
#include "handler/client_script.h"
#include "handler/console.h"
#include "handler/echo.h"
#include "handler/files.h"
#include "handler/module.h"
#include "handler/program.h"
#include "handler/publish.h"
#include "handler/redirect.h"
#include "handler/respond.h"
#include "handler/socketio.h"
#include "handler/tunnel.h"
#include "python_file.h"

#include <string.h>

const tow_route_kind tow_route_kinds[] = {
    {.kind = &tow_echo_kind},
    {.kind = &tow_channel_kind,
        .settings_size = sizeof(tow_channel_door_settings),
        .text = "name",
        .is_text_needless = true},
    {.kind = &tow_console_kind},
    {.kind = &tow_client_script_kind},
    {.kind = &tow_files_kind, .settings_size = sizeof(tow_files_settings), .text = "root"},
    {.kind = &tow_module_kind, .settings_size = sizeof(tow_module_settings), .text = "file", .is_code = true},
    {.kind = &tow_program_kind, .settings_size = sizeof(tow_program_settings), .text = "file"},
    {.kind = &tow_publish_kind, .settings_size = sizeof(tow_publish_settings)},
    {.kind = &tow_python_file_kind,
        .settings_size = sizeof(tow_python_file_settings),
        .text = "file",
        .is_code = true,
        .is_late = true},
    {.kind = &tow_redirect_kind, .settings_size = sizeof(tow_redirect_settings), .text = "target"},
    {.kind = &tow_respond_kind, .settings_size = sizeof(tow_respond_settings), .text = "body"},
    {.kind = &tow_socketio_kind, .settings_size = sizeof(tow_socketio_settings), .is_carried = true},
    {.kind = &tow_tunnel_kind, .settings_size = sizeof(tow_tunnel_options), .text = "target"},
    {0},
};

const tow_route_kind *tow_route_kind_find(const char *name) {
    for (const tow_route_kind *row = tow_route_kinds; row->kind != NULL; row++)
        if (strcmp(row->kind->name, name) == 0)
            return row;
    return NULL;
}
