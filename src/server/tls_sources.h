/* tls_sources: where a server's texts of TLS come from: files, which a reload reads again, or memory. */
#ifndef TOW_SERVER_TLS_SOURCES_H
#define TOW_SERVER_TLS_SOURCES_H

#include "base/complaint.h"

#include <stdbool.h>
#include <stddef.h>
#include <towline/server.h>

/* Both NULL: there is none. Both are ours. */
typedef struct tow_tls_source {
    char *file;
    char *text;
} tow_tls_source;

typedef struct tow_tls_certificate_source {
    tow_tls_source certificate;
    tow_tls_source key; /* none: where the certificate stands */
} tow_tls_certificate_source;

typedef struct tow_tls_sources {              /* zeroed: no TLS */
    tow_tls_certificate_source *certificates; /* the first is for who asks for no name of the others */
    size_t count;
    tow_tls_source client_ca;
    tow_tls_source client_crl;
    bool self_signed; /* instead of certificates: one is made */
} tow_tls_sources;

/* The certificates alone, of which there is at least one. The same. */
int tow_tls_certificates_check(const tow_certificate *certificates, size_t count, tow_complaint *complaint);

/* Whether the options make sense together. Errors: ARGUMENT; the complaint says which. */
int tow_tls_sources_check(const tow_server_options *options, tow_complaint *complaint);

/* Errors: MEMORY; what was copied is to be cleared. */
int tow_tls_sources_copy(tow_tls_sources *sources, const tow_server_options *options);
void tow_tls_sources_clear(tow_tls_sources *sources);

/* The same with the certificates alone: those of `first`, if it has one, and of the others. */
int tow_tls_certificates_copy(
    tow_tls_sources *sources, const tow_certificate *first, const tow_certificate *others, size_t count);
void tow_tls_certificates_clear(tow_tls_sources *sources);

static inline bool tow_tls_sources_are_some(const tow_tls_sources *sources) {
    return sources->count > 0 || sources->self_signed;
}

#endif
