/* names: looks host names up, one address family at a time, by c-ares: asynchronously, without a thread, its
 * sockets and time limits on the loop. /etc/hosts comes before the name servers. Where /etc/nsswitch.conf
 * names a service that c-ares does not know, the system is asked instead, on a thread made for that. Names in
 * .local never go to name servers (RFC 6762).
 *
 * A loop has one channel to the name servers, made for its first query and given up with the last, so that a
 * changed /etc/resolv.conf is seen. In the simulator no name is found. */
#ifndef TOW_CONNECT_NAMES_H
#define TOW_CONNECT_NAMES_H

#include "transport/address.h"

#include <stddef.h>
#include <stdint.h>
#include <towline/loop.h>

typedef struct tow_name_query tow_name_query;

enum { TOW_NAME_ADDRESSES_MAX = 16 };

/* What is known of a name: `count` addresses in order of preference (RFC 6724), with port 0. Without any,
 * `error` says why (NAME_NOT_FOUND, TIMED_OUT, MEMORY) and so does `text`, a static string. Borrowed until
 * the callback returns. */
typedef struct tow_name_answer {
    int error;
    const char *text;
    size_t count;
    tow_address addresses[TOW_NAME_ADDRESSES_MAX];
} tow_name_answer;

/* The query is gone when it is answered. */
typedef void (*tow_on_name)(void *user, int family, const tow_name_answer *answer);

/* Asks for the addresses of one family, AF_INET or AF_INET6. The answer comes in a later round. Errors:
 * MEMORY, SYSTEM (there is no channel to name servers). */
int tow_name_query_start(
    tow_name_query **query, tow_loop *loop, const char *name, int family, tow_on_name on_name, void *user);

/* No answer comes any more. NULL is allowed. */
void tow_name_query_cancel(tow_name_query *query);

/* For tests: asks these name servers ("127.0.0.1:5300,127.0.0.2") on this loop, from now on and for good,
 * instead of those of /etc/resolv.conf. Errors: ARGUMENT, MEMORY, SYSTEM, UNSUPPORTED (in the simulator). */
int tow_names_use_servers(tow_loop *loop, const char *servers);

/* For tests: asks the system on this loop, from now on and for good, whatever /etc/nsswitch.conf says.
 * Errors: MEMORY, SYSTEM. */
int tow_names_use_system(tow_loop *loop);

#endif
