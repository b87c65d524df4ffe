/* policies: what the program says of names, each different policy kept once: channels point at it. */
#ifndef TOW_HUB_POLICIES_H
#define TOW_HUB_POLICIES_H

#include "hub/policy.h"

#include <pthread.h>

typedef struct tow_policies {
    pthread_mutex_t mutex;
    tow_channel_policy_find find; /* NULL: the defaults */
    void *user;
    struct tow_policy_kept *kept;
} tow_policies;

void tow_policies_init(tow_policies *policies, tow_channel_policy_find find, void *user);
void tow_policies_clear(tow_policies *policies);

/* Any thread, from now on. */
void tow_policies_set(tow_policies *policies, tow_channel_policy_find find, void *user);

/* What holds for a name, without zeros. Any thread. */
void tow_policies_find(tow_policies *policies, tow_slice name, tow_channel_policy *policy);

/* The same, to be kept; lives as long as the hub. NULL without memory. */
const tow_channel_policy *tow_policies_keep(tow_policies *policies, tow_slice name);

#endif
