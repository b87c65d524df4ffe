/* towline/limits.h: what a connection may cost, and how long it may take: for a server, for each of its
 * routes, and for a client. */
#ifndef TOWLINE_LIMITS_H
#define TOWLINE_LIMITS_H

#include <stdint.h>
#include <towline/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How compression (RFC 7692) is offered or accepted. */
typedef enum tow_compression {
    TOW_COMPRESSION_DEFAULT = 0, /* TOW_COMPRESSION_SHARED for servers, _TAKEOVER for clients */
    TOW_COMPRESSION_OFF,
    TOW_COMPRESSION_SHARED,  /* no context takeover: an idle connection holds no compressor */
    TOW_COMPRESSION_TAKEOVER /* each connection keeps its context: smaller messages, more memory */
} tow_compression;

/* What happens to a message while more than max_queue waits to be sent. */
typedef enum tow_overflow {
    TOW_OVERFLOW_DEFAULT = 0, /* TOW_OVERFLOW_CLOSE */
    TOW_OVERFLOW_CLOSE,       /* the connection is closed with 1008, and the send answers QUEUE_FULL */
    /* the send answers QUEUE_FULL and nothing of the message goes; on_drain tells when there is room again */
    TOW_OVERFLOW_REFUSE,
    /* whole messages of which no byte has left are dropped for it, oldest first, and count in
     * tow_websocket_dropped. What is under way stays, and so do pieces, Pings and Pongs: a piece or Ping for
     * which that makes no room is refused. Not with context takeover, where each message refers to those
     * before */
    TOW_OVERFLOW_DROP_OLDEST
} tow_overflow;

/* Zero means the default, in a route what its server has; numbers accept TOW_OFF, but for low_mark. All of
 * them hold for servers and clients: a client waits as long as its user likes, so some are off there unless
 * they are asked for. */
typedef struct tow_limits {
    int64_t max_message; /* bytes after inflation; default 16 MiB; more: 1009 */
    int64_t max_queue;   /* bytes waiting to be sent; default 1 MiB; more: what `overflow` says */
    /* what happens to a message then; default TOW_OVERFLOW_CLOSE: 1008 */
    tow_overflow overflow;
    int64_t high_mark; /* bytes; on_drain comes when more have waited, and while more waits a server does
                          not read from the peer (a client does); default 256 KiB; off: never */
    int64_t low_mark;  /* bytes; less again: on_drain, and reading goes on; default a quarter of high_mark */
    int message_seconds;  /* first to last byte of a message, or of a request's body; default 60, of clients
                             none; more: 1008 */
    int64_t message_rate; /* bytes a second: that time grows by what has come divided by it, so that who
                             sends steadily may send much; default 1 KiB; off: it does not grow */
    int stall_seconds; /* something is queued, or a closing connection's last bytes are on their way, and the
                          peer takes nothing; default 30, of clients none; then reset */
    int ping_seconds;  /* silence after which a Ping is sent; default 20, of clients none */
    int idle_seconds;  /* silence after which the connection ends with 1001: nothing comes, and nothing is
                          taken  of what is ahead of a Ping; default 60, of clients none */
    int close_seconds; /* for the peer's Close when it has taken what was sent (without stall_seconds: and for
                          some more to be taken); default 5 (1 after an error); then reset */
    /* how compression is accepted, or offered; default TOW_COMPRESSION_SHARED, of clients _TAKEOVER (_SHARED
     * with TOW_OVERFLOW_DROP_OLDEST) */
    tow_compression compression;
    int64_t compression_min; /* bytes; smaller messages are not compressed; default 512 */
    int64_t compression_max; /* bytes; nor are larger ones, as others wait meanwhile; default 512 KiB */
} tow_limits;

#ifdef __cplusplus
}
#endif

#endif
