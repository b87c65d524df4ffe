#include "tls_choice.h"

#include "tls_pem.h"

#include <ctype.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { NAME_MAX_LENGTH = 255 };

typedef struct named {
    char *name; /* in lower case; may begin with "*." */
    size_t identity;
} named;

struct tow_tls_choice {
    tow_tls_identity *identities;
    size_t count;
    named *names; /* sorted by name, then by identity */
    size_t name_count;
};

/* The names in a certificate. */

static char *lower_copy(const unsigned char *text, size_t length) {
    char *copy = strndup((const char *)text, length);
    for (size_t i = 0; copy != NULL && i < length; i++)
        copy[i] = (char)tolower((unsigned char)copy[i]);
    return copy;
}

static int add_name(tow_tls_choice *choice, size_t identity, const ASN1_STRING *text) {
    size_t length = (size_t)ASN1_STRING_length(text);
    const unsigned char *bytes = ASN1_STRING_get0_data(text);
    if (length == 0 || length > NAME_MAX_LENGTH || memchr(bytes, '\0', length) != NULL)
        return 0; /* nobody can ask for it */
    named *names = realloc(choice->names, (choice->name_count + 1) * sizeof(*names));
    if (names == NULL)
        return TOW_ERROR_MEMORY;
    choice->names = names;
    named one = {lower_copy(bytes, length), identity};
    if (one.name == NULL)
        return TOW_ERROR_MEMORY;
    names[choice->name_count++] = one;
    return 0;
}

/* RFC 9525, section 2: the common name is no name of a host. */
static int add_names(tow_tls_choice *choice, size_t identity) {
    X509 *certificate = choice->identities[identity].certificate;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int error = 0;
    for (int i = 0; error == 0 && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            error = add_name(choice, identity, name->d.dNSName);
    }
    GENERAL_NAMES_free(names);
    return error;
}

static int compare(const void *left, const void *right) {
    const named *a = left;
    const named *b = right;
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : (a->identity > b->identity) - (a->identity < b->identity);
}

/* Reading all. */

/* Whether it can be used shows in a context that nobody else sees: else it would be shown where the first
 * one is due. */
static int try_use(const tow_tls_identity *identity, const tow_tls_pem *pem, char *why) {
    SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());
    int error = ssl == NULL ? tow_tls_refuse(why, TOW_ERROR_MEMORY, tow_strerror(TOW_ERROR_MEMORY))
                            : tow_tls_identity_use(identity, ssl, pem, why);
    SSL_CTX_free(ssl);
    return error;
}

static int add(tow_tls_choice *choice, SSL_CTX *ssl, const tow_tls_pem *pem, char *why) {
    tow_tls_identity *identity = &choice->identities[choice->count];
    int error = tow_tls_identity_read(identity, pem, why);
    if (error != 0)
        return error;
    size_t known = choice->name_count;
    bool first = choice->count++ == 0;
    error = first ? tow_tls_identity_use(identity, ssl, pem, why) : try_use(identity, pem, why);
    if (error != 0)
        return error;
    if (add_names(choice, choice->count - 1) != 0)
        return tow_tls_refuse(why, TOW_ERROR_MEMORY, tow_strerror(TOW_ERROR_MEMORY));
    if (first || choice->name_count > known)
        return 0;
    return tow_tls_refuse_text(why, pem->certificate_file,
        "this certificate names no host, so that nobody would be shown it: make it the first");
}

static int add_all(tow_tls_choice *choice, SSL_CTX *ssl, const tow_tls_settings *settings, char *why) {
    const tow_tls_pem first = {
        settings->certificate, settings->key, settings->files.certificate, settings->files.key};
    int error = add(choice, ssl, &first, why);
    for (size_t i = 0; error == 0 && i < settings->more_count; i++)
        error = add(choice, ssl, &settings->more[i], why);
    if (error == 0 && choice->name_count > 0)
        qsort(choice->names, choice->name_count, sizeof(*choice->names), compare);
    return error;
}

int tow_tls_choice_new(
    tow_tls_choice **out, SSL_CTX *ssl, const tow_tls_settings *settings, char why[TOW_TLS_TEXT_MAX]) {
    tow_tls_choice *choice = calloc(1, sizeof(*choice));
    if (choice != NULL)
        choice->identities = calloc(settings->more_count + 1, sizeof(*choice->identities));
    int error = choice == NULL || choice->identities == NULL
                    ? tow_tls_refuse(why, TOW_ERROR_MEMORY, tow_strerror(TOW_ERROR_MEMORY))
                    : add_all(choice, ssl, settings, why);
    if (error != 0) {
        tow_tls_choice_free(choice);
        return error;
    }
    *out = choice;
    return 0;
}

void tow_tls_choice_free(tow_tls_choice *choice) {
    if (choice == NULL)
        return;
    for (size_t i = 0; i < choice->count; i++)
        tow_tls_identity_clear(&choice->identities[i]);
    for (size_t i = 0; i < choice->name_count; i++)
        free(choice->names[i].name);
    free(choice->identities);
    free(choice->names);
    free(choice);
}

/* Choosing. */

/* The place of the first one with this name, or behind all. */
static size_t find(const tow_tls_choice *choice, const char *name) {
    size_t low = 0;
    size_t high = choice->name_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(choice->names[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < choice->name_count && strcmp(choice->names[low].name, name) == 0 ? low : choice->name_count;
}

/* RFC 9525, section 6.3: a wildcard stands for the whole first label. */
static size_t find_wildcard(const tow_tls_choice *choice, const char *name) {
    char pattern[NAME_MAX_LENGTH + 2] = "*";
    const char *rest = strchr(name, '.');
    if (rest == NULL || rest == name || strlen(rest) > NAME_MAX_LENGTH)
        return choice->name_count;
    memcpy(pattern + 1, rest, strlen(rest) + 1);
    return find(choice, pattern);
}

static int show(const tow_tls_identity *identity, SSL *ssl) {
    bool shown = SSL_use_cert_and_key(ssl, identity->certificate, identity->key, identity->chain, 1) == 1;
    return shown ? 0 : TOW_ERROR_MEMORY;
}

int tow_tls_choice_apply(const tow_tls_choice *choice, SSL *ssl, const char *name) {
    size_t first = find(choice, name);
    if (first == choice->name_count)
        first = find_wildcard(choice, name);
    if (first == choice->name_count)
        return false;
    size_t end = first + 1;
    while (end < choice->name_count && strcmp(choice->names[end].name, choice->names[first].name) == 0)
        end++;
    int error = 0;
    SSL_certs_clear(ssl);
    for (size_t i = end; error == 0 && i > first; i--) /* of the same kind of key the last one stays */
        error = show(&choice->identities[choice->names[i - 1].identity], ssl);
    return error != 0 ? error : true;
}
