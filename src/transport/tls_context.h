/* tls_context: what TLS streams of one kind share, as the parts of transport see it. */
#ifndef TOW_TRANSPORT_TLS_CONTEXT_H
#define TOW_TRANSPORT_TLS_CONTEXT_H

#include "tls_choice.h"
#include "tls_sessions.h"
#include "tls_trust.h"
#include "transport/loop.h"
#include "transport/timer.h"
#include "transport/tls.h"

#include <openssl/ssl.h>

struct tow_tls_context {
    int references;
    SSL_CTX *ssl;
    BIO_METHOD *method; /* how OpenSSL reads and writes: see tls_stream */
    tow_tls_tickets *tickets;
    tow_tls_sessions *sessions;          /* a client's */
    tow_tls_choice *choice;              /* a server's with several certificates, else NULL */
    uint8_t trust[TOW_TLS_TRUST_DIGEST]; /* a server's */
    bool server;
    bool checks_name;
    bool plain_too;
};

/* What a loop keeps for all of its TLS streams. Sixteen whole records and the beginning of another are
 * decrypted together: a peer that keeps sixteen large messages under way is answered by one write. */
enum { TOW_TLS_RECORD = 16 * 1024, TOW_TLS_PLAIN_SIZE = 17 * TOW_TLS_RECORD, TOW_TLS_CLIENT_CONTEXTS = 8 };

typedef struct tow_tls_client {
    uint8_t settings[32]; /* a digest of them */
    tow_tls_context *context;
    uint64_t used;
} tow_tls_client;

typedef struct tow_tls_waiting tow_tls_waiting;

typedef struct tow_tls_loop {
    tow_loop_companion companion;      /* first */
    uint8_t plain[TOW_TLS_PLAIN_SIZE]; /* what one read brought, decrypted */
    uint8_t record[TOW_TLS_RECORD];    /* small pieces that are encrypted together */
    tow_tls_client clients[TOW_TLS_CLIENT_CONTEXTS];
    uint64_t uses;
    tow_loop *loop;
    uint64_t round; /* the last in which handshakes began, and how many did */
    int begun;
    tow_timer timer; /* set while others wait (tls_waiting.h), the oldest first */
    tow_tls_waiting *waiting;
    tow_tls_waiting **waiting_end;
    bool is_theirs; /* the turn of those that waited */
} tow_tls_loop;

/* The loop's, made at the first call; NULL when out of memory. */
tow_tls_loop *tow_tls_of_loop(tow_loop *loop);

#endif
