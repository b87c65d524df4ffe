/* address_table: how many connections each address has, exact over all workers.
 *
 * A table in shards with a mutex each, touched only when a connection is accepted and when it ends. */
#ifndef TOW_SERVER_ADDRESS_TABLE_H
#define TOW_SERVER_ADDRESS_TABLE_H

#include "transport/address.h"

#include <stdint.h>

typedef struct tow_address_table tow_address_table;

/* At most `limit` connections an address. `seed` is unpredictable, so that peers can't choose addresses that
 * collide. Errors: MEMORY. */
int tow_address_table_new(tow_address_table **table, int64_t limit, uint64_t seed);
void tow_address_table_free(tow_address_table *table);

/* What is counted as one peer: an IPv4 address (mapped or not), or an IPv6 network of 64 bits, which is what
 * a single site is given. 0: not counted (a Unix socket). */
uint64_t tow_address_key(const tow_address *address);

/* The address of a key, without a port, if the key tells all of it: IPv4, and ::1. */
bool tow_address_of_key(uint64_t key, tow_address *address);

/* Counts a connection in. Errors: LIMIT, MEMORY; it is then not counted. */
int tow_address_table_enter(tow_address_table *table, uint64_t key);

/* Counts out one that entered. */
void tow_address_table_leave(tow_address_table *table, uint64_t key);

/* How many connections a key has. */
int64_t tow_address_table_count(tow_address_table *table, uint64_t key);

#endif
