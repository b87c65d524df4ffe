#include "presented.h"

#include "base/base64.h"
#include "http/credentials.h"

#include <openssl/crypto.h>
#include <string.h>
#include <strings.h>

/* The text has the credentials by now. */
static bool take(tow_presented *presented, tow_scheme scheme, size_t length) {
    const tow_slice all = {presented->text, length};
    if (memchr(presented->text, '\0', length) != NULL)
        return false;
    if (scheme == TOW_SCHEME_BEARER)
        presented->token = all;
    else if (memchr(presented->text, ':', length) == NULL)
        return false;
    else
        tow_userinfo_split(all, &presented->name, &presented->password);
    presented->scheme = scheme;
    return true;
}

bool tow_presented_read(tow_presented *presented, tow_scheme scheme, tow_slice text, bool is_encoded) {
    size_t length = text.length;
    if (length == 0 || length > TOW_PRESENTED_MAX)
        return false;
    if (!is_encoded)
        memcpy(presented->text, text.data, length);
    else if (!tow_base64_read(presented->text, &length, text) || length == 0)
        return false;
    return take(presented, scheme, length);
}

/* What stands behind this beginning; data is NULL: there is another. */
static tow_slice behind(tow_slice text, const char *beginning) {
    size_t length = strlen(beginning);
    if (text.length < length || strncasecmp(text.data, beginning, length) != 0)
        return (tow_slice){0};
    return (tow_slice){text.data + length, text.length - length};
}

static tow_slice without_spaces(tow_slice text) {
    for (; text.length > 0 && (*text.data == ' ' || *text.data == '\t'); text.length--)
        text.data++;
    while (text.length > 0 && (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t'))
        text.length--;
    return text;
}

static void read_field(tow_presented *presented, const char *field) {
    tow_slice basic = behind(tow_slice_from(field), "Basic ");
    tow_slice bearer = behind(tow_slice_from(field), "Bearer ");
    if (basic.data != NULL)
        tow_presented_read(presented, TOW_SCHEME_BASIC, without_spaces(basic), true);
    else if (bearer.data != NULL)
        tow_presented_read(presented, TOW_SCHEME_BEARER, without_spaces(bearer), false);
}

/* What stands behind "bearer.": with a dot in it, as in a JWT, it is no base64. */
static void read_bearer(tow_presented *presented, tow_slice text) {
    bool is_encoded = text.length == 0 || memchr(text.data, '.', text.length) == NULL;
    tow_presented_read(presented, TOW_SCHEME_BEARER, text, is_encoded);
}

/* False: it has neither form. */
static bool read_form(tow_presented *presented, tow_slice text) {
    tow_slice basic = behind(text, "basic.");
    tow_slice bearer = behind(text, "bearer.");
    if (basic.data != NULL)
        tow_presented_read(presented, TOW_SCHEME_BASIC, basic, true);
    else if (bearer.data != NULL)
        read_bearer(presented, bearer);
    return basic.data != NULL || bearer.data != NULL;
}

static void read_cookie(tow_presented *presented, const char *cookie) {
    tow_slice text = tow_slice_from(cookie);
    if (!read_form(presented, text))
        tow_presented_read(presented, TOW_SCHEME_BEARER, text, false);
}

static bool read_bearer_form(tow_presented *presented, tow_slice text) {
    tow_slice bearer = behind(text, "bearer.");
    if (bearer.data != NULL)
        read_bearer(presented, bearer);
    return bearer.data != NULL;
}

typedef bool (*form_reader)(tow_presented *presented, tow_slice text);

/* The first of a list that has the form. */
static bool read_list(tow_presented *presented, const char *list, form_reader read) {
    bool found = false;
    while (*list != '\0' && !found) {
        size_t length = strcspn(list, ",");
        found = read(presented, without_spaces((tow_slice){list, length}));
        list += length;
        list += *list == ',';
    }
    return found;
}

static bool read_subprotocols(tow_presented *presented, const tow_request *request, form_reader read) {
    const tow_header_field *field = tow_request_headers(request);
    bool found = false;
    for (; !found && field != NULL && field->name != NULL; field++)
        if (strcasecmp(field->name, "Sec-WebSocket-Protocol") == 0)
            found = read_list(presented, field->value, read);
    return found;
}

void tow_presented_find(tow_presented *presented, const tow_request *request, const char *cookie) {
    const char *field = tow_request_header(request, "Authorization");
    const char *value = cookie != NULL ? tow_request_cookie(request, cookie) : NULL;
    presented->scheme = TOW_SCHEME_NONE;
    if (field != NULL)
        read_field(presented, field);
    if (field == NULL && value != NULL)
        read_cookie(presented, value);
    if (field == NULL && value == NULL)
        read_subprotocols(presented, request, read_form);
}

bool tow_presented_token(
    tow_presented *presented, const tow_request *request, const char *cookie, const char *parameter) {
    const char *field = tow_request_header(request, "Authorization");
    const char *value = cookie != NULL ? tow_request_cookie(request, cookie) : NULL;
    presented->scheme = TOW_SCHEME_NONE;
    if (field != NULL && behind(tow_slice_from(field), "Bearer ").data != NULL)
        read_field(presented, field);
    else if (value != NULL)
        read_cookie(presented, value);
    else if (!read_subprotocols(presented, request, read_bearer_form)) {
        value = tow_request_parameter(request, parameter);
        if (value != NULL)
            tow_presented_read(presented, TOW_SCHEME_BEARER, tow_slice_from(value), false);
        return value != NULL;
    }
    return true;
}

void tow_presented_clear(tow_presented *presented) {
    OPENSSL_cleanse(presented->text, sizeof(presented->text));
}
