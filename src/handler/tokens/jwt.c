#include "jwt.h"

#include "base/buffer.h"
#include "base/json.h"
#include "base64url.h"

#include <towline/error.h>

/* Of a JSON text's string that has to be compared. */
enum { WORD_MAX = 200 };

typedef struct token_parts {
    tow_slice header, claims, signature;            /* as they stand in it */
    tow_slice covered;                              /* by the signature */
    uint8_t bytes[TOW_BASE64URL_ROOM(TOW_JWT_MAX)]; /* of one part at a time */
    size_t length;
} token_parts;

const char *tow_jwt_verdict_text(tow_jwt_verdict verdict) {
    static const char *const texts[TOW_JWT_VERDICTS] = {
        [TOW_JWT_GOOD] = "the token is good",
        [TOW_JWT_MALFORMED] = "this is no token",
        [TOW_JWT_ALGORITHM] = "the token's algorithm is not HS256, RS256, ES256 or EdDSA",
        [TOW_JWT_CRITICAL] = "the token has a crit that is not understood here",
        [TOW_JWT_NO_KEY] = "there is no key for the token's alg and kid",
        [TOW_JWT_SIGNATURE] = "the token's signature is wrong",
        [TOW_JWT_CLAIMS] = "a claim of the token is wrong",
        [TOW_JWT_NO_END] = "the token has no exp, which says when it ends",
        [TOW_JWT_EXPIRED] = "the token has expired",
        [TOW_JWT_NOT_YET] = "the token is not valid yet",
        [TOW_JWT_AUDIENCE] = "the token is for another audience",
        [TOW_JWT_MEMORY] = "there is no memory to read the token",
    };
    return texts[verdict];
}

static tow_slice part_take(tow_slice *rest) {
    const char *dot = rest->length > 0 ? memchr(rest->data, '.', rest->length) : NULL;
    const tow_slice part = {rest->data, dot == NULL ? rest->length : (size_t)(dot - rest->data)};
    size_t taken = part.length + (dot != NULL);
    *rest = (tow_slice){rest->data + taken, rest->length - taken};
    return part;
}

/* Three parts with dots between them (RFC 7515, section 7.1). An unsigned token has an empty last part. */
static bool split(token_parts *token, tow_slice text) {
    tow_slice rest = text;
    if (text.length > TOW_JWT_MAX)
        return false;
    token->header = part_take(&rest);
    token->claims = part_take(&rest);
    token->signature = rest;
    token->covered = (tow_slice){text.data, token->header.length + 1 + token->claims.length};
    return token->header.length > 0 && token->claims.length > 0 && token->covered.length < text.length &&
           (rest.length == 0 || memchr(rest.data, '.', rest.length) == NULL);
}

static bool part_read(token_parts *token, tow_slice part) {
    return tow_base64url_read(token->bytes, &token->length, part);
}

static tow_slice part_text(const token_parts *token) {
    return (tow_slice){(const char *)token->bytes, token->length};
}

/* The header. */

typedef struct token_header {
    tow_key_algorithm algorithm;
    char id[WORD_MAX + 1];
    bool has_id;
} token_header;

/* False: it is no string, too long for what it is for, or has a zero in it. */
static bool word_read(char out[WORD_MAX + 1], tow_slice value) {
    tow_buffer text = {0};
    bool is_good = tow_json_type_of(value) == TOW_JSON_STRING && tow_json_unescape(&text, value) == 0 &&
                   text.length <= WORD_MAX &&
                   (text.length == 0 || memchr(text.data, '\0', text.length) == NULL);
    if (is_good) {
        if (text.length > 0)
            memcpy(out, text.data, text.length);
        out[text.length] = '\0';
    }
    tow_buffer_clear(&text);
    return is_good;
}

static tow_jwt_verdict header_take(token_header *out, tow_slice json) {
    char name[WORD_MAX + 1];
    tow_slice object, value;
    if (tow_json_read(json, &object) != 0 || !tow_json_member(object, "alg", &value) ||
        !word_read(name, value))
        return TOW_JWT_MALFORMED;
    out->algorithm = tow_key_algorithm_of(name);
    if (out->algorithm == TOW_KEY_ALGORITHMS)
        return TOW_JWT_ALGORITHM;
    if (tow_json_member(object, "crit", &value))
        return TOW_JWT_CRITICAL;
    out->has_id = tow_json_member(object, "kid", &value);
    return !out->has_id || word_read(out->id, value) ? TOW_JWT_GOOD : TOW_JWT_MALFORMED;
}

/* The signature. */

static tow_jwt_verdict signature_check(
    token_parts *token, const tow_keyring *keyring, const token_header *header) {
    if (!part_read(token, token->signature))
        return TOW_JWT_MALFORMED;
    switch (tow_keyring_check(keyring, header->algorithm, header->has_id ? header->id : NULL, token->covered,
        token->bytes, token->length)) {
    case TOW_KEYRING_GOOD:
        return TOW_JWT_GOOD;
    case TOW_KEYRING_NO_KEY:
        return TOW_JWT_NO_KEY;
    case TOW_KEYRING_WRONG:
        break;
    }
    return TOW_JWT_SIGNATURE;
}

/* The claims. */

static tow_jwt_verdict grant_check(const tow_grant *grant, const tow_jwt_check *check) {
    if (tow_grant_expires(grant) == 0)
        return TOW_JWT_NO_END;
    if (check->now >= tow_grant_expires(grant))
        return TOW_JWT_EXPIRED;
    if (check->now + TOW_JWT_LEEWAY < tow_grant_begins(grant))
        return TOW_JWT_NOT_YET;
    return tow_grant_is_for(grant, check->audience) ? TOW_JWT_GOOD : TOW_JWT_AUDIENCE;
}

static tow_jwt_verdict claims_take(
    tow_grant **grant, token_parts *token, const tow_jwt_check *check, const char **why) {
    tow_grant *made;
    if (!part_read(token, token->claims))
        return TOW_JWT_MALFORMED;
    int error = tow_grant_read(&made, part_text(token), why);
    if (error != 0)
        return error == TOW_ERROR_MEMORY ? TOW_JWT_MEMORY : TOW_JWT_CLAIMS;
    tow_jwt_verdict verdict = grant_check(made, check);
    if (verdict == TOW_JWT_GOOD)
        *grant = made;
    else
        tow_grant_free(made);
    return verdict;
}

static tow_jwt_verdict token_read(
    tow_grant **grant, const tow_jwt_check *check, tow_slice text, const char **why) {
    token_parts token;
    token_header header;
    if (!split(&token, text) || !part_read(&token, token.header))
        return TOW_JWT_MALFORMED;
    tow_jwt_verdict verdict = header_take(&header, part_text(&token));
    if (verdict == TOW_JWT_GOOD)
        verdict = signature_check(&token, check->keyring, &header);
    return verdict == TOW_JWT_GOOD ? claims_take(grant, &token, check, why) : verdict;
}

tow_jwt_verdict tow_jwt_read(
    tow_grant **grant, const tow_jwt_check *check, tow_slice token, const char **why) {
    tow_jwt_verdict verdict = token_read(grant, check, token, why);
    if (verdict != TOW_JWT_CLAIMS)
        *why = tow_jwt_verdict_text(verdict);
    return verdict;
}
