/* channels: what is set for channels, of a configuration file, as the server has it; and what all doors to
 * them share. */
#ifndef TOW_PROGRAM_CHANNELS_H
#define TOW_PROGRAM_CHANNELS_H

#include "config_items.h"

#include "handler/channels.h"
#include "handler/token_keeper.h"

#include <towline/server.h>

/* With the rows of an item of the list. */
extern const tow_command tow_channel_command;

/* What contradicts itself, in one line; false: nothing does. */
bool tow_channel_items_contradict(const tow_config_items *items, char error[TOW_OPTIONS_ERROR_MAX]);

/* Whether some ask for a token, and which, in one line: for a server where nobody could show one. */
bool tow_channel_items_want_tokens(const tow_config_items *items, char error[TOW_OPTIONS_ERROR_MAX]);

/* Whether one is to keep more than all together may, and which. */
bool tow_channel_items_exceed(
    const tow_config_items *items, int64_t max_history_bytes, char error[TOW_OPTIONS_ERROR_MAX]);

typedef struct tow_served_channels { /* zeroed: not begun */
    tow_channels shared;             /* that places have */
    tow_channel_policies *policies;
    struct tow_pusher *pusher; /* whose channels have something of their own; NULL: nobody's */
    tow_token_keeper *keeper;  /* NULL: there are no tokens */
} tow_served_channels;

/* Before the server listens. Errors: MEMORY. */
int tow_served_channels_begin(tow_served_channels *channels, tow_server *server,
    const tow_channels_settings *settings, const tow_config_items *items);

/* Has a keeper, if the settings ask for one, who knows those who come; before handlers are made. Errors:
 * those of tow_token_keeper_new. */
int tow_served_channels_keep(tow_served_channels *channels, const tow_handler_place *place,
    const tow_token_settings *settings, char why[TOW_HANDLER_TEXT_MAX]);

/* These in place of those before, for channels that are there too, in two steps. Errors: MEMORY. */
int tow_served_channels_table(tow_channel_table **table, const tow_config_items *items);
void tow_served_channels_take(tow_served_channels *channels, tow_server *server, tow_channel_table *table);

/* When the server is gone. */
void tow_served_channels_end(tow_served_channels *channels);

#endif
