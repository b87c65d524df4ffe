/* Native handlers: what is in a library, and how long it stays. */
#include "../unit.h"

#include "folder.h"
#include "handler/module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <towline/error.h>
#include <towline/log.h>
#include <unistd.h>

enum { WORKERS = 2 };

static char lines[4096];

static void note_line(void *user, int level, const char *line) {
    size_t used = strlen(lines);
    (void)user;
    snprintf(lines + used, sizeof(lines) - used, "%d %s\n", level, strrchr(line, '/') + 1);
}

static tow_server *server_make(void) {
    tow_server *server;
    const tow_server_options options = {.listen = "off", .workers = WORKERS};
    lines[0] = '\0';
    assert_int_equal(tow_server_new(&server, &options), 0);
    return server;
}

static const char *module_file(const char *name) {
    static char file[1024];
    snprintf(file, sizeof(file), "%s/%s.so", getenv("TOWLINE_TEST_MODULES"), name);
    return file;
}

static int make(tow_handler *handler, tow_server *server, const char *file, char *why) {
    const tow_handler_place place = {.log.write = note_line, .server = server};
    return tow_module_kind.make(
        handler, &(tow_module_settings){.file = file, .path = "/some/path"}, &place, why);
}

/* How many copies of libraries are loaded. */
static size_t count_loaded(void) {
    char line[1024];
    size_t count = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL)
        count += strstr(line, "memfd:towline-") != NULL && strstr(line, " r-xp ") != NULL;
    fclose(maps);
    return count;
}

static void a_library_is_there_until_its_route_and_the_workers_are_done(void **state) {
    char why[TOW_HANDLER_TEXT_MAX];
    tow_handler handler;
    (void)state;
    tow_server *server = server_make();
    assert_int_equal(make(&handler, server, module_file("whole"), why), 0);
    assert_int_equal(count_loaded(), 1);
    assert_string_equal(lines, "6 path\n");
    lines[0] = '\0';
    assert_non_null(handler.on_message);
    assert_int_equal(tow_server_route(server, "/x", &handler), 0);
    assert_int_equal(tow_server_unroute(server, "/x"), 0);
    assert_string_equal(lines, "6 whole.so: free\n");
    lines[0] = '\0';
    tow_server_free(server);
    assert_string_equal(lines, "6 whole.so: the first worker ends\n6 whole.so: the first worker ends\n6 "
                               "whole.so: unload\n");
    assert_int_equal(count_loaded(), 0);
}

static void each_version_of_a_file_is_another_library(void **state) {
    char why[TOW_HANDLER_TEXT_MAX];
    tow_handler one, other;
    (void)state;
    tow_server *server = server_make();
    assert_int_equal(make(&one, server, module_file("plain"), why), 0);
    assert_int_equal(make(&other, server, module_file("plain"), why), 0);
    assert_true(one.on_message != other.on_message);
    assert_int_equal(count_loaded(), 2);
    assert_int_equal(tow_server_route(server, "/x", &one), 0);
    assert_int_equal(tow_server_route(server, "/y", &other), 0);
    tow_server_free(server);
    assert_int_equal(count_loaded(), 0);
}

static void refuses(const char *file, const char *text) {
    char why[TOW_HANDLER_TEXT_MAX] = "";
    tow_handler handler;
    tow_server *server = server_make();
    assert_true(make(&handler, server, file, why) < 0);
    assert_string_equal(why, text);
    tow_server_free(server);
    assert_int_equal(count_loaded(), 0);
}

static void a_library_that_is_no_handler_says_why(void **state) {
    (void)state;
    refuses(module_file("nothing"),
        "it is no handler: its source has to say TOW_HANDLER(...), see towline/handler.h");
    refuses(module_file("other_abi"), "it was built for interface 99 of handlers, and this is 1: build it "
                                      "again, with 'towline handler build'");
    refuses(module_file("uses_newer"),
        "it uses what this version of towline does not have: build it with the headers of this one");
    refuses(module_file("failing"), "its on_load failed: the address is already in use");
    refuses(module_file("lacking"), "undefined symbol: there_is_no_such_function");
    refuses(module_file("not_there"), "No such file or directory");
}

static void what_a_newer_header_has_does_not_matter_where_it_is_not_used(void **state) {
    char why[TOW_HANDLER_TEXT_MAX];
    tow_handler handler;
    (void)state;
    tow_server *server = server_make();
    assert_int_equal(make(&handler, server, module_file("newer"), why), 0);
    assert_true(handler.any_origin);
    handler.on_free(handler.free_user);
    tow_server_free(server);
    assert_int_equal(count_loaded(), 0);
}

/* Where the system would kill who touches what is not there. */
static void a_library_that_is_cut_off_anywhere_is_refused(void **state) {
    static char content[1 << 20];
    char cut[1024];
    folder made;
    (void)state;
    FILE *file = fopen(module_file("plain"), "re");
    assert_non_null(file);
    size_t length = fread(content, 1, sizeof(content), file);
    fclose(file);
    assert_in_range(length, 4096, sizeof(content) - 1);
    folder_make(&made);
    snprintf(cut, sizeof(cut), "%s", folder_path(&made, "cut.so"));
    FILE *out = fopen(cut, "we");
    assert_non_null(out);
    assert_int_equal(fwrite(content, 1, length, out), length);
    fclose(out);
    for (size_t left = length - 1; left > 64; left = left * 7 / 8) {
        assert_int_equal(truncate(cut, (off_t)left), 0);
        refuses(cut, "it is cut off");
    }
    assert_int_equal(truncate(cut, 0), 0);
    refuses(cut, "it is empty");
    folder_add_file(&made, "text.so", "just a text");
    refuses(folder_path(&made, "text.so"), "it is no shared library");
    assert_int_equal(mkfifo(folder_path(&made, "fifo.so"), 0600), 0);
    refuses(folder_path(&made, "fifo.so"), "it is no file");
    folder_remove(&made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_library_is_there_until_its_route_and_the_workers_are_done),
        cmocka_unit_test(each_version_of_a_file_is_another_library),
        cmocka_unit_test(a_library_that_is_no_handler_says_why),
        cmocka_unit_test(what_a_newer_header_has_does_not_matter_where_it_is_not_used),
        cmocka_unit_test(a_library_that_is_cut_off_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
