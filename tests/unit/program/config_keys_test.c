/* Every option of `towline serve`, of each kind of route and of routes is a key of a configuration file. */
#include "../unit.h"

#include "config_routes.h"
#include "option_entry.h"
#include "option_table.h"

#include <towline/error.h>

static const tow_config_scope scope = {"a.yaml", ""};

/* Something that the row takes. */
static const char *sample_of(const tow_option *option) {
    static const char *const texts[] = {"example", "example.org", "https://example.org", "10.0.0.1", "9998",
        "/there", "tcp:localhost:22", "A: b", "/: b", "utf-8"};
    static char number[32];
    if (option->kind == TOW_OPTION_FLAG)
        return "true";
    if (option->kind == TOW_OPTION_CHOICE)
        return option->choices[0].name;
    if (option->kind != TOW_OPTION_TEXT && option->kind != TOW_OPTION_LIST) {
        snprintf(number, sizeof(number), "%lld", (long long)option->minimum);
        return number;
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (option->check == NULL || option->check(texts[i]) == 0)
            return texts[i];
    fail_msg("no sample for %s", option->name);
    return NULL;
}

/* Of those that contradict each other some are given the first time, and the others the second. */
typedef enum given_turn { WITH_WORKER, WITHOUT_WORKER } given_turn;

static bool is_given(const tow_option *option, given_turn turn) {
    if (option->name == NULL || (option->needs & TOW_OPTION_NEEDS_COMMAND_LINE) != 0)
        return false;
    if (turn == WITH_WORKER)
        return option->not_with == NULL;
    return strcmp(option->name, "worker") != 0 &&
           (option->only_with == NULL || strcmp(option->only_with, "worker") != 0);
}

static size_t keys_write(
    char *out, size_t size, const tow_command *command, const char *indent, given_turn turn) {
    tow_option option;
    size_t used = 0;
    for (size_t i = 0; tow_command_option(command, i, &option); i++) {
        if (!is_given(&option, turn))
            continue;
        used += (size_t)snprintf(out + used, size - used,
            option.kind == TOW_OPTION_LIST ? "%s%s: ['%s']\n" : "%s%s: '%s'\n", indent, option.name,
            sample_of(&option));
    }
    return used;
}

static void all_were_given(const tow_options *options, given_turn turn) {
    for (size_t i = 0; i < options->count; i++) {
        const tow_option *option = &options->entries[i].option;
        if (is_given(option, turn) && !options->entries[i].given)
            fail_msg("%s was not taken", option->name);
    }
}

static void every_option_of_serve_is_a_key(void **state) {
    (void)state;
    char text[8192];
    char error[TOW_OPTIONS_ERROR_MAX] = "";
    tow_options options;
    tow_config_tree tree;
    size_t length = keys_write(text, sizeof(text), &tow_serve_command, "", WITH_WORKER);
    assert_int_equal(tow_options_init(&options, &tow_serve_command), 0);
    assert_int_equal(tow_config_tree_read(&tree, "a.yaml", text, length, error), 0);
    (void)tow_config_take(&options, tree.root, &scope, NULL, error);
    assert_string_equal(error, "");
    all_were_given(&options, WITH_WORKER);
    tow_config_tree_clear(&tree);
    tow_options_clear(&options);
}

static void route_takes_all(const tow_route_kind *kind, const tow_command *command, given_turn turn) {
    char text[8192];
    char error[TOW_OPTIONS_ERROR_MAX] = "";
    tow_config_tree tree;
    tow_route_plans plans = {0};
    size_t used = (size_t)snprintf(text, sizeof(text), "routes:\n - path: /a\n   %s:\n", kind->kind->name);
    used += keys_write(text + used, sizeof(text) - used, command, "     ", turn);
    snprintf(text + used, sizeof(text) - used, "   host: [example.org]\n");
    assert_int_equal(tow_config_tree_read(&tree, "a.yaml", text, strlen(text), error), 0);
    (void)tow_config_routes_read(&plans, tow_config_find(tree.root, "routes"), &scope, error);
    assert_string_equal(error, "");
    all_were_given(&plans.items[0]->handler, turn);
    tow_route_plans_clear(&plans);
    tow_config_tree_clear(&tree);
}

static void every_option_of_a_kind_is_a_key_of_it(void **state) {
    (void)state;
    for (const tow_route_kind *kind = tow_route_kinds; kind->kind != NULL; kind++) {
        tow_route_plan *plan;
        assert_int_equal(tow_route_plan_new(&plan, "/a", kind), 0);
        route_takes_all(kind, &plan->command, WITH_WORKER);
        route_takes_all(kind, &plan->command, WITHOUT_WORKER);
        tow_route_plan_release(plan);
    }
}

/* What an option means nothing without. */
static const char *companion_of(const char *name) {
    if (strcmp(name, "auth-seconds") == 0)
        return ", auth-url: 'https://example.org'";
    return strcmp(name, "auth-cookie") == 0 ? ", basic-auth: users" : "";
}

/* But for those that contradict each other, which are left to the route's own test. */
static void every_option_of_routes_is_a_key(void **state) {
    (void)state;
    tow_option option;
    for (size_t i = 0; tow_command_option(&tow_route_command, i, &option); i++) {
        char text[200];
        char error[TOW_OPTIONS_ERROR_MAX] = "";
        tow_config_tree tree;
        tow_route_plans plans = {0};
        snprintf(text, sizeof(text), "routes: [{path: /a, echo: , %s: '%s'%s}]", option.name,
            sample_of(&option), companion_of(option.name));
        assert_int_equal(tow_config_tree_read(&tree, "a.yaml", text, strlen(text), error), 0);
        (void)tow_config_routes_read(&plans, tow_config_find(tree.root, "routes"), &scope, error);
        assert_string_equal(error, "");
        assert_non_null(tow_options_source(&plans.items[0]->route, option.name));
        tow_route_plans_clear(&plans);
        tow_config_tree_clear(&tree);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_of_serve_is_a_key),
        cmocka_unit_test(every_option_of_a_kind_is_a_key_of_it),
        cmocka_unit_test(every_option_of_routes_is_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
