#include "config_take.h"

#include "base/buffer.h"
#include "option_entry.h"
#include "suggest.h"

#include <string.h>
#include <towline/error.h>

typedef struct taking {
    tow_options *options;
    const tow_config_scope *scope;
    char *error;
} taking;

static bool is_among(const char *const *list, const char *text) {
    for (; list != NULL && *list != NULL; list++)
        if (strcmp(*list, text) == 0)
            return true;
    return false;
}

const char *tow_option_path_in(const tow_option *option, const char *text) {
    bool is_unix = strncmp(text, "unix:", 5) == 0;
    switch (option->path) {
    case TOW_OPTION_PATH:
        return text;
    case TOW_OPTION_UNIX_PATH:
        return is_unix ? text + 5 : NULL;
    case TOW_OPTION_COMMAND_PATH:
        return strchr(text, '/') != NULL ? text : NULL;
    case TOW_OPTION_NO_PATH:
        break;
    }
    return NULL;
}

/* The text as the option has it from then on. Errors: MEMORY. */
static int text_make(const taking *now, const tow_option *option, const char *text, tow_buffer *out) {
    const char *path = tow_option_path_in(option, text);
    const char *folder = now->scope->folder;
    bool is_off = option->off != NULL && strcmp(text, "off") == 0;
    bool is_relative = !is_off && path != NULL && path[0] != '\0' && path[0] != '/' && folder[0] != '\0';
    int problem = !is_relative ? tow_buffer_append_text(out, text)
                               : tow_buffer_append_format(out, "%.*s%s%s%s", (int)(path - text), text, folder,
                                     folder[strlen(folder) - 1] == '/' ? "" : "/", path);
    return problem != 0 ? problem : tow_buffer_append(out, "", 1);
}

static int text_give(
    const taking *now, const tow_option *option, const tow_config_node *place, const char *text) {
    const tow_option_source source = {now->scope->file, place->line, place->column};
    tow_buffer made = {0};
    int problem = text_make(now, option, text, &made);
    if (problem != 0)
        tow_option_complain(now->error, "%.100s: %s", now->scope->file, tow_strerror(problem));
    else
        problem = tow_options_take(now->options, option->name, (const char *)made.data, source, now->error);
    tow_buffer_clear(&made);
    return problem;
}

static int complain_of_type(const taking *now, const tow_option *option, const tow_config_node *value) {
    const char *wanted = option->kind != TOW_OPTION_LIST ? "one value"
                         : option->pair != NULL          ? "a map of names and values"
                                                         : "a value or a list of them";
    if (value->type == TOW_CONFIG_NOTHING)
        return tow_config_complain(now->error, now->scope->file, value, "%s: it has no value%s%s",
            option->name, option->value != NULL ? ": " : "", option->value != NULL ? option->value : "");
    return tow_config_complain(now->error, now->scope->file, value, "%s: it takes %s, not %s", option->name,
        wanted, tow_config_type_name(value->type));
}

/* "NAME: VALUE", say. */
static int pair_give(const taking *now, const tow_option *option, const tow_config_node *value) {
    tow_buffer text = {0};
    if (value->type != TOW_CONFIG_TEXT)
        return complain_of_type(now, option, value);
    int problem = tow_buffer_append_format(&text, "%s%s%s", value->key->text, option->pair, value->text);
    if (problem == 0)
        problem = tow_buffer_append(&text, "", 1);
    if (problem != 0)
        tow_option_complain(now->error, "%.100s: %s", now->scope->file, tow_strerror(problem));
    else
        problem = text_give(now, option, value->key, (const char *)text.data);
    tow_buffer_clear(&text);
    return problem;
}

static int pairs_give(const taking *now, const tow_option *option, const tow_config_node *map) {
    int problem = 0;
    for (const tow_config_node *value = map->first; problem == 0 && value != NULL; value = value->next)
        problem = pair_give(now, option, value);
    return problem;
}

static int item_give(const taking *now, const tow_option *option, const tow_config_node *item) {
    if (item->type == TOW_CONFIG_MAP && option->pair != NULL)
        return pairs_give(now, option, item);
    return item->type == TOW_CONFIG_TEXT ? text_give(now, option, item, item->text)
                                         : complain_of_type(now, option, item);
}

static int list_give(const taking *now, const tow_option *option, const tow_config_node *value) {
    int problem = 0;
    if (value->type != TOW_CONFIG_LIST)
        return item_give(now, option, value);
    if (value->first == NULL)
        return tow_config_complain(
            now->error, now->scope->file, value, "%s: an empty list: leave the key away", option->name);
    for (const tow_config_node *item = value->first; problem == 0 && item != NULL; item = item->next)
        problem = item_give(now, option, item);
    return problem;
}

static int value_give(const taking *now, const tow_option *option, const tow_config_node *value) {
    if ((option->needs & TOW_OPTION_NEEDS_COMMAND_LINE) != 0)
        return tow_config_complain(
            now->error, now->scope->file, value->key, "%s: only on the command line", option->name);
    if (option->kind == TOW_OPTION_LIST)
        return list_give(now, option, value);
    return value->type == TOW_CONFIG_TEXT ? text_give(now, option, value, value->text)
                                          : complain_of_type(now, option, value);
}

/* The nearest of all keys that may stand there. */
static const char *suggestion(const taking *now, const char *const *besides, const char *word) {
    enum { NAMES_MAX = 160 };
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < now->options->count && count < NAMES_MAX; i++) {
        const tow_option *option = &now->options->entries[i].option;
        if (option->name != NULL && (option->needs & TOW_OPTION_NEEDS_COMMAND_LINE) == 0)
            names[count++] = option->name;
    }
    for (; besides != NULL && *besides != NULL && count < NAMES_MAX; besides++)
        names[count++] = *besides;
    return tow_suggest(word, names, count);
}

static int complain_of_key(const taking *now, const char *const *besides, const tow_config_node *key) {
    const char *nearest = suggestion(now, besides, key->text);
    return tow_config_complain(now->error, now->scope->file, key, "no key %.60s here%s%s%s", key->text,
        nearest != NULL ? "; did you mean " : "", nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
}

int tow_config_take(tow_options *options, const tow_config_node *map, const tow_config_scope *scope,
    const char *const *besides, char error[TOW_OPTIONS_ERROR_MAX]) {
    const taking now = {options, scope, error};
    int problem = 0;
    for (const tow_config_node *value = map->first; problem == 0 && value != NULL; value = value->next) {
        const char *name = value->key->text;
        if (is_among(besides, name))
            continue;
        const tow_option_entry *entry = tow_option_entry_by_name(options, name, strlen(name));
        problem = entry != NULL ? value_give(&now, &entry->option, value)
                                : complain_of_key(&now, besides, value->key);
    }
    return problem;
}

int tow_config_take_value(tow_options *options, const char *name, const tow_config_node *value,
    const tow_config_scope *scope, char error[TOW_OPTIONS_ERROR_MAX]) {
    const taking now = {options, scope, error};
    return value_give(&now, &tow_option_entry_by_name(options, name, strlen(name))->option, value);
}
