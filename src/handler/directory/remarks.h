/* remarks: lines about a state that is looked at again and again, each of which is logged once for as long as
 * it holds. */
#ifndef TOW_HANDLER_DIRECTORY_REMARKS_H
#define TOW_HANDLER_DIRECTORY_REMARKS_H

#include "handler/kind.h"

enum { TOW_REMARKS_MAX = 200 /* what is more is not logged */ };

typedef struct tow_remarks { /* zeroed: none were made; `log` is set */
    tow_handler_log log;
    char *now[TOW_REMARKS_MAX];
    size_t count;
    char *before[TOW_REMARKS_MAX];
    size_t before_count;
} tow_remarks;

/* The state is looked at anew. */
void tow_remarks_begin(tow_remarks *remarks);

/* Logs the line as a warning, if it was not made the last time. */
void tow_remarks_make(tow_remarks *remarks, const char *line);

void tow_remarks_clear(tow_remarks *remarks);

#endif
