/* The kinds of handler, as the program meets them: by their tables. */
#include "../unit.h"

#include "handler/console.h"
#include "handler/echo.h"
#include "handler/files.h"
#include "handler/redirect.h"
#include "handler/respond.h"
#include "handler/tunnel.h"

#include <stdio.h>
#include <towline/error.h>

static const tow_handler_place nowhere = {0};

static void free_made(const tow_handler_kind *kind, const tow_handler *handler) {
    if (kind->free != NULL)
        kind->free(handler->user);
}

static void every_kind_makes_a_handler_that_does_something(void **state) {
    (void)state;
    static const tow_files_settings files = {.root = "/"};
    static const tow_tunnel_options tunnel = {.target = "exec:cat"};
    static const tow_redirect_settings redirect = {.target = "/", .status = 302};
    static const tow_respond_settings respond = {.status = 200};
    const struct {
        const tow_handler_kind *kind;
        const void *settings;
    } kinds[] = {{&tow_echo_kind, NULL}, {&tow_console_kind, NULL}, {&tow_files_kind, &files},
        {&tow_tunnel_kind, &tunnel}, {&tow_redirect_kind, &redirect}, {&tow_respond_kind, &respond}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        char why[TOW_HANDLER_TEXT_MAX];
        tow_handler handler = {0};
        assert_non_null(kinds[i].kind->name);
        assert_int_equal(kinds[i].kind->make(&handler, kinds[i].settings, &nowhere, why), 0);
        assert_true(handler.on_request != NULL || handler.on_message != NULL || handler.on_open != NULL);
        free_made(kinds[i].kind, &handler);
    }
}

static void refuses(const tow_handler_kind *kind, const void *settings, int error, const char *text) {
    char why[TOW_HANDLER_TEXT_MAX] = "";
    tow_handler handler = {0};
    assert_int_equal(kind->make(&handler, settings, &nowhere, why), error);
    assert_string_equal(why, text);
}

static void what_can_not_be_made_says_why(void **state) {
    (void)state;
    refuses(&tow_files_kind, &(tow_files_settings){.root = "/no/such/folder"}, TOW_ERROR_NAME_NOT_FOUND,
        "'/no/such/folder' is not a folder");
    refuses(&tow_files_kind, &(tow_files_settings){.root = "/dev/null"}, TOW_ERROR_ARGUMENT,
        "'/dev/null' is not a folder");
    refuses(&tow_files_kind, &(tow_files_settings){0}, TOW_ERROR_ARGUMENT, "say whose files: a root");
    refuses(&tow_tunnel_kind, &(tow_tunnel_options){0}, TOW_ERROR_ARGUMENT,
        "say where it leads: a target or a map");
    refuses(&tow_tunnel_kind, &(tow_tunnel_options){.target = "exec:cat", .map = "/dev/null"},
        TOW_ERROR_ARGUMENT, "a map takes the target's place: leave one of the two away");
    refuses(&tow_tunnel_kind, &(tow_tunnel_options){.target = "exec:cat", .lines = true, .text = true},
        TOW_ERROR_ARGUMENT, "the messages of lines are text: leave text away");
    refuses(&tow_tunnel_kind, &(tow_tunnel_options){.target = "localhost:22"}, TOW_ERROR_ARGUMENT,
        "'localhost:22': a target is tcp:HOST:PORT, unix:PATH or exec:COMMAND");
    refuses(&tow_tunnel_kind, &(tow_tunnel_options){.map = "/no/such/map"}, TOW_ERROR_SYSTEM,
        "/no/such/map: No such file or directory");
}

static void files_are_served_below_a_path(void **state) {
    (void)state;
    static const tow_files_settings files = {.root = "/"};
    char why[TOW_HANDLER_TEXT_MAX];
    tow_handler handler;
    assert_int_equal(tow_files_kind.make(&handler, &files, &(tow_handler_place){.path = "/docs/*"}, why), 0);
    free_made(&tow_files_kind, &handler);
    assert_int_equal(tow_files_kind.make(&handler, &files, &(tow_handler_place){.path = "/docs"}, why),
        TOW_ERROR_ARGUMENT);
    assert_string_equal(why, "a folder is served below a path: write /docs/*");
}

static void a_tunnel_in_a_route_has_limits_and_subprotocols_of_its_own(void **state) {
    (void)state;
    static const char *const protocols[] = {"mqtt", NULL};
    static const tow_tunnel_options tunnel = {.target = "tcp:localhost:22"};
    char why[TOW_HANDLER_TEXT_MAX];
    tow_handler handler;
    const tow_handler_place place = {.path = "/t", .protocols = protocols};
    assert_int_equal(tow_tunnel_kind.make(&handler, &tunnel, &place, why), 0);
    assert_ptr_equal(handler.protocols, protocols);
    assert_int_equal(handler.limits.idle_seconds, TOW_OFF);
    assert_int_equal(handler.limits.max_message, TOW_OFF);
    free_made(&tow_tunnel_kind, &handler);
}

static void note_line(void *user, int level, const char *line) {
    snprintf(user, 200, "%d %s", level, line);
}

static void a_tunnels_map_is_read_again_and_the_log_told(void **state) {
    (void)state;
    char why[TOW_HANDLER_TEXT_MAX];
    char line[200] = "";
    const tow_tunnel_options tunnel = {.map = "/dev/null"};
    const tow_handler_place place = {.log = {.write = note_line, .user = line}};
    tow_handler handler = {0};
    assert_int_equal(tow_tunnel_kind.make(&handler, &tunnel, &place, why), 0);
    assert_string_equal(line, "");
    tow_tunnel_kind.reload(handler.user);
    assert_string_equal(line, "5 /dev/null was read again: 0 entries");
    free_made(&tow_tunnel_kind, &handler);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_makes_a_handler_that_does_something),
        cmocka_unit_test(what_can_not_be_made_says_why),
        cmocka_unit_test(files_are_served_below_a_path),
        cmocka_unit_test(a_tunnel_in_a_route_has_limits_and_subprotocols_of_its_own),
        cmocka_unit_test(a_tunnels_map_is_read_again_and_the_log_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
