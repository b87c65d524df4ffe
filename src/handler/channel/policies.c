#include "handler/channel_pattern.h"
#include "handler/channels.h"

#include <pthread.h>
#include <stdlib.h>
#include <towline/error.h>

typedef struct row {
    tow_channel_policy policy;
    char *pattern;
} row;

typedef struct policy_table {
    row *rows; /* the most exact first */
    size_t count;
} policy_table;

struct tow_channel_policies {
    pthread_rwlock_t lock;
    policy_table table;
};

static void table_clear(policy_table *table) {
    for (size_t i = 0; i < table->count; i++)
        free(table->rows[i].pattern);
    free(table->rows);
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
    table_clear(&policies->table);
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

static int table_make(policy_table *out, const tow_channel_settings *const *settings, size_t count) {
    policy_table made = {.rows = calloc(count + 1, sizeof(row))};
    if (made.rows == NULL)
        return TOW_ERROR_MEMORY;
    for (; made.count < count; made.count++) {
        char *pattern = strdup(settings[made.count]->name);
        if (pattern == NULL) {
            table_clear(&made);
            return TOW_ERROR_MEMORY;
        }
        made.rows[made.count] = (row){policy_of(settings[made.count]), pattern};
    }
    qsort(made.rows, count, sizeof(row), compare);
    *out = made;
    return 0;
}

int tow_channel_policies_set(
    tow_channel_policies *policies, const tow_channel_settings *const *settings, size_t count) {
    policy_table made;
    int error = table_make(&made, settings, count);
    if (error != 0)
        return error;
    pthread_rwlock_wrlock(&policies->lock);
    policy_table before = policies->table;
    policies->table = made;
    pthread_rwlock_unlock(&policies->lock);
    table_clear(&before);
    return 0;
}

void tow_channel_policies_find(void *user, tow_slice name, tow_channel_policy *policy) {
    tow_channel_policies *policies = user;
    pthread_rwlock_rdlock(&policies->lock);
    const policy_table *table = &policies->table;
    for (size_t i = 0; i < table->count; i++)
        if (tow_channel_pattern_matches(tow_slice_from(table->rows[i].pattern), name)) {
            *policy = table->rows[i].policy;
            break;
        }
    pthread_rwlock_unlock(&policies->lock);
}
