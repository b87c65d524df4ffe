/* descriptors: how many file descriptors this process may open, and how many of these connections have, and
 * what handlers open for them: when they are used up, who comes is refused and told so. */
#ifndef TOW_SERVER_DESCRIPTORS_H
#define TOW_SERVER_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct tow_server tow_server;

/* How many connections, each of which takes so many descriptors, are possible beside what else is open, for
 * each worker too. INT64_MAX: there is no limit. */
int64_t tow_connections_possible(int workers, int descriptors_each);

/* Those of a server; counted by the server and by who takes some, as these may be there longer. All of it
 * from any thread. */
typedef struct tow_descriptors tow_descriptors;

/* Held once. `possible`: how many there are; `most`: how many may be taken by connections, which may be more
 * (who asked for that waits in the kernel's queue when there are none left). NULL without memory. */
tow_descriptors *tow_descriptors_new(int64_t possible, int64_t most);
tow_descriptors *tow_descriptors_retain(tow_descriptors *descriptors);
void tow_descriptors_release(tow_descriptors *descriptors);

/* The server's, not held. NULL (without a server) is none: then there is always room. */
tow_descriptors *tow_server_descriptors(const tow_server *server);

/* A connection's own. */
bool tow_descriptors_enter(tow_descriptors *descriptors);

/* What a connection takes besides; false: there are not as many. To be given back. NULL is allowed. */
bool tow_descriptors_take(tow_descriptors *descriptors, int count);
void tow_descriptors_give(tow_descriptors *descriptors, int count);

/* How many are taken. */
int64_t tow_descriptors_taken(const tow_descriptors *descriptors);

/* Whether as many could be taken now. NULL is allowed. */
bool tow_descriptors_are_left(const tow_descriptors *descriptors, int count);

#endif
