#include "route_options.h"

#include "handler/field_text.h"
#include "protocol/field_list.h"
#include "service_options.h"

#include <string.h>
#include <towline/error.h>

#define FIELD(member) TOW_OPTION_FIELD(tow_route_settings, member)

static int check_protocol(const char *text) {
    return tow_is_token(tow_slice_from(text)) ? 0 : TOW_ERROR_ARGUMENT;
}

static const tow_option rows[] = {
    {.name = "allow-origin",
        .kind = TOW_OPTION_LIST,
        .value = "ORIGIN",
        .note = "as the server has it",
        .help = "origin whose pages may connect besides the server's own; others get 403",
        .expects = TOW_ORIGIN_EXPECTED,
        .check = tow_check_origin,
        FIELD(allow_origins)},
    {.name = "any-origin",
        .kind = TOW_OPTION_FLAG,
        .help = "pages of every origin may connect",
        FIELD(any_origin)},
    {.name = "host",
        .kind = TOW_OPTION_LIST,
        .value = "NAME",
        .note = "as the server has it",
        .help = "name that requests may have in Host, * for any; others get 421",
        .expects = TOW_HOST_EXPECTED,
        .check = tow_check_host_name,
        FIELD(hosts)},
    {.name = "subprotocol",
        .kind = TOW_OPTION_LIST,
        .value = "NAME",
        .note = "as the handler has it",
        .help = "subprotocol that is spoken, the one to prefer first",
        .expects = "a subprotocol's name such as mqtt",
        .check = check_protocol,
        FIELD(protocols)},
    {.name = "fields",
        .kind = TOW_OPTION_LIST,
        .value = "FIELD",
        .note = "none",
        .help = "header fields of each answer of this route, the 101 and refusals too, in the place of the "
                "handler's",
        .expects = TOW_FIELD_TEXT_EXPECTED,
        .check = tow_field_text_check,
        .pair = TOW_FIELD_TEXT_PAIR,
        FIELD(fields)},
    {.name = "keep-request",
        .kind = TOW_OPTION_FLAG,
        .help = "keep the request of each connection for its handler, which takes memory",
        FIELD(keep_request)},
    {0},
};

static const tow_option_section sections[] = {
    {.options = rows},
    {.options = tow_guard_rows, .base = offsetof(tow_route_settings, guard), .inherits = true},
    {.options = tow_service_limit_rows, .base = offsetof(tow_route_settings, limits), .inherits = true},
    {.options = tow_service_compression_rows, .base = offsetof(tow_route_settings, limits), .inherits = true},
    {0},
};

const tow_command tow_route_command = {
    .name = "route", .operands = "", .sections = sections, .settings_size = sizeof(tow_route_settings)};

static void overlay(tow_limits *limits, const tow_limits *set, const tow_option *limit_rows) {
    static const char unset[sizeof(int64_t)];
    for (const tow_option *row = limit_rows; row->name != NULL; row++) {
        const char *from = (const char *)set + row->offset;
        if (memcmp(from, unset, row->width) != 0)
            memcpy((char *)limits + row->offset, from, row->width);
    }
}

void tow_limits_overlay(tow_limits *limits, const tow_limits *set) {
    overlay(limits, set, tow_service_limit_rows);
    overlay(limits, set, tow_service_compression_rows);
}
