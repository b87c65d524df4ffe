#include "tls_stream.h"
#include "tls_text.h"

#include <towline/error.h>

static void certificate_details(tow_tls_details *details, X509 *certificate) {
    if (certificate == NULL)
        return;
    tow_tls_name_text(details->subject, sizeof(details->subject), X509_get_subject_name(certificate));
    tow_tls_name_text(details->issuer, sizeof(details->issuer), X509_get_issuer_name(certificate));
    tow_tls_date_text(details->expires, X509_get0_notAfter(certificate));
    tow_tls_fingerprint_text(details->fingerprint, certificate);
}

int tow_stream_tls_details(const tow_stream *stream, tow_tls_details *details) {
    const tow_tls_stream *tls = tow_tls_stream_of(stream);
    if (tls == NULL || tls->state != TOW_TLS_OPEN)
        return TOW_ERROR_STATE;
    X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
    *details = (tow_tls_details){
        .version = SSL_get_version(tls->ssl),
        .cipher = SSL_get_cipher_name(tls->ssl),
        .resumed = SSL_session_reused(tls->ssl),
        .verified = certificate != NULL && SSL_get_verify_mode(tls->ssl) != SSL_VERIFY_NONE &&
                    SSL_get_verify_result(tls->ssl) == X509_V_OK,
    };
    certificate_details(details, certificate);
    return 0;
}
