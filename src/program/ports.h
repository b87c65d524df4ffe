/* ports: the texts of --port and --server-host, made into addresses for the server and into URLs for people.
 */
#ifndef TOW_PROGRAM_PORTS_H
#define TOW_PROGRAM_PORTS_H

#include "base/buffer.h"

#include <stdbool.h>

/* Puts `host` (NULL: localhost) before every port that stands alone; without ports, before the default one.
 * The list ends with NULL and is freed by tow_ports_free. Errors: ADDRESS (the host is none), MEMORY. */
int tow_ports_make(char ***ports, const char *const *texts, const char *host);
void tow_ports_free(char **ports);

/* Whether it is a port without a host. */
bool tow_port_stands_alone(const char *text);

/* Whether this is an address to listen on; 0 or an error. */
int tow_port_check(const char *text);

/* What a browser would call a listener, without scheme and path: "localhost:9998" for "*:0" that listens on
 * 9998. */
enum { TOW_PORT_NAME_MAX = 300 };
void tow_port_name(const char *port, int number, char out[TOW_PORT_NAME_MAX]);

#endif
