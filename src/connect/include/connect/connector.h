/* connector: reaches a host by name, address or Unix socket, and hands over a connected descriptor.
 *
 * Names are looked up for both families at once, and the addresses raced (RFC 8305). `localhost` and what
 * ends in `.localhost` is this machine, whatever name servers say (RFC 6761, section 6.3). */
#ifndef TOW_CONNECT_CONNECTOR_H
#define TOW_CONNECT_CONNECTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <towline/loop.h>

typedef struct tow_connector tow_connector;

/* Where to connect: borrowed by the call. */
typedef struct tow_place {
    const char *host; /* a name, or a literal, IPv6 in brackets */
    uint16_t port;
    const char *unix_path; /* a Unix socket instead, or NULL */
} tow_place;

/* One of the two comes, once, in a later round, and the connector is gone then. */
typedef struct tow_connector_events {
    /* The descriptor is the callee's: tow_stream_adopt or tow_loop_discard it. */
    void (*on_connected)(void *user, int fd);
    /* `text` names the place and says why; borrowed until the callback returns. */
    void (*on_failed)(void *user, int error, const char *text);
} tow_connector_events;

/* Errors: ADDRESS (neither a name nor an address, or a path that is too long), MEMORY, SYSTEM. */
int tow_connector_start(tow_connector **connector, tow_loop *loop, const tow_place *place,
    const tow_connector_events *events, void *user);

/* Stops it: no callback comes any more. NULL is allowed. */
void tow_connector_stop(tow_connector *connector);

/* Whether it still waits for the addresses of a name. */
bool tow_connector_is_resolving(const tow_connector *connector);

#endif
