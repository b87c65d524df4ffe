/* scan: checks the form of a message's head byte after byte as it comes, and finds its end (RFC 9112,
 * sections 2 to 5).
 *
 * Each byte is looked at once, however the head is cut, and refused as soon as it can't be part of a head.
 * What the fields mean is not its matter. */
#ifndef TOW_HTTP_SCAN_H
#define TOW_HTTP_SCAN_H

#include <stdbool.h>
#include <stddef.h>

typedef enum tow_scan_result {
    TOW_SCAN_INCOMPLETE,
    TOW_SCAN_COMPLETE,
    TOW_SCAN_SYNTAX,
    TOW_SCAN_VERSION /* an HTTP version that is neither 1.0 nor 1.1 */
} tow_scan_result;

/* Goes on at *at in *state (both 0 at first) up to `length`. When complete, *at is the head's length. */
tow_scan_result tow_scan(const char *bytes, size_t length, bool response, size_t *at, unsigned *state);

/* States are below this number. */
enum { TOW_SCAN_STATES = 32 };

#endif
