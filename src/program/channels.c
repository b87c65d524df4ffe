#include "channels.h"

#include "option_effect.h"

#include "handler/pusher.h"
#include "server/channels.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

static const tow_option_section sections[] = {{.options = tow_channel_rows}, {0}};

const tow_command tow_channel_command = {
    .name = "channel", .operands = "", .sections = sections, .settings_size = sizeof(tow_channel_settings)};

static const tow_channel_settings *settings_of(const tow_config_items *items, size_t index) {
    return items->items[index]->settings;
}

static bool complain(
    const tow_config_items *items, size_t index, const char *text, char error[TOW_OPTIONS_ERROR_MAX]) {
    static const tow_option name = {.name = "name"};
    char label[TOW_OPTION_LABEL_MAX];
    tow_option_label(&name, tow_options_source(items->items[index], name.name), label);
    tow_option_complain(error, "%s: %s", label, text);
    return true;
}

static bool stands_before(const tow_config_items *items, size_t index) {
    for (size_t i = 0; i < index; i++)
        if (strcmp(settings_of(items, i)->name, settings_of(items, index)->name) == 0)
            return true;
    return false;
}

bool tow_channel_items_contradict(const tow_config_items *items, char error[TOW_OPTIONS_ERROR_MAX]) {
    for (size_t i = 0; i < items->count; i++) {
        if (settings_of(items, i)->name == NULL) {
            tow_option_complain(error, "channels: number %zu has no name", i + 1);
            return true;
        }
        if (stands_before(items, i))
            return complain(items, i, "it is there already", error);
        if (tow_options_without_effect(items->items[i], error))
            return true;
    }
    return false;
}

bool tow_channel_items_want_tokens(const tow_config_items *items, char error[TOW_OPTIONS_ERROR_MAX]) {
    for (size_t i = 0; i < items->count; i++) {
        const tow_channel_settings *settings = settings_of(items, i);
        bool is_to_subscribe = settings->subscribe == TOW_ACCESS_TOKEN;
        const tow_option option = {.name = is_to_subscribe ? "subscribe" : "publish"};
        char label[TOW_OPTION_LABEL_MAX];
        if (!is_to_subscribe && settings->publish != TOW_ACCESS_TOKEN)
            continue;
        tow_option_label(&option, tow_options_source(items->items[i], option.name), label);
        tow_option_complain(error,
            "%s: nobody could show a token: name the keys that check them with --token-keys FILE, or a back "
            "end "
            "that is asked with --token-url URL",
            label);
        return true;
    }
    return false;
}

bool tow_channel_items_exceed(
    const tow_config_items *items, int64_t max_history_bytes, char error[TOW_OPTIONS_ERROR_MAX]) {
    static const tow_option option = {.name = "history-bytes"};
    for (size_t i = 0; max_history_bytes > 0 && i < items->count; i++) {
        char label[TOW_OPTION_LABEL_MAX];
        if (settings_of(items, i)->history_bytes <= max_history_bytes ||
            !tow_options_changed(items->items[i], option.name))
            continue;
        tow_option_label(&option, tow_options_source(items->items[i], option.name), label);
        tow_option_complain(
            error, "%s: all channels together keep no more than --max-history-bytes, which is less", label);
        return true;
    }
    return false;
}

int tow_served_channels_table(tow_channel_table **table, const tow_config_items *items) {
    const tow_channel_settings **settings = calloc(items->count + 1, sizeof(tow_channel_settings *));
    if (settings == NULL)
        return TOW_ERROR_MEMORY;
    for (size_t i = 0; i < items->count; i++)
        settings[i] = settings_of(items, i);
    int error = tow_channel_table_new(table, settings, items->count);
    free(settings);
    return error;
}

/* What a door says of its own channels goes before what is set. */
static void policy_find(void *user, tow_slice name, tow_channel_policy *policy) {
    const tow_served_channels *channels = user;
    tow_channel_policies_find(channels->policies, name, policy);
    if (channels->pusher != NULL)
        (void)tow_pusher_channel_policy(channels->pusher, name, policy);
}

int tow_served_channels_begin(tow_served_channels *channels, tow_server *server,
    const tow_channels_settings *settings, const tow_config_items *items) {
    const tow_hub_options limits = {.max_publication = settings->max_publication,
        .max_pending = settings->max_pending,
        .max_channels = settings->max_channels,
        .max_members = settings->max_members,
        .max_history_bytes = settings->max_history_bytes};
    tow_channel_table *table;
    tow_hub_set_limits(tow_server_hub(server), &limits);
    channels->shared.max_subscriptions = settings->max_subscriptions;
    int error = tow_channel_policies_new(&channels->policies);
    if (error == 0)
        error = tow_served_channels_table(&table, items);
    if (error == 0)
        tow_served_channels_take(channels, server, table);
    return error;
}

void tow_served_channels_take(tow_served_channels *channels, tow_server *server, tow_channel_table *table) {
    tow_channel_policies_take(channels->policies, table);
    tow_server_set_channel_policy(server, policy_find, channels);
}

int tow_served_channels_keep(tow_served_channels *channels, const tow_handler_place *place,
    const tow_token_settings *settings, char why[TOW_HANDLER_TEXT_MAX]) {
    int error = tow_token_keeper_new(&channels->keeper, place, settings, why);
    channels->shared.keeper = tow_token_keeper_table(channels->keeper);
    return error;
}

void tow_served_channels_end(tow_served_channels *channels) {
    tow_token_keeper_free(channels->keeper);
    tow_channel_policies_free(channels->policies);
    channels->policies = NULL;
}
