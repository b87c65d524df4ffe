#include "handler/guard.h"

#include "http_url.h"
#include "protocol/field_list.h"

#include <string.h>
#include <towline/error.h>

#define FIELD(member) TOW_OPTION_FIELD(tow_guard_settings, member)

static int check_token(const char *text) {
    return tow_is_token(tow_slice_from(text)) ? 0 : TOW_ERROR_ARGUMENT;
}

static int check_url(const char *text) {
    return strcmp(text, TOW_GUARD_OFF) == 0 ? 0 : tow_http_url_check(text);
}

const tow_option tow_guard_rows[] = {
    {.group = "Who may come in",
        .name = "basic-auth",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "anybody",
        .off = "anybody may come in",
        .help =
            "ask each request for a name and a password (RFC 7617): one of a line NAME:HASH of this file, "
            "as htpasswd -B and crypt(3) make it; others get 401; read again on SIGHUP",
        .path = TOW_OPTION_PATH,
        .is_secret = true,
        FIELD(basic_auth)},
    {.name = "bearer-token",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "anybody",
        .off = "anybody may come in",
        .help = "ask each request for a token (RFC 6750): one of a line of this file, where it stands as it "
                "is or "
                "as sha256: and its digest; others get 401; with --basic-auth either lets in; read again on "
                "SIGHUP",
        .path = TOW_OPTION_PATH,
        .is_secret = true,
        FIELD(bearer_token)},
    {.name = "auth-url",
        .kind = TOW_OPTION_TEXT,
        .value = "URL",
        .note = "nobody",
        .off = "anybody may come in",
        .help = "ask this back end by a GET with the request's header fields: 2xx lets in, 401 and 403 are "
                "passed on, "
                "what else it answers is 502, and no answer 502 or 503",
        .expects = "a URL such as http://localhost:8000/may-come-in, or off",
        .check = check_url,
        FIELD(auth_url)},
    {.name = "auth-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "10",
        .unset = 0,
        .help = "that it has for an answer; more: 503",
        .minimum = 1,
        .maximum = TOW_OPTION_DAY,
        FIELD(auth_seconds)},
    {.name = "auth-cookie",
        .kind = TOW_OPTION_TEXT,
        .value = "NAME",
        .note = "none",
        .help = "the cookie of this name may have the credentials, where there is no Authorization field",
        .expects = "a cookie's name such as session",
        .check = check_token,
        FIELD(auth_cookie)},
    {0},
};
