/* names: the subprotocols in use on a loop, each kept once and counted, so that a connection has a number
 * instead of a text.
 *
 * There is room for as many as routes are likely to know. What finds none must be kept elsewhere: a handler
 * may select whatever clients offer. */
#ifndef TOW_WEBSOCKET_NAMES_H
#define TOW_WEBSOCKET_NAMES_H

#include "base/slice.h"

#include <stdint.h>

enum { TOW_NAMES_MAX = 127 /* numbers have seven bits, and 0 is none */ };

typedef struct tow_name tow_name;

typedef struct tow_names { /* zeroed: empty */
    tow_name **items;      /* NULL where nobody uses the number */
    uint32_t count;
} tow_names;

/* The number of the name, which has one user more; 0: there is no room. Errors: MEMORY. */
int tow_names_take(tow_names *names, tow_slice name);

/* Its text, which stays where it is as long as somebody uses it. */
const char *tow_names_text(const tow_names *names, uint32_t number);

/* One user less. */
void tow_names_give(tow_names *names, uint32_t number);

void tow_names_clear(tow_names *names);

#endif
