#include "tls_name.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <towline/error.h>

char *tow_tls_name_copy(const char *host) {
    size_t length = strlen(host);
    bool bracketed = length > 2 && host[0] == '[' && host[length - 1] == ']';
    if (bracketed)
        return strndup(host + 1, length - 2);
    if (length > 1 && host[length - 1] == '.')
        length--;
    return strndup(host, length);
}

static bool is_ip(const char *name) {
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

/* RFC 6066, section 3: a name is sent, an address is not. Both are verified (RFC 9525). */
int tow_tls_name_set(tow_tls_stream *tls) {
    X509_VERIFY_PARAM *parameters = SSL_get0_param(tls->ssl);
    bool ip = is_ip(tls->name);
    if (!ip && SSL_set_tlsext_host_name(tls->ssl, tls->name) != 1)
        return TOW_ERROR_ARGUMENT;
    if (!tls->context->checks_name)
        return 0;
    /* RFC 9525: a common name is no name of a host, and a wildcard stands for a whole label. */
    X509_VERIFY_PARAM_set_hostflags(
        parameters, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    int set = ip ? X509_VERIFY_PARAM_set1_ip_asc(parameters, tls->name)
                 : X509_VERIFY_PARAM_set1_host(parameters, tls->name, 0);
    return set == 1 ? 0 : TOW_ERROR_ARGUMENT;
}
