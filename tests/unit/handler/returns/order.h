/* order: the one order of a channel, as a witness has heard it, and whether a client has heard what it is
 * promised: all of it once and in this order, or it was told. */
#ifndef TOW_TESTS_RETURNS_ORDER_H
#define TOW_TESTS_RETURNS_ORDER_H

#include "client.h"

enum { ORDER_MAX = 4096 };

struct order {
    size_t length;
    unsigned numbers[ORDER_MAX + 1]; /* by position */
    unsigned positions[ORDER_MAX];   /* by number; 0: it was never published */
};

/* What nobody gets twice, as each publication has a number of its own. */
void order_take(struct order *order, const struct client *witness);

/* Returns how often it was told that something is missing. */
unsigned order_check(const struct order *order, const struct client *client);

#endif
