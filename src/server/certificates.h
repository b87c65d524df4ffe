/* certificates: others for a server that serves, for the connections that come from now on: first all is made
 * that can fail, a context for each worker too, and then it is taken. */
#ifndef TOW_SERVER_CERTIFICATES_H
#define TOW_SERVER_CERTIFICATES_H

#include "state.h"

typedef struct tow_certificates { /* zeroed: none */
    tow_secrecy_draft draft;
    tow_tls_context **contexts; /* one for each worker */
    tow_letter *letters;
    bool is_made;
} tow_certificates;

/* These, or with a count of 0 those that there are, read again. The server has TLS. Any thread; it is taken
 * or dropped on the same. Errors: as tow_secrecy_read; there is nothing to drop then. */
int tow_certificates_make(
    tow_certificates *made, tow_server *server, const tow_certificate *certificates, size_t count);

/* Does nothing where nothing is made. */
void tow_certificates_take(tow_certificates *made, tow_server *server);
void tow_certificates_drop(tow_certificates *made, tow_server *server);

#endif
