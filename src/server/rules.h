/* rules: who may come in, where a route does not say: origins and hosts. Counted, and never changed: workers
 * take the newest between their callbacks. */
#ifndef TOW_SERVER_RULES_H
#define TOW_SERVER_RULES_H

#include "base/complaint.h"
#include "server/host.h"

#include <stdatomic.h>

typedef struct tow_rules {
    char **allow_origins; /* end with NULL; NULL: none */
    char **hosts;
    tow_host_rule host_rule; /* of what is served */
    tow_host_rule status_host_rule;
    atomic_int holders;
} tow_rules;

/* Copies the lists, which may be NULL; of the host rules what is local is for the owner to say, before others
 * hold it. Errors: ARGUMENT (one is no origin or host: `complaint` tells), MEMORY. */
int tow_rules_new(
    tow_rules **rules, const char *const *allow_origins, const char *const *hosts, tow_complaint *complaint);
tow_rules *tow_rules_retain(tow_rules *rules);
void tow_rules_release(tow_rules *rules); /* NULL is allowed */

#endif
