/* connect: `towline connect`, a WebSocket client for terminals and pipes. */
#ifndef TOW_PROGRAM_CONNECT_H
#define TOW_PROGRAM_CONNECT_H

#include "options.h"

#include <towline/websocket.h>

/* After the end of the input: until as many messages came as were sent, at most a second after the last. */
enum { TOW_LINGER_FOR_ANSWERS = -2 };

typedef struct tow_connect_settings {
    const char *const *protocols;
    const char *origin;
    const char *const *headers; /* "Name: value" */
    const char *const *cookies; /* "NAME=VALUE" */
    const char *user;           /* "USER:PASSWORD" for Basic authentication, or NULL */
    const char *bearer;         /* a token, or NULL */
    tow_compression compression;
    const char *proxy;     /* URL, "off", or NULL: what the environment says */
    const char *unix_path; /* NULL: the URL's host and port */
    const char *cacert;    /* files of TLS, as in tow_websocket_options */
    const char *crl;
    const char *cert;
    const char *key;
    bool insecure;
    bool fallback;
    int64_t max_message;
    const char *const *messages; /* -x */
    const char *output;          /* file for binary messages, NULL: none */
    int64_t linger;   /* nanoseconds, TOW_OFF: as long as the peer wants, or TOW_LINGER_FOR_ANSWERS */
    int64_t ping;     /* nanoseconds, 0 or TOW_OFF: none */
    int64_t max_time; /* nanoseconds, 0 or TOW_OFF: no limit */
    bool reconnect;
    bool half_close; /* at the end of the input */
    bool binary;
    bool echo;
    bool verbose;
    bool only_listens; /* to a channel; no input is read: */
    const char *since; /* the position behind which it begins, or NULL */
    bool presence;     /* is asked for, and shown */
    bool positions;    /* are shown */
    bool envelopes;    /* the same, whole */
    int64_t count;     /* messages after which it leaves, 0 or TOW_OFF: no limit */
} tow_connect_settings;

#define TOW_CHANNEL_PROTOCOL "towline.v1"

/* Rows that fill one, besides those of way_options.h. */
extern const tow_option tow_connect_session_rows[];
extern const tow_option tow_connect_reconnect_rows[];

int tow_connect(const tow_options *options);

/* Connects to this URL as the settings say, which are a part of those of the options, or made of them.
 * Returns the exit status. */
int tow_connect_to(const tow_options *options, const tow_connect_settings *settings, const char *url);

#endif
