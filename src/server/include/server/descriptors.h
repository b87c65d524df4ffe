/* descriptors: how many connections there can be with the file descriptors that this process may open. */
#ifndef TOW_SERVER_DESCRIPTORS_H
#define TOW_SERVER_DESCRIPTORS_H

#include <stdint.h>

/* How many connections, each of which takes so many descriptors, are possible beside what else is open, for
 * each worker too. INT64_MAX: there is no limit. */
int64_t tow_connections_possible(int workers, int descriptors_each);

#endif
