#include "../unit.h"

#include "beneath.h"
#include "folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <towline/error.h>
#include <unistd.h>

static folder outer; /* holds the root and what must not be reached */
static int root;

typedef int (*opener)(int root, const char *name, int flags);
static const opener both[] = {tow_open_beneath, tow_open_beneath_by_steps};

static int make(void **state) {
    (void)state;
    folder_make(&outer);
    folder_add_file(&outer, "secret", "secret");
    folder_add_directory(&outer, "root");
    folder_add_file(&outer, "root/file", "file");
    folder_add_directory(&outer, "root/inner");
    folder_add_file(&outer, "root/inner/file", "inner");
    folder_add_directory(&outer, "root/inner/deep");
    folder_add_file(&outer, "root/inner/deep/file", "deep");
    folder_add_link(&outer, "root/to-file", "file");
    folder_add_link(&outer, "root/inner/to-upper", "../file");
    folder_add_link(&outer, "root/to-inner", "inner");
    folder_add_link(&outer, "root/out", "../secret");
    folder_add_link(&outer, "root/out-directory", "..");
    folder_add_link(&outer, "root/inner/out", "../../secret");
    folder_add_link(&outer, "root/absolute", folder_path(&outer, "secret"));
    folder_add_link(&outer, "root/absolute-root", "/");
    folder_add_link(&outer, "root/loop", "loop");
    folder_add_link(&outer, "root/dangling", "nothing");
    folder_add_link(&outer, "root/magic", "/proc/self/cwd");
    folder_add_link(&outer, "link-to-root", "root");
    root = tow_root_open(folder_path(&outer, "root"));
    return root < 0;
}

static int clear(void **state) {
    (void)state;
    close(root);
    folder_remove(&outer);
    return 0;
}

/* Whether the opener finds a file with this content. */
static void assert_content(opener open_beneath, const char *name, const char *content) {
    char text[16] = "";
    int fd = open_beneath(root, name, 0);
    if (fd < 0)
        fail_msg("%s: %s", name, tow_strerror(fd));
    assert_true(read(fd, text, sizeof(text) - 1) >= 0);
    assert_string_equal(text, content);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
}

static void assert_error(opener open_beneath, const char *name, int error) {
    int fd = open_beneath(root, name, 0);
    if (fd != error)
        fail_msg("%s: %d instead of %d", name, fd, error);
}

static void files_below_the_root_are_opened(void **state) {
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_content(both[i], "file", "file");
        assert_content(both[i], "inner/file", "inner");
        assert_content(both[i], "inner/deep/file", "deep");
    }
}

static void directories_are_opened_the_root_too(void **state) {
    (void)state;
    static const char *const names[] = {"", "inner", "inner/deep"};
    for (size_t i = 0; i < 2; i++) {
        for (size_t name = 0; name < 3; name++) {
            int fd = both[i](root, names[name], O_DIRECTORY);
            assert_true(fd >= 0);
            DIR *directory = fdopendir(fd);
            assert_non_null(directory);
            assert_non_null(readdir(directory));
            closedir(directory);
        }
    }
}

static void what_is_not_there_is_not_found(void **state) {
    (void)state;
    char long_name[NAME_MAX + 2];
    memset(long_name, 'a', sizeof(long_name));
    long_name[sizeof(long_name) - 1] = '\0';
    for (size_t i = 0; i < 2; i++) {
        static const char *const names[] = {
            "nothing", "inner/nothing", "nothing/file", "file/file", "dangling", "loop", "loop/file"};
        for (size_t name = 0; name < 7; name++)
            assert_error(both[i], names[name], TOW_ERROR_NAME_NOT_FOUND);
        assert_error(both[i], long_name, TOW_ERROR_NAME_NOT_FOUND);
    }
}

static void nothing_leads_out_of_the_root(void **state) {
    (void)state;
    static const char *const names[] = {"../secret", "..", "inner/../../secret", "inner/..", "out",
        "inner/out", "out-directory", "out-directory/secret", "absolute", "absolute-root",
        "absolute-root/etc/passwd", "magic", "magic/file", "/etc/passwd"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        /* "inner/.." is the root itself: openat2 allows it, and no path that was read has such a segment */
        if (strcmp(names[i], "inner/..") != 0)
            assert_error(tow_open_beneath, names[i], TOW_ERROR_NAME_NOT_FOUND);
        if (names[i][0] != '/')
            assert_error(tow_open_beneath_by_steps, names[i], TOW_ERROR_NAME_NOT_FOUND);
    }
}

static void links_that_stay_inside_are_followed(void **state) {
    (void)state;
    assert_content(tow_open_beneath, "to-file", "file");
    assert_content(tow_open_beneath, "inner/to-upper", "file");
    assert_content(tow_open_beneath, "to-inner/file", "inner");
    assert_content(tow_open_beneath, "to-inner/to-upper", "file");
}

static void assert_within(const char *name, bool is_found) {
    int fd = tow_open_within(root, name);
    if ((fd >= 0) != is_found)
        fail_msg("%s: %s", name, fd < 0 ? tow_strerror(fd) : "found");
    if (fd >= 0)
        close(fd);
    else
        assert_int_equal(fd, TOW_ERROR_NAME_NOT_FOUND);
}

static void links_that_end_inside_are_within(void **state) {
    (void)state;
    static const char *const inside[] = {
        "file", "to-file", "inner/to-upper", "to-inner", "absolute-in", "round-about", "through"};
    static const char *const outside[] = {"out", "out-directory", "inner/out", "absolute", "absolute-root",
        "loop", "dangling", "magic", "neighbour", "nothing", "to-root"};
    folder_add_link(&outer, "root/absolute-in", folder_path(&outer, "root/inner/file"));
    folder_add_link(&outer, "root/round-about", "../root/file");
    folder_add_link(&outer, "root/through", folder_path(&outer, "link-to-root/file"));
    folder_add_link(&outer, "root/neighbour", folder_path(&outer, "roots"));
    folder_add_link(&outer, "root/to-root", ".");
    folder_add_file(&outer, "roots", "not root");
    for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
        assert_within(inside[i], true);
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
        assert_within(outside[i], strcmp(outside[i], "to-root") == 0);
}

static void without_openat2_no_link_is_followed(void **state) {
    (void)state;
    static const char *const names[] = {"to-file", "inner/to-upper", "to-inner/file", "to-inner"};
    for (size_t i = 0; i < 4; i++)
        assert_error(tow_open_beneath_by_steps, names[i], TOW_ERROR_NAME_NOT_FOUND);
}

static void a_fifo_does_not_hold_us_up(void **state) {
    (void)state;
    assert_int_equal(mkfifo(folder_path(&outer, "root/fifo"), 0600), 0);
    for (size_t i = 0; i < 2; i++) {
        int fd = both[i](root, "fifo", 0);
        assert_true(fd >= 0);
        close(fd);
    }
}

static void a_socket_is_not_found(void **state) {
    (void)state;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = folder_path(&outer, "root/socket");
    assert_true(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    for (size_t i = 0; i < 2; i++)
        assert_error(both[i], "socket", TOW_ERROR_NAME_NOT_FOUND);
    close(fd);
}

static void what_may_not_be_read_is_said_so(void **state) {
    (void)state;
    folder_add_file(&outer, "root/locked", "locked");
    assert_int_equal(chmod(folder_path(&outer, "root/locked"), 0), 0);
    if (access(folder_path(&outer, "root/locked"), R_OK) == 0)
        return; /* the superuser may */
    for (size_t i = 0; i < 2; i++)
        assert_error(both[i], "locked", TOW_ERROR_PERMISSION);
}

static void the_root_is_a_directory_or_a_link_to_one(void **state) {
    (void)state;
    int fd = tow_root_open(folder_path(&outer, "link-to-root"));
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(tow_root_open(folder_path(&outer, "secret")), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_root_open(folder_path(&outer, "nothing")), TOW_ERROR_NAME_NOT_FOUND);
}

static void no_descriptor_is_left_open(void **state) {
    (void)state;
    int before = dup(root);
    close(before);
    for (size_t i = 0; i < 2; i++) {
        both[i](root, "inner/deep/nothing", 0);
        both[i](root, "file/file", 0);
        both[i](root, "inner/../x", 0);
        close(both[i](root, "inner/deep/file", 0));
    }
    int after = dup(root);
    close(after);
    assert_int_equal(after, before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_below_the_root_are_opened),
        cmocka_unit_test(directories_are_opened_the_root_too),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(nothing_leads_out_of_the_root),
        cmocka_unit_test(links_that_stay_inside_are_followed),
        cmocka_unit_test(links_that_end_inside_are_within),
        cmocka_unit_test(without_openat2_no_link_is_followed),
        cmocka_unit_test(a_fifo_does_not_hold_us_up),
        cmocka_unit_test(a_socket_is_not_found),
        cmocka_unit_test(what_may_not_be_read_is_said_so),
        cmocka_unit_test(the_root_is_a_directory_or_a_link_to_one),
        cmocka_unit_test(no_descriptor_is_left_open),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
