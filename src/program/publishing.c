#include "publishing.h"

#include "handler/publish_key.h"
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

static bool is_publishing(const tow_route_plan *plan) {
    return plan->kind->kind == &tow_publish_kind;
}

/* What the server's options say of publishing is said of a route that does not say it. */
static int options_complete(
    tow_route_plan *plan, const tow_options *options, char error[TOW_OPTIONS_ERROR_MAX]) {
    static const char *const names[][2] = {
        {"publish-key", "key"}, {"publish-max", "max"}, {"publish-repeats", "repeats"}};
    const tow_publish_settings *settings = &((const tow_serve_settings *)options->settings)->publish;
    char size[24], repeats[24];
    snprintf(size, sizeof(size), "%lld", (long long)settings->max_body);
    snprintf(repeats, sizeof(repeats), "%d", settings->repeats);
    const char *const texts[] = {settings->key, size, repeats};
    int problem = 0;
    for (size_t i = 0; problem == 0 && i < sizeof(texts) / sizeof(texts[0]); i++) {
        const tow_option_source *source = tow_options_source(options, names[i][0]);
        if (source != NULL && !tow_options_gave(&plan->handler, names[i][1]))
            problem = tow_options_take(&plan->handler, names[i][1], texts[i], *source, error);
    }
    const tow_option named = {.name = names[0][0]};
    const tow_option_source *source = tow_options_source(options, named.name);
    if (plan->label[0] == '\0' && source != NULL)
        tow_option_label(&named, source, plan->label); /* so that what is wrong with the key names it */
    return problem;
}

/* What is below a prefix is about a channel, and what stands before the slash about all. */
static int path_add(const tow_route_plans *plans, tow_route_plan *plan) {
    size_t length = strlen(plan->path);
    if (length < 4 || strcmp(plan->path + length - 2, "/*") != 0)
        return 0;
    char *path = strndup(plan->path, length - 2);
    int problem = path == NULL ? TOW_ERROR_MEMORY : 0;
    if (problem == 0 && tow_route_plans_find(plans, path) == NULL)
        problem = tow_route_plan_add_path(plan, path);
    free(path);
    return problem;
}

int tow_publishing_complete(
    const tow_route_plans *plans, const tow_options *options, char error[TOW_OPTIONS_ERROR_MAX]) {
    int problem = 0;
    for (size_t i = 0; problem == 0 && i < plans->count; i++) {
        tow_route_plan *plan = plans->items[i];
        if (!is_publishing(plan))
            continue;
        problem = options_complete(plan, options, error);
        if (problem == 0)
            problem = path_add(plans, plan);
    }
    return problem;
}

static bool has_own_key(const tow_route_plans *plans) {
    for (size_t i = 0; i < plans->count; i++)
        if (is_publishing(plans->items[i]) && !tow_options_gave(&plans->items[i]->handler, "key"))
            return true;
    return false;
}

void tow_publishing_announce(tow_service *service, const tow_route_plans *plans) {
    char why[TOW_HANDLER_TEXT_MAX];
    if (!has_own_key(plans))
        return;
    char *path = tow_publish_key_path(why);
    if (path != NULL && tow_publish_key_make(path, why) == 0)
        tow_service_say(service, TOW_LOG_NOTICE, "towline: the key for publishing is in %s", path);
    else
        tow_service_say(service, TOW_LOG_WARNING, "publishing is refused: %s", why);
    free(path);
}

void tow_publishing_key_look(tow_secret_files *files, const tow_route_plans *plans) {
    char why[TOW_HANDLER_TEXT_MAX];
    char *path = has_own_key(plans) ? tow_publish_key_path(why) : NULL;
    if (path != NULL)
        tow_secret_file_look(files, "the key for publishing", path, false);
    free(path);
}
