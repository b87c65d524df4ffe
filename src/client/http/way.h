/* way: how a connection of an HTTP client gets to its server: the server or a proxy is reached, TLS is agreed
 * on with the proxy, the proxy asked for the server, TLS agreed on with that; each where it is needed.
 *
 * To http: an HTTP proxy is not asked for a way: what it gets is the request, in absolute-form (RFC 9112,
 * section 3.2.2), as from browsers and curl. Proxies that connect to port 443 alone let that through. */
#ifndef TOW_CLIENT_HTTP_WAY_H
#define TOW_CLIENT_HTTP_WAY_H

#include "connect/connector.h"
#include "connect/proxy_talk.h"
#include "transport/stream.h"
#include "transport/tls.h"

/* Where to connect; borrowed, but the contexts are retained. */
typedef struct tow_http_place {
    tow_place place;
    tow_tls_context *tls;       /* with the server; NULL: none */
    const tow_proxy *proxy;     /* NULL: none */
    tow_tls_context *proxy_tls; /* with it; NULL: none */
} tow_http_place;

/* Whether requests go to the proxy itself (NULL: there is none), in absolute-form. */
static inline bool tow_http_is_forwarded(const tow_proxy *proxy, bool is_secure) {
    return proxy != NULL && proxy->kind != TOW_PROXY_SOCKS5 && !is_secure;
}

typedef struct tow_http_way tow_http_way;

/* In both the way may be left. */
typedef struct tow_http_way_events {
    /* The stream is whoever's has the way from here on, and its events too. `rest` came from the server. */
    void (*on_ready)(tow_http_way *way, uint8_t *rest, size_t rest_length);
    /* `text` says why in one line that names the host or the proxy. */
    void (*on_failed)(tow_http_way *way, int error, const char *text);
    /* The stream's, after tow_http_way_leave. */
    void (*on_closed)(tow_stream *stream);
} tow_http_way_events;

typedef enum tow_http_way_stage {
    TOW_HTTP_WAY_REACHING,
    TOW_HTTP_WAY_SECURING_PROXY,
    TOW_HTTP_WAY_PROXYING,
    TOW_HTTP_WAY_SECURING,
    TOW_HTTP_WAY_READY
} tow_http_way_stage;

struct tow_http_way {  /* embedded */
    tow_stream stream; /* first */
    tow_loop *loop;
    const tow_http_way_events *events;
    tow_http_place place;
    tow_http_way_stage stage;
    bool has_stream;          /* on_closed is still to come */
    tow_connector *connector; /* REACHING */
    tow_proxy_talk talk;      /* PROXYING */
};

/* Begins; one of the first two events follows. Errors: ADDRESS, MEMORY, SYSTEM. */
int tow_http_way_begin(
    tow_http_way *way, tow_loop *loop, const tow_http_place *place, const tow_http_way_events *events);

/* What was not done yet, for who has waited for it long enough. */
const char *tow_http_way_delay(const tow_http_way *way);

/* Nothing of it is to come any more but on_closed, if there is a stream, which its owner ends. */
void tow_http_way_leave(tow_http_way *way);

/* Releases the contexts. */
void tow_http_way_clear(tow_http_way *way);

/* Writes `what` is wrong, behind the place where it is. */
void tow_http_place_text(const tow_place *place, const char *what, char *out, size_t size);

#endif
