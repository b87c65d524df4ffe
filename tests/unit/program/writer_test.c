#include "../unit.h"

#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <towline/error.h>
#include <unistd.h>

enum { BLOCK = 1024 * 1024 };

static int changes;

static void on_change(tow_writer *writer) {
    changes++;
}

static int loop_setup(void **state) {
    tow_loop *loop;
    int error = tow_loop_new(&loop, NULL);
    *state = error == 0 ? loop : NULL;
    changes = 0;
    signal(SIGPIPE, SIG_IGN);
    return error;
}

static int loop_teardown(void **state) {
    tow_loop_free(*state);
    return 0;
}

static uint8_t byte_at(size_t index) {
    return (uint8_t)(index * 7 + index / 1000);
}

static uint8_t *block_new(void) {
    uint8_t *block = malloc(BLOCK);
    assert_non_null(block);
    for (size_t i = 0; i < BLOCK; i++)
        block[i] = byte_at(i);
    return block;
}

/* Reads what is there, checks it, and returns how much came so far. */
static size_t take(int fd, size_t done) {
    static uint8_t bytes[65536];
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (poll(&ready, 1, 0) != 1)
        return done;
    ssize_t count = read(fd, bytes, sizeof(bytes));
    assert_true(count >= 0);
    for (size_t i = 0; i < (size_t)count; i++)
        assert_int_equal(bytes[i], byte_at(done + i));
    return done + (size_t)count;
}

static void all_arrives(tow_loop *loop, int fds[2]) {
    tow_writer writer;
    uint8_t *block = block_new();
    size_t done = 0;
    tow_writer_init(&writer, loop, fds[1], on_change, NULL);
    assert_int_equal(tow_writer_write(&writer, block, BLOCK / 2), 0); /* does not wait, though nobody reads */
    assert_true(writer.waiting.length > 0);
    assert_int_equal(tow_writer_write(&writer, block + BLOCK / 2, BLOCK / 2), 0);
    while (done < BLOCK) {
        assert_true(tow_loop_step(loop) >= 0);
        done = take(fds[0], done);
    }
    assert_int_equal(writer.waiting.length, 0);
    assert_true(changes > 0);
    tow_writer_clear(&writer);
    free(block);
    close(fds[0]);
    close(fds[1]);
}

static void a_pipe_gets_all_without_a_wait(void **state) {
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    all_arrives(*state, fds);
}

static void a_socket_gets_all_without_a_wait(void **state) {
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    all_arrives(*state, fds);
}

static void a_file_is_written_at_once(void **state) {
    tow_writer writer;
    FILE *file = tmpfile();
    uint8_t *block = block_new();
    assert_non_null(file);
    tow_writer_init(&writer, *state, fileno(file), on_change, NULL);
    assert_int_equal(tow_writer_write(&writer, block, BLOCK), 0);
    assert_int_equal(writer.waiting.length, 0);
    assert_int_equal(lseek(fileno(file), 0, SEEK_END), BLOCK);
    tow_writer_clear(&writer);
    fclose(file);
    free(block);
}

static void what_comes_in_one_round_is_written_together(void **state) {
    tow_writer writer;
    int fds[2];
    char bytes[64];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0); /* tells one from the other */
    tow_writer_init(&writer, *state, fds[1], on_change, NULL);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(tow_writer_write(&writer, "first\n", 6), 0);
        assert_int_equal(tow_writer_write(&writer, "second\n", 7), 0);
        assert_int_equal(tow_writer_write(&writer, "third\n", 6), 0);
        assert_int_equal(recv(fds[0], bytes, sizeof(bytes), MSG_DONTWAIT), 6);
        assert_int_equal(recv(fds[0], bytes, sizeof(bytes), MSG_DONTWAIT), -1);
        while (writer.waiting.length > 0)
            assert_true(tow_loop_step(*state) >= 0);
        assert_int_equal(recv(fds[0], bytes, sizeof(bytes), MSG_DONTWAIT), 13);
        assert_memory_equal(bytes, "second\nthird\n", 13);
    }
    assert_int_equal(tow_writer_write(&writer, "a", 1), 0);
    assert_int_equal(tow_writer_write(&writer, "b", 1), 0);
    tow_writer_push(&writer);
    assert_int_equal(writer.waiting.length, 0);
    tow_writer_clear(&writer);
    close(fds[0]);
    close(fds[1]);
}

static void a_reader_that_is_gone_is_an_error(void **state) {
    tow_writer writer;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    tow_writer_init(&writer, *state, fds[1], on_change, NULL);
    assert_int_equal(tow_writer_write(&writer, "x", 1), TOW_ERROR_SYSTEM);
    assert_int_equal(writer.reason, EPIPE);
    assert_int_equal(tow_writer_write(&writer, "x", 1), TOW_ERROR_SYSTEM);
    tow_writer_finish(&writer);
    close(fds[1]);
}

static void a_reader_that_goes_is_told_later(void **state) {
    tow_writer writer;
    uint8_t *block = block_new();
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    tow_writer_init(&writer, *state, fds[1], on_change, NULL);
    assert_int_equal(tow_writer_write(&writer, block, BLOCK), 0);
    close(fds[0]);
    while (writer.error == 0)
        assert_true(tow_loop_step(*state) >= 0);
    assert_int_equal(changes, 1);
    assert_int_equal(writer.waiting.length, 0);
    tow_writer_clear(&writer);
    free(block);
    close(fds[1]);
}

/* The loop, which is not run any more, must not keep what was watched. */
static void finish_writes_the_rest(void **state) {
    tow_writer writer;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    tow_writer_init(&writer, *state, fds[1], on_change, NULL);
    char bytes[65536 + 3] = "";
    assert_int_equal(tow_writer_write(&writer, bytes, sizeof(bytes)), 0);
    assert_int_equal(writer.waiting.length, 3);
    assert_int_equal(read(fds[0], bytes, sizeof(bytes)), 65536);
    tow_writer_finish(&writer);
    assert_int_equal(read(fds[0], bytes, sizeof(bytes)), 3);
    assert_int_equal(tow_loop_run(*state), 0); /* returns: nothing keeps the loop alive */
    close(fds[0]);
    close(fds[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pipe_gets_all_without_a_wait, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(a_socket_gets_all_without_a_wait, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(a_file_is_written_at_once, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(
            what_comes_in_one_round_is_written_together, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(a_reader_that_is_gone_is_an_error, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(a_reader_that_goes_is_told_later, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(finish_writes_the_rest, loop_setup, loop_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
