/* orphans: processes that this one has inherited from children of its: found, judged by what their
 * environment says, killed and waited for. The only one that reads /proc for that. */
#ifndef TOW_TRANSPORT_ORPHANS_H
#define TOW_TRANSPORT_ORPHANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct tow_orphans_judge {
    bool (*is_child)(void *user, pid_t pid);         /* no orphan: somebody waits for it */
    bool (*is_running)(void *user, uint64_t number); /* the child of this number */
    void *user;
} tow_orphans_judge;

typedef struct tow_orphans_found {
    size_t killed;
    size_t left; /* that live on: of a child that runs, or of whom nothing is known */
} tow_orphans_found;

/* Nobody starts children meanwhile that `is_child` does not know. */
tow_orphans_found tow_orphans_look(const tow_orphans_judge *judge);

#endif
