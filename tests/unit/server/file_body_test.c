#include "../unit.h"

#include "server/file_body.h"
#include "../handler/folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static folder made;

static int make(void **state) {
    (void)state;
    folder_make(&made);
    folder_add_file(&made, "file", "0123456789");
    return 0;
}

static int clear(void **state) {
    (void)state;
    folder_remove(&made);
    return 0;
}

static tow_body_source open_source(int64_t offset) {
    tow_body_source source;
    int fd = open(folder_path(&made, "file"), O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(tow_file_body_new(&source, fd, offset), 0);
    return source;
}

static void bytes_come_from_the_offset_on(void **state) {
    (void)state;
    char out[16];
    tow_body_source source = open_source(3);
    assert_int_equal(source.read(source.user, out, 4), 4);
    assert_memory_equal(out, "3456", 4);
    assert_int_equal(source.read(source.user, out, sizeof out), 3);
    assert_memory_equal(out, "789", 3);
    source.close(source.user);
}

static void a_file_that_got_shorter_breaks_off(void **state) {
    (void)state;
    char out[16];
    tow_body_source source = open_source(0);
    assert_int_equal(source.read(source.user, out, 4), 4);
    assert_int_equal(truncate(folder_path(&made, "file"), 2), 0);
    assert_true(source.read(source.user, out, 4) <= 0);
    source.close(source.user);
    folder_add_file(&made, "file", "0123456789");
}

static void a_file_that_grows_or_is_touched_is_read_on(void **state) {
    (void)state;
    char out[16];
    tow_body_source source = open_source(0);
    assert_int_equal(source.read(source.user, out, 4), 4);
    const struct timespec other[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    assert_int_equal(utimensat(AT_FDCWD, folder_path(&made, "file"), other, 0), 0);
    assert_int_equal(source.read(source.user, out, 2), 2);
    int fd = open(folder_path(&made, "file"), O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "more", 4), 4);
    close(fd);
    assert_int_equal(source.read(source.user, out, 4), 4);
    assert_memory_equal(out, "6789", 4);
    source.close(source.user);
    folder_add_file(&made, "file", "0123456789");
}

static void a_file_that_was_replaced_is_sent_to_its_end(void **state) {
    (void)state;
    char out[16];
    tow_body_source source = open_source(0);
    assert_int_equal(source.read(source.user, out, 4), 4);
    assert_int_equal(unlink(folder_path(&made, "file")), 0);
    folder_add_file(&made, "file", "other");
    assert_int_equal(source.read(source.user, out, 6), 6);
    assert_memory_equal(out, "456789", 6);
    source.close(source.user);
    folder_add_file(&made, "file", "0123456789");
}

static void offsets_beyond_4_gib_are_read(void **state) {
    (void)state;
    const int64_t large = INT64_C(5) << 30;
    int fd = open(folder_path(&made, "large"), O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "end", 3, large), 3); /* a hole before it: takes no room */
    tow_body_source source;
    assert_int_equal(tow_file_body_new(&source, fd, large - 1), 0);
    char out[16];
    assert_int_equal(source.read(source.user, out, sizeof out), 4);
    assert_memory_equal(out, "\0end", 4);
    source.close(source.user);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_from_the_offset_on),
        cmocka_unit_test(a_file_that_got_shorter_breaks_off),
        cmocka_unit_test(a_file_that_grows_or_is_touched_is_read_on),
        cmocka_unit_test(a_file_that_was_replaced_is_sent_to_its_end),
        cmocka_unit_test(offsets_beyond_4_gib_are_read),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
