/* tls_text: what went wrong with TLS, in words that say who is to blame. */
#ifndef TOW_TRANSPORT_TLS_TEXT_H
#define TOW_TRANSPORT_TLS_TEXT_H

#include "transport/tls.h"

#include <openssl/x509_vfy.h>

/* Why a certificate does not hold. `name`: whom we wanted to talk to; NULL for a server. */
void tow_tls_certificate_text(char out[TOW_TLS_TEXT_MAX], X509_STORE_CTX *store, const char *name);

/* The oldest of OpenSSL's errors on this thread, which are forgotten. `handshaking`: that was under way. */
void tow_tls_error_text(char out[TOW_TLS_TEXT_MAX], bool handshaking);

/* A name of a certificate for people: its CN, or all of it. */
void tow_tls_name_text(char *out, size_t size, const X509_NAME *name);
/* "2026-08-22" */
void tow_tls_date_text(char out[32], const ASN1_TIME *time);
/* "AB:CD:…" of its SHA-256. */
void tow_tls_fingerprint_text(char out[96], const X509 *certificate);

#endif
