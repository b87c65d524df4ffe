/* listening: the addresses of a server as sockets: which there are, opening them, sharing them between
 * workers. */
#ifndef TOW_SERVER_LISTENING_H
#define TOW_SERVER_LISTENING_H

#include "settings.h"
#include "transport/address.h"

#include <stdbool.h>
#include <stddef.h>

/* One address. A text such as "localhost:80" stands for several: they have the same group and the same port.
 */
typedef struct tow_site {
    tow_address address;
    const char *text;
    size_t group; /* index in the options' listens; the status listener's is one past the last */
    bool status;
    bool opened; /* false when this family can't be used here */
    int fd;      /* -1 once a listener has it */
} tow_site;

typedef struct tow_sites { /* zeroed: none */
    tow_site *items;
    size_t count;
} tow_sites;

/* Opens all sites of the settings on `loop`. Errors: as tow_listen_socket; nothing is open then, and the log
 * says which it was. */
int tow_sites_open(tow_sites *sites, tow_loop *loop, const tow_settings *settings);

/* Opens the socket of another worker for a site that is open. Returns the descriptor, or UNSUPPORTED for
 * sites that only the first worker serves (Unix sockets, --status), or an error. */
int tow_site_open_again(const tow_site *site, tow_loop *loop);

/* A line for the log: the address that can't be listened on, and why. */
void tow_site_report_failure(const tow_site *site, const tow_settings *settings, int error);

/* Whether all TCP sites of this kind are on loopback addresses. */
bool tow_sites_are_loopback(const tow_sites *sites, bool status);

/* The port of a group; 0 for a Unix socket or a group that there is not. */
int tow_sites_port(const tow_sites *sites, size_t group);

/* Closes what no listener has taken, and removes the files of Unix sockets, whose listeners have stopped. */
void tow_sites_clear(tow_sites *sites, tow_loop *loop);

/* A line for the log for each group. */
void tow_sites_report(const tow_sites *sites, const tow_settings *settings);

#endif
