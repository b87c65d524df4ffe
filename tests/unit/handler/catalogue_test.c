/* Which file of a directory of handlers serves which path. */
#include "../unit.h"

#include "directory/catalogue.h"

#include <stdio.h>
#include <string.h>

/* A catalogue of these files (with "*" behind those that may be executed; NULL ends them) as a text: a line a
 * path with the files that claim it, the one that is served first. */
static const char *catalogue_of(const char *const *names, bool sources) {
    static char text[4096];
    static char copies[32][256];
    tow_catalogue_file files[32];
    tow_catalogue made;
    size_t count = 0, used = 0;
    for (; names[count] != NULL; count++) {
        snprintf(copies[count], sizeof(copies[count]), "%s", names[count]);
        char *star = strrchr(copies[count], '*');
        bool executable = star != NULL && star[1] == '\0';
        if (executable)
            *star = '\0';
        files[count] = (tow_catalogue_file){.name = copies[count], .executable = executable};
    }
    text[0] = '\0';
    assert_int_equal(tow_catalogue_make(&made, files, count, sources), 0);
    for (size_t i = 0; i < made.count; i++) {
        const tow_catalogue_entry *entry = &made.entries[i];
        bool first = tow_catalogue_is_first(&made, i);
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%s %s", first && i > 0 ? "\n" : "",
            first ? entry->path : "", first ? ":" : ",", tow_entry_type_name(entry->type));
        used += (size_t)snprintf(text + used, sizeof(text) - used, " %s", files[entry->file].name);
    }
    tow_catalogue_clear(&made);
    return text;
}

#define CATALOGUE_OF(...) catalogue_of((const char *const[]){__VA_ARGS__, NULL}, false)
#define CATALOGUE_WITH_SOURCES_OF(...) catalogue_of((const char *const[]){__VA_ARGS__, NULL}, true)

static void a_name_says_kind_and_path(void **state) {
    (void)state;
    assert_string_equal(CATALOGUE_OF("chat.so"), "/chat: module chat.so");
    assert_string_equal(CATALOGUE_OF("echo_wsh.py"), "/echo: python echo_wsh.py");
    assert_string_equal(CATALOGUE_OF("count.sh*"), "/count: program count.sh");
    assert_string_equal(CATALOGUE_OF("count*"), "/count: program count");
    assert_string_equal(CATALOGUE_OF("a.b.sh*"), "/a.b: program a.b.sh");
}

static void folders_are_segments_of_the_path(void **state) {
    (void)state;
    assert_string_equal(CATALOGUE_OF("a/b/chat.so", "a/count.sh*", "a_wsh.py/c.so"),
        "/a/b/chat: module a/b/chat.so\n"
        "/a/count: program a/count.sh\n"
        "/a_wsh.py/c: module a_wsh.py/c.so");
}

static void a_python_handler_without_a_name_serves_its_folder(void **state) {
    (void)state;
    assert_string_equal(CATALOGUE_OF("_wsh.py", "a/_wsh.py"), "/: python _wsh.py\n/a/: python a/_wsh.py");
}

static void a_module_goes_before_python_and_that_before_a_program(void **state) {
    (void)state;
    assert_string_equal(CATALOGUE_OF("echo*", "echo.so", "echo_wsh.py"),
        "/echo: module echo.so, python echo_wsh.py, program echo");
    assert_string_equal(CATALOGUE_OF("echo*", "echo_wsh.py"), "/echo: python echo_wsh.py, program echo");
}

static void of_programs_the_one_without_a_suffix_goes_first_then_by_name(void **state) {
    (void)state;
    assert_string_equal(CATALOGUE_OF("count*", "count.awk*", "count.sh*"),
        "/count: program count, program count.awk, program count.sh");
    assert_string_equal(
        CATALOGUE_OF("count.awk*", "count.sh*"), "/count: program count.awk, program count.sh");
}

static void only_what_may_be_executed_is_a_program(void **state) {
    (void)state;
    assert_string_equal(CATALOGUE_OF("count", "count.sh", "README"), "");
    assert_string_equal(CATALOGUE_OF("a.c*", "a.h*", "a.py*", "a.txt*", "a.md*", "a.html*"), "");
    assert_string_equal(CATALOGUE_OF("a.so*"), "/a: module a.so");
    assert_string_equal(CATALOGUE_OF("a_wsh.py*"), "/a: python a_wsh.py");
    assert_string_equal(CATALOGUE_OF("a.cc*", "b.pyc*"), "/a: program a.cc\n/b: program b.pyc");
}

static void hidden_and_backup_files_are_passed_over(void **state) {
    (void)state;
    assert_string_equal(CATALOGUE_OF(".so", ".a.so", "a.so~", "a_wsh.py~", "a~*", ".a*", "~*"), "");
    assert_false(tow_catalogue_has_folder(".git"));
    assert_false(tow_catalogue_has_folder("old~"));
    assert_false(tow_catalogue_has_folder("__pycache__"));
    assert_true(tow_catalogue_has_folder("a.b"));
    assert_true(tow_catalogue_has_file("a.so", false, false));
    assert_false(tow_catalogue_has_file("a.so~", true, true));
}

static void a_source_goes_before_all_where_sources_are_wanted(void **state) {
    (void)state;
    assert_string_equal(CATALOGUE_OF("echo.c", "echo.so"), "/echo: module echo.so");
    assert_string_equal(CATALOGUE_WITH_SOURCES_OF("echo.c", "echo.h", "echo.so", ".c"),
        "/echo: source echo.c, module echo.so");
}

static void paths_are_encoded_as_browsers_do_it(void **state) {
    (void)state;
    assert_string_equal(CATALOGUE_OF("a b.so"), "/a%20b: module a b.so");
    assert_string_equal(
        CATALOGUE_OF("gr\xC3\xBC\xC3\x9F.so"), "/gr%C3%BC%C3%9F: module gr\xC3\xBC\xC3\x9F.so");
    assert_string_equal(CATALOGUE_OF("a+b@c(1),;=!$&'.so"), "/a+b@c(1),;=!$&': module a+b@c(1),;=!$&'.so");
    assert_string_equal(CATALOGUE_OF("50%.so"), "/50%25: module 50%.so");
    assert_string_equal(CATALOGUE_OF("\xFF\x01\n.so"), "/%FF%01%0A: module \xFF\x01\n.so");
}

/* An asterisk at the end of a route's path would stand for all below. */
static void no_name_is_a_prefix(void **state) {
    (void)state;
    assert_string_equal(CATALOGUE_OF("a/*.so"), "/a/%2A: module a/*.so");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_says_kind_and_path),
        cmocka_unit_test(folders_are_segments_of_the_path),
        cmocka_unit_test(a_python_handler_without_a_name_serves_its_folder),
        cmocka_unit_test(a_module_goes_before_python_and_that_before_a_program),
        cmocka_unit_test(of_programs_the_one_without_a_suffix_goes_first_then_by_name),
        cmocka_unit_test(only_what_may_be_executed_is_a_program),
        cmocka_unit_test(hidden_and_backup_files_are_passed_over),
        cmocka_unit_test(a_source_goes_before_all_where_sources_are_wanted),
        cmocka_unit_test(paths_are_encoded_as_browsers_do_it),
        cmocka_unit_test(no_name_is_a_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
