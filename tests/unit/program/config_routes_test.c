#include "../unit.h"

#include "config_routes.h"
#include "handler/channel.h"
#include "handler/files.h"
#include "handler/redirect.h"
#include "handler/respond.h"
#include "option_same.h"

#include <towline/error.h>

static const tow_config_scope scope = {"a.yaml", "/etc/towline"};

static int read_routes(tow_route_plans *plans, const char *text, char error[TOW_OPTIONS_ERROR_MAX]) {
    tow_config_tree tree;
    *plans = (tow_route_plans){0};
    error[0] = '\0';
    assert_int_equal(tow_config_tree_read(&tree, "a.yaml", text, strlen(text), error), 0);
    int problem = tow_config_routes_read(plans, tow_config_find(tree.root, "routes"), &scope, error);
    tow_config_tree_clear(&tree);
    return problem;
}

static tow_route_plans read_well(const char *text) {
    tow_route_plans plans;
    char error[TOW_OPTIONS_ERROR_MAX];
    int problem = read_routes(&plans, text, error);
    assert_string_equal(error, "");
    assert_int_equal(problem, 0);
    assert_true(plans.given);
    return plans;
}

static const tow_route_settings *route_of(const tow_route_plan *plan) {
    return plan->route.settings;
}

static void a_route_is_a_path_a_kind_and_what_is_set(void **state) {
    (void)state;
    tow_route_plans plans = read_well("routes:\n"
                                      "  - path: /e\n"
                                      "    echo: true\n"
                                      "    allow-origin: [https://a.example, null]\n"
                                      "    host: b.example\n"
                                      "    subprotocol: [x, y]\n"
                                      "    max-message: 1K\n"
                                      "    idle-seconds: off\n"
                                      "    compression: off\n"
                                      "    fields: {A: b}\n"
                                      "    keep-request: true\n"
                                      "  - {path: /f/*, files: public, any-origin: true}\n");
    assert_int_equal(plans.count, 2);
    const tow_route_plan *echo = tow_route_plans_find(&plans, "/e");
    assert_ptr_equal(echo, plans.items[0]);
    assert_string_equal(echo->kind->kind->name, "echo");
    assert_string_equal(echo->label, "a.yaml:3:11: echo");
    assert_string_equal(route_of(echo)->allow_origins[0], "https://a.example");
    assert_string_equal(route_of(echo)->hosts[0], "b.example");
    assert_string_equal(route_of(echo)->protocols[1], "y");
    assert_string_equal(route_of(echo)->fields[0], "A: b");
    assert_true(route_of(echo)->keep_request);
    assert_int_equal(route_of(echo)->limits.max_message, 1024);
    assert_int_equal(route_of(echo)->limits.idle_seconds, TOW_OFF);
    assert_int_equal(route_of(echo)->limits.compression, TOW_COMPRESSION_OFF);
    assert_int_equal(route_of(echo)->limits.max_queue, 0); /* what is not set is the server's */
    const tow_route_plan *files = tow_route_plans_find(&plans, "/f/*");
    assert_string_equal(((const tow_files_settings *)files->handler.settings)->root, "/etc/towline/public");
    assert_true(route_of(files)->any_origin);
    assert_int_equal(route_of(files)->limits.max_message, 0);
    assert_null(tow_route_plans_find(&plans, "/f"));
    tow_route_plans_clear(&plans);
}

static void a_text_stands_for_the_option_that_a_kind_needs_most(void **state) {
    (void)state;
    tow_route_plans plans = read_well("routes:\n"
                                      "  - {path: /a, respond: hello}\n"
                                      "  - {path: /b, respond: {body: hello}}\n"
                                      "  - {path: /c, redirect: /a}\n"
                                      "  - {path: /d, redirect: {target: /a, status: 308}}\n"
                                      "  - {path: /e, echo: }\n");
    const tow_respond_settings *one = plans.items[0]->handler.settings;
    const tow_respond_settings *other = plans.items[1]->handler.settings;
    assert_string_equal(one->body, "hello");
    assert_string_equal(other->body, "hello");
    assert_int_equal(one->status, 200); /* a kind's own defaults are set */
    assert_true(tow_options_are_same(&plans.items[0]->handler, &plans.items[1]->handler));
    assert_string_equal(((const tow_redirect_settings *)plans.items[2]->handler.settings)->target, "/a");
    assert_int_equal(((const tow_redirect_settings *)plans.items[3]->handler.settings)->status, 308);
    tow_route_plans_clear(&plans);
}

static const char *channel_of(const char *route) {
    static char name[40];
    char text[200];
    snprintf(text, sizeof(text), "routes:\n  - {path: /c/*, channel: %s}\n", route);
    tow_route_plans plans = read_well(text);
    const char *given = ((const tow_channel_door_settings *)plans.items[0]->handler.settings)->name;
    snprintf(name, sizeof(name), "%s", given != NULL ? given : "");
    tow_route_plans_clear(&plans);
    return name;
}

static void true_is_no_text_where_none_has_to_stand(void **state) {
    (void)state;
    assert_string_equal(channel_of("true"), "");
    assert_string_equal(channel_of(""), "");
    assert_string_equal(channel_of("{}"), "");
    assert_string_equal(channel_of("live/"), "live/");
    assert_string_equal(channel_of("{name: true}"), "true");
    assert_string_equal(channel_of("truer"), "truer");
}

static void no_routes_are_a_list_as_well(void **state) {
    (void)state;
    tow_route_plans plans = read_well("routes: []\n");
    assert_int_equal(plans.count, 0);
    tow_route_plans_clear(&plans);
}

static bool are_same(const char *one, const char *other) {
    char text[400];
    snprintf(text, sizeof(text), "routes: [%s]\n", one);
    tow_route_plans first = read_well(text);
    snprintf(text, sizeof(text), "# elsewhere\nroutes:\n  - %s\n", other);
    tow_route_plans second = read_well(text);
    bool same = tow_route_plans_are_same(first.items[0], second.items[0]);
    tow_route_plans_clear(&first);
    tow_route_plans_clear(&second);
    return same;
}

static void routes_are_the_same_wherever_they_stand(void **state) {
    (void)state;
    assert_true(are_same("{path: /a, respond: x}", "{respond: {body: x, status: 200}, path: /a}"));
    assert_true(are_same("{path: /a, echo: , max-message: 1K}", "{path: /a, echo: true, max-message: 1024}"));
    assert_true(are_same("{path: /a, echo: , host: [a, b]}", "{path: /a, echo: , host: [a, b]}"));
    assert_false(are_same("{path: /a, echo: }", "{path: /b, echo: }"));
    assert_false(are_same("{path: /a, echo: }", "{path: /a, console: }"));
    assert_false(are_same("{path: /a, respond: x}", "{path: /a, respond: y}"));
    assert_false(are_same("{path: /a, respond: x}", "{path: /a, respond: {body: x, type: text/html}}"));
    assert_false(are_same("{path: /a, echo: , host: [a, b]}", "{path: /a, echo: , host: [b, a]}"));
    assert_false(are_same("{path: /a, echo: , host: [a, b]}", "{path: /a, echo: , host: [a]}"));
    assert_false(are_same("{path: /a, echo: }", "{path: /a, echo: , any-origin: true}"));
    assert_false(are_same("{path: /a, echo: }", "{path: /a, echo: , idle-seconds: 3}"));
}

static void refuses(const char *route, const char *message) {
    tow_route_plans plans;
    char text[400];
    char error[TOW_OPTIONS_ERROR_MAX];
    snprintf(text, sizeof(text), "routes:\n  %s\n", route);
    assert_int_equal(read_routes(&plans, text, error), TOW_ERROR_ARGUMENT);
    assert_string_equal(error, message);
    tow_route_plans_clear(&plans);
}

static void what_is_wrong_is_told_with_its_place(void **state) {
    (void)state;
    refuses("{}", "a.yaml:2:3: routes: it takes a list of routes, not a map");
    refuses("- foo", "a.yaml:2:5: a route is a map, such as {path: /echo, echo: true}; this is a text");
    refuses("- {echo: }", "a.yaml:2:5: a route needs a path, such as path: /echo");
    refuses("- {path: , echo: }", "a.yaml:2:12: a route needs a path, such as path: /echo");
    refuses("- {path: [/x], echo: }",
        "a.yaml:2:12: path: '' is not a path such as /echo, or /files/* for all below");
    refuses("- {path: x, echo: }",
        "a.yaml:2:12: path: 'x' is not a path such as /echo, or /files/* for all below");
    refuses("- {path: /*x, echo: }",
        "a.yaml:2:12: path: '/*x' is not a path such as /echo, or /files/* for all below");
    refuses("- {path: /x, echo: }\n  - {path: /x, echo: }",
        "a.yaml:3:12: path: /x is served already: a.yaml:2:22: echo");
    refuses("- {path: /x, ecco: true}", "a.yaml:2:16: no key ecco here; did you mean echo?");
    refuses("- {path: /x, echo: , files: a}",
        "a.yaml:2:24: files: there is echo already, and a route has one of them");
    refuses("- {path: /x, echo: false}", "a.yaml:2:22: echo: it takes true, or a map of options, not false");
    refuses(
        "- {path: /x, echo: [true]}", "a.yaml:2:22: echo: it takes true, or a map of options, not a list");
    refuses("- {path: /x, channel: false}",
        "a.yaml:2:25: channel: it takes name, or a map of options, not false");
    refuses("- {path: /x, echo: {a: 1}}", "a.yaml:2:23: no key a here");
    refuses("- {path: /x, files: [a]}", "a.yaml:2:23: files: it takes root, or a map of options, not a list");
    refuses("- {path: /x, files: {rot: a}}", "a.yaml:2:24: no key rot here; did you mean root?");
    refuses("- {path: /x, echo: , max-mesage: 1}",
        "a.yaml:2:24: no key max-mesage here; did you mean max-message?");
    refuses("- {path: /x, echo: , workers: 1}", "a.yaml:2:24: no key workers here");
    refuses("- {path: /x, program: cat, environment: {A: b}}",
        "a.yaml:2:30: environment: this is an option of program: write program: {file: ..., environment: "
        "...}");
    refuses("- {path: /x, publish: true, key: a}",
        "a.yaml:2:31: key: this is an option of publish: write publish: {key: ...}");
    refuses("- {path: /x, echo: , max-message: 0}",
        "a.yaml:2:37: max-message: 0 is too little; at least 1, or off for no limit");
    refuses("- {path: /x, echo: , any-origin: true, allow-origin: '*'}",
        "a.yaml:2:36: any-origin: there is allow-origin already: leave one of the two away");
    refuses("- {path: /x, echo: , subprotocol: [a, a]}", "a.yaml:2:41: subprotocol: one stands twice");
    refuses("- {path: /x, echo: , overflow: drop-oldest, compression: takeover}",
        "a.yaml:2:34: overflow drop-oldest: with --compression takeover each message refers to those before: "
        "use --compression shared");
    refuses("- {path: /x, redirect: foo}",
        "a.yaml:2:26: target: 'foo' is not a URL such as https://example.org/new, or a path such as /new");
}

static void keys_without_effect_are_refused_with_what_they_need(void **state) {
    (void)state;
    refuses("- {path: /x, program: {file: cat, pool: 3}}",
        "a.yaml:2:43: pool: it has no effect without worker or url");
    refuses("- {path: /x, program: {file: cat, worker: false, affinity: path}}",
        "a.yaml:2:62: affinity: it has no effect without worker");
    refuses("- {path: /x, program: {file: cat, worker: true, mode: frames}}",
        "a.yaml:2:57: mode: it has no effect with worker");
    refuses("- {path: /x, program: {url: 'http://a/', worker: true}}",
        "a.yaml:2:52: worker: it has no effect without file");
    refuses("- {path: /x, program: {url: 'http://a/', arguments: [x]}}",
        "a.yaml:2:56: arguments: it has no effect without file");
    refuses("- {path: /x, program: {file: cat, secret: key}}",
        "a.yaml:2:45: secret: it has no effect without url");
    tow_route_plans plans = read_well("routes:\n"
                                      "  - {path: /a, program: {file: cat, mode: frames, max-seconds: 1}}\n"
                                      "  - {path: /b, program: {file: cat, worker: true, pool: 3}}\n"
                                      "  - {path: /c, program: {url: 'http://a/', pool: 3, secret: key}}\n");
    tow_route_plans_clear(&plans);
}

static void none_of_the_routes_has_a_kind(void **state) {
    (void)state;
    tow_route_plans plans;
    char error[TOW_OPTIONS_ERROR_MAX];
    assert_int_equal(read_routes(&plans, "routes:\n  - path: /x\n", error), TOW_ERROR_ARGUMENT);
    assert_non_null(strstr(error, "a.yaml:2:5: a route has one of echo, "));
    for (const tow_route_kind *row = tow_route_kinds; row->kind != NULL; row++)
        assert_non_null(strstr(error, row->kind->name));
    tow_route_plans_clear(&plans);
}

/* A row that names an option which a kind does not have is a slip of the pen. */
static void every_kind_has_the_option_that_its_text_sets(void **state) {
    (void)state;
    for (const tow_route_kind *row = tow_route_kinds; row->kind != NULL; row++) {
        const tow_option *option = row->kind->options;
        assert_ptr_equal(tow_route_kind_find(row->kind->name), row);
        while (row->text != NULL && strcmp(option->name, row->text) != 0) {
            option++;
            assert_non_null(option->name);
        }
        for (option = row->kind->options; option != NULL && option->name != NULL; option++)
            assert_true(option->offset + option->width <= row->settings_size);
    }
    assert_null(tow_route_kind_find("none"));
}

static void limits_that_are_set_take_the_place_of_others(void **state) {
    (void)state;
    tow_limits limits = {.max_message = 5, .idle_seconds = 6, .compression = TOW_COMPRESSION_SHARED};
    tow_limits_overlay(&limits, &(tow_limits){.max_message = TOW_OFF, .compression_min = 3});
    assert_int_equal(limits.max_message, TOW_OFF);
    assert_int_equal(limits.idle_seconds, 6);
    assert_int_equal(limits.compression, TOW_COMPRESSION_SHARED);
    assert_int_equal(limits.compression_min, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_is_a_path_a_kind_and_what_is_set),
        cmocka_unit_test(a_text_stands_for_the_option_that_a_kind_needs_most),
        cmocka_unit_test(true_is_no_text_where_none_has_to_stand),
        cmocka_unit_test(no_routes_are_a_list_as_well),
        cmocka_unit_test(routes_are_the_same_wherever_they_stand),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(keys_without_effect_are_refused_with_what_they_need),
        cmocka_unit_test(none_of_the_routes_has_a_kind),
        cmocka_unit_test(every_kind_has_the_option_that_its_text_sets),
        cmocka_unit_test(limits_that_are_set_take_the_place_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
