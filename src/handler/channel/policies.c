#include "handler/channel_pattern.h"
#include "handler/channels.h"

#include <pthread.h>
#include <stdlib.h>
#include <towline/error.h>

typedef struct row {
    tow_channel_policy policy;
    char *pattern;
} row;

struct tow_channel_table {
    size_t count;
    row rows[]; /* the most exact first */
};

struct tow_channel_policies {
    pthread_rwlock_t lock;
    tow_channel_table *table; /* NULL: none */
};

void tow_channel_table_free(tow_channel_table *table) {
    for (size_t i = 0; table != NULL && i < table->count; i++)
        free(table->rows[i].pattern);
    free(table);
}

int tow_channel_policies_new(tow_channel_policies **policies) {
    tow_channel_policies *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    pthread_rwlock_init(&made->lock, NULL);
    *policies = made;
    return 0;
}

void tow_channel_policies_free(tow_channel_policies *policies) {
    if (policies == NULL)
        return;
    pthread_rwlock_destroy(&policies->lock);
    tow_channel_table_free(policies->table);
    free(policies);
}

static tow_channel_policy policy_of(const tow_channel_settings *settings) {
    return (tow_channel_policy){.subscribe = (tow_channel_access)settings->subscribe,
        .publish = (tow_channel_access)settings->publish,
        .presence = settings->presence,
        .slow = (tow_channel_slow)settings->slow,
        .slow_count = (uint32_t)settings->slow_count,
        .slow_bytes = (uint64_t)settings->slow_bytes,
        .history_count = (uint32_t)settings->history,
        .history_seconds = (uint32_t)settings->history_seconds,
        .history_bytes = (uint64_t)settings->history_bytes};
}

static int compare(const void *one, const void *other) {
    return tow_channel_pattern_compare(
        tow_slice_from(((const row *)one)->pattern), tow_slice_from(((const row *)other)->pattern));
}

int tow_channel_table_new(
    tow_channel_table **table, const tow_channel_settings *const *settings, size_t count) {
    tow_channel_table *made = calloc(1, sizeof(*made) + count * sizeof(row));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    for (; made->count < count; made->count++) {
        char *pattern = strdup(settings[made->count]->name);
        if (pattern == NULL) {
            tow_channel_table_free(made);
            return TOW_ERROR_MEMORY;
        }
        made->rows[made->count] = (row){policy_of(settings[made->count]), pattern};
    }
    qsort(made->rows, count, sizeof(row), compare);
    *table = made;
    return 0;
}

void tow_channel_policies_take(tow_channel_policies *policies, tow_channel_table *table) {
    pthread_rwlock_wrlock(&policies->lock);
    tow_channel_table *before = policies->table;
    policies->table = table;
    pthread_rwlock_unlock(&policies->lock);
    tow_channel_table_free(before);
}

void tow_channel_policies_find(void *user, tow_slice name, tow_channel_policy *policy) {
    tow_channel_policies *policies = user;
    pthread_rwlock_rdlock(&policies->lock);
    const tow_channel_table *table = policies->table;
    for (size_t i = 0; table != NULL && i < table->count; i++)
        if (tow_channel_pattern_matches(tow_slice_from(table->rows[i].pattern), name)) {
            *policy = table->rows[i].policy;
            break;
        }
    pthread_rwlock_unlock(&policies->lock);
}
