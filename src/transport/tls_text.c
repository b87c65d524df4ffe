#include "tls_text.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { NAME_MAX_SHOWN = 128, NAMES_MAX_SHOWN = 3 };

/* What a peer says of itself may hold anything. */
static void make_printable(char *text) {
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

void tow_tls_name_text(char *out, size_t size, const X509_NAME *name) {
    out[0] = '\0';
    if (name == NULL)
        return;
    if (X509_NAME_get_text_by_NID(name, NID_commonName, out, (int)size) <= 0)
        X509_NAME_oneline(name, out, (int)size);
    make_printable(out);
}

void tow_tls_date_text(char out[32], const ASN1_TIME *time) {
    struct tm parts;
    memcpy(out, "?", 2);
    if (time != NULL && ASN1_TIME_to_tm(time, &parts) == 1)
        strftime(out, 32, "%Y-%m-%d", &parts);
}

void tow_tls_fingerprint_text(char out[96], const X509 *certificate) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    out[0] = '\0';
    if (X509_digest(certificate, EVP_sha256(), digest, &length) != 1)
        return;
    for (unsigned i = 0; i < length && i < 32; i++)
        snprintf(out + 3 * (size_t)i, 96 - 3 * (size_t)i, i + 1 < length ? "%02X:" : "%02X", digest[i]);
}

/* A host that a certificate is for. Returns false for what is none, a mailbox for example. */
static bool host_text(char *out, size_t size, const GENERAL_NAME *name) {
    const ASN1_OCTET_STRING *bytes = name->d.iPAddress;
    if (name->type == GEN_DNS) {
        snprintf(out, size, "%.*s", ASN1_STRING_length(name->d.dNSName),
            (const char *)ASN1_STRING_get0_data(name->d.dNSName));
        return true;
    }
    if (name->type != GEN_IPADD || (ASN1_STRING_length(bytes) != 4 && ASN1_STRING_length(bytes) != 16))
        return false;
    int family = ASN1_STRING_length(bytes) == 4 ? AF_INET : AF_INET6;
    return inet_ntop(family, ASN1_STRING_get0_data(bytes), out, (socklen_t)size) != NULL;
}

/* The first hosts that a certificate is for, with commas; false if there is none. */
static bool names_text(char *out, size_t size, const X509 *certificate) {
    out[0] = '\0';
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    size_t used = 0;
    int shown = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && shown < NAMES_MAX_SHOWN; i++) {
        char host[NAME_MAX_SHOWN];
        if (!host_text(host, sizeof(host), sk_GENERAL_NAME_value(names, i)))
            continue;
        int wrote = snprintf(out + used, size - used, "%s%s", shown == 0 ? "" : ", ", host);
        used = wrote > 0 && (size_t)wrote < size - used ? used + (size_t)wrote : used;
        shown++;
    }
    GENERAL_NAMES_free(names);
    make_printable(out);
    return shown > 0;
}

/* RFC 9525, section 6.4.4: a common name does not count. */
static void other_host_text(char out[TOW_TLS_TEXT_MAX], const char *subject, const X509 *certificate) {
    char other[NAME_MAX_SHOWN];
    if (names_text(other, sizeof(other), certificate)) {
        snprintf(out, TOW_TLS_TEXT_MAX, "%s is for another host: %s", subject, other);
        return;
    }
    tow_tls_name_text(other, sizeof(other), X509_get_subject_name(certificate));
    snprintf(out, TOW_TLS_TEXT_MAX,
        "%s names no host: it has no subjectAltName, and a common name (%s) does not count", subject, other);
}

/* "the certificate of example.test" */
static void subject_text(char *out, size_t size, X509_STORE_CTX *store, const char *name) {
    const X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    char subject[NAME_MAX_SHOWN] = "?";
    if (certificate != NULL)
        tow_tls_name_text(subject, sizeof(subject), X509_get_subject_name(certificate));
    if (X509_STORE_CTX_get_error_depth(store) > 0)
        snprintf(out, size, "the certificate of the authority %s", subject);
    else if (name != NULL)
        snprintf(out, size, "the certificate of %s", name);
    else
        snprintf(out, size, "the client's certificate (%s)", subject);
}

static void issuer_text(char *out, size_t size, X509_STORE_CTX *store) {
    const X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    tow_tls_name_text(out, size, certificate == NULL ? NULL : X509_get_issuer_name(certificate));
}

void tow_tls_certificate_text(char out[TOW_TLS_TEXT_MAX], X509_STORE_CTX *store, const char *name) {
    const X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    int error = X509_STORE_CTX_get_error(store);
    char subject[NAME_MAX_SHOWN + 48];
    char other[NAME_MAX_SHOWN];
    char date[32];
    subject_text(subject, sizeof(subject), store, name);
    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        tow_tls_date_text(date, X509_get0_notAfter(certificate));
        snprintf(out, TOW_TLS_TEXT_MAX, "%s expired on %s", subject, date);
        return;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        tow_tls_date_text(date, X509_get0_notBefore(certificate));
        snprintf(out, TOW_TLS_TEXT_MAX, "%s is valid from %s on only", subject, date);
        return;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        other_host_text(out, subject, certificate);
        return;
    case X509_V_ERR_INVALID_PURPOSE:
        snprintf(out, TOW_TLS_TEXT_MAX, "%s is not for a %s", subject, name != NULL ? "server" : "client");
        return;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        snprintf(out, TOW_TLS_TEXT_MAX, "%s is self-signed and not among those trusted", subject);
        return;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        issuer_text(other, sizeof(other), store);
        snprintf(
            out, TOW_TLS_TEXT_MAX, "%s is signed by an authority that is not trusted: %s", subject, other);
        return;
    case X509_V_ERR_CERT_REVOKED:
        snprintf(out, TOW_TLS_TEXT_MAX, "%s was revoked", subject);
        return;
    default:
        snprintf(
            out, TOW_TLS_TEXT_MAX, "%s is not accepted: %s", subject, X509_verify_cert_error_string(error));
    }
}

/* An alert that the peer sent (RFC 8446, section 6): what OpenSSL knows of it, and what is worth more words.
 */
static const char *alert_text(int alert) {
    switch (alert) {
    case SSL_AD_HANDSHAKE_FAILURE:
        return "the peer refused the handshake (no common cipher, or it wants a certificate)";
    case SSL_AD_CERTIFICATE_REQUIRED:
        return "the peer wants a certificate from us";
    case SSL_AD_UNKNOWN_CA:
        return "the peer does not trust the authority that signed our certificate";
    case SSL_AD_BAD_CERTIFICATE:
        return "the peer says that our certificate is bad";
    case SSL_AD_CERTIFICATE_EXPIRED:
        return "the peer says that our certificate has expired";
    case SSL_AD_CERTIFICATE_REVOKED:
        return "the peer says that our certificate was revoked";
    case SSL_AD_PROTOCOL_VERSION:
        return "the peer and we have no version of TLS in common";
    case SSL_AD_UNRECOGNIZED_NAME:
        return "the peer does not serve this name";
    case SSL_AD_NO_APPLICATION_PROTOCOL:
        return "the peer does not speak HTTP/1.1";
    default:
        return NULL;
    }
}

static bool is_no_tls(int reason) {
    return reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTPS_PROXY_REQUEST ||
           reason == SSL_R_PACKET_LENGTH_TOO_LONG || reason == SSL_R_UNEXPECTED_MESSAGE;
}

void tow_tls_error_text(char out[TOW_TLS_TEXT_MAX], bool handshaking) {
    unsigned long error = ERR_get_error();
    int reason = ERR_GET_REASON(error);
    const char *text = NULL;
    if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET)
        text = alert_text(reason - SSL_AD_REASON_OFFSET);
    else if (ERR_GET_LIB(error) == ERR_LIB_SSL && handshaking && reason == SSL_R_HTTP_REQUEST)
        text = "the peer does not speak TLS, but plain HTTP: ws:// instead of wss://";
    else if (ERR_GET_LIB(error) == ERR_LIB_SSL && handshaking && is_no_tls(reason))
        text = "the peer does not speak TLS";
    if (text == NULL)
        text = ERR_reason_error_string(error);
    snprintf(out, TOW_TLS_TEXT_MAX, "TLS: %s", text == NULL ? "it failed" : text);
    ERR_clear_error();
}
