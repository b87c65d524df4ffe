/* token_maker: tokens as others make them, for tests of what checks them. */
#ifndef TOW_TESTS_HANDLER_TOKEN_MAKER_H
#define TOW_TESTS_HANDLER_TOKEN_MAKER_H

#include "base/slice.h"

#include <openssl/types.h>
#include <stdint.h>

enum { TOKEN_MAX = 12000 };

/* Text in base64url behind what is in `out` already. */
void token_append(char out[TOKEN_MAX], const void *bytes, size_t length);

/* Header and claims, not signed yet: "HEADER.CLAIMS". */
void token_begin(char out[TOKEN_MAX], const char *header, const char *claims);

/* Signs it: by HMAC with SHA-256, or by this key, as its algorithm of RFC 7518 or RFC 8037 has it. */
void token_sign_secret(char out[TOKEN_MAX], const char *secret);
void token_sign(char out[TOKEN_MAX], EVP_PKEY *key);

/* A new key: "RSA" of so many bits, "EC" of the curve of this name, "ED25519". */
EVP_PKEY *token_key_rsa(unsigned bits);
EVP_PKEY *token_key_ec(const char *curve);
EVP_PKEY *token_key_ed25519(void);

/* Its public part in PEM, or all of it; to be freed. */
char *token_key_pem(EVP_PKEY *key, bool is_private);

#endif
