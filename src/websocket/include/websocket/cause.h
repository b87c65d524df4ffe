/* cause: why a connection ended and who ended it, as one table: from it come the Close that we send, the
 * log's line of the end, and the counters of --status. */
#ifndef TOW_WEBSOCKET_CAUSE_H
#define TOW_WEBSOCKET_CAUSE_H

#include <stdint.h>

/* In place of a code: the one that belongs to the error (tow_close_code_for_error). */
enum { TOW_CODE_OF_ERROR = 1 };

typedef enum tow_ender {
    TOW_ENDED_BY_PEER,
    TOW_ENDED_BY_NETWORK, /* or by what TLS found wrong with it */
    TOW_ENDED_BY_US,
    TOW_ENDED_BY_LIMIT /* by us: the cause's name is the option's */
} tow_ender;

/* X(CAUSE, ender, name, code of our Close or 0: there is none, its reason, or what is told of the end without
 * one; NULL: the error's text) */
#define TOW_CAUSES(X)                                                                                        \
    X(PEER_CLOSE, PEER, "close", 0, NULL)                                                                    \
    X(PEER_END, PEER, "end-without-close", 0, NULL)                                                          \
    X(PEER_RESET, PEER, "reset", 0, NULL)                                                                    \
    X(NETWORK, NETWORK, "network", 0, NULL)                                                                  \
    X(TLS, NETWORK, "tls", 0, NULL)                                                                          \
    X(APPLICATION, US, "application", 0, NULL)                                                               \
    X(APPLICATION_RESET, US, "application-reset", TOW_CLOSE_INTERNAL_ERROR, "")                              \
    X(APPLICATION_END, US, "application-end", 0, "the application ended it without a Close")                 \
    X(APPLICATION_TEXT, US, "application-text", TOW_CLOSE_INVALID_PAYLOAD,                                   \
        "what was to be sent is not UTF-8")                                                                  \
    X(PROTOCOL_ERROR, US, "protocol-error", TOW_CODE_OF_ERROR, NULL)                                         \
    X(INVALID_PAYLOAD, US, "invalid-payload", TOW_CODE_OF_ERROR, NULL)                                       \
    X(MEMORY, US, "memory", TOW_CODE_OF_ERROR, NULL)                                                         \
    X(DRAIN, US, "drain", TOW_CLOSE_GOING_AWAY, "")                                                          \
    X(MAX_MESSAGE, LIMIT, "max-message", TOW_CODE_OF_ERROR, NULL)                                            \
    X(MESSAGE_SECONDS, LIMIT, "message-seconds", TOW_CLOSE_POLICY,                                           \
        "the message took longer than message-seconds and message-rate allow")                               \
    X(MAX_UNFINISHED, LIMIT, "max-unfinished", TOW_CLOSE_TRY_AGAIN_LATER,                                    \
        "messages that have not ended hold more than max-unfinished")                                        \
    X(MAX_UNFINISHED_PER_ADDRESS, LIMIT, "max-unfinished-per-address", TOW_CLOSE_POLICY,                     \
        "messages of this address that have not ended hold more than max-unfinished-per-address")            \
    X(MAX_QUEUE, LIMIT, "max-queue", TOW_CLOSE_POLICY, "more than max-queue waits to be sent")               \
    X(STALL_SECONDS, LIMIT, "stall-seconds", 0, "the peer took nothing for stall-seconds")                   \
    X(IDLE_SECONDS, LIMIT, "idle-seconds", TOW_CLOSE_GOING_AWAY, "nothing was received for idle-seconds")    \
    X(CLOSE_SECONDS, LIMIT, "close-seconds", 0, "the Close was not answered within close-seconds")           \
    X(HALF_CLOSE_SECONDS, LIMIT, "half-close-seconds", 0,                                                    \
        "the other side did not end within half-close-seconds")                                              \
    X(DRAIN_SECONDS, LIMIT, "drain-seconds", 0, NULL)

#define TOW_CAUSE_ENUMERATOR(cause, ender, name, code, reason) TOW_CAUSE_##cause,
typedef enum tow_cause { TOW_CAUSES(TOW_CAUSE_ENUMERATOR) TOW_CAUSE_COUNT } tow_cause;
#undef TOW_CAUSE_ENUMERATOR

tow_ender tow_cause_ender(tow_cause cause);
const char *tow_cause_name(tow_cause cause);

/* Of the Close that we send; the code is 0 where we send none. */
uint16_t tow_cause_code(tow_cause cause, int error);

/* Its reason, or why the connection ended without one. */
const char *tow_cause_reason(tow_cause cause, int error);

/* What an error, of the stream or in what was received, is the end by. */
tow_cause tow_cause_of_error(int error);

#endif
