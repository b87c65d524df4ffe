#include "way_options.h"

#include "connect.h"
#include "connect/proxy.h"

#include <string.h>
#include <towline/error.h>

#define FIELD(member) TOW_OPTION_FIELD(tow_connect_settings, member)

static int check_proxy(const char *text) {
    tow_proxy proxy = {0};
    int error = strcmp(text, "off") == 0 ? 0 : tow_proxy_read(&proxy, text, NULL);
    tow_proxy_clear(&proxy);
    return error;
}

/* "Name: value" */
static int check_header(const char *text) {
    size_t name = strcspn(text, ":");
    return name > 0 && text[name] == ':' && strcspn(text, "\r\n") == strlen(text) &&
                   strcspn(text, " \t") > name
               ? 0
               : TOW_ERROR_ARGUMENT;
}

/* RFC 9110, section 5.6.2. */
static const char token_characters[] =
    "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* What a subprotocol's name is made of. */
static int check_token(const char *text) {
    return text[0] != '\0' && text[strspn(text, token_characters)] == '\0' ? 0 : TOW_ERROR_ARGUMENT;
}

static bool has_control(const char *text) {
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return true;
    return false;
}

/* RFC 6265, section 4.1.1; the value may have what servers take besides, but not what ends it. */
static int check_cookie(const char *text) {
    size_t name = strspn(text, token_characters);
    bool good = name > 0 && text[name] == '=' && strchr(text, ';') == NULL && !has_control(text);
    return good ? 0 : TOW_ERROR_ARGUMENT;
}

/* RFC 7617, section 2. */
static int check_user(const char *text) {
    return strchr(text, ':') != NULL && !has_control(text) ? 0 : TOW_ERROR_ARGUMENT;
}

/* RFC 6750, section 2.1: b64token. */
static int check_bearer(const char *text) {
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/";
    size_t length = strspn(text, characters);
    return length > 0 && text[length + strspn(text + length, "=")] == '\0' ? 0 : TOW_ERROR_ARGUMENT;
}

const tow_option tow_way_head_rows[] = {
    {.group = "The opening handshake",
        .name = "subprotocol",
        .letter = 's',
        .kind = TOW_OPTION_LIST,
        .value = "NAME",
        .help = "subprotocol to offer, the preferred one first",
        .expects = "the name of a subprotocol: letters, digits and !#$%&'*+-.^_`|~",
        .check = check_token,
        FIELD(protocols)},
    {.name = "origin",
        .letter = 'o',
        .kind = TOW_OPTION_TEXT,
        .value = "ORIGIN",
        .note = "none",
        .help = "Origin to send, as a page of that site would",
        .needs = TOW_OPTION_NEEDS_CLIENT,
        FIELD(origin)},
    {.name = "header",
        .letter = 'H',
        .kind = TOW_OPTION_LIST,
        .value = "'NAME: VALUE'",
        .help = "header to send",
        .expects = "a header: write 'Name: value'",
        .check = check_header,
        .needs = TOW_OPTION_NEEDS_CLIENT,
        FIELD(headers)},
    {.name = "cookie",
        .kind = TOW_OPTION_LIST,
        .value = "NAME=VALUE",
        .help = "cookie to send",
        .expects = "a cookie: write NAME=VALUE",
        .check = check_cookie,
        .needs = TOW_OPTION_NEEDS_CLIENT,
        FIELD(cookies)},
    {.name = "user",
        .letter = 'u',
        .kind = TOW_OPTION_TEXT,
        .value = "USER:PASSWORD",
        .note = "those in the URL",
        .help = "Basic authentication",
        .expects = "a user and a password: write USER:PASSWORD",
        .check = check_user,
        .needs = TOW_OPTION_NEEDS_CLIENT,
        FIELD(user)},
    {.name = "bearer",
        .kind = TOW_OPTION_TEXT,
        .value = "TOKEN",
        .note = "none",
        .help = "authentication by this token",
        .expects = "a token: letters, digits and -._~+/, perhaps = at its end",
        .check = check_bearer,
        .needs = TOW_OPTION_NEEDS_CLIENT,
        FIELD(bearer)},
    {0},
};

const tow_option tow_way_rows[] = {
    {.group = "The way to the server",
        .name = "proxy",
        .kind = TOW_OPTION_TEXT,
        .value = "URL",
        .note = "what ws_proxy or http_proxy (for ws), wss_proxy or https_proxy (for wss), all_proxy and "
                "no_proxy say, as with curl",
        .help = "http://, https://, socks5:// or socks5h://[USER:PASSWORD@]HOST[:PORT]; off: none; names are "
                "looked up by the proxy",
        .expects = "a proxy: write http://, https:// or socks5://HOST:PORT",
        .check = check_proxy,
        .needs = TOW_OPTION_NEEDS_CLIENT,
        FIELD(proxy)},
    {.name = "unix",
        .kind = TOW_OPTION_TEXT,
        .value = "PATH",
        .note = "none",
        .help = "connect to this Unix socket; the URL's host and port only go into the request",
        .needs = TOW_OPTION_NEEDS_CLIENT,
        FIELD(unix_path)},
    {0},
};

const tow_option tow_way_fallback_rows[] = {
    {.name = "fallback",
        .kind = TOW_OPTION_FLAG,
        .help =
            "where the opening handshake fails as a proxy makes it fail, go on by HTTP polling (Engine.IO, "
            "which towline serve speaks at PATH/engine.io/), and upgrade to WebSocket if that gets through",
        .needs = TOW_OPTION_NEEDS_CLIENT,
        FIELD(fallback)},
    {0},
};

const tow_option tow_way_tls_rows[] = {
    {.group = "TLS with the server",
        .name = "cacert",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "the system's",
        .help =
            "certificates, in PEM, of authorities, roots or not, that may have signed the certificate of the "
            "server, or of a proxy at https://",
        .needs = TOW_OPTION_NEEDS_CLIENT | TOW_OPTION_NEEDS_TLS,
        FIELD(cacert)},
    {.name = "crl",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "none",
        .help = "lists of certificates that were revoked, in PEM, one of each authority that signs",
        .needs = TOW_OPTION_NEEDS_CLIENT | TOW_OPTION_NEEDS_TLS,
        FIELD(crl)},
    {.name = "insecure",
        .kind = TOW_OPTION_FLAG,
        .help = "take any certificate, whoever shows it",
        .needs = TOW_OPTION_NEEDS_CLIENT | TOW_OPTION_NEEDS_TLS,
        FIELD(insecure)},
    {0},
};

const tow_option tow_way_identity_rows[] = {
    {.name = "cert",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "none",
        .help =
            "certificate to show to a server that asks for one, in PEM, with those between it and the root",
        .needs = TOW_OPTION_NEEDS_CLIENT | TOW_OPTION_NEEDS_TLS,
        FIELD(cert)},
    {.name = "key",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "the file of --cert",
        .help = "its key",
        .needs = TOW_OPTION_NEEDS_CLIENT | TOW_OPTION_NEEDS_TLS,
        FIELD(key)},
    {0},
};
