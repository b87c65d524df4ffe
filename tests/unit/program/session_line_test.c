#include "../unit.h"

#include "session.h"

#include <stdarg.h>
#include <unistd.h>

/* What the line did, written down by the functions that it calls, which stand here in place of the session's.
 */
static char done[4096];

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...) {
    size_t used = strlen(done);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(done + used, sizeof(done) - used, format, arguments);
    va_end(arguments);
}

void tow_session_send(tow_session *session, tow_message_type type, const void *data, size_t length) {
    note("%s %.*s;", type == TOW_TEXT ? "text" : "binary", (int)length, (const char *)data);
}

void tow_session_ping(tow_session *session, const void *payload, size_t length) {
    note("ping %.*s;", (int)length, (const char *)payload);
}

void tow_session_leave(tow_session *session, uint16_t code, const char *reason) {
    note("close %d %s;", code, reason != NULL ? reason : "-");
}

void tow_view_notice(tow_view *view, const char *format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    note("notice %s;", line);
}

int tow_view_sent(tow_view *view, tow_message_type type, const void *data, size_t length) {
    return 0;
}

static void line_does(bool binary, const char *line, const char *expected) {
    const tow_connect_settings settings = {.binary = binary};
    tow_session session = {.settings = &settings};
    done[0] = '\0';
    tow_session_line(&session, line);
    assert_string_equal(done, expected);
}

static void a_line_is_a_message(void **state) {
    (void)state;
    line_does(false, "hello", "text hello;");
    line_does(false, " /ping", "text  /ping;");
    line_does(true, "hello", "binary hello;");
}

static void two_slashes_send_one(void **state) {
    (void)state;
    line_does(false, "//ping", "text /ping;");
    line_does(false, "//", "text /;");
}

static void a_ping_carries_what_stands_behind(void **state) {
    (void)state;
    line_does(false, "/ping", "ping ;");
    line_does(false, "/ping  a b", "ping a b;");
    char line[200] = "/ping ";
    char expected[200] = "ping ";
    memset(line + 6, 'x', 125);
    memset(expected + 5, 'x', 125);
    strcat(expected, ";");
    line_does(false, line, expected);
    line[6 + 125] = 'x';
    line_does(false, line, "notice /ping: a Ping holds at most 125 bytes;");
}

static void a_close_takes_code_and_reason(void **state) {
    (void)state;
    line_does(false, "/close", "close 1000 -;");
    line_does(false, "/close 3000", "close 3000 -;");
    line_does(false, "/close 4999 good  bye", "close 4999 good  bye;");
    static const char *const wrong[] = {"/close 999", "/close 1001", "/close 2999", "/close 5000",
        "/close bye", "/close 99999999999", "/close 3000x"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        line_does(false, wrong[i],
            "notice /close: a client may send 1000 and 3000 to 4999; a reason stands behind the code;");
}

static void a_reason_has_at_most_123_bytes(void **state) {
    (void)state;
    char line[200] = "/close 3000 ";
    char expected[200] = "close 3000 ";
    memset(line + 12, 'x', 123);
    memset(expected + 11, 'x', 123);
    strcat(expected, ";");
    line_does(false, line, expected);
    line[12 + 123] = 'x';
    line_does(false, line, "notice /close: a reason has at most 123 bytes;");
}

static void a_file_is_sent_whole(void **state) {
    (void)state;
    char name[] = "/tmp/towline-line-XXXXXX";
    char line[64];
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "bytes", 5), 5);
    close(fd);
    snprintf(line, sizeof(line), "/binary %s", name);
    line_does(false, line, "binary bytes;");
    unlink(name);
    line_does(false, "/binary", "notice /binary: which file?;");
    line_does(
        false, "/binary /nonexistent/file", "notice /binary: /nonexistent/file: No such file or directory;");
    line_does(false, "/binary /", "notice /binary: /: Is a directory;");
}

static void unknown_commands_are_not_sent(void **state) {
    (void)state;
    line_does(false, "/pong",
        "notice no command /pong; did you mean /ping? (// sends a line that begins with a slash);");
    line_does(false, "/usr/bin/true",
        "notice no command /usr/bin/true; /help lists them, // sends a line that begins with a slash;");
    line_does(false, "/", "notice no command /; /help lists them, // sends a line that begins with a slash;");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_message),
        cmocka_unit_test(two_slashes_send_one),
        cmocka_unit_test(a_ping_carries_what_stands_behind),
        cmocka_unit_test(a_close_takes_code_and_reason),
        cmocka_unit_test(a_reason_has_at_most_123_bytes),
        cmocka_unit_test(a_file_is_sent_whole),
        cmocka_unit_test(unknown_commands_are_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
