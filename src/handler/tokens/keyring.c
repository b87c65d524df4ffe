#include "keyring.h"

#include "key_json.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

struct tow_keyring {
    atomic_int holders;
    size_t count;
    tow_key keys[TOW_KEYRING_MAX];
};

static int refuse(char *why, const char *what) {
    snprintf(why, TOW_KEYRING_TEXT_MAX, "%s", what);
    return TOW_ERROR_ARGUMENT;
}

/* What is wrong with the key of this number, counted from 1. */
static int refuse_key(char *why, size_t number, int error, const char *what) {
    snprintf(why, TOW_KEYRING_TEXT_MAX, "key %zu: %s", number, what);
    return error == TOW_ERROR_MEMORY ? error : TOW_ERROR_ARGUMENT;
}

static int is_full(char *why) {
    snprintf(why, TOW_KEYRING_TEXT_MAX, "there are more than %d keys in it", TOW_KEYRING_MAX);
    return TOW_ERROR_ARGUMENT;
}

/* JSON. */

static int set_read(tow_keyring *made, const json_t *set, char *why) {
    char what[TOW_KEY_TEXT_MAX] = "the set is empty";
    size_t count = json_array_size(set), passed = 0;
    for (size_t i = 0; i < count; i++) {
        if (made->count == TOW_KEYRING_MAX)
            return is_full(why);
        int error = tow_key_read_json(&made->keys[made->count], json_array_get(set, i), what);
        if (error == 0)
            made->count++;
        else if (error == TOW_ERROR_UNSUPPORTED)
            passed = i + 1;
        else
            return refuse_key(why, i + 1, error, what);
    }
    return made->count > 0 ? 0 : passed > 0 ? refuse_key(why, passed, 0, what) : refuse(why, what);
}

static int one_read(tow_keyring *made, const json_t *object, char *why) {
    char what[TOW_KEY_TEXT_MAX];
    int error = tow_key_read_json(&made->keys[0], object, what);
    if (error != 0)
        return refuse_key(why, 1, error, what);
    made->count = 1;
    return 0;
}

static int json_read(tow_keyring *made, const char *text, size_t length, char *why) {
    json_error_t where;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
    if (root == NULL) { /* what jansson says quotes the text */
        snprintf(why, TOW_KEYRING_TEXT_MAX, "line %d, column %d: this is no JSON", where.line, where.column);
        return TOW_ERROR_ARGUMENT;
    }
    const json_t *set = json_object_get(root, "keys");
    int error = set == NULL          ? one_read(made, root, why)
                : json_is_array(set) ? set_read(made, set, why)
                                     : refuse(why, "its member keys is no list");
    json_decref(root);
    return error;
}

/* PEM. */

static int block_read(
    tow_keyring *made, const char *name, const unsigned char *bytes, long length, char *why) {
    char what[TOW_KEY_TEXT_MAX];
    size_t number = made->count + 1;
    if (made->count == TOW_KEYRING_MAX)
        return is_full(why);
    if (strstr(name, "PRIVATE") != NULL)
        return refuse_key(why, number, 0, "it is private; make its public part with openssl pkey -pubout");
    if (strcmp(name, PEM_STRING_PUBLIC) != 0)
        return refuse_key(why, number, 0, "it is no PUBLIC KEY; make one with openssl pkey or openssl x509");
    int error = tow_key_read_public(&made->keys[made->count], bytes, (size_t)length, what);
    if (error != 0)
        return refuse_key(why, number, error, what);
    made->count++;
    return 0;
}

static int pem_read(tow_keyring *made, const char *text, size_t length, char *why) {
    BIO *bio = BIO_new_mem_buf(text, (int)length);
    char *name, *header;
    unsigned char *bytes;
    long size;
    int error = 0;
    while (error == 0 && bio != NULL && PEM_read_bio(bio, &name, &header, &bytes, &size) == 1) {
        error = block_read(made, name, bytes, size, why);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(bytes, (size_t)size);
    }
    bool is_whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE; /* of one more */
    ERR_clear_error();
    BIO_free(bio);
    return error != 0 || (is_whole && made->count > 0) ? error : refuse(why, "its PEM is broken");
}

/* A secret. */

static int secret_read(tow_keyring *made, const char *text, size_t length, char *why) {
    char what[TOW_KEY_TEXT_MAX];
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
        length--;
    if (length == 0)
        return refuse(why, "there is no key in it");
    if (memchr(text, '\n', length) != NULL || memchr(text, '\0', length) != NULL)
        return refuse(why, "it is no JSON and no PEM; a secret would be one line");
    int error = tow_key_read_secret(&made->keys[0], (const uint8_t *)text, length, what);
    if (error != 0)
        return refuse_key(why, 1, error, what);
    made->count = 1;
    return 0;
}

static int text_read(tow_keyring *made, const char *text, size_t length, char *why) {
    static const char pem[] = "-----BEGIN ";
    size_t space = 0;
    while (space < length && strchr(" \t\r\n", text[space]) != NULL && text[space] != '\0')
        space++;
    const tow_slice rest = {text + space, length - space};
    if (rest.length > 0 && rest.data[0] == '{')
        return json_read(made, text, length, why);
    if (rest.length >= sizeof(pem) && memcmp(rest.data, pem, sizeof(pem) - 1) == 0)
        return pem_read(made, text, length, why);
    return secret_read(made, text, length, why);
}

int tow_keyring_read(tow_keyring **keyring, const char *text, size_t length, char why[TOW_KEYRING_TEXT_MAX]) {
    tow_keyring *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        refuse(why, tow_strerror(TOW_ERROR_MEMORY));
        return TOW_ERROR_MEMORY;
    }
    atomic_init(&made->holders, 1);
    int error = text_read(made, text, length, why);
    if (error != 0)
        tow_keyring_release(made);
    else
        *keyring = made;
    return error;
}

tow_keyring *tow_keyring_retain(tow_keyring *keyring) {
    atomic_fetch_add_explicit(&keyring->holders, 1, memory_order_relaxed);
    return keyring;
}

void tow_keyring_release(tow_keyring *keyring) {
    if (keyring == NULL || atomic_fetch_sub_explicit(&keyring->holders, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < keyring->count; i++)
        tow_key_clear(&keyring->keys[i]);
    free(keyring);
}

bool tow_keyring_has_secret(const tow_keyring *keyring) {
    for (size_t i = 0; i < keyring->count; i++)
        if (keyring->keys[i].public == NULL)
            return true;
    return false;
}

/* A key that has no id, such as those of PEM, is meant by any. */
static bool is_meant(const tow_key *key, tow_key_algorithm algorithm, const char *id) {
    return key->algorithm == algorithm && (id == NULL || key->id == NULL || strcmp(key->id, id) == 0);
}

tow_keyring_verdict tow_keyring_check(const tow_keyring *keyring, tow_key_algorithm algorithm, const char *id,
    tow_slice what, const uint8_t *signature, size_t length) {
    tow_keyring_verdict verdict = TOW_KEYRING_NO_KEY;
    for (size_t i = 0; i < keyring->count && verdict != TOW_KEYRING_GOOD; i++)
        if (is_meant(&keyring->keys[i], algorithm, id))
            verdict = tow_key_has_signed(&keyring->keys[i], what, signature, length) ? TOW_KEYRING_GOOD
                                                                                     : TOW_KEYRING_WRONG;
    return verdict;
}
