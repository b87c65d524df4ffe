#include "tls_sources.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* What contradicts itself */

int tow_tls_certificates_check(const tow_certificate *certificates, size_t count, tow_complaint *complaint) {
    for (size_t i = 0; i < count; i++) {
        const tow_certificate *one = &certificates[i];
        if ((one->certificate == NULL) == (one->certificate_pem == NULL))
            return tow_complain(
                complaint, "tls_certificates[%zu]: certificate or certificate_pem, one of the two", i);
        if (one->key != NULL && one->key_pem != NULL)
            return tow_complain(complaint, "tls_certificates[%zu]: key or key_pem, one of the two", i);
    }
    return 0;
}

/* What an option says twice, or says nothing without another one: taken silently, it would promise what is
 * not so. */
int tow_tls_sources_check(const tow_server_options *options, tow_complaint *complaint) {
    bool first = options->tls_certificate != NULL || options->tls_certificate_pem != NULL;
    bool certified = first || options->tls_certificate_count > 0;
    bool secure = certified || options->tls_self_signed;
    bool trusts = options->tls_client_ca != NULL || options->tls_client_ca_pem != NULL;
    const struct {
        bool broken;
        const char *text;
    } rules[] = {
        {options->tls_certificate != NULL && options->tls_certificate_pem != NULL,
            "tls_certificate_pem: not with tls_certificate, one of the two"},
        {options->tls_key != NULL && options->tls_key_pem != NULL,
            "tls_key_pem: not with tls_key, one of the two"},
        {options->tls_client_ca != NULL && options->tls_client_ca_pem != NULL,
            "tls_client_ca_pem: not with tls_client_ca, one of the two"},
        {options->tls_client_crl != NULL && options->tls_client_crl_pem != NULL,
            "tls_client_crl_pem: not with tls_client_crl, one of the two"},
        {options->tls_certificate_count > 0 && options->tls_certificates == NULL,
            "tls_certificates: tls_certificate_count says that there are some"},
        {certified && options->tls_self_signed, "tls_self_signed: not with tls_certificate, one of the two"},
        {options->tls_key != NULL && !first, "tls_key: set tls_certificate as well, to which it belongs"},
        {options->tls_key_pem != NULL && !first,
            "tls_key_pem: set tls_certificate_pem as well, to which it belongs"},
        {trusts && !secure, "tls_client_ca: set tls_certificate or tls_self_signed, which turn TLS on"},
        {options->tls_redirect && !secure,
            "tls_redirect: set tls_certificate or tls_self_signed, which turn TLS on"},
        {(options->tls_client_crl != NULL || options->tls_client_crl_pem != NULL) && !trusts,
            "tls_client_crl: set tls_client_ca as well, whose list it is"},
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].broken)
            return tow_complain(complaint, "%s", rules[i].text);
    }
    return tow_tls_certificates_check(options->tls_certificates, options->tls_certificate_count, complaint);
}

/* Copies */

static int source_copy(tow_tls_source *source, const char *file, const char *text) {
    if (file != NULL && (source->file = strdup(file)) == NULL)
        return TOW_ERROR_MEMORY;
    if (text != NULL && (source->text = strdup(text)) == NULL)
        return TOW_ERROR_MEMORY;
    return 0;
}

/* It may hold a key. */
static void source_clear(tow_tls_source *source) {
    free(source->file);
    if (source->text != NULL)
        explicit_bzero(source->text, strlen(source->text));
    free(source->text);
}

static int certificate_copy(tow_tls_sources *sources, const tow_certificate *certificate) {
    tow_tls_certificate_source *source = &sources->certificates[sources->count++];
    int error = source_copy(&source->certificate, certificate->certificate, certificate->certificate_pem);
    return error != 0 ? error : source_copy(&source->key, certificate->key, certificate->key_pem);
}

int tow_tls_certificates_copy(
    tow_tls_sources *sources, const tow_certificate *first, const tow_certificate *others, size_t count) {
    bool has_first = first->certificate != NULL || first->certificate_pem != NULL;
    sources->count = 0;
    sources->certificates = NULL;
    if (!has_first && count == 0)
        return 0;
    sources->certificates = calloc(count + 1, sizeof(*sources->certificates));
    if (sources->certificates == NULL)
        return TOW_ERROR_MEMORY;
    int error = has_first ? certificate_copy(sources, first) : 0;
    for (size_t i = 0; error == 0 && i < count; i++)
        error = certificate_copy(sources, &others[i]);
    return error;
}

int tow_tls_sources_copy(tow_tls_sources *sources, const tow_server_options *options) {
    const tow_certificate first = {.certificate = options->tls_certificate,
        .key = options->tls_key,
        .certificate_pem = options->tls_certificate_pem,
        .key_pem = options->tls_key_pem};
    sources->self_signed = options->tls_self_signed;
    int error =
        tow_tls_certificates_copy(sources, &first, options->tls_certificates, options->tls_certificate_count);
    if (error == 0)
        error = source_copy(&sources->client_ca, options->tls_client_ca, options->tls_client_ca_pem);
    return error != 0
               ? error
               : source_copy(&sources->client_crl, options->tls_client_crl, options->tls_client_crl_pem);
}

void tow_tls_certificates_clear(tow_tls_sources *sources) {
    for (size_t i = 0; i < sources->count; i++) {
        source_clear(&sources->certificates[i].certificate);
        source_clear(&sources->certificates[i].key);
    }
    free(sources->certificates);
    sources->certificates = NULL;
    sources->count = 0;
}

void tow_tls_sources_clear(tow_tls_sources *sources) {
    tow_tls_certificates_clear(sources);
    source_clear(&sources->client_ca);
    source_clear(&sources->client_crl);
    *sources = (tow_tls_sources){0};
}
