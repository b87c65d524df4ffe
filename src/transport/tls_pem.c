#include "tls_pem.h"

#include "base/text.h"

#include <openssl/err.h>
#include <towline/error.h>

int tow_tls_pem_read(const char *text, int (*read)(void *out, BIO *text), void *out) {
    BIO *bio = BIO_new_mem_buf(text, -1);
    if (bio == NULL)
        return TOW_ERROR_MEMORY;
    int error = read(out, bio);
    BIO_free(bio);
    return error;
}

int tow_tls_no_passphrase(char *out, int size, int writing, void *user) {
    (void)out, (void)size, (void)writing, (void)user;
    return -1;
}

bool tow_tls_pem_is_over(void) {
    unsigned long error = ERR_peek_last_error();
    bool end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    if (end)
        ERR_clear_error();
    return end;
}

int tow_tls_refuse(char why[TOW_TLS_TEXT_MAX], int error, const char *text) {
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    bool explained = reason != NULL && error == TOW_ERROR_CERTIFICATE;
    tow_text_format(why, TOW_TLS_TEXT_MAX, "%s%s%s", text, explained ? ": " : "", explained ? reason : "");
    ERR_clear_error();
    return error;
}

int tow_tls_refuse_text(char why[TOW_TLS_TEXT_MAX], const char *file, const char *text) {
    char whole[TOW_TLS_TEXT_MAX];
    tow_text_format(whole, sizeof(whole), "%s%s%s", file != NULL ? file : "", file != NULL ? ": " : "", text);
    return tow_tls_refuse(why, TOW_ERROR_CERTIFICATE, whole);
}
