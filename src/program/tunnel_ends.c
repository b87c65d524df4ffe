#include "tunnel_ends.h"

#include "transport/inherited.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

static int refuse(const char **why, const char *text) {
    *why = text;
    return TOW_ERROR_ARGUMENT;
}

static int address_check(const char *address, const char **why) {
    if (tow_listen_text_check(address) < 0)
        return refuse(why, "the address is none to listen on: write a port, localhost:PORT, ADDRESS:PORT, "
                           "*:PORT for every one, fd:NUMBER, or systemd");
    return 0;
}

/* Visible ASCII, as it stands in requests. */
static int path_check(const char *path, const char **why) {
    for (const char *at = path; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~')
            return refuse(why, "the path has a character that requests have percent-encoded");
        if (*at == '?' || *at == '#' || *at == '*')
            return refuse(why, "the path has a ?, # or *");
    }
    return 0;
}

static bool is_port(const char *text) {
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* "localhost" and "[::1]" lack the port, "9000" and "localhost:9000" do not. */
static bool has_port(const char *address) {
    const char *colon = strrchr(address, ':');
    const char *bracket = strrchr(address, ']');
    return is_port(address) || (colon != NULL && (bracket == NULL || colon > bracket));
}

static int websocket_read(tow_tunnel_listen *listen, const char *rest, const char **why) {
    size_t length = strcspn(rest, "/?#");
    if (length == 0)
        return refuse(why, "write where to listen: ws://localhost:6080/PATH");
    if (length + sizeof(":443") > sizeof(listen->address) || strlen(rest + length) >= sizeof(listen->path))
        return refuse(why, "it is too long");
    snprintf(listen->address, sizeof(listen->address), "%.*s", (int)length, rest);
    if (!tow_is_inherited(listen->address) && !has_port(listen->address))
        snprintf(listen->address + length, sizeof(listen->address) - length, "%s",
            listen->is_secure ? ":443" : ":80");
    snprintf(listen->path, sizeof(listen->path), "%s", rest[length] == '\0' ? "/" : rest + length);
    int error = path_check(listen->path, why);
    return error != 0 ? error : address_check(listen->address, why);
}

int tow_tunnel_listen_read(tow_tunnel_listen *listen, const char *text, const char **why) {
    *listen = (tow_tunnel_listen){0};
    if (strncasecmp(text, "ws://", 5) == 0 || strncasecmp(text, "wss://", 6) == 0) {
        listen->is_websocket = true;
        listen->is_secure = text[2] != ':';
        return websocket_read(listen, strchr(text, ':') + 3, why);
    }
    bool is_tcp = strncmp(text, "tcp:", 4) == 0;
    if (!is_tcp && strncmp(text, "unix:", 5) != 0 && !tow_is_inherited(text))
        return refuse(why, "LISTEN is ws://[HOST:]PORT/PATH, wss://[HOST:]PORT/PATH, tcp:[HOST:]PORT, "
                           "unix:PATH, fd:NUMBER or systemd");
    const char *address = is_tcp ? text + 4 : text;
    if (strlen(address) >= sizeof(listen->address))
        return refuse(why, "it is too long");
    snprintf(listen->address, sizeof(listen->address), "%s", address);
    return address_check(listen->address, why);
}
