#include "config_print.h"

#include "option_effect.h"
#include "option_entry.h"
#include "pusher_apps.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <towline/error.h>
#include <towline/message.h>
#include <unistd.h>

typedef struct printing {
    tow_buffer *out;
    const tow_options *options;
    char folder[PATH_MAX]; /* where we are */
} printing;

/* Values. */

/* A text in double quotes: what can't stand there is escaped (YAML 1.1, section 5.6). */
static int quoted_append(tow_buffer *out, const char *text) {
    int error = tow_buffer_append_text(out, "\"");
    for (const unsigned char *at = (const unsigned char *)text; error == 0 && *at != '\0'; at++) {
        bool is_high_control = at[0] == 0xC2 && at[1] < 0xA0;
        if (*at == '"' || *at == '\\')
            error = tow_buffer_append_format(out, "\\%c", *at);
        else if (*at < ' ' || *at == 0x7F)
            error = tow_buffer_append_format(out, "\\x%02X", *at);
        else if (is_high_control)
            error = tow_buffer_append_format(out, "\\x%02X", *++at);
        else
            error = tow_buffer_append(out, at, 1);
    }
    return error != 0 ? error : tow_buffer_append_text(out, "\"");
}

/* A relative path stands in no file: it was given on the command line. */
static int text_append(const printing *now, const tow_option *option, const char *text) {
    const char *path = tow_option_path_in(option, text);
    bool is_off = option->off != NULL && strcmp(text, "off") == 0;
    tow_buffer whole = {0};
    if (is_off || path == NULL || path[0] == '/' || path[0] == '\0')
        return quoted_append(now->out, text);
    int error = tow_buffer_append_format(&whole, "%.*s%s/%s", (int)(path - text), text, now->folder, path);
    if (error == 0)
        error = tow_buffer_append(&whole, "", 1);
    if (error == 0)
        error = quoted_append(now->out, (const char *)whole.data);
    tow_buffer_clear(&whole);
    return error;
}

static int list_append(const printing *now, const tow_option *option) {
    const char *const *list = tow_option_list_of(now->options, option);
    int error = tow_buffer_append_text(now->out, "[");
    for (size_t i = 0; error == 0 && list[i] != NULL; i++) {
        if (i > 0)
            error = tow_buffer_append_text(now->out, ", ");
        if (error == 0)
            error = text_append(now, option, list[i]);
    }
    return error != 0 ? error : tow_buffer_append_text(now->out, "]");
}

/* The largest unit of which it is a multiple. */
static int size_append(tow_buffer *out, int64_t bytes) {
    static const char *const units[] = {"", "K", "M", "G", "T"};
    size_t unit = 0;
    for (; unit < 4 && bytes != 0 && bytes % 1024 == 0; unit++)
        bytes /= 1024;
    return tow_buffer_append_format(out, "%lld%s", (long long)bytes, units[unit]);
}

static int seconds_append(tow_buffer *out, int64_t nanoseconds) {
    const int64_t second = INT64_C(1000000000);
    if (nanoseconds % second == 0)
        return tow_buffer_append_format(out, "%lld", (long long)(nanoseconds / second));
    return tow_buffer_append_format(
        out, "%lld.%09lld", (long long)(nanoseconds / second), (long long)(nanoseconds % second));
}

static const char *choice_name(const printing *now, const tow_option *option) {
    const tow_option_choice *choice = option->choices;
    while (choice->name != NULL && choice->value != tow_option_number(now->options, option))
        choice++;
    return choice->name;
}

static int number_append(const printing *now, const tow_option *option) {
    int64_t number = tow_option_number(now->options, option);
    if (option->off != NULL && number == TOW_OFF)
        return tow_buffer_append_text(now->out, "off");
    if (option->kind == TOW_OPTION_SIZE)
        return size_append(now->out, number);
    if (option->kind == TOW_OPTION_DURATION)
        return seconds_append(now->out, number);
    return tow_buffer_append_format(now->out, "%lld", (long long)number);
}

static int value_append(const printing *now, const tow_option *option) {
    switch (option->kind) {
    case TOW_OPTION_FLAG:
        return tow_buffer_append_text(now->out, tow_option_flag_of(now->options, option) ? "true" : "false");
    case TOW_OPTION_TEXT:
        return text_append(now, option, tow_option_text_of(now->options, option));
    case TOW_OPTION_LIST:
        return list_append(now, option);
    case TOW_OPTION_CHOICE:
        return tow_buffer_append_text(now->out, choice_name(now, option));
    case TOW_OPTION_NUMBER:
    case TOW_OPTION_SIZE:
    case TOW_OPTION_DURATION:
    case TOW_OPTION_REFUSED:
        break;
    }
    return number_append(now, option);
}

/* Options. */

/* Whether there is one value that holds. */
static bool has_value(const printing *now, const tow_option *option) {
    if (option->kind == TOW_OPTION_TEXT)
        return tow_option_text_of(now->options, option) != NULL;
    if (option->kind == TOW_OPTION_LIST)
        return tow_option_list_of(now->options, option) != NULL;
    return option->kind == TOW_OPTION_FLAG || option->fallback != NULL ||
           tow_options_gave(now->options, option->name);
}

static int source_append(tow_buffer *out, const tow_option_source *source) {
    if (source == NULL)
        return tow_buffer_append_text(out, "  # default\n");
    if (source->file == NULL)
        return tow_buffer_append_text(out, "  # command line\n");
    return tow_buffer_append_format(out, "  # %s:%zu\n", source->file, source->line);
}

static int option_print(const printing *now, const tow_option *option, const char *indent) {
    int error = tow_buffer_append_format(now->out, "%s%s: ", indent, option->name);
    if (error == 0)
        error = value_append(now, option);
    return error != 0 ? error : source_append(now->out, tow_options_source(now->options, option->name));
}

static bool is_key(const tow_option *option) {
    return option->name != NULL && (option->needs & TOW_OPTION_NEEDS_COMMAND_LINE) == 0;
}

static int all_print(const printing *now) {
    int error = 0;
    for (size_t i = 0; error == 0 && i < now->options->count; i++) {
        const tow_option *option = &now->options->entries[i].option;
        if (!is_key(option))
            continue;
        if (has_value(now, option))
            error = option_print(now, option, "");
        else
            error = tow_buffer_append_format(now->out, "# %s:  # default: %s\n", option->name,
                option->note != NULL ? option->note : "none");
    }
    return error;
}

/* Routes. */

static int given_print(printing *now, const tow_options *options, bool defaults_too, const char *indent) {
    int error = 0;
    now->options = options;
    for (size_t i = 0; error == 0 && i < options->count; i++) {
        const tow_option *option = &options->entries[i].option;
        if (has_value(now, option) && tow_option_has_effect(options, option) &&
            (defaults_too || options->entries[i].given))
            error = option_print(now, option, indent);
    }
    return error;
}

static int route_print(printing *now, const tow_route_plan *plan) {
    int error = tow_buffer_append_text(now->out, "  - path: ");
    if (error == 0)
        error = quoted_append(now->out, plan->path);
    if (error == 0)
        error = tow_buffer_append_format(now->out, "  # %s\n    %s:%s\n", plan->label, plan->kind->kind->name,
            plan->kind->text == NULL ? " true" : "");
    if (error == 0)
        error = given_print(now, &plan->handler, true, "      ");
    return error != 0 ? error : given_print(now, &plan->route, false, "    ");
}

static int routes_print(printing *now, const tow_route_plans *plans) {
    size_t count = 0;
    int error = tow_buffer_append_text(now->out, "routes:");
    for (size_t i = 0; error == 0 && i < plans->count; i++) {
        if (plans->items[i]->is_implied)
            continue;
        error = tow_buffer_append_text(now->out, count++ == 0 ? "\n" : "");
        if (error == 0)
            error = route_print(now, plans->items[i]);
    }
    return error != 0 || count > 0 ? error : tow_buffer_append_text(now->out, " []\n");
}

static int apps_print(printing *now, const tow_route_plans *plans) {
    size_t count = 0;
    int error = 0;
    for (size_t i = 0; error == 0 && i < plans->count; i++) {
        const tow_route_plan *plan = plans->items[i];
        if (!tow_route_plan_is_pusher_app(plan))
            continue;
        error =
            tow_buffer_append_format(now->out, "%s  -  # %s\n", count++ == 0 ? "pusher:\n" : "", plan->label);
        if (error == 0)
            error = given_print(now, &plan->handler, true, "    ");
        if (error == 0)
            error = given_print(now, &plan->route, false, "    ");
    }
    return error;
}

int tow_config_print(tow_buffer *out, const tow_options *options, const tow_route_plans *plans) {
    printing now = {.out = out, .options = options};
    if (getcwd(now.folder, sizeof(now.folder)) == NULL)
        return TOW_ERROR_SYSTEM;
    int error = all_print(&now);
    if (error == 0 && plans->given)
        error = routes_print(&now, plans);
    return error != 0 ? error : apps_print(&now, plans);
}

/* Items. */

static int item_print(printing *now, const tow_options *item) {
    const tow_option *name = &item->entries[0].option;
    int error;
    now->options = item;
    error = tow_buffer_append_format(now->out, "  - %s: ", name->name);
    if (error == 0)
        error = value_append(now, name);
    if (error == 0)
        error = source_append(now->out, tow_options_source(item, name->name));
    for (size_t i = 1; error == 0 && i < item->count; i++) {
        const tow_option *option = &item->entries[i].option;
        if (has_value(now, option) && tow_option_has_effect(item, option))
            error = option_print(now, option, "    ");
    }
    return error;
}

int tow_config_print_items(tow_buffer *out, const char *key, const tow_config_items *items) {
    printing now = {.out = out};
    if (items->count == 0)
        return 0;
    if (getcwd(now.folder, sizeof(now.folder)) == NULL)
        return TOW_ERROR_SYSTEM;
    int error = tow_buffer_append_format(out, "%s:\n", key);
    for (size_t i = 0; error == 0 && i < items->count; i++)
        error = item_print(&now, items->items[i]);
    return error;
}
