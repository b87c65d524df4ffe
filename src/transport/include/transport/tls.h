/* tls: TLS (RFC 8446, RFC 5246) by OpenSSL on streams, and what goes with it: contexts, ticket keys,
 * certificates.
 *
 * A stream becomes a TLS stream by tow_stream_start_tls, and keeps its functions and events: what is written
 * is encrypted, what comes is decrypted, and on_writable tells that the handshake is done. Certificates and
 * keys come as PEM texts, so that all workers of a server have the same ones. A context belongs to one
 * thread; ticket keys may be shared. */
#ifndef TOW_TRANSPORT_TLS_H
#define TOW_TRANSPORT_TLS_H

#include "transport/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for a text that says what is wrong. */
enum { TOW_TLS_TEXT_MAX = 384 };

/* The keys that session tickets are encrypted with. One set is shared by the workers of a server and outlives
 * their contexts, so that a reload and another worker still know a client. Rotated by age; counted
 * references; any thread. */
typedef struct tow_tls_tickets tow_tls_tickets;
int tow_tls_tickets_new(tow_tls_tickets **tickets); /* Errors: MEMORY, SYSTEM (no randomness). */
tow_tls_tickets *tow_tls_tickets_retain(tow_tls_tickets *tickets);
void tow_tls_tickets_release(tow_tls_tickets *tickets); /* NULL is allowed */

/* Whose certificate is asked for and must hold. */
typedef enum tow_tls_verify {
    TOW_TLS_VERIFY_DEFAULT,  /* a client: REQUIRED; a server: REQUIRED if it has roots for clients, else NONE
                              */
    TOW_TLS_VERIFY_REQUIRED, /* a client checks the host's name as well */
    TOW_TLS_VERIFY_OPTIONAL, /* a server takes clients without, but none with a bad one */
    TOW_TLS_VERIFY_NONE
} tow_tls_verify;

/* A certificate with its key, as texts, and the files that they have come from. */
typedef struct tow_tls_pem {
    const char *certificate; /* then those between it and the root */
    const char *key;
    const char *certificate_file, *key_file; /* for who reads what is wrong with them; NULL: it is not said */
} tow_tls_pem;

/* Names of the files that texts have come from, for who reads what is wrong with them; NULL: it is not said.
 */
typedef struct tow_tls_files {
    const char *certificate, *key, *roots, *revoked;
} tow_tls_files;

/* Zeroed: a client that trusts the system's roots. Texts are PEM and are not kept. */
typedef struct tow_tls_settings {
    bool server;
    const char *certificate; /* our own, then those between it and the root; a server must have one */
    const char *key;
    const tow_tls_pem *more; /* a server's further ones, each shown to who asks for a name in it (RFC 6066,
                                section 3); who asks for none of them is shown the first */
    size_t more_count;
    const char *roots; /* who may sign the peer's, roots or not; NULL: the system's for a client, nobody for a
                          server */
    const char *revoked; /* lists of revoked certificates (CRL) of those who sign the peer's; NULL: none */
    tow_tls_verify verify;
    bool plain_too; /* a server: a stream whose first byte is no TLS stays plain (tow_stream_is_secure) */
    tow_tls_tickets *tickets; /* a server; NULL: own ones */
    tow_tls_files files;
} tow_tls_settings;

typedef struct tow_tls_context tow_tls_context;

/* Errors: CERTIFICATE (a PEM text, or a key that does not belong to its certificate), MEMORY, SYSTEM; then
 * `why` says what is wrong. */
int tow_tls_context_new(
    tow_tls_context **context, const tow_tls_settings *settings, char why[TOW_TLS_TEXT_MAX]);
tow_tls_context *tow_tls_context_retain(tow_tls_context *context);
void tow_tls_context_release(tow_tls_context *context); /* NULL is allowed; streams keep it alive */

/* A client's context on a loop: made at the first call, and the same again for equal settings, so that
 * sessions are resumed by whoever connects next. Some are kept, those used last. Lent: retain it to keep it.
 * Errors: as above. */
int tow_tls_client_context(
    tow_loop *loop, const tow_tls_settings *settings, tow_tls_context **context, char why[TOW_TLS_TEXT_MAX]);

/* Turns a plain stream into a TLS one: right after tow_stream_adopt, inside the on_writable that tells of a
 * connection, or later if the stream was paused there (as tow_stream_release). It is blocked until the
 * handshake is done; on_writable follows, or on_error (TLS, CERTIFICATE, ENDED …). `server_name` (a client;
 * copied) is a name or an IP address, in brackets or not: the name that the certificate must have. The
 * context is retained. Errors: STATE, ARGUMENT (no name and a certificate is required), MEMORY, SYSTEM: the
 * stream is of no use then. */
int tow_stream_start_tls(tow_stream *stream, tow_tls_context *context, const char *server_name);

/* Puts a layer under a plain stream that leaves all as it is, so that TLS can be started at any time, when
 * something was said in plain before. When: as above. Errors: STATE, MEMORY, SYSTEM: the stream is of no use
 * then. */
int tow_stream_prepare_tls(tow_stream *stream);

/* The same as tow_stream_start_tls, on a stream that was prepared, or inside of the TLS that a stream speaks
 * already (as to a server behind a proxy over TLS). `rest` has come and is the beginning of TLS (copied).
 * Errors: as above; STATE too while something waits to be sent. */
int tow_stream_start_prepared_tls(tow_stream *stream, tow_tls_context *context, const char *server_name,
    const uint8_t *rest, size_t rest_length);

/* Whether the handshake is under way. */
bool tow_stream_is_handshaking(const tow_stream *stream);

/* Whether what is written is encrypted. False for a plain stream, and for one that stayed plain (plain_too).
 */
bool tow_stream_is_secure(const tow_stream *stream);

/* The TLS stream that this one is inside of, to be asked the questions of this header, or NULL. It is as
 * valid as this one. */
const tow_stream *tow_stream_beneath(const tow_stream *stream);

/* After on_error: why, in one line, or NULL where the code says all. Valid until on_closed. */
const char *tow_stream_failure_text(const tow_stream *stream);

/* After on_end: the peer's FIN came without its close_notify, so that somebody may have cut off the end. */
bool tow_stream_is_truncated(const tow_stream *stream);

/* What the handshake agreed on, for people to read. */
typedef struct tow_tls_details {
    const char *version; /* "TLSv1.3" */
    const char *cipher;
    bool resumed;
    bool verified;     /* the peer's certificate holds */
    char subject[128]; /* of the peer's certificate; "" if it has none */
    char issuer[128];
    char expires[32];     /* "2026-08-22" */
    char fingerprint[96]; /* SHA-256 in hexadecimal, with colons */
} tow_tls_details;

/* Errors: STATE (no TLS stream, or the handshake is not done). */
int tow_stream_tls_details(const tow_stream *stream, tow_tls_details *details);

/* The text of a file (PEM) on the heap. Errors: NO_FILE, PERMISSION, SYSTEM, CERTIFICATE (too large), MEMORY;
 * `why` names the file. */
int tow_tls_read_file(const char *path, char **text, char why[TOW_TLS_TEXT_MAX]);

/* A throwaway certificate for localhost, *.localhost, 127.0.0.1 and ::1, signed by its own key. The texts are
 * the caller's, to be freed. `fingerprint` is as in the details. Errors: MEMORY, SYSTEM. */
int tow_tls_self_signed(char **certificate, char **key, char fingerprint[96]);

#endif
