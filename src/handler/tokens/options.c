#include "handler/token_keeper.h"

#include "http_url.h"
#include "protocol/field_list.h"

#include <towline/error.h>

#define FIELD(member) TOW_OPTION_FIELD(tow_token_settings, member)

static int check_name(const char *text) {
    return tow_is_token(tow_slice_from(text)) ? 0 : TOW_ERROR_ARGUMENT;
}

const tow_option tow_token_rows[] = {
    {.group = "Who may do what with channels",
        .name = "token-keys",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "none",
        .help =
            "the keys that check tokens (JWT): a secret (HS256), public keys in PEM (RS256, ES256, EdDSA by "
            "what they are) or a set of keys in JSON (JWKS); read again on SIGHUP",
        .path = TOW_OPTION_PATH,
        FIELD(keys)},
    {.name = "token-audience",
        .kind = TOW_OPTION_TEXT,
        .value = "TEXT",
        .note = "none",
        .help = "whom tokens have to be for (aud); without it tokens that say so are refused",
        FIELD(audience)},
    {.name = "token-cookie",
        .kind = TOW_OPTION_TEXT,
        .value = "NAME",
        .note = "none",
        .help = "the cookie of this name may have the token",
        .expects = "a cookie's name such as session",
        .check = check_name,
        FIELD(cookie)},
    {.name = "token-url",
        .kind = TOW_OPTION_TEXT,
        .value = "URL",
        .note = "none",
        .help =
            "instead of checking tokens ask this back end when somebody comes, and for each channel that it "
            "wants to subscribe or publish to: 2xx allows it",
        .expects = "a URL such as http://localhost:8000/channels",
        .check = tow_http_url_check,
        FIELD(url)},
    {.name = "token-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "10",
        .unset = 0,
        .help = "that it has for an answer; more is a refusal",
        .minimum = 1,
        .maximum = TOW_OPTION_DAY,
        FIELD(seconds)},
    {0},
};
