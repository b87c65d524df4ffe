#include "target.h"

#include "handler/tunnel.h"

#include <string.h>
#include <towline/error.h>

static int refuse(const char **why, const char *text) {
    *why = text;
    return TOW_ERROR_ARGUMENT;
}

static int port_check(const char *text) {
    unsigned port = 0;
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] < '0' || text[i] > '9' || i >= 5)
            return TOW_ERROR_ARGUMENT;
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    return port >= 1 && port <= 65535 ? 0 : TOW_ERROR_ARGUMENT;
}

/* A host with a port behind the last colon; IPv6 literals stand in brackets. */
static int place_check(const char *place, const char **why) {
    const char *colon = strrchr(place, ':');
    if (colon == NULL || colon == place || port_check(colon + 1) != 0)
        return refuse(why, "a TCP target is tcp:HOST:PORT, with a port from 1 to 65535");
    if (place[0] != '[' && memchr(place, ':', (size_t)(colon - place)) != NULL)
        return refuse(why, "an IPv6 address stands in brackets: tcp:[::1]:5900");
    if (strcspn(place, " \t/") != strlen(place))
        return refuse(why, "a TCP target is tcp:HOST:PORT, without spaces or a path");
    return 0;
}

int tow_tunnel_target_read(tow_tunnel_target *target, const char *text, const char **why) {
    tow_tunnel_target read = {.kind = TOW_TUNNEL_TARGET_PLACE, .text = text, .rest = text};
    if (strncmp(text, "unix:", 5) == 0) {
        if (text[5] == '\0' || strlen(text + 5) > 107)
            return refuse(why, "a Unix socket is unix:PATH, with at most 107 characters");
    } else if (strncmp(text, "exec:", 5) == 0) {
        read.kind = TOW_TUNNEL_TARGET_COMMAND;
        read.rest = text + 5;
        if (read.rest[strspn(read.rest, " \t")] == '\0')
            return refuse(why, "a command is exec:COMMAND, as one types it in a shell");
    } else if (strncmp(text, "tcp:", 4) == 0) {
        read.rest = text + 4;
        if (place_check(read.rest, why) != 0)
            return TOW_ERROR_ARGUMENT;
    } else {
        return refuse(why, "a target is tcp:HOST:PORT, unix:PATH or exec:COMMAND");
    }
    *target = read;
    return 0;
}

bool tow_tunnel_target_is_valid(const char *text, const char **why) {
    tow_tunnel_target target;
    const char *reason;
    int error = tow_tunnel_target_read(&target, text, &reason);
    if (error != 0 && why != NULL)
        *why = reason;
    return error == 0;
}
