#include "../unit.h"

#include "history.h"

#include <sys/stat.h>
#include <towline/error.h>
#include <unistd.h>

static char folder[64];

static int setup(void **state) {
    (void)state;
    strcpy(folder, "/tmp/towline-history-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static void remove_below(const char *name) {
    char path[256];
    snprintf(path, sizeof(path), "%s%s", folder, name);
    rmdir(path);
}

static int teardown(void **state) {
    (void)state;
    static const char *const made[] = {"/.local/state/towline", "/.local/state", "/.local", "/towline", ""};
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
        remove_below(made[i]);
    unsetenv("XDG_STATE_HOME");
    return 0;
}

static void path_is(const char *below) {
    tow_buffer path = {0};
    char expected[256];
    snprintf(expected, sizeof(expected), "%s%s", folder, below);
    assert_int_equal(tow_history_path(&path), 0);
    assert_string_equal((const char *)path.data, expected);
    tow_buffer_clear(&path);
}

static void it_lies_below_home_in_folders_for_the_user_alone(void **state) {
    (void)state;
    struct stat status;
    char made[256];
    setenv("HOME", folder, 1);
    unsetenv("XDG_STATE_HOME");
    path_is("/.local/state/towline/history");
    snprintf(made, sizeof(made), "%s/.local/state/towline", folder);
    assert_int_equal(stat(made, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    path_is("/.local/state/towline/history"); /* the folders are there now */
}

static void xdg_state_home_goes_before(void **state) {
    (void)state;
    setenv("HOME", "/nonexistent", 1);
    setenv("XDG_STATE_HOME", folder, 1);
    path_is("/towline/history");
}

static void a_relative_xdg_state_home_is_ignored(void **state) {
    (void)state;
    setenv("HOME", folder, 1);
    setenv("XDG_STATE_HOME", "relative", 1);
    path_is("/.local/state/towline/history");
}

static void without_a_home_there_is_none(void **state) {
    (void)state;
    tow_buffer path = {0};
    unsetenv("HOME");
    unsetenv("XDG_STATE_HOME");
    assert_int_equal(tow_history_path(&path), TOW_ERROR_UNSUPPORTED);
    setenv("HOME", "/proc/nowhere", 1); /* nothing can be made there */
    assert_int_equal(tow_history_path(&path), TOW_ERROR_UNSUPPORTED);
    tow_buffer_clear(&path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_lies_below_home_in_folders_for_the_user_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(xdg_state_home_goes_before, setup, teardown),
        cmocka_unit_test_setup_teardown(a_relative_xdg_state_home_is_ignored, setup, teardown),
        cmocka_unit_test(without_a_home_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
