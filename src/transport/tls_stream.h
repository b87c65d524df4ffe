/* tls_stream: TLS as a layer of streams. What the owner says and hears is plain; the inner stream carries
 * records. Between them stands OpenSSL, which reads from the memory that the inner one was delivered in, and
 * writes into the loop's cork for the inner one (tls_records). */
#ifndef TOW_TRANSPORT_TLS_STREAM_H
#define TOW_TRANSPORT_TLS_STREAM_H

#include "stream_layer.h"
#include "tls_context.h"

typedef enum tow_tls_state {
    TOW_TLS_HANDSHAKE,
    TOW_TLS_OPEN,
    TOW_TLS_PLAIN, /* not started, or it was no TLS and may be so */
} tow_tls_state;

typedef struct tow_tls_stream {
    tow_stream_layer layer; /* first */
    tow_tls_context *context;
    SSL *ssl;
    tow_tls_waiting *waiting;    /* what was received in a round that had no room for it; NULL: nothing */
    struct tow_tls_input *input; /* what was received and OpenSSL has not read yet; NULL: nothing */
    char *name;                  /* a client's: whom it wants to talk to */
    char *text;                  /* why it failed */
    uint8_t state;
    bool truncated;
} tow_tls_stream;

/* The TLS stream whose outer one this is, or NULL. */
tow_tls_stream *tow_tls_stream_of(const tow_stream *stream);

/* As OpenSSL's callbacks find it. */
static inline tow_tls_stream *tow_tls_stream_of_ssl(const SSL *ssl) {
    return SSL_get_app_data(ssl);
}

/* What it shares with all others of its loop. */
static inline tow_tls_loop *tow_tls_shared(const tow_tls_stream *tls) {
    return (tow_tls_loop *)tls->layer.inner.loop->tls;
}

#endif
