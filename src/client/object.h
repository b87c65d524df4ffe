/* object: a client's socket with what its opening handshake needs; the parts of this floor work on it in
 * turn. */
#ifndef TOW_CLIENT_OBJECT_H
#define TOW_CLIENT_OBJECT_H

#include "base/buffer.h"
#include "client/client.h"
#include "client/url.h"
#include "connect/connector.h"
#include "connect/proxy_talk.h"
#include "protocol/opening.h"
#include "transport/tls.h"

/* Where the object stands. */
typedef enum tow_client_stage {
    /* the stages of an opening handshake (stages.h) */
    TOW_CLIENT_REACHING,       /* the connector is at work */
    TOW_CLIENT_SECURING_PROXY, /* the proxy was reached: TLS with it */
    TOW_CLIENT_PROXYING,       /* the proxy is asked for the server */
    TOW_CLIENT_SECURING,       /* the server was reached: TLS with it */
    TOW_CLIENT_ASKING,         /* the request is on its way, or the response */
    /* how it ended */
    TOW_CLIENT_REFUSED,      /* by a status: what the body says is read */
    TOW_CLIENT_FALLING_BACK, /* a session by polling is to begin instead */
    TOW_CLIENT_OPENED,       /* the websocket floor has the stream, or a session */
    TOW_CLIENT_FAILED,       /* before it was open: the events are to come */
    TOW_CLIENT_GONE          /* the last callback was called, or is being called */
} tow_client_stage;

typedef struct tow_client {
    tow_websocket socket;
    tow_behaviour behaviour;
    tow_client_stage stage;
    /* a stage has done its part; `rest` came from the peer behind it */
    void (*on_stage_done)(struct tow_client *client, uint8_t *rest, size_t rest_length);
    bool has_stream;  /* on_closed is still to come */
    bool in_callback; /* of the events of a failed handshake: freeing waits until they have returned */
    bool freed;       /* by the user */
    tow_url url;
    char **protocols; /* offered; ends with NULL */
    tow_compression_settings compression;
    char key[TOW_KEY_LENGTH + 1];
    int connect_seconds;
    tow_buffer request;
    size_t request_sent;
    tow_buffer response; /* what has come of it, while it is not whole */
    size_t response_scanned;
    struct tow_refusal *refusal; /* while its body is read */
    tow_response *answer;        /* the same, whole */
    tow_client_on_head on_head;
    tow_connector *connector; /* while it is at work */
    tow_proxy proxy;          /* `host` is NULL if there is none */
    tow_proxy_talk *talk;     /* with it, while that is under way */
    tow_tls_context *tls;     /* with the server; NULL: none */
    tow_tls_context *proxy_tls;
    char *unix_path;                /* a Unix socket instead of the URL's host and port */
    void *holder;                   /* of the socket: a reconnector, a blocking client; NULL: the user */
    struct tow_fallback_plan *plan; /* NULL: where the opening handshake fails all is over */
    void (*fall_back)(struct tow_client *client); /* else this comes, where it may help */
    bool falls_back;                              /* it will */
    bool polling_may_help;                        /* as the opening handshake has failed */
    int64_t opened_at;
    int64_t limit; /* nanoseconds, for what is under way */
    int error;     /* why it failed */
    int http_status;
    int retry_after_seconds;         /* with which the server refused; 0: it did not say */
    char text[512];                  /* the same in words */
    char peer[TOW_ADDRESS_TEXT_MAX]; /* that it is connected to, from OPENED on */
} tow_client;

/* The client of a socket that tow_websocket_open made, and of its stream and timer. */
static inline tow_client *tow_client_of(const tow_websocket *socket) {
    return (tow_client *)((uintptr_t)socket - // NOLINT(performance-no-int-to-ptr)
                          offsetof(tow_client, socket));
}

static inline tow_client *tow_client_of_stream(const tow_stream *stream) {
    return tow_client_of(tow_websocket_of_stream(stream));
}

static inline tow_client *tow_client_of_timer(const tow_timer *timer) {
    return tow_client_of(tow_websocket_of_timer(timer));
}

/* Frees what was needed to talk to a proxy. */
void tow_client_end_talk(tow_client *client);

/* Frees everything; nothing of the client is in use any more. */
void tow_client_destroy(tow_client *client);

#endif
