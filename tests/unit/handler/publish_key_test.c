/* The key that is made where none is named: where it lies, and who may read it. */
#include "../unit.h"

#include "folder.h"
#include "handler/publish_key.h"

#include <sys/stat.h>
#include <towline/error.h>

static folder files;

static void path_is(const char *state_directory, const char *state_home, const char *home, const char *path) {
    char why[TOW_HANDLER_TEXT_MAX] = "";
    const char *const names[] = {"STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"};
    const char *const values[] = {state_directory, state_home, home};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(values[i] != NULL ? setenv(names[i], values[i], 1) : unsetenv(names[i]), 0);
    char *found = tow_publish_key_path(why);
    if (path == NULL)
        assert_null(found);
    else
        assert_string_equal(found, path);
    assert_int_equal(why[0] != '\0', path == NULL);
    free(found);
}

static void it_lies_where_state_lies(void **state) {
    path_is("/s", "/x", "/h", "/s/publish.key");
    path_is("/s:/t", "/x", "/h", "/s/publish.key");
    path_is("", "/x", "/h", "/x/towline/publish.key");
    path_is(NULL, "relative", "/h", "/h/.local/state/towline/publish.key");
    path_is(NULL, NULL, "/h", "/h/.local/state/towline/publish.key");
    path_is(NULL, NULL, NULL, NULL);
}

static void it_is_made_once_for_its_owner(void **state) {
    char path[FOLDER_PATH_MAX], why[TOW_HANDLER_TEXT_MAX];
    struct stat stamp;
    tow_buffer first, second;
    snprintf(path, sizeof(path), "%s", folder_path(&files, "a/b/publish.key"));
    assert_int_equal(tow_publish_key_make(path, why), 0);
    assert_int_equal(stat(path, &stamp), 0);
    assert_int_equal(stamp.st_mode & 0777, 0600);
    assert_int_equal(tow_publish_key_read(&first, path, why), 0);
    assert_int_equal(first.length, 65); /* 64 digits and a zero */
    assert_int_equal(tow_publish_key_make(path, why), 0);
    assert_int_equal(tow_publish_key_read(&second, path, why), 0);
    assert_string_equal(first.data, second.data);
    tow_publish_key_clear(&first);
    tow_publish_key_clear(&second);
}

static void where_it_cant_be_made_is_told(void **state) {
    char path[FOLDER_PATH_MAX], why[TOW_HANDLER_TEXT_MAX] = "";
    folder_add_file(&files, "file", "");
    snprintf(path, sizeof(path), "%s", folder_path(&files, "file/publish.key"));
    assert_int_equal(tow_publish_key_make(path, why), TOW_ERROR_SYSTEM);
    assert_non_null(strstr(why, "/file"));
}

static void the_first_key_of_a_file_is_taken(void **state) {
    static const struct {
        const char *text;
        const char *key; /* NULL: none */
    } cases[] = {{"# mine\n\n  one \ntwo\n", "one"}, {"one", "one"}, {"", NULL}, {"# only\n#remarks", NULL},
        {"sha256:00\none\n", NULL}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char why[TOW_HANDLER_TEXT_MAX];
        tow_buffer key;
        folder_add_file(&files, "keys", cases[i].text);
        int error = tow_publish_key_read(&key, folder_path(&files, "keys"), why);
        assert_int_equal(error, cases[i].key != NULL ? 0 : TOW_ERROR_ARGUMENT);
        if (cases[i].key != NULL)
            assert_string_equal(key.data, cases[i].key);
        tow_publish_key_clear(&key);
    }
}

static int files_make(void **state) {
    folder_make(&files);
    return 0;
}

static int files_remove(void **state) {
    folder_remove(&files);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_lies_where_state_lies),
        cmocka_unit_test(it_is_made_once_for_its_owner),
        cmocka_unit_test(where_it_cant_be_made_is_told),
        cmocka_unit_test(the_first_key_of_a_file_is_taken),
    };
    return cmocka_run_group_tests(tests, files_make, files_remove);
}
