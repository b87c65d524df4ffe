/* Every allocation of reading and printing a configuration may fail: the error says so, and nothing leaks. */
#include "../unit.h"

#include "../allocation.h"
#include "config_print.h"
#include "config_routes.h"
#include "option_table.h"

#include <towline/error.h>

static const char text[] = "port: [80, unix:a]\n"
                           "allow-origin: https://a.example\n"
                           "max-message: 1K\n"
                           "log-file: a.log\n"
                           "routes:\n"
                           "  - {path: /e, echo: , host: [a, b], fields: {A: b, C: d}}\n"
                           "  - {path: /f/*, files: public}\n"
                           "  - {path: /r, respond: {body: hello, fields: [{A: b}]}}\n";

static int take(tow_options *options, tow_route_plans *plans, char error[TOW_OPTIONS_ERROR_MAX]) {
    static const char *const besides[] = {"routes", NULL};
    static const tow_config_scope scope = {"a.yaml", "/there"};
    tow_config_tree tree;
    int problem = tow_config_tree_read(&tree, "a.yaml", text, strlen(text), error);
    if (problem == 0)
        problem = tow_config_take(options, tree.root, &scope, besides, error);
    if (problem == 0)
        problem = tow_config_routes_read(plans, tow_config_find(tree.root, "routes"), &scope, error);
    tow_config_tree_clear(&tree);
    return problem;
}

static int read_and_print(char error[TOW_OPTIONS_ERROR_MAX]) {
    tow_options options;
    tow_route_plans plans = {0};
    tow_buffer out = {0};
    int problem = tow_options_init(&options, &tow_serve_command);
    if (problem != 0)
        return problem;
    problem = take(&options, &plans, error);
    if (problem != 0 && strstr(error, "out of memory") == NULL)
        fail_msg("%d: %s", problem, error);
    if (problem == 0)
        problem = tow_config_print(&out, &options, &plans);
    tow_buffer_clear(&out);
    tow_route_plans_clear(&plans);
    tow_options_clear(&options);
    return problem;
}

static void without_memory_nothing_is_read_and_nothing_leaks(void **state) {
    (void)state;
    char error[TOW_OPTIONS_ERROR_MAX];
    long before = allocation_outstanding();
    allocation_fail_at(0);
    assert_int_equal(read_and_print(error), 0);
    size_t count = allocation_count();
    assert_true(count > 100);
    for (size_t i = 1; i <= count; i++) {
        allocation_fail_at(i);
        assert_int_equal(read_and_print(error), TOW_ERROR_MEMORY);
        assert_int_equal(allocation_outstanding(), before);
    }
    allocation_fail_at(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_nothing_is_read_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
