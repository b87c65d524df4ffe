/* tls_pem: reading PEM, and saying what is wrong with it. A key with a passphrase is not asked for one. */
#ifndef TOW_TRANSPORT_TLS_PEM_H
#define TOW_TRANSPORT_TLS_PEM_H

#include "transport/tls.h"

#include <openssl/pem.h>

/* Has `read` look at the text; it returns 0 or an error. Errors: its own, MEMORY. */
int tow_tls_pem_read(const char *text, int (*read)(void *out, BIO *text), void *out);

/* For OpenSSL's functions that read PEM. */
int tow_tls_no_passphrase(char *out, int size, int writing, void *user);

/* Whether what could not be read was the end of the text, which is an error to OpenSSL. */
bool tow_tls_pem_is_over(void);

/* Writes what is wrong, with OpenSSL's reason if the error is CERTIFICATE. Returns the error. */
int tow_tls_refuse(char why[TOW_TLS_TEXT_MAX], int error, const char *text);

/* The same of a text that may have come from a file (NULL: it is not said). Returns CERTIFICATE. */
int tow_tls_refuse_text(char why[TOW_TLS_TEXT_MAX], const char *file, const char *text);

#endif
