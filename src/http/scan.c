#include "scan.h"

#include "character.h"

#include <assert.h>

/* What the next byte belongs to. */
typedef enum scan_state {
    SCAN_START,        /* nothing was seen yet */
    SCAN_EMPTY_FEED,   /* the LF of an empty line before the request line */
    SCAN_METHOD_START, /* the method's first byte, behind that empty line */
    SCAN_METHOD,
    SCAN_TARGET_START,
    SCAN_TARGET,
    SCAN_VERSION, /* the first of the eight bytes of "HTTP/1.1"; a state for each */
    SCAN_VERSION_END = SCAN_VERSION + 8,
    SCAN_STATUS, /* the first of the three digits; a state for each */
    SCAN_STATUS_END = SCAN_STATUS + 3,
    SCAN_FEED, /* the LF that ends a line */
    SCAN_LINE_START,
    SCAN_NAME,
    SCAN_VALUE,    /* of a field; a reason phrase */
    SCAN_END_FEED, /* the LF that ends the head */
    SCAN_END,
    SCAN_REFUSED,
    SCAN_REFUSED_VERSION
} scan_state;

static_assert((int)SCAN_REFUSED_VERSION < (int)TOW_SCAN_STATES, "states fit into their number");

/* The bytes that change nothing in a state. */
static const uint8_t staying[TOW_SCAN_STATES] = {
    [SCAN_METHOD] = TOW_CHARACTER_TOKEN,
    [SCAN_TARGET] = TOW_CHARACTER_TARGET,
    [SCAN_NAME] = TOW_CHARACTER_TOKEN,
    [SCAN_VALUE] = TOW_CHARACTER_VALUE,
};

static scan_state only(char byte, char expected, scan_state next) {
    return byte == expected ? next : SCAN_REFUSED;
}

static scan_state only_class(char byte, unsigned class, scan_state next) {
    return tow_character_is(byte, class) ? next : SCAN_REFUSED;
}

/* RFC 9112, section 2.2: an empty line before the request line is ignored; we ignore one. A response has
 * none. */
static scan_state start_step(char byte, bool response) {
    if (response)
        return only(byte, 'H', SCAN_VERSION + 1);
    if (byte == '\r')
        return SCAN_EMPTY_FEED;
    return only_class(byte, TOW_CHARACTER_TOKEN, SCAN_METHOD);
}

/* RFC 9112, section 2.3: the version's name is in capitals; of the versions we know 1.0 and 1.1. */
static scan_state version_step(unsigned place, char byte) {
    static const char version[8] = "HTTP/1.1";
    bool known = byte == version[place] || (place == 7 && byte == '0');
    if (known)
        return SCAN_VERSION + place + 1;
    bool number = (place == 5 || place == 7) && tow_character_is(byte, TOW_CHARACTER_DIGIT);
    return number ? SCAN_REFUSED_VERSION : SCAN_REFUSED;
}

/* RFC 9112, sections 3 and 4: CR behind the version of a request, SP and three digits behind that of a
 * response. */
static scan_state version_end_step(char byte, bool response) {
    return response ? only(byte, ' ', SCAN_STATUS) : only(byte, '\r', SCAN_FEED);
}

/* RFC 9110, section 15: 100 to 599; what is above is taken too, as a client has to treat it as an error of
 * the server. */
static scan_state status_step(unsigned place, char byte) {
    if (place == 0 && byte == '0')
        return SCAN_REFUSED;
    return only_class(byte, TOW_CHARACTER_DIGIT, SCAN_STATUS + place + 1);
}

/* RFC 9112, section 4: the reason phrase may be empty. The space before it is missing in enough servers'
 * empty ones. */
static scan_state status_end_step(char byte) {
    return byte == '\r' ? SCAN_FEED : only(byte, ' ', SCAN_VALUE);
}

/* RFC 9112, section 5: a field begins with its name, so a folded line (section 5.2) ends here; the empty line
 * ends the head. */
static scan_state line_start_step(char byte) {
    return byte == '\r' ? SCAN_END_FEED : only_class(byte, TOW_CHARACTER_TOKEN, SCAN_NAME);
}

static scan_state step(scan_state state, char byte, bool response) {
    if (state >= SCAN_VERSION && state < SCAN_VERSION_END)
        return version_step(state - SCAN_VERSION, byte);
    if (state >= SCAN_STATUS && state < SCAN_STATUS_END)
        return status_step(state - SCAN_STATUS, byte);
    switch ((int)state) { /* int: two ranges of the enum are dealt with above */
    case SCAN_START:
        return start_step(byte, response);
    case SCAN_EMPTY_FEED:
        return only(byte, '\n', SCAN_METHOD_START);
    case SCAN_METHOD_START:
        return only_class(byte, TOW_CHARACTER_TOKEN, SCAN_METHOD);
    case SCAN_METHOD:
        return only(byte, ' ', SCAN_TARGET_START);
    case SCAN_TARGET_START:
        return only_class(byte, TOW_CHARACTER_TARGET, SCAN_TARGET);
    case SCAN_TARGET:
        return only(byte, ' ', SCAN_VERSION);
    case SCAN_VERSION_END:
        return version_end_step(byte, response);
    case SCAN_STATUS_END:
        return status_end_step(byte);
    case SCAN_FEED:
        return only(byte, '\n', SCAN_LINE_START); /* RFC 9112, section 2.2: no bare CR */
    case SCAN_LINE_START:
        return line_start_step(byte);
    case SCAN_NAME:
        return only(byte, ':', SCAN_VALUE); /* RFC 9112, section 5.1: no white space before the colon */
    case SCAN_VALUE:
        return only(byte, '\r', SCAN_FEED); /* RFC 9110, section 5.5: no control characters; so no bare LF */
    case SCAN_END_FEED:
        return only(byte, '\n', SCAN_END);
    }
    return SCAN_REFUSED;
}

tow_scan_result tow_scan(const char *bytes, size_t length, bool response, size_t *at, unsigned *state) {
    scan_state now = *state;
    size_t place = *at;
    while (now < SCAN_END) {
        if (staying[now] != 0)
            place += tow_character_span(bytes + place, length - place, staying[now]);
        if (place == length)
            break;
        now = step(now, bytes[place++], response);
    }
    *at = place;
    *state = now;
    if (now < SCAN_END)
        return TOW_SCAN_INCOMPLETE;
    if (now == SCAN_END)
        return TOW_SCAN_COMPLETE;
    return now == SCAN_REFUSED_VERSION ? TOW_SCAN_VERSION : TOW_SCAN_SYNTAX;
}
