/* listening: the addresses of a server as sockets: which there are, opening them, sharing them between
 * workers. */
#ifndef TOW_SERVER_LISTENING_H
#define TOW_SERVER_LISTENING_H

#include "settings.h"
#include "transport/address.h"

#include <stdbool.h>
#include <stddef.h>

/* One address. A text such as "localhost:80" stands for several: they have the same group and the same port.
 * One such as "systemd" stands for sockets that somebody else has opened: their addresses are known when they
 * are open here. */
typedef struct tow_site {
    tow_address address;
    const char *text;
    size_t group; /* index in the options' listens; the status listener's is one past the last */
    bool status;
    bool opened;    /* false when this family can't be used here */
    bool inherited; /* `fd` stays here, and each worker listens on a copy */
    int fd;         /* else -1 once a listener has it */
} tow_site;

typedef struct tow_sites { /* zeroed: none. There may be none for good: what is served is adopted then */
    tow_site *items;
    size_t count;
} tow_sites;

/* Opens all sites of the settings on `loop`. Errors: as tow_listen_socket; nothing is open then, and the log
 * says which it was. */
int tow_sites_open(tow_sites *sites, tow_loop *loop, const tow_settings *settings);

/* The socket of the first worker for a site, which stays the site's unless it is inherited; -1: the site has
 * none. */
int tow_site_descriptor(const tow_site *site);

/* Opens the socket of another worker for a site that is open. Returns the descriptor, or UNSUPPORTED for
 * sites that only the first worker serves (Unix sockets that are not inherited, --status), or an error. */
int tow_site_open_again(const tow_site *site, tow_loop *loop);

/* A line for the log: the address that can't be listened on, and why. */
void tow_site_report_failure(const tow_site *site, const tow_settings *settings, int error);

/* Whether there are sites of this kind, and those of TCP are all on loopback addresses. */
bool tow_sites_are_loopback(const tow_sites *sites, bool status);

/* The port of a group; 0 for a Unix socket or a group that there is not. */
int tow_sites_port(const tow_sites *sites, size_t group);

/* The address of the socket at `place` in a group. False: there is none. */
bool tow_sites_text(const tow_sites *sites, size_t group, size_t place, char out[TOW_ADDRESS_TEXT_MAX]);

/* Closes what no listener has taken, and removes the files of Unix sockets, whose listeners have stopped. */
void tow_sites_clear(tow_sites *sites, tow_loop *loop);

/* A line for the log for each group. */
void tow_sites_report(const tow_sites *sites, const tow_settings *settings);

#endif
