#include "../unit.h"

#include "path.h"

static tow_file_path path;

static void assert_name(const char *text, const char *name, bool ends_with_slash) {
    int status = tow_file_path_read(&path, text);
    if (status != 0)
        fail_msg("%s: %d", text, status);
    assert_string_equal(path.name, name);
    assert_int_equal(path.ends_with_slash, ends_with_slash);
}

static void assert_status(const char *text, int status) {
    int seen = tow_file_path_read(&path, text);
    if (seen != status)
        fail_msg("%s: %d instead of %d (%s)", text, seen, status, path.name);
}

static void a_path_is_a_name_below_the_root(void **state) {
    (void)state;
    assert_name("/", "", true);
    assert_name("/a", "a", false);
    assert_name("/a/", "a", true);
    assert_name("/a/b.html", "a/b.html", false);
    assert_name("/a/b/", "a/b", true);
    assert_name("/a b", "a b", false);
    assert_name("/a..b/c.", "a..b/c.", false);
}

static void escapes_are_decoded_once(void **state) {
    (void)state;
    assert_name("/%61%62", "ab", false);
    assert_name("/%c3%A4", "\xc3\xa4", false);
    assert_name("/%2541", "%41", false);
    assert_name("/%252e%252e/x", "%2e%2e/x", false);
    assert_name("/%0a%7f", "\n\x7f", false);
    assert_name("/%3f%23%5c", "?#\\", false);
}

static void bad_escapes_are_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "/%", "/%4", "/%4g", "/%g4", "/%%41", "/a%", "/%u0041", "/% 41", "/%-1", "/%0x"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_status(wrong[i], 400);
}

static void no_zero_byte_gets_into_a_name(void **state) {
    (void)state;
    assert_status("/%00", 400);
    assert_status("/index.html%00.txt", 400);
}

static void an_encoded_slash_is_in_no_name(void **state) {
    (void)state;
    assert_status("/a%2fb", 404);
    assert_status("/a%2Fb", 404);
    assert_status("/%2f", 404);
    assert_status("/..%2f..%2fetc/passwd", 404);
}

static void no_segment_leads_upwards_or_is_hidden(void **state) {
    (void)state;
    static const char *const hidden[] = {"/.", "/..", "/./", "/../", "/../a", "/a/..", "/a/../b", "/a/./b",
        "/%2e", "/%2e%2e/a", "/.%2e/a", "/%2E.", "/.git/config", "/a/.htpasswd", "/.env", "/...", "/%2egit",
        "/a/.well-known", "/.well-knowns", "/.well-know"};
    for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
        assert_status(hidden[i], 404);
}

static void well_known_at_the_root_is_not_hidden(void **state) {
    (void)state;
    assert_name("/.well-known/security.txt", ".well-known/security.txt", false);
    assert_status("/.well-known/.hidden", 404);
}

static void a_name_has_no_empty_segment(void **state) {
    (void)state;
    static const char *const wrong[] = {"//", "//a", "/a//", "/a//b", "///", "//evil.example/.."};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_status(wrong[i], 404);
}

static void what_does_not_begin_with_a_slash_is_no_path(void **state) {
    (void)state;
    assert_status("*", 404);
    assert_status("", 404);
    assert_status("a", 404);
}

static void a_name_is_at_most_as_long_as_the_system_takes(void **state) {
    (void)state;
    static char text[TOW_FILE_PATH_MAX + 16];
    for (size_t length = TOW_FILE_PATH_MAX - 4; length < TOW_FILE_PATH_MAX + 4; length++) {
        memset(text, 'a', sizeof(text));
        text[0] = '/';
        text[length + 1] = '\0';
        int status = tow_file_path_read(&path, text);
        assert_int_equal(status, length <= TOW_FILE_PATH_MAX - 2 ? 0 : 404);
        assert_true(strlen(path.name) < TOW_FILE_PATH_MAX);
        text[length] = '/';
        status = tow_file_path_read(&path, text);
        assert_int_equal(status, length - 1 <= TOW_FILE_PATH_MAX - 2 ? 0 : 404);
        text[length / 2] = '/';
        tow_file_path_read(&path, text);
        assert_true(strlen(path.name) < TOW_FILE_PATH_MAX);
    }
}

static void the_last_segment_is_found(void **state) {
    (void)state;
    assert_name("/a/b/", "a/b", true);
    assert_string_equal(tow_file_path_last(&path), "b");
    assert_name("/a", "a", false);
    assert_string_equal(tow_file_path_last(&path), "a");
    assert_name("/", "", true);
    assert_string_equal(tow_file_path_last(&path), "");
}

static void every_byte_of_a_name_survives_a_link(void **state) {
    (void)state;
    tow_buffer out = {0};
    char name[256] = "x"; /* so that it is not hidden */
    for (int byte = 1, at = 1; byte < 256; byte++) {
        if (byte != '/')
            name[at++] = (char)byte;
    }
    assert_int_equal(tow_buffer_append_text(&out, "/"), 0);
    assert_int_equal(tow_path_segment_append(&out, name), 0);
    assert_int_equal(tow_buffer_append(&out, "", 1), 0);
    for (size_t i = 1; i + 1 < out.length; i++)
        assert_non_null(
            strchr("%-._~ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", out.data[i]));
    assert_name((const char *)out.data, name, false);
    tow_buffer_clear(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_a_name_below_the_root),
        cmocka_unit_test(escapes_are_decoded_once),
        cmocka_unit_test(bad_escapes_are_refused),
        cmocka_unit_test(no_zero_byte_gets_into_a_name),
        cmocka_unit_test(an_encoded_slash_is_in_no_name),
        cmocka_unit_test(no_segment_leads_upwards_or_is_hidden),
        cmocka_unit_test(well_known_at_the_root_is_not_hidden),
        cmocka_unit_test(a_name_has_no_empty_segment),
        cmocka_unit_test(what_does_not_begin_with_a_slash_is_no_path),
        cmocka_unit_test(a_name_is_at_most_as_long_as_the_system_takes),
        cmocka_unit_test(the_last_segment_is_found),
        cmocka_unit_test(every_byte_of_a_name_survives_a_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
