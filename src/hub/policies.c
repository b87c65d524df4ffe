#include "policies.h"

#include <stdlib.h>

typedef struct tow_policy_kept {
    struct tow_policy_kept *next;
    tow_channel_policy policy;
} tow_policy_kept;

void tow_policies_init(tow_policies *policies, tow_channel_policy_find find, void *user) {
    *policies = (tow_policies){.find = find, .user = user};
    pthread_mutex_init(&policies->mutex, NULL);
}

void tow_policies_clear(tow_policies *policies) {
    for (tow_policy_kept *kept = policies->kept, *next; kept != NULL; kept = next) {
        next = kept->next;
        free(kept);
    }
    pthread_mutex_destroy(&policies->mutex);
    *policies = (tow_policies){0};
}

void tow_policies_set(tow_policies *policies, tow_channel_policy_find find, void *user) {
    pthread_mutex_lock(&policies->mutex);
    policies->find = find;
    policies->user = user;
    pthread_mutex_unlock(&policies->mutex);
}

/* Zeroed between its fields too, so that two are compared as bytes. */
void tow_policies_find(tow_policies *policies, tow_slice name, tow_channel_policy *policy) {
    pthread_mutex_lock(&policies->mutex);
    tow_channel_policy_find find = policies->find;
    void *user = policies->user;
    pthread_mutex_unlock(&policies->mutex);
    memset(policy, 0, sizeof(*policy));
    if (find != NULL)
        find(user, name, policy);
    tow_channel_policy_resolve(policy);
}

static const tow_channel_policy *find_kept(tow_policies *policies, const tow_channel_policy *policy) {
    for (const tow_policy_kept *kept = policies->kept; kept != NULL; kept = kept->next)
        /* They were zeroed as a whole.
         * NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
        if (memcmp(&kept->policy, policy, sizeof(*policy)) == 0)
            return &kept->policy;
    return NULL;
}

static const tow_channel_policy *keep(tow_policies *policies, const tow_channel_policy *policy) {
    tow_policy_kept *made = malloc(sizeof(*made));
    if (made == NULL)
        return NULL;
    made->next = policies->kept;
    memcpy(&made->policy, policy, sizeof(*policy));
    policies->kept = made;
    return &made->policy;
}

const tow_channel_policy *tow_policies_keep(tow_policies *policies, tow_slice name) {
    tow_channel_policy policy;
    tow_policies_find(policies, name, &policy);
    pthread_mutex_lock(&policies->mutex);
    const tow_channel_policy *kept = find_kept(policies, &policy);
    if (kept == NULL)
        kept = keep(policies, &policy);
    pthread_mutex_unlock(&policies->mutex);
    return kept;
}
