#include "rule.h"

#include <towline/error.h>

enum {
    STATUS_UNAUTHORIZED = 401,
    STATUS_PROXY_UNAUTHORIZED = 407,
    STATUS_MISDIRECTED = 421,
    STATUS_TOO_MANY = 429,
    STATUS_UNAVAILABLE = 503
};

/* Who says so has understood what was asked, and would say it of polls as well. */
static bool is_clear(const tow_client *client, int http_status) {
    return http_status / 100 == 3 || http_status == STATUS_UNAUTHORIZED ||
           http_status == STATUS_PROXY_UNAUTHORIZED || http_status == STATUS_MISDIRECTED ||
           http_status == STATUS_TOO_MANY ||
           (http_status == STATUS_UNAVAILABLE && client->retry_after_seconds > 0);
}

static bool is_of_something_between(int error) {
    switch (error) {
    case TOW_ERROR_RESET:
    case TOW_ERROR_ENDED:
    case TOW_ERROR_TIMED_OUT:
    case TOW_ERROR_HTTP_SYNTAX:
    case TOW_ERROR_HTTP_TOO_LARGE:
    case TOW_ERROR_HTTP_STATUS:
    case TOW_ERROR_HANDSHAKE_UPGRADE:
    case TOW_ERROR_HANDSHAKE_CONNECTION:
    case TOW_ERROR_HANDSHAKE_ACCEPT:
        return true;
    default: /* what the server means, and what is ours */
        return false;
    }
}

/* A proxy that does not connect to this port may pass requests on that are given to itself. */
static bool is_forwarded(const tow_client *client) {
    return client->proxy.host != NULL && client->proxy.kind != TOW_PROXY_SOCKS5 && !client->url.secure;
}

bool tow_fallback_may_help(const tow_client *client, tow_client_stage stage, int error, int http_status) {
    if (is_clear(client, http_status))
        return false;
    if (error == TOW_ERROR_PROXY || stage == TOW_CLIENT_PROXYING)
        return is_forwarded(client) && (error == TOW_ERROR_PROXY || is_of_something_between(error));
    return (stage == TOW_CLIENT_ASKING || stage == TOW_CLIENT_REFUSED) && is_of_something_between(error);
}
