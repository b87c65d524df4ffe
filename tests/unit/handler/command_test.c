/* A command as a byte stream, on real loops: its bytes, its end and status, what it leaves unread, and its
 * start when memory runs out. */
#include "../transport/each_loop.h"

#include "../allocation.h"
#include "command.h"

#include <stdlib.h>
#include <string.h>

typedef struct scene {
    tow_command command; /* first */
    tow_byte_stream *stream;
    tow_buffer heard;
    size_t writables, ends, errors, closed, exits;
    bool pauses; /* after every delivery */
    bool hears_errors;
    int patience_seconds;
} scene;

static void on_bytes(tow_byte_stream *stream, void *bytes, size_t length) {
    scene *one = tow_byte_stream_user(stream);
    assert_int_equal(one->ends, 0);
    tow_buffer_append(&one->heard, bytes, length);
    if (one->pauses)
        tow_byte_stream_pause(stream);
}

static void on_writable(tow_byte_stream *stream) {
    ((scene *)tow_byte_stream_user(stream))->writables++;
}

static void on_end(tow_byte_stream *stream) {
    scene *one = tow_byte_stream_user(stream);
    one->ends++;
    assert_false(tow_command_runs(&one->command));
}

static void on_error(tow_byte_stream *stream, int error, const char *text) {
    ((scene *)tow_byte_stream_user(stream))->errors++;
}

static void on_closed(tow_byte_stream *stream) {
    ((scene *)tow_byte_stream_user(stream))->closed++;
}

static void on_exit_of(tow_command *command) {
    ((scene *)(void *)command)->exits++;
}

/* Into the same text as its output. */
static void on_errors(tow_command *command, const char *bytes, size_t length) {
    tow_buffer_append(&((scene *)(void *)command)->heard, bytes, length);
}

static int try_to_start(const each_loop *each, scene *one, const char *text) {
    const char *const arguments[] = {"/bin/sh", "-c", text, NULL};
    const tow_byte_stream_options options = {.user = one,
        .on_bytes = on_bytes,
        .on_writable = on_writable,
        .on_end = on_end,
        .on_error = on_error,
        .on_closed = on_closed};
    return tow_command_start(&one->command, &one->stream, each->loop,
        &(tow_command_options){.child = {.arguments = arguments},
            .on_exit = on_exit_of,
            .on_errors = one->hears_errors ? on_errors : NULL,
            .patience_seconds = one->patience_seconds},
        &options);
}

static bool has_ended(void *argument) {
    return ((scene *)argument)->ends > 0;
}

static bool is_over(void *argument) {
    const scene *one = argument;
    return one->closed > 0 && one->exits > 0;
}

static int64_t write_to(const scene *one, const char *bytes, size_t length) {
    return tow_byte_stream_write(one->stream, &(tow_bytes){bytes, length}, 1);
}

static void finish(each_loop *each, scene *one) {
    tow_byte_stream_close(one->stream);
    run_until(each, is_over, one);
    assert_int_equal(one->closed, 1);
    assert_int_equal(one->exits, 1);
    assert_int_equal(one->errors, 0);
    tow_buffer_clear(&one->heard);
    run_to_the_end(each);
}

static void assert_heard(const scene *one, const char *text) {
    assert_int_equal(one->heard.length, strlen(text));
    assert_memory_equal(one->heard.data, text, strlen(text));
}

static void it_reads_and_writes_and_ends(void **state) {
    scene one = {0};
    assert_int_equal(try_to_start(*state, &one, "sort"), 0);
    assert_int_equal(write_to(&one, "b\na\n", 4), 4);
    tow_byte_stream_shutdown(one.stream);
    run_until(*state, has_ended, &one);
    assert_heard(&one, "a\nb\n");
    assert_int_equal(tow_command_status(&one.command), 0);
    finish(*state, &one);
}

static void its_end_waits_for_its_exit_and_its_status_is_known_then(void **state) {
    scene one = {0};
    assert_int_equal(try_to_start(*state, &one, "echo said; exec >&-; sleep 0.2; exit 7"), 0);
    run_until(*state, has_ended, &one);
    assert_heard(&one, "said\n");
    assert_int_equal(tow_command_status(&one.command), 7);
    finish(*state, &one);
}

static void its_end_waits_for_its_output(void **state) {
    scene one = {.pauses = true};
    assert_int_equal(try_to_start(*state, &one, "head -c 1000000 /dev/zero & wait; exit 3"), 0);
    for (int rounds = 0; one.heard.length < 1000000; rounds++) {
        assert_true(rounds < 10000);
        assert_int_equal(one.ends, 0);
        run_for(*state, TOW_MILLISECOND);
        tow_byte_stream_resume(one.stream);
    }
    tow_byte_stream_resume(one.stream);
    run_until(*state, has_ended, &one);
    assert_int_equal(tow_command_status(&one.command), 3);
    finish(*state, &one);
}

/* More than its socket holds, so that some waits at the caller's. */
static void what_it_leaves_unread_is_dropped(void **state) {
    static const char much[1000000] = "line\n";
    scene one = {0};
    assert_int_equal(try_to_start(*state, &one, "read line; exec <&-; sleep 0.2; echo got $line"), 0);
    int64_t taken = write_to(&one, much, sizeof(much));
    assert_in_range(taken, 5, sizeof(much) - 1);
    run_until(*state, has_ended, &one);
    assert_heard(&one, "got line\n");
    assert_true(one.writables > 0);
    assert_int_equal(write_to(&one, much, sizeof(much)), sizeof(much));
    assert_int_equal(tow_command_status(&one.command), 0);
    finish(*state, &one);
}

static void closing_it_ends_what_runs(void **state) {
    scene one = {0};
    assert_int_equal(try_to_start(*state, &one, "sleep 1000 & sleep 1000"), 0);
    finish(*state, &one);
    assert_int_equal(tow_command_status(&one.command), 128 + 15);
    assert_int_equal(one.ends, 0);
}

static void its_standard_error_is_told_before_its_end(void **state) {
    scene one = {.hears_errors = true};
    assert_int_equal(try_to_start(*state, &one, "echo out; sleep 0.1; echo err >&2; exit 2"), 0);
    run_until(*state, has_ended, &one);
    assert_heard(&one, "out\nerr\n");
    assert_int_equal(tow_command_status(&one.command), 2);
    finish(*state, &one);
}

static void closing_it_lets_it_end_by_itself_first(void **state) {
    scene one = {.hears_errors = true, .patience_seconds = 100};
    assert_int_equal(try_to_start(*state, &one, "cat; echo bye >&2; exit 4"), 0);
    finish(*state, &one);
    assert_int_equal(tow_command_status(&one.command), 4);
}

static void patience_ends(void **state) {
    scene one = {.hears_errors = true, .patience_seconds = 1};
    assert_int_equal(try_to_start(*state, &one, "sleep 1000"), 0);
    finish(*state, &one);
    assert_int_equal(tow_command_status(&one.command), 128 + 15);
}

/* A session of its own is a process group of its own. */
static void what_has_left_its_group_does_not_hold_its_end(void **state) {
    scene one = {.hears_errors = true};
    assert_int_equal(try_to_start(*state, &one, "setsid sleep 5 & sleep 0.1; echo said; exit 3"), 0);
    run_until(*state, has_ended, &one);
    assert_heard(&one, "said\n");
    assert_int_equal(tow_command_status(&one.command), 3);
    finish(*state, &one);
}

static void it_is_found_where_path_says(void **state) {
    char *found = tow_command_place("sh");
    assert_true(found[0] == '/' && strcmp(found + strlen(found) - 3, "/sh") == 0);
    free(found);
    found = tow_command_place("no-such-command-here");
    assert_string_equal(found, "no-such-command-here");
    free(found);
    found = tow_command_place("./sh");
    assert_string_equal(found, "./sh");
    free(found);
}

static bool has_exited(void *argument) {
    return !tow_command_runs(&((scene *)argument)->command);
}

static void each_allocation_of_its_start_may_fail(void **state) {
    each_loop *each = *state;
    int error = TOW_ERROR_MEMORY;
    for (size_t number = 1; error != 0; number++) {
        scene one = {.hears_errors = true};
        long before = allocation_outstanding();
        allocation_fail_at(number);
        error = try_to_start(each, &one, "sleep 1000");
        allocation_fail_at(0);
        if (error == 0) {
            finish(each, &one);
            break;
        }
        assert_int_equal(error, TOW_ERROR_MEMORY);
        bool ran = tow_command_runs(&one.command);
        run_until(each, has_exited, &one);
        run_to_the_end(each);
        assert_int_equal(one.exits, ran ? 1 : 0);
        assert_int_equal(one.closed, 0);
        assert_int_equal(allocation_outstanding(), before);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_REAL_LOOPS(it_reads_and_writes_and_ends),
        ON_REAL_LOOPS(its_end_waits_for_its_exit_and_its_status_is_known_then),
        ON_REAL_LOOPS(its_end_waits_for_its_output),
        ON_REAL_LOOPS(what_it_leaves_unread_is_dropped),
        ON_REAL_LOOPS(closing_it_ends_what_runs),
        ON_REAL_LOOPS(its_standard_error_is_told_before_its_end),
        ON_REAL_LOOPS(closing_it_lets_it_end_by_itself_first),
        ON_REAL_LOOPS(patience_ends),
        ON_REAL_LOOPS(what_has_left_its_group_does_not_hold_its_end),
        cmocka_unit_test(it_is_found_where_path_says),
        ON_REAL_LOOPS(each_allocation_of_its_start_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
