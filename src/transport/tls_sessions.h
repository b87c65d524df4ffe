/* tls_sessions: what a client keeps to resume sessions (RFC 8446, section 2.2): the latest of each host and
 * port, a few of them.
 *
 * A session is given out once, so that two connections can't be told to be of one client by it. */
#ifndef TOW_TRANSPORT_TLS_SESSIONS_H
#define TOW_TRANSPORT_TLS_SESSIONS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

enum { TOW_TLS_SESSIONS_MAX = 64 };

typedef struct tow_tls_session {
    char *key;
    SSL_SESSION *session;
    uint64_t age; /* when it was put in: a count */
} tow_tls_session;

typedef struct tow_tls_sessions { /* zeroed: empty */
    tow_tls_session items[TOW_TLS_SESSIONS_MAX];
    uint64_t count;
} tow_tls_sessions;

/* Keeps a session in the place of an older one of this key, or of the oldest. Returns whether it took it. */
bool tow_tls_sessions_put(tow_tls_sessions *sessions, const char *key, SSL_SESSION *session);

/* The session of a key, which is the caller's then, or NULL. */
SSL_SESSION *tow_tls_sessions_take(tow_tls_sessions *sessions, const char *key);

void tow_tls_sessions_clear(tow_tls_sessions *sessions);

#endif
