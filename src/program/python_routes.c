#include "python_routes.h"

#include "python_file.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/log.h>

/* A file on its way; the plan is held. */
typedef struct loading {
    tow_served_config *served;
    tow_serving *serving;
    tow_route_plan *plan;
} loading;

static bool is_wanted(const loading *now) {
    return tow_route_plans_find(&now->served->plans, now->plan->path) == now->plan;
}

static void tell(const loading *now, const char *why) {
    tow_service_say(&now->serving->service, TOW_LOG_ERROR, "%s: %s", now->plan->label, why);
}

static void serve(const loading *now, const tow_handler *handler) {
    tow_route_plan_adopt(now->plan, handler);
    int error = tow_route_plan_serve(now->plan, now->serving->server);
    if (error != 0)
        tell(now, tow_strerror(error));
}

static void on_loaded(void *user, const tow_handler *handler, const char *why) {
    loading *now = user;
    now->plan->is_loading = false;
    if (handler == NULL)
        tell(now, why);
    else if (is_wanted(now))
        serve(now, handler);
    else
        handler->on_free(handler->free_user != NULL ? handler->free_user : handler->user);
    tow_route_plan_release(now->plan);
    free(now);
}

static const char *file_of(const tow_route_plan *plan) {
    return ((const tow_python_file_settings *)plan->handler.settings)->file;
}

static void load(tow_served_config *served, tow_serving *serving, tow_python *python, tow_route_plan *plan) {
    char why[TOW_HANDLER_TEXT_MAX];
    loading *now = malloc(sizeof(*now));
    if (now == NULL) {
        tow_service_say(
            &serving->service, TOW_LOG_ERROR, "%s: %s", plan->label, tow_strerror(TOW_ERROR_MEMORY));
        return;
    }
    *now = (loading){served, serving, tow_route_plan_retain(plan)};
    plan->is_loading = true;
    if (tow_python_load(python, file_of(plan), on_loaded, now, why) != 0)
        on_loaded(now, NULL, why);
}

void tow_python_routes_load(tow_served_config *served, tow_serving *serving, tow_python *python) {
    for (size_t i = 0; i < served->plans.count; i++) {
        tow_route_plan *plan = served->plans.items[i];
        if (tow_route_plan_is_late(plan) && !plan->is_loading)
            load(served, serving, python, plan);
    }
}

void tow_python_routes_compile(const tow_served_config *served, tow_serving *serving) {
    const tow_python_settings *settings = &serving->service.settings->python;
    char why[TOW_HANDLER_TEXT_MAX];
    for (size_t i = 0; i < served->plans.count; i++) {
        tow_route_plan *plan = served->plans.items[i];
        if (tow_route_plan_is_late(plan) &&
            tow_python_compile(settings, serving->service.loop, file_of(plan), why) != 0)
            tell(&(loading){.serving = serving, .plan = plan}, why);
    }
}
