/* conform_tls: the TLS contexts of `towline conform`: a client's for a server under test, a server's for
 * clients under test. */
#ifndef TOW_PROGRAM_CONFORM_TLS_H
#define TOW_PROGRAM_CONFORM_TLS_H

#include "conform.h"
#include "transport/tls.h"

/* What is wrong with the options of TLS taken together, `url` being NULL when clients are tested; NULL if
 * nothing is. */
const char *tow_conform_tls_complaint(const tow_conform_settings *settings, const char *url);

/* A client's context, for wss. Errors: as tow_tls_context_new and tow_tls_read_file. */
int tow_conform_tls_client(
    tow_tls_context **context, const tow_conform_settings *settings, char why[TOW_TLS_TEXT_MAX]);

/* A server's context, or NULL where the options do not ask for TLS. Errors: as above. */
int tow_conform_tls_server(
    tow_tls_context **context, const tow_conform_settings *settings, char why[TOW_TLS_TEXT_MAX]);

#endif
