#include "token_list.h"

#include "secret_file.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <towline/error.h>

#define HASHED "sha256:"

struct tow_token_list {
    unsigned char (*digests)[SHA256_DIGEST_LENGTH];
    size_t count; /* at least 1 */
    atomic_int holders;
};

static int complain(char *why, size_t line, const char *what) {
    snprintf(why, TOW_TOKEN_LIST_TEXT_MAX, "line %zu: %s", line, what);
    return TOW_ERROR_ARGUMENT;
}

static int refuse(char *why, const char *what) {
    snprintf(why, TOW_TOKEN_LIST_TEXT_MAX, "%s", what);
    return TOW_ERROR_ARGUMENT;
}

static int digit_of(char character) {
    if (!isxdigit((unsigned char)character))
        return -1;
    return isdigit((unsigned char)character) ? character - '0' : (character | 0x20) - 'a' + 10;
}

static bool hexadecimal_read(unsigned char digest[SHA256_DIGEST_LENGTH], const char *text) {
    if (strlen(text) != (size_t)2 * SHA256_DIGEST_LENGTH)
        return false;
    for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++) {
        int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        digest[i] = (unsigned char)(high * 16 + low);
    }
    return true;
}

static void digest_make(unsigned char digest[SHA256_DIGEST_LENGTH], tow_slice token) {
    SHA256((const unsigned char *)token.data, token.length, digest);
}

static int token_read(tow_token_list *made, const char *line, size_t number, char *why) {
    unsigned char *digest = made->digests[made->count];
    if (strncmp(line, HASHED, strlen(HASHED)) == 0) {
        if (!hexadecimal_read(digest, line + strlen(HASHED)))
            return complain(why, number, "behind sha256: there have to be 64 hexadecimal digits");
    } else {
        for (const char *at = line; *at != '\0'; at++)
            if (*at <= ' ' || *at > '~')
                return complain(
                    why, number, "a token has no spaces, and nothing but visible characters of ASCII");
        digest_make(digest, tow_slice_from(line));
    }
    made->count++;
    return 0;
}

static int lines_read(tow_token_list *made, char *text, char *why) {
    size_t number = 0;
    int error = 0;
    for (char *rest = text; error == 0 && rest != NULL;) {
        char *line = tow_secret_line(&rest);
        number++;
        if (line[0] != '\0' && line[0] != '#')
            error = token_read(made, line, number, why);
    }
    if (error != 0 || made->count > 0)
        return error;
    return refuse(why, "there is no token in it");
}

int tow_token_list_read(
    tow_token_list **tokens, const char *text, size_t length, char why[TOW_TOKEN_LIST_TEXT_MAX]) {
    size_t lines;
    char *copy = tow_secret_copy(text, length, &lines);
    tow_token_list *made = calloc(1, sizeof(*made));
    int error = TOW_ERROR_MEMORY;
    snprintf(why, TOW_TOKEN_LIST_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
    if (copy != NULL && made != NULL) {
        atomic_init(&made->holders, 1);
        made->digests = calloc(lines, sizeof(made->digests[0]));
        if (made->digests != NULL)
            error = strlen(copy) == length ? lines_read(made, copy, why)
                                           : refuse(why, "there is a zero byte in it");
    }
    if (copy != NULL)
        OPENSSL_cleanse(copy, length);
    free(copy);
    if (error == 0)
        *tokens = made;
    else if (made != NULL)
        tow_token_list_release(made);
    return error;
}

tow_token_list *tow_token_list_retain(tow_token_list *tokens) {
    atomic_fetch_add_explicit(&tokens->holders, 1, memory_order_relaxed);
    return tokens;
}

void tow_token_list_release(tow_token_list *tokens) {
    if (tokens == NULL || atomic_fetch_sub_explicit(&tokens->holders, 1, memory_order_acq_rel) > 1)
        return;
    free(tokens->digests);
    free(tokens);
}

bool tow_token_list_have(const tow_token_list *tokens, tow_slice token) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    bool found = false;
    digest_make(digest, token);
    for (size_t i = 0; i < tokens->count; i++)
        found |= CRYPTO_memcmp(digest, tokens->digests[i], sizeof(digest)) == 0;
    return found;
}
