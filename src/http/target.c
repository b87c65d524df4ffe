#include "target.h"

#include "character.h"
#include "http/percent.h"

#include <arpa/inet.h>

static tow_slice behind(tow_slice text, size_t offset) {
    return (tow_slice){.data = text.data + offset, .length = text.length - offset};
}

/* Where the character stands first; the text's length if it does not. */
static size_t find(tow_slice text, char character) {
    const char *found = memchr(text.data, character, text.length);
    return found == NULL ? text.length : (size_t)(found - text.data);
}

/* RFC 9110, section 4.2: WebSocket's schemes are the two of HTTP under other names (RFC 6455, section 3). */
static bool is_known_scheme(tow_slice scheme) {
    static const char *const schemes[] = {"http", "https", "ws", "wss"};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
        if (tow_slice_equals_ignoring_case(scheme, schemes[i]))
            return true;
    }
    return false;
}

/* RFC 3986, section 3.2.3. It may be empty, and have leading zeros. */
static bool port_is_valid(tow_slice port) {
    unsigned value = 0;
    for (size_t i = 0; i < port.length; i++) {
        if (!tow_character_is(port.data[i], TOW_CHARACTER_DIGIT))
            return false;
        value = value * 10 + (unsigned)(port.data[i] - '0');
        if (value > UINT16_MAX)
            return false;
    }
    return true;
}

/* RFC 3986, section 3.2.2: reg-name, which has all IPv4 addresses in it. */
static bool name_is_valid(tow_slice name) {
    size_t at = 0;
    while (at < name.length) {
        at += tow_character_span(name.data + at, name.length - at, TOW_CHARACTER_HOST);
        if (at == name.length)
            break;
        tow_slice rest = behind(name, at);
        char character;
        if (name.data[at] != '%' || !tow_percent_take(&rest, &character))
            return false;
        at = name.length - rest.length;
    }
    return name.length > 0; /* RFC 9110, section 4.2.1: an empty host is not valid */
}

/* RFC 3986, section 3.2.2: IP-literal; there is no later version of IP that IPvFuture could name. */
static bool literal_is_valid(tow_slice address) {
    char text[INET6_ADDRSTRLEN];
    if (address.length >= sizeof(text))
        return false;
    memcpy(text, address.data, address.length);
    text[address.length] = '\0';
    struct in6_addr binary;
    return strlen(text) == address.length && inet_pton(AF_INET6, text, &binary) == 1;
}

bool tow_authority_is_valid(tow_slice authority) {
    if (authority.length > 0 && authority.data[0] == '[') {
        size_t end = find(authority, ']');
        if (end == authority.length || !literal_is_valid((tow_slice){authority.data + 1, end - 1}))
            return false;
        tow_slice rest = behind(authority, end + 1);
        return rest.length == 0 || (rest.data[0] == ':' && port_is_valid(behind(rest, 1)));
    }
    size_t colon = find(authority, ':');
    if (!name_is_valid((tow_slice){authority.data, colon}))
        return false;
    return colon == authority.length || port_is_valid(behind(authority, colon + 1));
}

/* RFC 9112, section 3.2.1: origin-form. */
static void origin_form_read(tow_http_head *head, tow_slice target) {
    size_t mark = find(target, '?');
    head->path = (tow_slice){.data = target.data, .length = mark};
    head->query = behind(target, mark < target.length ? mark + 1 : mark);
}

/* RFC 9112, section 3.2.2: absolute-form. An empty path is "/" (RFC 9110, section 4.2.3), for OPTIONS "*"
 * (RFC 9112, section 3.2.4). */
static int absolute_form_read(tow_http_head *head) {
    size_t colon = find(head->target, ':');
    tow_slice rest = behind(head->target, colon);
    if (!is_known_scheme((tow_slice){head->target.data, colon}) || rest.length < 3 ||
        memcmp(rest.data, "://", 3) != 0)
        return 400;
    rest = behind(rest, 3);
    size_t end = 0;
    while (end < rest.length && rest.data[end] != '/' && rest.data[end] != '?')
        end++;
    head->authority = (tow_slice){.data = rest.data, .length = end};
    if (!tow_authority_is_valid(head->authority))
        return 400;
    origin_form_read(head, behind(rest, end));
    if (head->path.length == 0)
        head->path =
            tow_slice_from(rest.length == end && tow_slice_equals(head->method, "OPTIONS") ? "*" : "/");
    return 0;
}

/* RFC 9112, section 3.2.4: asterisk-form, for OPTIONS only. */
static int asterisk_form_read(tow_http_head *head) {
    if (!tow_slice_equals(head->method, "OPTIONS"))
        return 400;
    head->path = head->target;
    head->query = behind(head->target, 1);
    return 0;
}

int tow_target_read(tow_http_head *head) {
    head->authority = (tow_slice){0};
    if (tow_slice_equals(head->method, "CONNECT"))
        return 501; /* RFC 9112, section 3.2.3: authority-form is for proxies */
    if (head->target.data[0] == '/') {
        origin_form_read(head, head->target);
        return 0;
    }
    if (tow_slice_equals(head->target, "*"))
        return asterisk_form_read(head);
    return absolute_form_read(head);
}
