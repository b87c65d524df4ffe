/* tls_tickets: the keys of session tickets (RFC 5077, section 4; RFC 8446, section 4.6.1), as OpenSSL asks
 * for them. */
#ifndef TOW_TRANSPORT_TLS_TICKETS_H
#define TOW_TRANSPORT_TLS_TICKETS_H

#include "transport/tls.h"

enum {
    TOW_TICKET_SECONDS = 12 * 3600, /* how long a key makes tickets, and how long a ticket is good */
    TOW_TICKET_KEYS = 2             /* the one that makes tickets, and the one before */
};

typedef struct tow_ticket_key {
    uint8_t name[16];
    uint8_t cipher[32]; /* AES-256-CBC */
    uint8_t mac[32];    /* HMAC-SHA-256 */
} tow_ticket_key;

/* The key that makes tickets at this wall time; a new one if it is too old. Errors: SYSTEM. */
int tow_tls_tickets_current(tow_tls_tickets *tickets, int64_t now_seconds, tow_ticket_key *key);

/* The key of a ticket. Returns 1, 2 if the ticket should be replaced by one with a newer key, 0 if the key is
 * not known (any more). */
int tow_tls_tickets_find(
    tow_tls_tickets *tickets, int64_t now_seconds, const uint8_t name[16], tow_ticket_key *key);

#endif
