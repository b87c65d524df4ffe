/* Files of keys: which are taken, and what is refused, with a reason and without a word of the secret. */
#include "../unit.h"

#include "base/buffer.h"
#include "token_maker.h"
#include "tokens/keyring.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <towline/error.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define SECRET_KEY "\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\""
#define EDWARDS_KEY                                                                                          \
    "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""
#define CURVE_X "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\""
#define CURVE_Y "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""

static int read_text(const char *text, char why[TOW_KEYRING_TEXT_MAX]) {
    tow_keyring *keyring = NULL;
    why[0] = '\0';
    int error = tow_keyring_read(&keyring, text, strlen(text), why);
    assert_int_equal(keyring != NULL, error == 0);
    tow_keyring_release(keyring);
    assert_int_equal(ERR_peek_error(), 0); /* others on this thread ask OpenSSL for theirs */
    return error;
}

static void is_taken(const char *text) {
    char why[TOW_KEYRING_TEXT_MAX];
    if (read_text(text, why) != 0)
        fail_msg("%s: %s", text, why);
}

static void is_refused(const char *text, const char *reason) {
    char why[TOW_KEYRING_TEXT_MAX];
    if (read_text(text, why) != TOW_ERROR_ARGUMENT || strstr(why, reason) == NULL)
        fail_msg("%s: \"%s\" is not in \"%s\"", text, reason, why);
}

static void keys_in_json_are_taken(void **state) {
    is_taken("{" SECRET_KEY "}");
    is_taken(
        " \n{\"keys\":[{" SECRET_KEY ",\"kid\":\"1\",\"alg\":\"HS256\",\"use\":\"sig\"},{" EDWARDS_KEY
        ",\"alg\":\"EdDSA\",\"key_ops\":[\"verify\"]},{" CURVE_X ",\"y\":" CURVE_Y ",\"alg\":\"ES256\"}]}\n");
    /* what is for something else is passed over */
    is_taken("{\"keys\":[{\"kty\":\"new\"},{" SECRET_KEY ",\"use\":\"enc\"},{" SECRET_KEY
             ",\"alg\":\"HS512\"},{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AA\"},{" EDWARDS_KEY "}]}");
}

static void broken_keys_in_json_are_refused(void **state) {
    is_refused("{", "line 1, column 1: this is no JSON");
    is_refused("{\"keys\":[]}", "the set is empty");
    is_refused("{\"keys\":{}}", "keys is no list");
    is_refused("{}", "key 1: its kty");
    is_refused("{\"keys\":[7]}", "key 1: its kty");
    is_refused("{\"keys\":[{" EDWARDS_KEY "},{\"kty\":\"oct\"}]}", "key 2: its member k");
    is_refused("{\"kty\":\"oct\",\"k\":\"MDEy\"}", "at least 32 bytes");
    is_refused("{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"}", "no base64url");
    is_refused("{\"kty\":\"oct\",\"k\":7}", "its member k");
    is_refused("{" EDWARDS_KEY ",\"d\":\"AAAA\"}", "private");
    is_refused("{" EDWARDS_KEY ",\"alg\":\"HS256\"}", "its alg is not");
    is_refused("{" SECRET_KEY ",\"alg\":\"none\"}", "its alg is not");
    is_refused("{" SECRET_KEY ",\"use\":\"enc\"}", "not for the checking");
    is_refused("{" SECRET_KEY ",\"key_ops\":[\"encrypt\"]}", "not for the checking");
    is_refused("{" SECRET_KEY ",\"kid\":7}", "kid is no text");
    is_refused("{" SECRET_KEY ",\"kty\":\"oct\"}", "no JSON"); /* twice */
    is_refused("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}", "make no key");
    is_refused("{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"AAAA\"}", "only Ed25519");
    is_refused("{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AAAA\",\"y\":\"AAAA\"}", "only P-256");
    is_refused("{" CURVE_X "}", "make no key");
    is_refused("{" CURVE_X ",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5aA\"}",
        "make no key"); /* off the curve */
    is_refused("{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", "at least 2048 bits");
    is_refused("{\"kty\":\"RSA\",\"e\":\"AQAB\"}", "make no key");
}

static void an_exponent_that_lets_anybody_sign_is_refused(void **state) {
    static char text[600];
    int length = snprintf(text, sizeof(text), "{\"kty\":\"RSA\",\"e\":\"AQ\",\"n\":\"");
    memset(text + length, '_', 342); /* 2,052 bits, odd */
    strcpy(text + length + 342, "\"}");
    is_refused(text, "no sound key");
}

static void public_keys_in_pem_are_taken_and_private_ones_refused(void **state) {
    EVP_PKEY *good[] = {token_key_rsa(2048), token_key_ec("P-256"), token_key_ed25519()};
    EVP_PKEY *bad[] = {token_key_rsa(1024), token_key_ec("P-384")};
    static const char *const reasons[] = {"at least 2048 bits", "only RSA, the curve P-256"};
    tow_buffer all = {0};
    for (size_t i = 0; i < 3; i++) {
        char *public = token_key_pem(good[i], false), *private = token_key_pem(good[i], true);
        is_taken(public);
        is_refused(private, "private");
        tow_buffer_append_format(&all, "a remark\n%s\n", public);
        free(public);
        free(private);
    }
    for (size_t i = 0; i < 2; i++) {
        char *public = token_key_pem(bad[i], false);
        is_refused(public, reasons[i]);
        free(public);
        EVP_PKEY_free(bad[i]);
    }
    tow_buffer_append(&all, "", 1);
    is_taken(strstr((char *)all.data, "-----BEGIN"));
    tow_buffer_clear(&all);
    for (size_t i = 0; i < 3; i++)
        EVP_PKEY_free(good[i]);
}

static void pem_that_is_cut_anywhere_is_refused(void **state) {
    EVP_PKEY *key = token_key_ed25519();
    char *pem = token_key_pem(key, false);
    size_t length = strlen(pem);
    char why[TOW_KEYRING_TEXT_MAX];
    is_taken(pem);
    pem[length - 1] = '\0'; /* without its last line feed it is whole */
    for (size_t at = length - 2; at > 0; at--) {
        pem[at] = '\0';
        assert_int_equal(read_text(pem, why), TOW_ERROR_ARGUMENT);
    }
    free(pem);
    EVP_PKEY_free(key);
}

static void a_secret_is_a_line(void **state) {
    is_taken(SECRET);
    is_taken(SECRET "\n");
    is_taken(SECRET "\r\n");
    is_refused("", "no key in it");
    is_refused("\n", "no key in it");
    is_refused("0123456789abcdef0123456789abcde", "at least 32 bytes");
    is_refused(SECRET "\n" SECRET, "a secret would be one line");
    char why[TOW_KEYRING_TEXT_MAX];
    tow_keyring *keyring;
    static const char with_zero[] = SECRET "\0" SECRET;
    assert_int_equal(tow_keyring_read(&keyring, with_zero, sizeof(with_zero) - 1, why), TOW_ERROR_ARGUMENT);
    char large[TOW_KEY_SECRET_MAX + 2] = "";
    memset(large, 'x', TOW_KEY_SECRET_MAX);
    is_taken(large);
    large[TOW_KEY_SECRET_MAX] = 'x';
    is_refused(large, "at most 1024 bytes");
}

static void a_set_has_at_most_sixteen_keys(void **state) {
    for (size_t count = TOW_KEYRING_MAX - 1; count <= TOW_KEYRING_MAX + 1; count++) {
        tow_buffer text = {0};
        for (size_t i = 0; i < count; i++)
            tow_buffer_append_format(&text, "%s{" SECRET_KEY "}", i == 0 ? "{\"keys\":[" : ",");
        tow_buffer_append(&text, "]}", 3);
        if (count <= TOW_KEYRING_MAX)
            is_taken((char *)text.data);
        else
            is_refused((char *)text.data, "more than 16 keys");
        tow_buffer_clear(&text);
    }
}

static void what_is_wrong_with_a_file_tells_no_secret(void **state) {
    char why[TOW_KEYRING_TEXT_MAX];
    static const char *const texts[] = {"{\"kty\":\"oct\",\"k\":\"hush-hush\"", "hush-hush", "{hush-hush}",
        "{\"kty\":\"oct\",\"k\":\"hush-hush\"}", "-----BEGIN hush-hush-----"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(read_text(texts[i], why), TOW_ERROR_ARGUMENT);
        assert_null(strstr(why, "hush"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_in_json_are_taken),
        cmocka_unit_test(broken_keys_in_json_are_refused),
        cmocka_unit_test(an_exponent_that_lets_anybody_sign_is_refused),
        cmocka_unit_test(public_keys_in_pem_are_taken_and_private_ones_refused),
        cmocka_unit_test(pem_that_is_cut_anywhere_is_refused),
        cmocka_unit_test(a_secret_is_a_line),
        cmocka_unit_test(a_set_has_at_most_sixteen_keys),
        cmocka_unit_test(what_is_wrong_with_a_file_tells_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
