#include "handler/redirect.h"

#include "base/buffer.h"
#include "reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

#define FIELD(member) TOW_OPTION_FIELD(tow_redirect_settings, member)

typedef struct redirect {
    tow_redirect_settings settings;
    size_t prefix; /* how much of a request's path is the route's own; 0: all */
} redirect;

/* Visible ASCII, so that it can stand in a field; what begins with two slashes would be another host. */
static int check_target(const char *text) {
    bool begins = strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0 ||
                  (text[0] == '/' && text[1] != '/' && text[1] != '\\');
    for (const char *each = text; begins && *each != '\0'; each++)
        begins = *each > ' ' && *each <= '~';
    return begins ? 0 : TOW_ERROR_ARGUMENT;
}

/* What is below the prefix, behind one slash: it can name no other host. A backslash is a slash for browsers.
 */
static int below_append(tow_buffer *location, const char *below) {
    bool has_slash = location->length > 0 && location->data[location->length - 1] == '/';
    below += strspn(below, "/");
    int error = has_slash ? 0 : tow_buffer_append_text(location, "/");
    for (; error == 0 && *below != '\0'; below++)
        error =
            *below == '\\' ? tow_buffer_append_text(location, "%5C") : tow_buffer_append(location, below, 1);
    return error;
}

static int location_make(tow_buffer *location, const redirect *self, const tow_request *request) {
    const char *target = self->settings.target;
    const char *query = tow_request_query(request);
    int error = tow_buffer_append_text(location, target);
    if (error == 0 && self->prefix != 0)
        error = below_append(location, tow_request_path(request) + self->prefix);
    if (error == 0 && query[0] != '\0' && strpbrk(target, "?#") == NULL)
        error = tow_buffer_append_format(location, "?%s", query);
    return error != 0 ? error : tow_buffer_append(location, "", 1);
}

static void answer(tow_exchange *exchange, const tow_request *request) {
    const redirect *self = tow_request_user(request);
    tow_buffer location = {0};
    int error = location_make(&location, self, request);
    if (error == 0)
        error = tow_exchange_field(exchange, "Location", (const char *)location.data);
    tow_reply_status(exchange, error == 0 ? self->settings.status : tow_status_of_error(error));
    tow_buffer_clear(&location);
}

static const char *complaint_of(const char *target, bool below) {
    if (target == NULL)
        return "say where it leads: a target";
    return below && strpbrk(target, "?#") != NULL ? "a target for all below has no query and no fragment"
                                                  : NULL;
}

static int make(tow_handler *handler, const void *settings, const tow_handler_place *place,
    char why[TOW_HANDLER_TEXT_MAX]) {
    const tow_redirect_settings *given = settings;
    size_t length = place->path != NULL ? strlen(place->path) : 0;
    bool below = length > 0 && place->path[length - 1] == '*';
    const char *complaint = complaint_of(given->target, below);
    redirect *self = complaint == NULL ? malloc(sizeof(*self)) : NULL;
    snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", complaint != NULL ? complaint : tow_strerror(TOW_ERROR_MEMORY));
    if (self == NULL)
        return complaint != NULL ? TOW_ERROR_ARGUMENT : TOW_ERROR_MEMORY;
    *self = (redirect){.settings = *given, .prefix = below ? length - 1 : 0};
    *handler = (tow_handler){.user = self, .on_request = answer};
    return 0;
}

static const tow_option_choice statuses[] = {
    {"301", 301}, {"302", 302}, {"303", 303}, {"307", 307}, {"308", 308}, {0}};

static const tow_option rows[] = {
    {.name = "target",
        .kind = TOW_OPTION_TEXT,
        .value = "URL|PATH",
        .note = "none",
        .help = "where to; below a prefix the rest of the path is kept, and so is the query",
        .expects = "a URL such as https://example.org/new, or a path such as /new",
        .check = check_target,
        FIELD(target)},
    {.name = "status",
        .kind = TOW_OPTION_CHOICE,
        .fallback = "302",
        .choices = statuses,
        .help = "301 and 308 are for good: browsers remember them; 307 and 308 keep the method",
        FIELD(status)},
    {0},
};

const tow_handler_kind tow_redirect_kind = {.name = "redirect", .options = rows, .make = make, .free = free};
