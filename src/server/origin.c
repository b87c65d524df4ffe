#include "server/origin.h"

#include "server/host.h"

/* A serialised origin taken apart: scheme "://" host [":" port]. */
typedef struct origin {
    tow_slice scheme;
    tow_slice host;
    int port; /* the scheme's default if not given; -1 if it has none */
} origin;

static bool is_letter(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

/* RFC 3986, section 3.1. */
static bool is_scheme(tow_slice scheme) {
    if (scheme.length == 0 || !is_letter(scheme.data[0]))
        return false;
    for (size_t i = 1; i < scheme.length; i++) {
        char character = scheme.data[i];
        bool digit = character >= '0' && character <= '9';
        if (!is_letter(character) && !digit && character != '+' && character != '-' && character != '.')
            return false;
    }
    return true;
}

static int default_port(tow_slice scheme) {
    if (tow_slice_equals_ignoring_case(scheme, "http"))
        return 80;
    return tow_slice_equals_ignoring_case(scheme, "https") ? 443 : -1;
}

static bool split_scheme(tow_slice text, tow_slice *scheme, tow_slice *rest) {
    for (size_t i = 0; i + 3 <= text.length; i++) {
        if (memcmp(text.data + i, "://", 3) != 0)
            continue;
        *scheme = (tow_slice){.data = text.data, .length = i};
        *rest = (tow_slice){.data = text.data + i + 3, .length = text.length - i - 3};
        return is_scheme(*scheme);
    }
    return false;
}

static bool origin_read(tow_slice text, origin *out) {
    tow_slice rest;
    if (!split_scheme(text, &out->scheme, &rest))
        return false;
    if (rest.length == 0) { /* only files have no host */
        out->host = rest;
        out->port = -1;
        return tow_slice_equals_ignoring_case(out->scheme, "file");
    }
    if (!tow_authority_split(rest, &out->host, &out->port))
        return false;
    if (out->port < 0 && out->host.length < rest.length)
        return false; /* "http://host:" */
    if (out->port < 0)
        out->port = default_port(out->scheme);
    return true;
}

static bool is_same_origin(const origin *page, tow_slice authority, const char *scheme) {
    tow_slice host;
    int port;
    int implied = default_port(page->scheme);
    if (scheme != NULL && !tow_slice_equals_ignoring_case(page->scheme, scheme))
        return false;
    if (implied < 0 || !tow_authority_split(authority, &host, &port))
        return false;
    return tow_slices_match(page->host, host) && page->port == (port < 0 ? implied : port);
}

/* `rest` is an asterisk, ".example" and perhaps a port. */
static bool wildcard_matches(tow_slice scheme, tow_slice rest, const origin *page) {
    origin base;
    rest.data++;
    rest.length--;
    base.scheme = scheme;
    if (!tow_authority_split(rest, &base.host, &base.port))
        return false;
    if (base.port < 0)
        base.port = default_port(scheme);
    if (page->host.length <= base.host.length || page->port != base.port)
        return false;
    size_t front = page->host.length - base.host.length;
    tow_slice tail = {.data = page->host.data + front, .length = base.host.length};
    return tow_slices_match(scheme, page->scheme) && tow_slices_match(base.host, tail);
}

static bool pattern_matches(const char *pattern, const origin *page) {
    tow_slice scheme;
    tow_slice rest;
    if (!split_scheme(tow_slice_from(pattern), &scheme, &rest))
        return false;
    if (rest.length > 2 && rest.data[0] == '*' && rest.data[1] == '.')
        return wildcard_matches(scheme, rest, page);
    origin wanted;
    return origin_read(tow_slice_from(pattern), &wanted) && tow_slices_match(wanted.scheme, page->scheme) &&
           tow_slices_match(wanted.host, page->host) && wanted.port == page->port;
}

static bool is_listed(const char *const *allowed, tow_slice text, const origin *page) {
    for (size_t i = 0; allowed != NULL && allowed[i] != NULL; i++) {
        if (strcmp(allowed[i], "*") == 0)
            return true;
        if (page == NULL ? tow_slice_equals(text, allowed[i]) : pattern_matches(allowed[i], page))
            return true;
    }
    return false;
}

tow_origin_verdict tow_origin_judge(
    const char *const *allowed, tow_slice text, tow_slice authority, const char *scheme) {
    if (tow_slice_equals(text, "null")) /* RFC 6454, section 7.1: an opaque origin */
        return is_listed(allowed, text, NULL) ? TOW_ORIGIN_ALLOWED : TOW_ORIGIN_FOREIGN;
    origin page;
    if (!origin_read(text, &page))
        return TOW_ORIGIN_MALFORMED;
    return is_same_origin(&page, authority, scheme) || is_listed(allowed, text, &page) ? TOW_ORIGIN_ALLOWED
                                                                                       : TOW_ORIGIN_FOREIGN;
}

bool tow_origin_pattern_is_valid(const char *pattern) {
    if (strcmp(pattern, "*") == 0 || strcmp(pattern, "null") == 0)
        return true;
    tow_slice scheme;
    tow_slice rest;
    if (!split_scheme(tow_slice_from(pattern), &scheme, &rest))
        return false;
    origin page;
    if (rest.length > 2 && rest.data[0] == '*' && rest.data[1] == '.') {
        tow_slice host;
        int port;
        rest = (tow_slice){.data = rest.data + 2, .length = rest.length - 2};
        return tow_authority_split(rest, &host, &port);
    }
    return origin_read(tow_slice_from(pattern), &page);
}
