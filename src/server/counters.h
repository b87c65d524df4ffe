/* counters: what a worker of a server counts, as one table. Only the worker adds (base/count.h); --status
 * adds them up. */
#ifndef TOW_SERVER_COUNTERS_H
#define TOW_SERVER_COUNTERS_H

#include "base/count.h"

/* X(name, help) */
#define TOW_SERVER_COUNTERS(X)                                                                               \
    X(accepted, "Connections accepted.")                                                                     \
    X(moved, "Connections given to a worker with less load.")                                                \
    X(requests, "HTTP requests read whole, opening handshakes among them.")                                  \
    X(upgrades, "Opening handshakes answered with 101.")                                                     \
    X(handshakes_refused, "Opening handshakes refused for what they said.")                                  \
    X(bad_requests, "Requests that are not valid HTTP/1.1.")                                                 \
    X(proxy_headers_refused, "Connections of trusted proxies without a valid PROXY header.")                 \
    X(tls_failures, "Connections whose TLS handshake or records failed.")                                    \
    X(stale_posts, "Messages and closes posted to connections that were gone.")                              \
    X(not_found, "Requests for a path without a route.")                                                     \
    X(sessions, "Sessions of Engine.IO and SockJS begun.")                                                   \
    X(memory_failures, "Connections given up for want of memory.")

/* X(name, option): how often each limit was reached. What a limit counts in the websocket floor is added to
 * it. */
#define TOW_SERVER_LIMIT_COUNTERS(X)                                                                         \
    X(host_refused, "host")                                                                                  \
    X(origin_refused, "allow-origin")                                                                        \
    X(handshake_timeouts, "handshake-seconds")                                                               \
    X(heads_too_large, "handshake-bytes")                                                                    \
    X(bodies_too_large, "max-message")                                                                       \
    X(body_timeouts, "message-seconds")                                                                      \
    X(answer_timeouts, "answer-seconds")                                                                     \
    X(stalls, "stall-seconds")                                                                               \
    X(idle_timeouts, "idle-seconds")                                                                         \
    X(unfinished, "max-unfinished")                                                                          \
    X(unfinished_per_address, "max-unfinished-per-address")                                                  \
    X(over_connections, "max-connections")                                                                   \
    X(over_address, "max-connections-per-address")                                                           \
    X(drain_resets, "drain-seconds")

#define TOW_COUNTER_FIELD(name, text) uint64_t name;
typedef struct tow_server_counters {
    TOW_SERVER_COUNTERS(TOW_COUNTER_FIELD)
    TOW_SERVER_LIMIT_COUNTERS(TOW_COUNTER_FIELD)
} tow_server_counters;
#undef TOW_COUNTER_FIELD

/* The option of a limit's counter. */
const char *tow_server_limit_option(const tow_server_counters *counters, const uint64_t *counter);

#endif
