/* caller: which key a request shows: in a field of our own, as a guard may want the Authorization for itself,
 * or there. */
#ifndef TOW_HANDLER_PUBLISH_CALLER_H
#define TOW_HANDLER_PUBLISH_CALLER_H

#include "presented.h"

typedef struct tow_caller {
    tow_slice key; /* empty: none */
    tow_presented presented;
} tow_caller;

/* The key lives as long as the request, until tow_caller_clear. */
void tow_caller_find(tow_caller *caller, const tow_request *request);
void tow_caller_clear(tow_caller *caller);

#endif
