/* tls_failure: what a TLS stream remembers of why it failed: the first cause, in one line. */
#ifndef TOW_TRANSPORT_TLS_FAILURE_H
#define TOW_TRANSPORT_TLS_FAILURE_H

#include "tls_stream.h"

/* Copies the text, unless there is one. */
void tow_tls_failure_note(tow_tls_stream *tls, const char *text);

/* A call of OpenSSL's has failed: notes the text. Returns the error: CERTIFICATE, TLS. */
int tow_tls_failure(tow_tls_stream *tls);

/* The same of one that returned `result`, which may mean only that it wants more bytes: 0. */
int tow_tls_failure_of(tow_tls_stream *tls, int result);

/* For SSL_CTX_set_verify: notes why a certificate does not hold. */
int tow_tls_on_verify(int holds, X509_STORE_CTX *store);

#endif
