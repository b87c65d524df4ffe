/* tls_records: bytes into records and back, by OpenSSL, without a call to the system and without a memory
 * BIO: it reads from the memory that was received in, and writes into the layer. */
#ifndef TOW_TRANSPORT_TLS_RECORDS_H
#define TOW_TRANSPORT_TLS_RECORDS_H

#include "tls_stream.h"

/* What is being read: lent, on the stack of the one who received it. */
typedef struct tow_tls_input {
    const uint8_t *bytes;
    size_t length;
} tow_tls_input;

/* How OpenSSL reads and writes; NULL when out of memory. */
BIO_METHOD *tow_tls_method_new(void);

/* Has a new SSL read and write so. Errors: MEMORY. */
int tow_tls_records_attach(tow_tls_stream *tls);

/* Encrypts until the layer is stuck. Returns how many bytes were taken, or a negative tow_error. */
ssize_t tow_tls_records_encrypt(tow_tls_stream *tls, const struct iovec *pieces, int count);

typedef enum tow_tls_filling {
    TOW_TLS_FILLED,  /* the memory is full: there may be more */
    TOW_TLS_DRAINED, /* nothing is left but part of a record, which OpenSSL keeps */
    TOW_TLS_ENDED,   /* close_notify has come */
    TOW_TLS_FAILED
} tow_tls_filling;

/* Decrypts into `buffer` until it is full or nothing is left; *used counts up. */
tow_tls_filling tow_tls_records_decrypt(
    tow_tls_stream *tls, uint8_t *buffer, size_t capacity, size_t *used, int *error);

#endif
