/* proxy_talk: what is said to a proxy until it has connected us to the target: CONNECT (RFC 9110, section
 * 9.3.6; Basic authentication, RFC 7617) or SOCKS 5 (RFC 1928, RFC 1929).
 *
 * Bytes in, bytes out: it knows no stream. What the caller has to send is in `output`; names go to the proxy
 * as they are, which looks them up. */
#ifndef TOW_CONNECT_PROXY_TALK_H
#define TOW_CONNECT_PROXY_TALK_H

#include "base/buffer.h"
#include "connect/proxy.h"
#include "http/body.h"

typedef enum tow_proxy_state {
    TOW_PROXY_ASKED,         /* HTTP: CONNECT was sent */
    TOW_PROXY_GREETED,       /* SOCKS: methods of authentication were offered */
    TOW_PROXY_AUTHENTICATED, /* user and password were sent */
    TOW_PROXY_REQUESTED,     /* the target was named */
    TOW_PROXY_DONE
} tow_proxy_state;

enum { TOW_PROXY_TEXT_MAX = 400 };

typedef struct tow_proxy_talk {
    tow_buffer output;      /* to be sent; the caller consumes it */
    tow_buffer input;       /* private from here on, but what tells of a refusal */
    const tow_proxy *proxy; /* borrowed, like the host */
    const char *host;
    uint16_t port;
    tow_proxy_state state;
    size_t scanned;
    int status;           /* of the proxy's HTTP answer, when it refused; else 0 */
    tow_body_reader body; /* with it: for what is left of `input` and may follow */
    char text[TOW_PROXY_TEXT_MAX];
} tow_proxy_talk;

/* Begins to ask for a way to `host` (a name or a literal, IPv6 in brackets). Errors: MEMORY, ARGUMENT (a name
 * that is too long for SOCKS). */
int tow_proxy_talk_begin(tow_proxy_talk *talk, const tow_proxy *proxy, const char *host, uint16_t port);

/* Takes what the proxy said. Returns 1 when the way is open (*used of the bytes were the proxy's, what
 * follows is the target's), 0 when more must come, or an error, which `text` explains in one line: PROXY (it
 * refuses), HTTP_SYNTAX, HTTP_TOO_LARGE, REFUSED, UNREACHABLE, TIMED_OUT (the target), MEMORY. */
int tow_proxy_talk_read(tow_proxy_talk *talk, const uint8_t *bytes, size_t length, size_t *used);

/* Frees the buffers. */
void tow_proxy_talk_clear(tow_proxy_talk *talk);

#endif
