/* tls_waiting: connections whose handshake waits for a later round. What a server does for a first
 * ClientHello costs a hundred times what a message does, and a crowd of them would keep everybody else
 * waiting. */
#ifndef TOW_TRANSPORT_TLS_WAITING_H
#define TOW_TRANSPORT_TLS_WAITING_H

#include "tls_stream.h"

/* Handshakes that begin in a round. */
enum { TOW_TLS_ROUND = 16 };

/* Whether what was received is to wait: it has been kept then, and comes again by the inner stream's on_bytes
 * in a later round; or there was no memory, and the stream has failed. */
bool tow_tls_waits(tow_tls_stream *tls, const uint8_t *bytes, size_t length);

/* It waits no more. */
void tow_tls_waiting_end(tow_tls_stream *tls);

#endif
