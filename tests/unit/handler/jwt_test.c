/* Tokens: those of the standards, and everything that may be wrong with one. */
#include "../unit.h"

#include "token_maker.h"
#include "tokens/jwt.h"

#include <openssl/evp.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define CLAIMS "{\"sub\":\"ann\",\"exp\":2000,\"channels\":{\"subscribe\":[\"news\"]}}"

enum { NOW = 1000 };

/* RFC 7515, appendix A.1: its exp is 1300819380. */
#define RFC_CLAIMS                                                                                           \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
enum { RFC_END = 1300819380 };

static const char rfc_secret[] = "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-"
                                 "1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}";
static const char rfc_hs256[] =
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." RFC_CLAIMS ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/* A.2 */
static const char rfc_rsa[] = "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_"
                              "wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEz"
                              "P1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_"
                              "7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUs"
                              "LA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_"
                              "I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9ia"
                              "GNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"}";
static const char rfc_rs256[] =
    "eyJhbGciOiJSUzI1NiJ9." RFC_CLAIMS
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
    "O8W2Fp5jujGbds9uJdbF9C"
    "UAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_"
    "eSN9383LcOLn6_d"
    "O--xi12jzDwusC-"
    "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igc"
    "N_IoypGlUPQGe77Rw";

/* A.3 */
static const char rfc_curve[] =
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_"
    "FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";
static const char rfc_es256[] =
    "eyJhbGciOiJFUzI1NiJ9." RFC_CLAIMS
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

/* RFC 8037, appendix A.4: what it signs is no claims. */
static const char rfc_edwards[] =
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}";
static const char rfc_eddsa[] = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_"
                                "MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR"
                                "4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

static tow_keyring *keyring_of(const char *text) {
    char why[TOW_KEYRING_TEXT_MAX] = "";
    tow_keyring *keyring = NULL;
    if (tow_keyring_read(&keyring, text, strlen(text), why) != 0)
        fail_msg("%s", why);
    return keyring;
}

static const char *said; /* of the last one */

static tow_jwt_verdict verdict_of(const char *keys, const char *token, const char *audience, int64_t now) {
    tow_keyring *keyring = keyring_of(keys);
    tow_grant *grant = NULL;
    const tow_jwt_check check = {keyring, audience, now};
    tow_jwt_verdict verdict = tow_jwt_read(&grant, &check, tow_slice_from(token), &said);
    assert_int_equal(grant != NULL, verdict == TOW_JWT_GOOD);
    tow_grant_free(grant);
    tow_keyring_release(keyring);
    return verdict;
}

static tow_jwt_verdict verdict_of_claims(const char *claims, const char *audience, int64_t now) {
    char token[TOKEN_MAX];
    token_begin(token, "{\"alg\":\"HS256\"}", claims);
    token_sign_secret(token, SECRET);
    return verdict_of(SECRET, token, audience, now);
}

static tow_jwt_verdict verdict_of_header(const char *header) {
    char token[TOKEN_MAX];
    token_begin(token, header, CLAIMS);
    token_sign_secret(token, SECRET);
    return verdict_of(SECRET, token, NULL, NOW);
}

static void tokens_of_the_standards_are_good_until_they_end(void **state) {
    const char *const cases[][2] = {{rfc_secret, rfc_hs256}, {rfc_rsa, rfc_rs256}, {rfc_curve, rfc_es256}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(verdict_of(cases[i][0], cases[i][1], NULL, RFC_END - 1), TOW_JWT_GOOD);
        assert_int_equal(verdict_of(cases[i][0], cases[i][1], NULL, RFC_END), TOW_JWT_EXPIRED);
    }
    assert_int_equal(verdict_of(rfc_edwards, rfc_eddsa, NULL, NOW), TOW_JWT_CLAIMS);
}

static void a_key_of_each_kind_has_signed(void **state) {
    EVP_PKEY *keys[] = {token_key_rsa(2048), token_key_ec("P-256"), token_key_ed25519()};
    const char *const headers[] = {"{\"alg\":\"RS256\"}", "{\"alg\":\"ES256\"}", "{\"alg\":\"EdDSA\"}"};
    for (size_t i = 0; i < 3; i++) {
        char token[TOKEN_MAX];
        char *pem = token_key_pem(keys[i], false);
        token_begin(token, headers[i], CLAIMS);
        token_sign(token, keys[i]);
        assert_int_equal(verdict_of(pem, token, NULL, NOW), TOW_JWT_GOOD);
        for (size_t other = 0; other < 3; other++) { /* the key has one algorithm, whatever the token says */
            token_begin(token, headers[other], CLAIMS);
            token_sign(token, keys[i]);
            assert_int_equal(verdict_of(pem, token, NULL, NOW), other == i ? TOW_JWT_GOOD : TOW_JWT_NO_KEY);
        }
        token_begin(token, "{\"alg\":\"HS256\"}", CLAIMS); /* what is public is no secret */
        token_sign_secret(token, pem);
        assert_int_equal(verdict_of(pem, token, NULL, NOW), TOW_JWT_NO_KEY);
        free(pem);
    }
    for (size_t i = 0; i < 3; i++)
        EVP_PKEY_free(keys[i]);
}

static void another_key_has_signed_nothing(void **state) {
    EVP_PKEY *one = token_key_ed25519(), *other = token_key_ed25519();
    char token[TOKEN_MAX];
    char *pem = token_key_pem(other, false);
    token_begin(token, "{\"alg\":\"EdDSA\"}", CLAIMS);
    token_sign(token, one);
    assert_int_equal(verdict_of(pem, token, NULL, NOW), TOW_JWT_SIGNATURE);
    free(pem);
    EVP_PKEY_free(one);
    EVP_PKEY_free(other);
    token_begin(token, "{\"alg\":\"HS256\"}", CLAIMS);
    token_sign_secret(token, SECRET "0");
    assert_int_equal(verdict_of(SECRET, token, NULL, NOW), TOW_JWT_SIGNATURE);
}

static void no_algorithm_but_ours_is_taken(void **state) {
    static const char *const others[] = {
        "none", "None", "NONE", "", "HS512", "hs256", "RS512", "PS256", "ES384", "HS256 ", "HS256\\u0000"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        char header[100], token[TOKEN_MAX];
        bool has_zero = strstr(others[i], "u0000") != NULL;
        snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", others[i]);
        assert_int_equal(verdict_of_header(header), has_zero ? TOW_JWT_MALFORMED : TOW_JWT_ALGORITHM);
        token_begin(token, header, CLAIMS);
        strcat(token, "."); /* nobody has signed it */
        assert_int_equal(
            verdict_of(SECRET, token, NULL, NOW), has_zero ? TOW_JWT_MALFORMED : TOW_JWT_ALGORITHM);
    }
}

static void a_header_says_what_is_needed(void **state) {
    static const struct {
        const char *header;
        tow_jwt_verdict verdict;
    } cases[] = {
        {"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"x\":[1,{}]}", TOW_JWT_GOOD},
        {"{\"alg\":\"HS\\u003256\"}", TOW_JWT_GOOD},
        {"{}", TOW_JWT_MALFORMED},
        {"", TOW_JWT_MALFORMED},
        {"[\"HS256\"]", TOW_JWT_MALFORMED},
        {"\"HS256\"", TOW_JWT_MALFORMED},
        {"{\"alg\":\"HS256\"", TOW_JWT_MALFORMED},
        {"{\"alg\":\"HS256\"}}", TOW_JWT_MALFORMED},
        {"{\"alg\":256}", TOW_JWT_MALFORMED},
        {"{\"alg\":null}", TOW_JWT_MALFORMED},
        {"{\"alg\":[\"HS256\"]}", TOW_JWT_MALFORMED},
        {"{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", TOW_JWT_CRITICAL},
        {"{\"alg\":\"HS256\",\"crit\":[]}", TOW_JWT_CRITICAL},
        {"{\"alg\":\"HS256\",\"kid\":7}", TOW_JWT_MALFORMED},
        {"{\"alg\":\"HS256\",\"kid\":\"a\"}", TOW_JWT_GOOD},    /* the key has none */
        {"{\"alg\":\"none\",\"alg\":\"HS256\"}", TOW_JWT_GOOD}, /* the last holds (RFC 7515, section 4) */
        {"{\"alg\":\"HS256\",\"alg\":\"none\"}", TOW_JWT_ALGORITHM},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (verdict_of_header(cases[i].header) != cases[i].verdict)
            fail_msg("%s: %s", cases[i].header, tow_jwt_verdict_text(verdict_of_header(cases[i].header)));
}

static void the_key_is_that_of_the_id(void **state) {
    static const char keys[] =
        "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"one\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"},"
        "{\"kty\":\"oct\",\"kid\":\"two\",\"k\":\"eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg\"}]}";
    static const struct {
        const char *header;
        tow_jwt_verdict verdict;
    } cases[] = {
        {"{\"alg\":\"HS256\",\"kid\":\"one\"}", TOW_JWT_GOOD},
        {"{\"alg\":\"HS256\",\"kid\":\"two\"}", TOW_JWT_SIGNATURE},
        {"{\"alg\":\"HS256\",\"kid\":\"three\"}", TOW_JWT_NO_KEY},
        {"{\"alg\":\"HS256\",\"kid\":\"\"}", TOW_JWT_NO_KEY},
        {"{\"alg\":\"HS256\"}", TOW_JWT_GOOD},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char token[TOKEN_MAX];
        token_begin(token, cases[i].header, CLAIMS);
        token_sign_secret(token, SECRET);
        assert_int_equal(verdict_of(keys, token, NULL, NOW), cases[i].verdict);
    }
}

static void a_token_has_three_parts(void **state) {
    static const char *const cases[] = {
        "", ".", "..", "...", "a", "a.b", "a.b.", ".b.c", "a..c", "a.b.c", "=.=.="};
    char token[TOKEN_MAX], other[TOKEN_MAX + 8];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(verdict_of(SECRET, cases[i], NULL, NOW), TOW_JWT_MALFORMED);
    token_begin(token, "{\"alg\":\"HS256\"}", CLAIMS);
    token_sign_secret(token, SECRET);
    assert_int_equal(verdict_of(SECRET, token, NULL, NOW), TOW_JWT_GOOD);
    static const char *const ends[] = {".", ".x", "=", "==", " ", "\n", "A", "+"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        snprintf(other, sizeof(other), "%s%s", token, ends[i]);
        assert_int_not_equal(verdict_of(SECRET, other, NULL, NOW), TOW_JWT_GOOD);
        snprintf(other, sizeof(other), "%s%s", ends[i], token);
        assert_int_not_equal(verdict_of(SECRET, other, NULL, NOW), TOW_JWT_GOOD);
    }
}

/* The input ends where its memory does, so that a byte read too far is seen. */
static void a_token_that_is_cut_or_changed_anywhere_is_not_good(void **state) {
    const char *const cases[][2] = {{rfc_secret, rfc_hs256}, {rfc_rsa, rfc_rs256}, {rfc_curve, rfc_es256}};
    for (size_t i = 0; i < 3; i++) {
        tow_keyring *keyring = keyring_of(cases[i][0]);
        const tow_jwt_check check = {keyring, NULL, NOW};
        size_t whole = strlen(cases[i][1]);
        tow_grant *grant = NULL;
        for (size_t length = 0; length < whole; length += unit_step(1)) {
            char *copy = malloc(length + 1);
            memcpy(copy, cases[i][1], length);
            char *cut = realloc(copy, length > 0 ? length : 1);
            assert_int_not_equal(tow_jwt_read(&grant, &check, (tow_slice){cut, length}, &said), TOW_JWT_GOOD);
            free(cut);
        }
        for (size_t at = 0; at < whole - 1; at++) { /* of the last character not all bits count */
            char *changed = strdup(cases[i][1]);
            changed[at] = changed[at] == 'A' ? 'B' : 'A';
            assert_int_not_equal(tow_jwt_read(&grant, &check, tow_slice_from(changed), &said), TOW_JWT_GOOD);
            free(changed);
        }
        assert_null(grant);
        tow_keyring_release(keyring);
    }
}

static void signatures_of_a_wrong_form_are_wrong(void **state) {
    static const unsigned char zeros[256], der[] = {0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01};
    const struct {
        const char *keys, *header;
        const void *signature;
        size_t length;
    } cases[] = {
        {rfc_curve, "{\"alg\":\"ES256\"}", zeros, 64}, /* r and s are zero */
        {rfc_curve, "{\"alg\":\"ES256\"}", zeros, 63},
        {rfc_curve, "{\"alg\":\"ES256\"}", zeros, 65},
        {rfc_curve, "{\"alg\":\"ES256\"}", zeros, 0},
        {rfc_curve, "{\"alg\":\"ES256\"}", der, sizeof(der)},
        {rfc_rsa, "{\"alg\":\"RS256\"}", zeros, 256},
        {rfc_rsa, "{\"alg\":\"RS256\"}", zeros, 0},
        {rfc_edwards, "{\"alg\":\"EdDSA\"}", zeros, 64},
        {rfc_edwards, "{\"alg\":\"EdDSA\"}", zeros, 0},
        {SECRET, "{\"alg\":\"HS256\"}", zeros, 32},
        {SECRET, "{\"alg\":\"HS256\"}", zeros, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char token[TOKEN_MAX];
        token_begin(token, cases[i].header, CLAIMS);
        strcat(token, ".");
        token_append(token, cases[i].signature, cases[i].length);
        assert_int_equal(verdict_of(cases[i].keys, token, NULL, NOW), TOW_JWT_SIGNATURE);
    }
}

static void a_token_has_its_time(void **state) {
    assert_int_equal(verdict_of_claims("{\"exp\":1001}", NULL, NOW), TOW_JWT_GOOD);
    assert_int_equal(verdict_of_claims("{\"exp\":1000}", NULL, NOW), TOW_JWT_EXPIRED);
    assert_int_equal(verdict_of_claims("{\"exp\":999}", NULL, NOW), TOW_JWT_EXPIRED);
    assert_int_equal(verdict_of_claims("{\"exp\":0}", NULL, NOW), TOW_JWT_EXPIRED);
    assert_int_equal(verdict_of_claims("{\"exp\":1.001e3}", NULL, NOW), TOW_JWT_GOOD);
    assert_int_equal(verdict_of_claims("{\"exp\":1000.9}", NULL, NOW), TOW_JWT_EXPIRED);
    assert_int_equal(verdict_of_claims("{}", NULL, NOW), TOW_JWT_NO_END);
    static const char *const ends[] = {"{\"exp\":\"2000\"}", "{\"exp\":-1}", "{\"exp\":1e300}",
        "{\"exp\":null}", "{\"exp\":253402300800}", "{\"exp\":2000,\"nbf\":\"0\"}",
        "{\"exp\":99999999999999999999999999999999999999999999}"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        assert_int_equal(verdict_of_claims(ends[i], NULL, NOW), TOW_JWT_CLAIMS);
    assert_int_equal(verdict_of_claims("{\"exp\":253402300799}", NULL, NOW), TOW_JWT_GOOD);
    assert_int_equal(verdict_of_claims("{\"exp\":2000,\"nbf\":1060}", NULL, NOW), TOW_JWT_GOOD);
    assert_int_equal(verdict_of_claims("{\"exp\":2000,\"nbf\":1061}", NULL, NOW), TOW_JWT_NOT_YET);
}

static void a_wrong_claim_is_named(void **state) {
    static const char *const cases[][2] = {
        {"{\"exp\":\"soon\"}", "the claim exp is no time in seconds since 1970"},
        {"{\"exp\":2000,\"channels\":[\"news\"]}",
            "the claim channels is no object with subscribe and publish in it"},
        {"{\"exp\":2000,\"channels\":{\"publish\":\"a*b\"}}",
            "the claim channels has a pattern that is no name"},
        {"{\"sub\":\"ann\"}", "the token has no exp, which says when it ends"},
        {"{\"exp\":1}", "the token has expired"},
        {"{\"exp\":2000}", "the token is good"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        verdict_of_claims(cases[i][0], NULL, NOW);
        if (strncmp(said, cases[i][1], strlen(cases[i][1])) != 0)
            fail_msg("%s: %s", cases[i][0], said);
    }
}

static void a_token_is_for_its_audience(void **state) {
    static const char one[] = "{\"exp\":2000,\"aud\":\"towline\"}";
    static const char several[] = "{\"exp\":2000,\"aud\":[\"a\",\"towline\"]}";
    static const char none[] = "{\"exp\":2000}";
    assert_int_equal(verdict_of_claims(one, "towline", NOW), TOW_JWT_GOOD);
    assert_int_equal(verdict_of_claims(several, "towline", NOW), TOW_JWT_GOOD);
    assert_int_equal(verdict_of_claims(several, "b", NOW), TOW_JWT_AUDIENCE);
    assert_int_equal(verdict_of_claims(several, "", NOW), TOW_JWT_AUDIENCE);
    assert_int_equal(verdict_of_claims(one, NULL, NOW), TOW_JWT_AUDIENCE);
    assert_int_equal(verdict_of_claims(none, "towline", NOW), TOW_JWT_AUDIENCE);
    assert_int_equal(verdict_of_claims("{\"exp\":2000,\"aud\":[]}", "towline", NOW), TOW_JWT_AUDIENCE);
    assert_int_equal(verdict_of_claims("{\"exp\":2000,\"aud\":[1]}", "towline", NOW), TOW_JWT_CLAIMS);
    assert_int_equal(verdict_of_claims("{\"exp\":2000,\"aud\":{}}", "towline", NOW), TOW_JWT_CLAIMS);
}

/* The header takes 20 bytes of the token and a dot, the signature 43 and a dot. */
static void a_token_has_a_limit(void **state) {
    static char claims[TOW_JWT_MAX], token[TOKEN_MAX];
    size_t good = 0;
    const size_t about = TOW_JWT_MAX / 4 * 3 - 60;
    for (size_t length = about - 60; length < about + 60; length++) {
        int begun = snprintf(claims, sizeof(claims), "{\"exp\":2000,\"x\":\"");
        memset(claims + begun, 'x', length - (size_t)begun);
        strcpy(claims + length, "\"}");
        token_begin(token, "{\"alg\":\"HS256\"}", claims);
        token_sign_secret(token, SECRET);
        tow_jwt_verdict verdict = verdict_of(SECRET, token, NULL, NOW);
        assert_int_equal(verdict, strlen(token) <= TOW_JWT_MAX ? TOW_JWT_GOOD : TOW_JWT_MALFORMED);
        good += verdict == TOW_JWT_GOOD;
    }
    assert_in_range(good, 1, 119);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_of_the_standards_are_good_until_they_end),
        cmocka_unit_test(a_key_of_each_kind_has_signed),
        cmocka_unit_test(another_key_has_signed_nothing),
        cmocka_unit_test(no_algorithm_but_ours_is_taken),
        cmocka_unit_test(a_header_says_what_is_needed),
        cmocka_unit_test(the_key_is_that_of_the_id),
        cmocka_unit_test(a_token_has_three_parts),
        cmocka_unit_test(a_token_that_is_cut_or_changed_anywhere_is_not_good),
        cmocka_unit_test(signatures_of_a_wrong_form_are_wrong),
        cmocka_unit_test(a_token_has_its_time),
        cmocka_unit_test(a_wrong_claim_is_named),
        cmocka_unit_test(a_token_is_for_its_audience),
        cmocka_unit_test(a_token_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
