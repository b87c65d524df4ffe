/* tls_resumption: how sessions are resumed (RFC 8446, section 2.2): a server's tickets, and what a client
 * keeps of them. */
#ifndef TOW_TRANSPORT_TLS_RESUMPTION_H
#define TOW_TRANSPORT_TLS_RESUMPTION_H

#include "tls_stream.h"

/* For SSL_CTX_set_tlsext_ticket_key_evp_cb and SSL_CTX_sess_set_new_cb. */
int tow_tls_on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int encrypting);
int tow_tls_on_session(SSL *ssl, SSL_SESSION *session);

/* Has a client's handshake offer the session that was kept last, if there is one. Errors: MEMORY. */
int tow_tls_resume(tow_tls_stream *tls);

#endif
