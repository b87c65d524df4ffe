/* conform: `towline conform`, the conformance cases for servers and clients, and pages of their results. */
#ifndef TOW_PROGRAM_CONFORM_H
#define TOW_PROGRAM_CONFORM_H

#include "options.h"

typedef struct tow_conform_settings {
    const char *listen; /* "[HOST:]PORT": clients come here; NULL: a server is tested, or `client` */
    const char *client; /* a command for each case, with {url} in it */
    bool tls_self_signed;
    const char *certificate; /* PEM files, for clients over TLS; NULL: without TLS */
    const char *key;         /* NULL: in the certificate's file */
    const char *cacert;      /* who may sign the server's certificate, in PEM; NULL: the system's roots */
    bool insecure;
    bool merge; /* the operands are reports */
    bool list;
    const char *only;
    const char *const *cases; /* files with cases of one's own */
    const char *json;         /* "-" for the output; NULL: none */
    const char *html;
    const char *name;
    int at_once;
    int64_t timeout; /* nanoseconds */
    bool strict;
    bool verbose;
} tow_conform_settings;

int tow_conform(const tow_options *options);

#endif
