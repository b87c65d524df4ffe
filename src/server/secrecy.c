#include "secrecy.h"

#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

static void pairs_clear(tow_pem_texts *texts) {
    for (size_t i = 0; i < texts->count; i++) {
        tow_pem_pair *pair = &texts->pairs[i];
        char *const secrets[] = {pair->certificate, pair->key}; /* one may hold the other */
        for (size_t j = 0; j < 2; j++) {
            if (secrets[j] != NULL)
                explicit_bzero(secrets[j], strlen(secrets[j]));
            free(secrets[j]);
        }
    }
    free(texts->pairs);
}

static void texts_clear(tow_pem_texts *texts) {
    pairs_clear(texts);
    free(texts->roots);
    free(texts->revoked);
}

static int complain(const tow_settings *settings, int error, const char *why) {
    tow_report(settings, TOW_LOG_ERROR, "TLS: %s", why);
    return error;
}

static const tow_tls_source *key_source(const tow_tls_certificate_source *source) {
    bool own = source->key.file != NULL || source->key.text != NULL;
    return own ? &source->key : &source->certificate;
}

/* With the names of the files, if they have come from some. */
static tow_tls_pem *pems_make(const tow_tls_sources *sources, const tow_pem_texts *texts) {
    tow_tls_pem *pems = calloc(texts->count, sizeof(*pems));
    for (size_t i = 0; pems != NULL && i < texts->count; i++) {
        pems[i] = (tow_tls_pem){.certificate = texts->pairs[i].certificate, .key = texts->pairs[i].key};
        if (sources->self_signed)
            continue;
        const tow_tls_certificate_source *source = &sources->certificates[i];
        pems[i].certificate_file = source->certificate.file;
        pems[i].key_file = key_source(source)->file;
    }
    return pems;
}

static int context_make(const tow_settings *settings, const tow_tls_sources *sources,
    const tow_pem_texts *texts, tow_tls_tickets *tickets, tow_tls_context **context) {
    char why[TOW_TLS_TEXT_MAX];
    tow_tls_pem *pems = pems_make(sources, texts);
    if (pems == NULL)
        return complain(settings, TOW_ERROR_MEMORY, tow_strerror(TOW_ERROR_MEMORY));
    const tow_tls_settings wanted = {
        .server = true,
        .certificate = pems[0].certificate,
        .key = pems[0].key,
        .more = pems + 1,
        .more_count = texts->count - 1,
        .roots = texts->roots,
        .revoked = texts->revoked,
        .plain_too = settings->tls_redirect,
        .tickets = tickets,
        .files = {.certificate = pems[0].certificate_file,
            .key = pems[0].key_file,
            .roots = sources->client_ca.file,
            .revoked = sources->client_crl.file},
    };
    int error = tow_tls_context_new(context, &wanted, why);
    free(pems);
    return error != 0 ? complain(settings, error, why) : 0;
}

static int source_read(const tow_tls_source *source, char **text, char why[TOW_TLS_TEXT_MAX]) {
    if (source->file != NULL)
        return tow_tls_read_file(source->file, text, why);
    if (source->text == NULL || (*text = strdup(source->text)) != NULL)
        return 0;
    snprintf(why, TOW_TLS_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
    return TOW_ERROR_MEMORY;
}

/* Whom to let in. */
static int trust_read(tow_pem_texts *read, const tow_tls_sources *sources, char why[TOW_TLS_TEXT_MAX]) {
    int error = source_read(&sources->client_ca, &read->roots, why);
    return error != 0 ? error : source_read(&sources->client_crl, &read->revoked, why);
}

static int pairs_new(tow_pem_texts *texts, size_t count) {
    texts->pairs = calloc(count, sizeof(*texts->pairs));
    texts->count = texts->pairs != NULL ? count : 0;
    return texts->pairs != NULL ? 0 : TOW_ERROR_MEMORY;
}

static int texts_read(tow_pem_texts *read, const tow_tls_sources *sources, const tow_settings *settings) {
    char why[TOW_TLS_TEXT_MAX];
    int error = pairs_new(read, sources->count);
    if (error != 0)
        return complain(settings, error, tow_strerror(error));
    for (size_t i = 0; error == 0 && i < read->count; i++) {
        const tow_tls_certificate_source *source = &sources->certificates[i];
        error = source_read(&source->certificate, &read->pairs[i].certificate, why);
        if (error == 0)
            error = source_read(key_source(source), &read->pairs[i].key, why);
    }
    if (error == 0)
        error = trust_read(read, sources, why);
    return error != 0 ? complain(settings, error, why) : 0;
}

static int texts_make(tow_pem_texts *made, const tow_settings *settings) {
    char why[TOW_TLS_TEXT_MAX];
    char fingerprint[96];
    int error = pairs_new(made, 1);
    if (error == 0)
        error = tow_tls_self_signed(&made->pairs->certificate, &made->pairs->key, fingerprint);
    if (error != 0)
        return complain(settings, error, tow_strerror(error));
    error = trust_read(made, &settings->tls, why);
    if (error != 0)
        return complain(settings, error, why);
    tow_report(settings, TOW_LOG_NOTICE,
        "TLS with a certificate made for this run, for localhost only, that nobody trusts; its SHA-256 "
        "fingerprint is %s",
        fingerprint);
    return 0;
}

/* What there is now: the settings', but for certificates that were given since. */
static tow_tls_sources sources_of(const tow_secrecy *secrecy, const tow_settings *settings) {
    tow_tls_sources sources = settings->tls;
    if (secrecy->given.count > 0) {
        sources.certificates = secrecy->given.certificates;
        sources.count = secrecy->given.count;
        sources.self_signed = false;
    }
    return sources;
}

static void draft_clear(tow_secrecy_draft *draft) {
    texts_clear(&draft->texts);
    if (draft->is_given)
        tow_tls_certificates_clear(&draft->sources);
}

/* Nothing is changed before all of it is known to be good. */
static int load(tow_secrecy_draft *draft, const tow_secrecy *secrecy, const tow_settings *settings) {
    tow_tls_context *context;
    const tow_tls_sources *sources = &draft->sources;
    int error = sources->self_signed ? texts_make(&draft->texts, settings)
                                     : texts_read(&draft->texts, sources, settings);
    if (error == 0)
        error = tow_secrecy_draft_context(secrecy, settings, draft, &context);
    if (error == 0)
        tow_tls_context_release(context);
    else
        draft_clear(draft);
    return error;
}

/* Whoever makes a context sees all of it or nothing. */
static void take(tow_secrecy *secrecy, const tow_secrecy_draft *draft) {
    pthread_mutex_lock(&secrecy->mutex);
    tow_pem_texts old = secrecy->texts;
    tow_tls_sources old_given = {0};
    secrecy->texts = draft->texts;
    if (draft->is_given) {
        secrecy->self_signed = false;
        old_given = secrecy->given;
        secrecy->given = draft->sources;
    }
    pthread_mutex_unlock(&secrecy->mutex);
    texts_clear(&old);
    tow_tls_certificates_clear(&old_given);
}

int tow_secrecy_begin(tow_secrecy *secrecy, const tow_settings *settings) {
    if (!tow_tls_sources_are_some(&settings->tls))
        return 0;
    int error = tow_tls_tickets_new(&secrecy->tickets);
    if (error != 0)
        return error;
    pthread_mutex_init(&secrecy->loading, NULL);
    pthread_mutex_init(&secrecy->mutex, NULL);
    secrecy->redirects = settings->tls_redirect;
    secrecy->self_signed = settings->tls.self_signed;
    tow_secrecy_draft draft = {.sources = settings->tls};
    error = load(&draft, secrecy, settings);
    if (error == 0)
        take(secrecy, &draft);
    return error;
}

void tow_secrecy_clear(tow_secrecy *secrecy) {
    if (!tow_secrecy_is_on(secrecy))
        return;
    texts_clear(&secrecy->texts);
    tow_tls_certificates_clear(&secrecy->given);
    tow_tls_tickets_release(secrecy->tickets);
    pthread_mutex_destroy(&secrecy->loading);
    pthread_mutex_destroy(&secrecy->mutex);
    *secrecy = (tow_secrecy){0};
}

bool tow_secrecy_is_self_signed(tow_secrecy *secrecy) {
    pthread_mutex_lock(&secrecy->mutex);
    bool is_self_signed = secrecy->self_signed;
    pthread_mutex_unlock(&secrecy->mutex);
    return is_self_signed;
}

static int certificates_copy(tow_tls_sources *sources, const tow_settings *settings,
    const tow_certificate *certificates, size_t count) {
    tow_complaint complaint = {0};
    int error = tow_tls_certificates_check(certificates, count, &complaint);
    if (error != 0)
        return complain(settings, error, complaint.text);
    *sources = settings->tls;
    sources->self_signed = false;
    error = tow_tls_certificates_copy(sources, certificates, certificates + 1, count - 1);
    if (error != 0)
        tow_tls_certificates_clear(sources);
    return error;
}

int tow_secrecy_read(tow_secrecy *secrecy, const tow_settings *settings, const tow_certificate *certificates,
    size_t count, tow_secrecy_draft *draft) {
    *draft = (tow_secrecy_draft){.is_given = count > 0};
    int error = count > 0 ? certificates_copy(&draft->sources, settings, certificates, count) : 0;
    if (error != 0)
        return error;
    pthread_mutex_lock(&secrecy->loading);
    if (!draft->is_given)
        draft->sources = sources_of(secrecy, settings);
    error = load(draft, secrecy, settings);
    if (error != 0)
        pthread_mutex_unlock(&secrecy->loading);
    return error;
}

int tow_secrecy_draft_context(const tow_secrecy *secrecy, const tow_settings *settings,
    const tow_secrecy_draft *draft, tow_tls_context **context) {
    return context_make(settings, &draft->sources, &draft->texts, secrecy->tickets, context);
}

void tow_secrecy_take(tow_secrecy *secrecy, const tow_secrecy_draft *draft) {
    take(secrecy, draft);
    pthread_mutex_unlock(&secrecy->loading);
}

void tow_secrecy_drop(tow_secrecy *secrecy, tow_secrecy_draft *draft) {
    draft_clear(draft);
    pthread_mutex_unlock(&secrecy->loading);
}

int tow_secrecy_context(tow_secrecy *secrecy, const tow_settings *settings, tow_tls_context **context) {
    pthread_mutex_lock(&secrecy->mutex);
    const tow_tls_sources sources = sources_of(secrecy, settings);
    int error = context_make(settings, &sources, &secrecy->texts, secrecy->tickets, context);
    pthread_mutex_unlock(&secrecy->mutex);
    return error;
}
