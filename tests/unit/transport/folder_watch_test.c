/* Folders that are watched: what is told of which change. */
#include "each_loop.h"

#include "../handler/folder.h"
#include "transport/folder_watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What was told, as "folder kind name, ", the folders by letters in the order in which they were added. */
typedef struct told {
    tow_folder_watch watch; /* first */
    char text[1024];
    const char *expected;
    int folders[4];
    size_t count;
} told;

static void on_event(tow_folder_watch *watch, int number, const char *name, tow_folder_event event) {
    static const char *const kinds[] = {"created", "writing", "written", "changed", "lost"};
    told *all = (told *)(void *)watch;
    size_t at = 0, used = strlen(all->text);
    while (at < all->count && all->folders[at] != number)
        at++;
    assert_true(at < all->count);
    snprintf(all->text + used, sizeof(all->text) - used, "%c %s %s, ", (int)('A' + at), kinds[event], name);
}

static void start(each_loop *each, told *all, const char *path) {
    *all = (told){0};
    assert_int_equal(tow_folder_watch_start(&all->watch, each->loop, on_event), 0);
    all->folders[all->count] = tow_folder_watch_add(&all->watch, path);
    assert_true(all->folders[all->count++] >= 0);
}

static bool has_been_told(void *argument) {
    const told *all = argument;
    return strlen(all->text) >= strlen(all->expected);
}

static void expect(each_loop *each, told *all, const char *text) {
    all->expected = text;
    run_until(each, has_been_told, all);
    assert_string_equal(all->text, text);
    all->text[0] = '\0';
}

static void finish(each_loop *each, told *all, folder *made) {
    tow_folder_watch_stop(&all->watch);
    tow_folder_watch_stop(&all->watch);
    run_to_the_end(each);
    folder_remove(made);
}

static void a_file_that_is_written_is_told_until_it_is_closed(void **state) {
    each_loop *each = *state;
    folder made;
    told all;
    folder_make(&made);
    start(each, &all, made.path);
    int fd = open(folder_path(&made, "file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    expect(each, &all, "A created file, ");
    assert_int_equal(write(fd, "text", 4), 4);
    expect(each, &all, "A writing file, ");
    close(fd);
    expect(each, &all, "A written file, ");
    finish(each, &all, &made);
}

static void files_that_move_and_go_are_told(void **state) {
    each_loop *each = *state;
    folder made;
    told all;
    char to[FOLDER_PATH_MAX];
    folder_make(&made);
    folder_add_file(&made, "one", "1");
    start(each, &all, made.path);
    snprintf(to, sizeof(to), "%s", folder_path(&made, "two"));
    assert_int_equal(rename(folder_path(&made, "one"), to), 0);
    expect(each, &all, "A written one, A written two, ");
    assert_int_equal(chmod(to, 0700), 0);
    expect(each, &all, "A changed two, ");
    assert_int_equal(unlink(to), 0);
    expect(each, &all, "A written two, ");
    folder_add_link(&made, "link", "nowhere");
    expect(each, &all, "A created link, ");
    finish(each, &all, &made);
}

static void folders_have_numbers_and_are_told_of_as_a_change(void **state) {
    each_loop *each = *state;
    folder made;
    told all;
    folder_make(&made);
    start(each, &all, made.path);
    folder_add_directory(&made, "sub");
    expect(each, &all, "A changed sub, ");
    all.folders[all.count++] = tow_folder_watch_add(&all.watch, folder_path(&made, "sub"));
    assert_true(all.folders[1] >= 0);
    assert_int_not_equal(all.folders[0], all.folders[1]);
    assert_int_equal(tow_folder_watch_add(&all.watch, folder_path(&made, "sub/.")), all.folders[1]);
    folder_add_file(&made, "sub/file", "");
    expect(each, &all, "B created file, B written file, ");
    finish(each, &all, &made);
}

static void a_folder_that_moved_away_is_not_watched_any_more(void **state) {
    each_loop *each = *state;
    folder made, elsewhere;
    told all;
    char to[FOLDER_PATH_MAX];
    folder_make(&made);
    folder_make(&elsewhere);
    folder_add_directory(&made, "sub");
    start(each, &all, folder_path(&made, "sub"));
    snprintf(to, sizeof(to), "%s", folder_path(&elsewhere, "sub"));
    assert_int_equal(rename(folder_path(&made, "sub"), to), 0);
    expect(each, &all, "A changed , ");
    folder_add_file(&elsewhere, "sub/file", "");
    all.folders[all.count++] = tow_folder_watch_add(&all.watch, made.path);
    folder_add_file(&made, "file", "");
    expect(each, &all, "B created file, B written file, ");
    folder_remove(&elsewhere);
    finish(each, &all, &made);
}

static void what_is_no_folder_is_not_watched(void **state) {
    each_loop *each = *state;
    folder made;
    told all;
    folder_make(&made);
    folder_add_file(&made, "file", "");
    start(each, &all, made.path);
    assert_int_equal(tow_folder_watch_add(&all.watch, folder_path(&made, "file")), TOW_ERROR_NO_FILE);
    assert_int_equal(tow_folder_watch_add(&all.watch, folder_path(&made, "none")), TOW_ERROR_NO_FILE);
    finish(each, &all, &made);
}

static void the_simulator_has_no_folders(void **state) {
    each_loop *each = *state;
    tow_folder_watch watch = {0};
    assert_int_equal(tow_folder_watch_start(&watch, each->loop, on_event), TOW_ERROR_UNSUPPORTED);
    tow_folder_watch_stop(&watch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_REAL_LOOPS(a_file_that_is_written_is_told_until_it_is_closed),
        ON_REAL_LOOPS(files_that_move_and_go_are_told),
        ON_REAL_LOOPS(folders_have_numbers_and_are_told_of_as_a_change),
        ON_REAL_LOOPS(a_folder_that_moved_away_is_not_watched_any_more),
        ON_REAL_LOOPS(what_is_no_folder_is_not_watched),
        IN_THE_SIMULATOR(the_simulator_has_no_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
