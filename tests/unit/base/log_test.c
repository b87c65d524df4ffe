#include "../unit.h"

#include "base/log.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <towline/error.h>
#include <unistd.h>

static const int64_t when = 784111777250; /* 1994-11-06 08:49:37.250 */

typedef struct pipe_ends {
    int read;
    int write;
} pipe_ends;

static pipe_ends open_pipe(void) {
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_not_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), -1);
    return (pipe_ends){.read = ends[0], .write = ends[1]};
}

static void close_pipe(pipe_ends ends) {
    close(ends.read);
    close(ends.write);
}

static size_t read_all(int fd, char *out, size_t size) {
    size_t length = 0;
    ssize_t got;
    while (length + 1 < size && (got = read(fd, out + length, size - 1 - length)) > 0)
        length += (size_t)got;
    out[length] = '\0';
    return length;
}

static void write_line(tow_log *log, int level, int64_t milliseconds, const char *line) {
    tow_log_write(log, milliseconds, &(tow_log_entry){.level = level, .line = line});
}

static void a_line_has_time_level_and_text(void **state) {
    (void)state;
    pipe_ends ends = open_pipe();
    tow_log *log;
    char text[256];
    assert_int_equal(tow_log_new(&log, &(tow_log_options){.descriptor = ends.write}), 0);
    write_line(log, 5, when, "listening\x1b[31m\non");
    read_all(ends.read, text, sizeof(text));
    assert_string_equal(text, "1994-11-06T08:49:37.250Z notice listening?[31m?on\n");
    tow_log_free(log);
    close_pipe(ends);
}

static void json_lines_are_escaped(void **state) {
    (void)state;
    pipe_ends ends = open_pipe();
    tow_log *log;
    char text[256];
    assert_int_equal(tow_log_new(&log, &(tow_log_options){.descriptor = ends.write, .json = true}), 0);
    write_line(log, 3, when, "a \"b\" \\ \n \xe9");
    read_all(ends.read, text, sizeof(text));
    assert_string_equal(text, "{\"time\":\"1994-11-06T08:49:37.250Z\",\"level\":\"error\","
                              "\"message\":\"a \\\"b\\\" \\\\ \\u000a \\u00e9\"}\n");
    tow_log_free(log);
    close_pipe(ends);
}

static void an_entry_is_its_line_as_text_and_its_fields_as_json(void **state) {
    (void)state;
    static const tow_log_field fields[] = {{.name = "message", .text = "closed"},
        {.name = "reason", .text = "\"x\""}, {.name = "code", .number = -1}};
    const tow_log_entry entry = {
        .level = TOW_LOG_INFO, .line = "the line", .fields = fields, .field_count = 3};
    for (int json = 0; json < 2; json++) {
        pipe_ends ends = open_pipe();
        tow_log *log;
        char text[256];
        assert_int_equal(tow_log_new(&log, &(tow_log_options){.descriptor = ends.write, .json = json}), 0);
        tow_log_write(log, when, &entry);
        read_all(ends.read, text, sizeof(text));
        assert_string_equal(
            text, json ? "{\"time\":\"1994-11-06T08:49:37.250Z\",\"level\":\"info\",\"message\":"
                         "\"closed\",\"reason\":\"\\\"x\\\"\",\"code\":-1}\n"
                       : "1994-11-06T08:49:37.250Z info the line\n");
        tow_log_free(log);
        close_pipe(ends);
    }
}

static void lines_above_the_level_are_passed_over(void **state) {
    (void)state;
    pipe_ends ends = open_pipe();
    tow_log *log;
    char text[256];
    assert_int_equal(
        tow_log_new(&log, &(tow_log_options){.descriptor = ends.write, .level = TOW_LOG_NOTICE}), 0);
    write_line(log, 6, when, "info");
    assert_int_equal(read_all(ends.read, text, sizeof(text)), 0);
    write_line(log, 5, when, "notice");
    assert_true(read_all(ends.read, text, sizeof(text)) > 0);
    tow_log_free(log);
    close_pipe(ends);
}

/* The alarm would end the test if a write waited. */
static void a_stuck_reader_stalls_nobody_and_lost_lines_are_counted(void **state) {
    (void)state;
    pipe_ends ends = open_pipe();
    tow_log *log;
    static char text[1 << 20];
    assert_int_equal(tow_log_new(&log, &(tow_log_options){.descriptor = ends.write, .capacity = 4096}), 0);
    alarm(10);
    for (int i = 0; i < 5000; i++)
        write_line(log, 6, when, "a line of some length that fills the pipe");
    assert_false(tow_log_flush(log));
    size_t length = read_all(ends.read, text, sizeof(text));
    while (!tow_log_flush(log))
        length += read_all(ends.read, text + length, sizeof(text) - length);
    write_line(log, 6, when, "last");
    length += read_all(ends.read, text + length, sizeof(text) - length);
    alarm(0);
    size_t lines = 0;
    size_t reports = 0;
    unsigned long long told = 0;
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1, lines++) {
        const char *report = strstr(line, "warning ");
        if (report == NULL || report > strchr(line, '\n'))
            continue;
        reports++;
        told += strtoull(report + strlen("warning "), NULL, 10);
    }
    assert_in_range(told, 1000, 5000 - 1);
    assert_int_equal(lines, 5000 - told + reports + 1);
    assert_string_equal(text + length - strlen("info last\n"), "info last\n");
    tow_log_free(log);
    close_pipe(ends);
}

static void a_reader_that_is_gone_costs_lines_only(void **state) {
    (void)state;
    pipe_ends ends = open_pipe();
    tow_log *log;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(tow_log_new(&log, &(tow_log_options){.descriptor = ends.write}), 0);
    close(ends.read);
    write_line(log, 6, when, "nobody reads this");
    assert_true(tow_log_flush(log));
    tow_log_free(log);
    close(ends.write);
}

static void a_file_that_was_moved_away_is_opened_anew(void **state) {
    (void)state;
    char folder[] = "/tmp/towline-log-XXXXXX";
    char path[64];
    char moved[64];
    struct stat status;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/log", folder);
    snprintf(moved, sizeof(moved), "%s/log.1", folder);
    tow_log *log;
    assert_int_equal(tow_log_new(&log, &(tow_log_options){.path = path}), 0);
    write_line(log, 6, when, "one");
    assert_int_equal(rename(path, moved), 0);
    write_line(log, 6, when, "two");
    assert_int_equal(tow_log_reopen(log), 0);
    write_line(log, 6, when, "three");
    assert_int_equal(stat(moved, &status), 0);
    assert_int_equal(status.st_size, 2 * strlen("1994-11-06T08:49:37.250Z info one\n"));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, strlen("1994-11-06T08:49:37.250Z info three\n"));
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(tow_log_reopen(log), TOW_ERROR_SYSTEM);
    tow_log_free(log);
    rmdir(path);
    unlink(moved);
    rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_and_text),
        cmocka_unit_test(json_lines_are_escaped),
        cmocka_unit_test(an_entry_is_its_line_as_text_and_its_fields_as_json),
        cmocka_unit_test(lines_above_the_level_are_passed_over),
        cmocka_unit_test(a_stuck_reader_stalls_nobody_and_lost_lines_are_counted),
        cmocka_unit_test(a_reader_that_is_gone_costs_lines_only),
        cmocka_unit_test(a_file_that_was_moved_away_is_opened_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
