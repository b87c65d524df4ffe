#include "channel_url.h"

#include "http/percent.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

/* With what separates segments. */
int tow_channel_url_escape(tow_buffer *out, tow_slice text) {
    return tow_percent_append(out, text, "/");
}

static bool begins_with(const char *text, const char *beginning) {
    return strncasecmp(text, beginning, strlen(beginning)) == 0;
}

/* Those of the two ways to a server, each for the other as well. */
static bool is_known_scheme(const char *server) {
    static const char *const schemes[] = {"http://", "https://", "ws://", "wss://"};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (begins_with(server, schemes[i]))
            return true;
    return false;
}

int tow_channel_url(
    tow_buffer *out, const char *scheme, const char *server, const char *route, tow_slice channel) {
    const char *end = strstr(server, "://");
    const char *rest = end != NULL ? end + 3 : server;
    const char *path = strchr(rest, '/');
    bool is_secure = begins_with(server, "https://") || begins_with(server, "wss://");
    bool has_route = path != NULL && path[1] != '\0';
    if (strpbrk(rest, "?#") != NULL || (end != NULL && !is_known_scheme(server)))
        return TOW_ERROR_URL;
    int error = tow_buffer_append_format(out, "%s%s://%.*s%s", scheme, is_secure ? "s" : "",
        (int)(path != NULL ? (size_t)(path - rest) : strlen(rest)), rest, has_route ? path : route);
    if (error == 0 && out->data[out->length - 1] != '/')
        error = tow_buffer_append_text(out, "/");
    if (error == 0)
        error = tow_channel_url_escape(out, channel);
    return error != 0 ? error : tow_buffer_append(out, "", 1);
}
