/* exit_status: with what the program ends: 0, 1 and 2 for every command; `towline connect` has a number for
 * each kind of end, curl's where curl has one. */
#ifndef TOW_PROGRAM_EXIT_STATUS_H
#define TOW_PROGRAM_EXIT_STATUS_H

#include <stdbool.h>
#include <towline/websocket.h>

/* The last three are none of curl's, and below 126, where a shell's own begin. */
typedef enum tow_exit_status {
    TOW_EXIT_DONE = 0,
    TOW_EXIT_FAILED = 1, /* what has no number of its own */
    TOW_EXIT_USAGE = 2,
    TOW_EXIT_PROXY_NAME = 5,
    TOW_EXIT_NAME = 6,
    TOW_EXIT_NOT_REACHED = 7,
    TOW_EXIT_PROTOCOL = 8,
    TOW_EXIT_HTTP_STATUS = 22,
    TOW_EXIT_OUTPUT = 23, /* lost */
    TOW_EXIT_TIME = 28,
    TOW_EXIT_TLS = 35,
    TOW_EXIT_ENDED = 52, /* without a Close, or before the handshake's answer */
    TOW_EXIT_CERTIFICATE = 60,
    TOW_EXIT_CLOSE_CODE = 120, /* a Close with another code than an orderly one */
    TOW_EXIT_UNANSWERED = 121, /* messages */
    TOW_EXIT_MISSING = 122     /* messages of a channel */
} tow_exit_status;

/* What an error event says. With a proxy it is the proxy's name that is looked up here. */
tow_exit_status tow_exit_status_of_error(const tow_error_event *event, bool has_proxy);

/* What a close event says after which nobody spoke of an error; `own_code` is that of our own Close, 0: we
 * had sent none. */
tow_exit_status tow_exit_status_of_close(const tow_close_event *event, uint16_t own_code);

#endif
