/* authority: a certificate authority that is made at test time, and what it signs. */
#ifndef TOW_TESTS_AUTHORITY_H
#define TOW_TESTS_AUTHORITY_H

#include "transport/tls.h"

#include <openssl/x509.h>
#include <stdbool.h>

typedef struct test_authority {
    EVP_PKEY *key;
    X509 *certificate;
    char *pem;
    long serial;
} test_authority;

typedef struct test_identity {
    char *certificate; /* PEM */
    char *key;
    long serial;
} test_identity;

/* What a certificate says; NULL: the usual. */
typedef struct test_subject {
    const char *name;  /* CN */
    const char *names; /* as openssl writes it: "DNS:example.test,IP:127.0.0.1"; "" for none */
    const char *usage; /* of the key: "clientAuth" */
    const char *from;  /* "20200101000000Z" */
    const char *until; /* "20990101000000Z" */
    bool self_signed;
    bool rsa; /* the key; else of an elliptic curve */
} test_subject;

void authority_make(test_authority *authority, const char *name);
/* An authority that another one has signed. */
void authority_make_below(test_authority *authority, const char *name, test_authority *issuer);
void authority_clear(test_authority *authority);
void authority_issue(test_authority *authority, const test_subject *subject, test_identity *identity);
/* A list of revoked certificates with this one in it, to be freed. */
char *authority_revoke(test_authority *authority, const test_identity *identity);
void identity_clear(test_identity *identity);

/* A context; fails the test if there is none. */
tow_tls_context *context_make(const tow_tls_settings *settings);

#endif
