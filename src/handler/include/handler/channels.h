/* channels: what all doors to the channels of a server share beside its hub: who may do what, and what is set
 * for channels by their names. The program makes one, and places have it (tow_handler_place). */
#ifndef TOW_HANDLER_CHANNELS_H
#define TOW_HANDLER_CHANNELS_H

#include "handler/channel_keeper.h"
#include "handler/option.h"
#include "hub/policy.h"

/* What holds for all channels of a server. Zero means the default, TOW_OFF no limit. */
typedef struct tow_channels_settings {
    int64_t max_channels;
    int64_t max_members;       /* of a channel */
    int64_t max_publication;   /* bytes */
    int64_t max_pending;       /* bytes on their way to a worker's subscribers */
    int64_t max_history_bytes; /* of all channels together */
    int max_subscriptions;     /* of a connection that speaks towline.v1 */
} tow_channels_settings;

extern const tow_option tow_channels_rows[];

typedef struct tow_channels {
    const tow_channel_keeper *keeper; /* NULL: there are no tokens */
    int max_subscriptions;            /* as above */
} tow_channels;

/* What is set for the channels of a pattern: an item of the list of channels in a configuration file. */
typedef struct tow_channel_settings {
    const char *name; /* the pattern (channel_pattern.h) */
    int subscribe;    /* tow_channel_access */
    int publish;      /* the same */
    bool presence;
    int history;           /* publications; 0: none */
    int history_seconds;   /* 0: default */
    int64_t history_bytes; /* the same */
    int slow;              /* tow_channel_slow */
    int slow_count;        /* 0: default */
    int64_t slow_bytes;    /* the same */
} tow_channel_settings;

extern const tow_option tow_channel_rows[];

/* All of them: what the hub is told of a name. Of several patterns the most exact counts. */
typedef struct tow_channel_policies tow_channel_policies;

/* Without any: all channels have the defaults. Errors: MEMORY. */
int tow_channel_policies_new(tow_channel_policies **policies);
void tow_channel_policies_free(tow_channel_policies *policies); /* NULL is allowed */

/* What will stand instead of those before, in two steps; all is copied. Errors: MEMORY. */
typedef struct tow_channel_table tow_channel_table;
int tow_channel_table_new(
    tow_channel_table **table, const tow_channel_settings *const *settings, size_t count);
void tow_channel_table_free(tow_channel_table *table); /* NULL is allowed */
void tow_channel_policies_take(tow_channel_policies *policies, tow_channel_table *table); /* any thread */

/* A tow_channel_policy_find whose user is the policies. */
void tow_channel_policies_find(void *policies, tow_slice name, tow_channel_policy *policy);

#endif
