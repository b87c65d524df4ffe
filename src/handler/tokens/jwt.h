/* jwt: tokens (RFC 7519) in their compact form, signed (RFC 7515): read, and checked with a keyring.
 *
 * The algorithm is the key's: a token that names another one, or none, is refused whatever it is signed with.
 * A token has to end (exp). */
#ifndef TOW_HANDLER_TOKENS_JWT_H
#define TOW_HANDLER_TOKENS_JWT_H

#include "grant.h"
#include "keyring.h"

/* Bytes of a token; and seconds that the clock of who makes tokens may be ahead of ours. */
enum { TOW_JWT_MAX = 8192, TOW_JWT_LEEWAY = 60 };

typedef enum tow_jwt_verdict {
    TOW_JWT_GOOD,
    TOW_JWT_MALFORMED, /* no token, or too long a one */
    TOW_JWT_ALGORITHM, /* none of ours, or `none` */
    TOW_JWT_CRITICAL,  /* it wants something understood that is not (crit) */
    TOW_JWT_NO_KEY,    /* there is no key of its algorithm and kid */
    TOW_JWT_SIGNATURE, /* is wrong */
    TOW_JWT_CLAIMS,    /* one is wrong */
    TOW_JWT_NO_END,    /* there is no exp */
    TOW_JWT_EXPIRED,
    TOW_JWT_NOT_YET,  /* begun */
    TOW_JWT_AUDIENCE, /* it is for somebody else */
    TOW_JWT_MEMORY,
    TOW_JWT_VERDICTS /* how many there are */
} tow_jwt_verdict;

/* A line for who has shown the token; there is nothing of the token in it. Of claims `why` of tow_jwt_read
 * knows more. */
const char *tow_jwt_verdict_text(tow_jwt_verdict verdict);

/* What a token is checked with. */
typedef struct tow_jwt_check {
    const tow_keyring *keyring;
    const char *audience; /* NULL: it has to be for nobody in particular */
    int64_t now;          /* seconds since 1970 */
} tow_jwt_check;

/* The grant is held by the caller; it is only set where the token is good. `why` is such a line, which says
 * of claims which one is wrong. */
tow_jwt_verdict tow_jwt_read(
    tow_grant **grant, const tow_jwt_check *check, tow_slice token, const char **why);

#endif
