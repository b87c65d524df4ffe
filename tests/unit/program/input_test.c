#include "../unit.h"

#include "input.h"

#include <fcntl.h>
#include <towline/error.h>
#include <unistd.h>

typedef struct reading_state {
    tow_standard_input input;
    tow_buffer got; /* pieces, a bar behind each */
    int ends;
    int error;
    int pause_after; /* pieces, 0: never */
    int pieces;
} reading_state;

static void on_piece(tow_standard_input *input, const char *bytes, size_t length) {
    reading_state *reading = input->user;
    assert_int_equal(reading->ends, 0);
    assert_int_equal(tow_buffer_append(&reading->got, bytes, length), 0);
    assert_int_equal(tow_buffer_append(&reading->got, "|", 1), 0);
    if (++reading->pieces == reading->pause_after)
        tow_standard_input_pause(input);
}

static void on_end(tow_standard_input *input, int error) {
    reading_state *reading = input->user;
    reading->ends++;
    reading->error = error;
}

static const tow_standard_input_events events = {.on_piece = on_piece, .on_end = on_end};

static int loop_setup(void **state) {
    tow_loop *loop;
    int error = tow_loop_new(&loop, NULL);
    *state = error == 0 ? loop : NULL;
    return error;
}

static int loop_teardown(void **state) {
    tow_loop_free(*state);
    return 0;
}

static int pipe_with(const char *text, int *writer) {
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], text, strlen(text)), (ssize_t)strlen(text));
    if (writer != NULL)
        *writer = fds[1];
    else
        close(fds[1]);
    return fds[0];
}

static int file_with(const char *text) {
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fputs(text, file) < 0, 0);
    rewind(file);
    int fd = dup(fileno(file));
    fclose(file);
    return fd;
}

static void got_is(reading_state *reading, const char *expected) {
    assert_int_equal(reading->ends, 1);
    assert_int_equal(reading->error, 0);
    assert_int_equal(tow_buffer_append(&reading->got, "", 1), 0);
    assert_string_equal((const char *)reading->got.data, expected);
    tow_buffer_clear(&reading->got);
}

static void read_all(tow_loop *loop, int fd, bool whole_lines, const char *expected) {
    reading_state reading = {0};
    assert_true(fd >= 0);
    assert_int_equal(tow_standard_input_start(&reading.input, loop, fd, whole_lines, &events, &reading), 0);
    assert_int_equal(reading.pieces, 0); /* no callback inside the call */
    while (reading.ends == 0)
        assert_int_equal(tow_loop_run(loop), 0);
    tow_standard_input_stop(&reading.input);
    close(fd);
    got_is(&reading, expected);
}

static void pipes_and_files_give_lines(void **state) {
    read_all(*state, pipe_with("one\n\ntwo", NULL), true, "one||two|");
    read_all(*state, file_with("one\n\ntwo"), true, "one||two|");
    read_all(*state, pipe_with("", NULL), true, "");
    read_all(*state, open("/dev/null", O_RDONLY), true, "");
}

static void pipes_and_files_give_pieces(void **state) {
    read_all(*state, pipe_with("one\ntwo", NULL), false, "one\ntwo|");
    read_all(*state, file_with("one\ntwo"), false, "one\ntwo|");
}

static void a_closed_descriptor_is_an_end(void **state) {
    reading_state reading = {0};
    assert_int_equal(tow_standard_input_start(&reading.input, *state, 1000, true, &events, &reading), 0);
    while (reading.ends == 0)
        assert_int_equal(tow_loop_run(*state), 0);
    got_is(&reading, "");
}

static void a_folder_cannot_be_read(void **state) {
    reading_state reading = {0};
    int fd = open("/", O_RDONLY | O_DIRECTORY);
    assert_int_equal(tow_standard_input_start(&reading.input, *state, fd, true, &events, &reading), 0);
    while (reading.ends == 0)
        assert_int_equal(tow_loop_run(*state), 0);
    assert_int_equal(reading.error, TOW_ERROR_SYSTEM);
    close(fd);
}

/* Rounds in which something could come if it were not paused. */
static void rounds(tow_loop *loop, int count) {
    for (int i = 0; i < count; i++)
        assert_true(tow_loop_step(loop) >= 0);
}

static void what_is_read_waits_while_paused(tow_loop *loop, int fd) {
    reading_state reading = {.pause_after = 1};
    assert_int_equal(tow_standard_input_start(&reading.input, loop, fd, true, &events, &reading), 0);
    rounds(loop, 20);
    assert_int_equal(reading.pieces, 1);
    assert_int_equal(reading.ends, 0);
    tow_standard_input_resume(&reading.input);
    assert_int_equal(reading.pieces, 1);
    while (reading.ends == 0)
        assert_int_equal(tow_loop_run(loop), 0);
    close(fd);
    got_is(&reading, "one|two|three|");
}

static void a_pause_holds_lines_back(void **state) {
    what_is_read_waits_while_paused(*state, pipe_with("one\ntwo\nthree", NULL));
    what_is_read_waits_while_paused(*state, file_with("one\ntwo\nthree"));
}

/* As with --echo, where the session reads no input and the socket's queue fills and drains all the same. */
static void an_input_that_was_not_started_may_be_paused_and_resumed(void **state) {
    (void)state;
    tow_standard_input input = {0};
    tow_standard_input_pause(&input);
    tow_standard_input_resume(&input);
    tow_standard_input_stop(&input);
}

static void after_a_stop_nothing_comes(void **state) {
    int writer;
    int fd = pipe_with("one\n", &writer);
    reading_state reading = {0};
    assert_int_equal(tow_standard_input_start(&reading.input, *state, fd, true, &events, &reading), 0);
    rounds(*state, 5);
    assert_int_equal(reading.pieces, 1);
    tow_standard_input_stop(&reading.input);
    tow_standard_input_stop(&reading.input);
    assert_int_equal(write(writer, "two\n", 4), 4);
    tow_standard_input_resume(&reading.input);
    rounds(*state, 5);
    assert_int_equal(reading.pieces, 1);
    assert_int_equal(reading.ends, 0);
    tow_buffer_clear(&reading.got);
    close(writer);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pipes_and_files_give_lines, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(pipes_and_files_give_pieces, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(a_closed_descriptor_is_an_end, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(a_folder_cannot_be_read, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(a_pause_holds_lines_back, loop_setup, loop_teardown),
        cmocka_unit_test(an_input_that_was_not_started_may_be_paused_and_resumed),
        cmocka_unit_test_setup_teardown(after_a_stop_nothing_comes, loop_setup, loop_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
