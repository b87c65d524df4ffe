/* The file of aliases: which lines count, and what they stand for. */
#include "../unit.h"

#include "directory/aliases.h"

#include <stdio.h>
#include <string.h>

static char remarks[1024];

static void note(void *user, size_t line, const char *what) {
    size_t used = strlen(remarks);
    (void)user;
    snprintf(remarks + used, sizeof(remarks) - used, "%zu: %s\n", line, what);
}

/* The aliases of a text, as "PATH BASE, ". */
static const char *aliases_of(const char *text, size_t length) {
    static char out[1024];
    tow_aliases aliases;
    remarks[0] = out[0] = '\0';
    assert_int_equal(tow_aliases_read(&aliases, text, length, note, NULL), 0);
    for (size_t i = 0; i < aliases.count; i++) {
        size_t used = strlen(out);
        assert_ptr_equal(tow_aliases_find(&aliases, aliases.list[i].path), &aliases.list[i]);
        snprintf(out + used, sizeof(out) - used, "%s %s, ", aliases.list[i].path, aliases.list[i].base);
    }
    assert_null(tow_aliases_find(&aliases, "/no/such"));
    tow_aliases_clear(&aliases);
    return out;
}

#define ALIASES_OF(text) aliases_of(text, sizeof(text) - 1)

static void a_line_is_an_alias_and_what_it_stands_for(void **state) {
    (void)state;
    assert_string_equal(ALIASES_OF("/ /echo\n\n# /x /y\n  /b\t/a/chat \r\n/a%20b /echo"),
        "/ /echo, /a%20b /echo, /b /a/chat, ");
    assert_string_equal(remarks, "");
    assert_string_equal(ALIASES_OF(""), "");
}

static void an_alias_of_an_alias_stands_for_the_same(void **state) {
    (void)state;
    assert_string_equal(ALIASES_OF("/a /echo\n/b /a\n/c /b\n"), "/a /echo, /b /echo, /c /echo, ");
    assert_string_equal(ALIASES_OF("/b /a\n/a /echo\n"), "/a /echo, /b /a, "); /* what stands above counts */
}

static void the_last_line_of_a_path_counts(void **state) {
    (void)state;
    assert_string_equal(ALIASES_OF("/a /one\n/b /a\n/a /two\n"), "/a /two, /b /one, ");
}

static void a_line_that_is_none_is_told_and_passed_over(void **state) {
    (void)state;
    assert_string_equal(ALIASES_OF("/a\n/a /b /c\na /b\n/a b\n/a* /b\n/a?x /b\n/good /b\n"), "/good /b, ");
    assert_string_equal(remarks, "1: a line is ALIAS EXISTING, two paths with a blank between\n"
                                 "2: a line is ALIAS EXISTING, two paths with a blank between\n"
                                 "3: a path begins with a slash\n"
                                 "4: a path begins with a slash\n"
                                 "5: a path has no ?, # or final asterisk\n"
                                 "6: a path has no ?, # or final asterisk\n");
}

static void a_zero_byte_ends_its_line(void **state) {
    (void)state;
    assert_string_equal(ALIASES_OF("/a /b\0c\n/d /e\n"), "/a /b, /d /e, ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_an_alias_and_what_it_stands_for),
        cmocka_unit_test(an_alias_of_an_alias_stands_for_the_same),
        cmocka_unit_test(the_last_line_of_a_path_counts),
        cmocka_unit_test(a_line_that_is_none_is_told_and_passed_over),
        cmocka_unit_test(a_zero_byte_ends_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
