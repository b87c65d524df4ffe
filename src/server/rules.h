/* rules: who may come in, where a route does not say: origins and hosts. Counted, and never changed: workers
 * take the newest between their callbacks. */
#ifndef TOW_SERVER_RULES_H
#define TOW_SERVER_RULES_H

#include "listening.h"
#include "server/host.h"
#include "settings.h"

#include <stdatomic.h>

typedef struct tow_rules {
    char **allow_origins; /* end with NULL; NULL: none */
    char **hosts;
    tow_host_rule host_rule; /* of what is served */
    tow_host_rule status_host_rule;
    atomic_int holders;
} tow_rules;

/* Copies the lists, which may be NULL. Errors: ARGUMENT (one is no origin or host: the log tells), MEMORY. */
int tow_rules_new(tow_rules **rules, const char *const *allow_origins, const char *const *hosts,
    const tow_settings *settings);

/* Which hosts are right where none are named depends on where the server listens. Before others hold it. */
void tow_rules_know_sites(tow_rules *rules, const tow_sites *sites);

tow_rules *tow_rules_retain(tow_rules *rules);
void tow_rules_release(tow_rules *rules); /* NULL is allowed */

#endif
