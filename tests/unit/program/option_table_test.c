#include "../unit.h"

#include "../../../src/server/settings.h"
#include "connect.h"
#include "option_table.h"
#include "options_text.h"
#include "serve.h"
#include "websocket/websocket.h"

#include <towline/error.h>

typedef void (*row_check)(const tow_command *command, const tow_option *option);

static void each_row(row_check check) {
    tow_option option;
    for (size_t i = 0; i < tow_command_count; i++)
        for (size_t j = 0; tow_command_option(tow_commands[i], j, &option); j++)
            check(tow_commands[i], &option);
}

static void row_is_whole(const tow_command *command, const tow_option *option) {
    assert_true(option->name != NULL || option->letter != 0);
    assert_non_null(option->help);
    if (option->kind == TOW_OPTION_REFUSED)
        return;
    assert_true(option->width > 0);
    assert_true(option->offset + option->width <= command->settings_size);
    assert_true((option->kind == TOW_OPTION_FLAG) == (option->value == NULL && option->choices == NULL));
    assert_true((option->check != NULL) == (option->expects != NULL));
    assert_true(option->fallback == NULL || option->note == NULL);
}

static void every_row_says_what_is_needed(void **state) {
    (void)state;
    each_row(row_is_whole);
}

static void row_is_alone(const tow_command *command, const tow_option *option) {
    int same = 0;
    tow_option other;
    for (size_t i = 0; tow_command_option(command, i, &other); i++) {
        same += other.letter != 0 && other.letter == option->letter;
        same += other.name != NULL && option->name != NULL && strcmp(other.name, option->name) == 0;
    }
    assert_int_equal(same, (option->letter != 0) + (option->name != NULL));
    assert_int_not_equal(option->letter, 'h'); /* that is --help */
}

static void no_two_rows_of_a_command_have_the_same_name(void **state) {
    (void)state;
    each_row(row_is_alone);
}

/* A field that two rows fill is a slip of the pen. */
static void row_has_its_own_field(const tow_command *command, const tow_option *option) {
    int same = 0;
    tow_option other;
    for (size_t i = 0; tow_command_option(command, i, &other); i++)
        same += other.width > 0 && other.offset == option->offset;
    assert_true(option->kind == TOW_OPTION_REFUSED || same == 1);
}

static void every_row_fills_a_field_of_its_own(void **state) {
    (void)state;
    each_row(row_has_its_own_field);
}

/* A change of a row that is not there is one, too. */
static void changes_name_rows_of_their_section(void **state) {
    (void)state;
    for (size_t i = 0; i < tow_command_count; i++) {
        const tow_option_section *section = tow_commands[i]->sections;
        for (; section->options != NULL; section++)
            for (const tow_option_change *change = section->changes; change != NULL && change->name != NULL;
                 change++) {
                const tow_option *row = section->options;
                while (row->name != NULL && strcmp(row->name, change->name) != 0)
                    row++;
                assert_non_null(row->name);
            }
    }
}

static void defaults(tow_options *options, const char *name) {
    const tow_command *command = tow_command_find(name);
    const char *const words[] = {"URL", NULL};
    char error[TOW_OPTIONS_ERROR_MAX];
    assert_non_null(command);
    assert_int_equal(tow_options_init(options, command), 0);
    assert_int_equal(
        tow_options_take_words(options, command->operands_minimum > 0 ? words : words + 1, error),
        TOW_OPTIONS_RUN);
}

static void the_defaults_of_serve_are_those_of_the_manual(void **state) {
    (void)state;
    tow_options options;
    defaults(&options, "serve");
    const tow_serve_settings settings = *(const tow_serve_settings *)options.settings;
    assert_int_equal(settings.server.handshake_seconds, 10);
    assert_int_equal(settings.server.handshake_bytes, 16 * 1024);
    assert_int_equal(settings.server.max_connections, 0);
    assert_int_equal(settings.server.max_connections_per_address, TOW_OFF);
    assert_int_equal(settings.server.drain_seconds, 5);
    assert_int_equal(settings.server.limits.max_message, 16 * 1024 * 1024);
    assert_int_equal(settings.server.limits.message_seconds, 60);
    assert_int_equal(settings.server.limits.message_rate, 1024);
    assert_int_equal(settings.server.limits.max_queue, 1024 * 1024);
    assert_int_equal(settings.server.limits.stall_seconds, 30);
    assert_int_equal(settings.server.limits.ping_seconds, 20);
    assert_int_equal(settings.server.limits.idle_seconds, 60);
    assert_int_equal(settings.server.limits.close_seconds, 0); /* 5, after an error 1 */
    assert_int_equal(settings.server.limits.compression, TOW_COMPRESSION_SHARED);
    assert_int_equal(settings.server.limits.compression_min, 512);
    assert_int_equal(settings.server.limits.compression_max, 512 * 1024);
    assert_int_equal(settings.server.io, TOW_IO_AUTO);
    assert_int_equal(settings.log_level, TOW_LOG_INFO);
    tow_options_clear(&options);
}

static void the_defaults_of_connect_are_those_of_the_manual(void **state) {
    (void)state;
    tow_options options;
    defaults(&options, "connect");
    const tow_connect_settings settings = *(const tow_connect_settings *)options.settings;
    assert_int_equal(settings.compression, TOW_COMPRESSION_TAKEOVER);
    assert_int_equal(settings.linger, TOW_LINGER_FOR_ANSWERS);
    assert_int_equal(settings.ping, TOW_OFF);
    assert_int_equal(settings.max_time, TOW_OFF);
    assert_int_equal(settings.max_message, 16 * 1024 * 1024);
    tow_options_clear(&options);
}

/* The library fills in what nobody sets; what help says and the command line sets is the same. */
static void defaults_of_limits_are_the_librarys(void **state) {
    (void)state;
    tow_options options;
    defaults(&options, "serve");
    tow_limits typed = ((const tow_serve_settings *)options.settings)->server.limits;
    tow_limits untouched = {0};
    tow_limits_resolve(&typed, TOW_ROLE_SERVER, NULL);
    tow_limits_resolve(&untouched, TOW_ROLE_SERVER, NULL);
    assert_memory_equal(&typed, &untouched, sizeof(typed));
    tow_options_clear(&options);
    defaults(&options, "connect");
    assert_int_equal(((const tow_connect_settings *)options.settings)->max_message, untouched.max_message);
    tow_options_clear(&options);
}

static void defaults_of_a_server_are_the_librarys(void **state) {
    (void)state;
    tow_options options;
    tow_settings typed, untouched;
    defaults(&options, "serve");
    const tow_server_options *server = &((const tow_serve_settings *)options.settings)->server;
    assert_int_equal(tow_settings_read(&typed, server), 0);
    assert_int_equal(tow_settings_read(&untouched, &(tow_server_options){0}), 0);
    assert_int_equal(typed.handshake_seconds, untouched.handshake_seconds);
    assert_int_equal(typed.handshake_bytes, untouched.handshake_bytes);
    assert_int_equal(typed.drain_seconds, untouched.drain_seconds);
    assert_int_equal(typed.max_connections, untouched.max_connections);
    assert_int_equal(typed.max_connections_per_address, untouched.max_connections_per_address);
    assert_int_equal(typed.max_unfinished, untouched.max_unfinished);
    assert_int_equal(typed.max_unfinished_per_address, untouched.max_unfinished_per_address);
    assert_int_equal(typed.io, untouched.io);
    assert_string_equal(typed.listens[0], untouched.listens[0]);
    tow_settings_clear(&typed);
    tow_settings_clear(&untouched);
    tow_options_clear(&options);
}

static void refuses(const char *name, const char *option, const char *value) {
    const tow_command *command = tow_command_find(name);
    const char *const words[] = {option, value, NULL};
    char error[TOW_OPTIONS_ERROR_MAX];
    tow_options options;
    assert_int_equal(tow_options_init(&options, command), 0);
    assert_int_equal(tow_options_take_words(&options, words, error), TOW_OPTIONS_WRONG);
    assert_memory_equal(error, option, strlen(option));
    tow_options_clear(&options);
}

static void values_are_checked_before_anything_begins(void **state) {
    (void)state;
    refuses("serve", "--port", "70000");
    refuses("serve", "--port", "example.org:80");
    refuses("serve", "--server-host", "a/b");
    refuses("serve", "--status", "here");
    refuses("serve", "--allow-origin", "example.org");
    refuses("serve", "--host", "a b");
    refuses("serve", "--workers", "0");
    refuses("serve", "--workers", "1025");
    refuses("serve", "--handshake-bytes", "off");
    refuses("serve", "--idle-seconds", "86401");
    refuses("serve", "--compression", "on");
    refuses("serve", "--io", "kqueue");
    refuses("connect", "--subprotocol", "a b");
    refuses("connect", "--subprotocol", "");
    refuses("connect", "--header", "Name");
    refuses("connect", "--header", ": value");
    refuses("connect", "--header", "A name: value");
    refuses("connect", "--header", "Name: a\r\nb: c");
    refuses("connect", "--max-time", "soon");
}

static void text_of(
    tow_buffer *text, int (*write)(tow_buffer *, const tow_command *), const tow_command *command) {
    assert_int_equal(write(text, command), 0);
    assert_int_equal(tow_buffer_append(text, "", 1), 0);
}

static int narrow_help(tow_buffer *text, const tow_command *command) {
    return tow_options_help(text, command, 80, false);
}

static void help_and_manual_name_every_option(void **state) {
    (void)state;
    for (size_t i = 0; i < tow_command_count; i++) {
        tow_buffer help = {0};
        tow_buffer manual = {0};
        text_of(&help, narrow_help, tow_commands[i]);
        text_of(&manual, tow_options_manual, tow_commands[i]);
        tow_option option;
        for (size_t j = 0; tow_command_option(tow_commands[i], j, &option); j++) {
            char label[TOW_OPTION_LABEL_MAX];
            tow_option_label(&option, NULL, label);
            bool shown = option.kind != TOW_OPTION_REFUSED;
            assert_int_equal(strstr((const char *)help.data, label) != NULL, shown);
            assert_int_equal(
                strstr((const char *)manual.data, label + 1) != NULL, shown || option.name == NULL);
        }
        tow_buffer_clear(&help);
        tow_buffer_clear(&manual);
    }
}

static void help_fits_its_columns(void **state) {
    (void)state;
    for (size_t i = 0; i < tow_command_count; i++) {
        tow_buffer help = {0};
        text_of(&help, narrow_help, tow_commands[i]);
        char *end = strstr((char *)help.data, "\nExamples\n");
        assert_non_null(end);
        *end = '\0';
        for (const char *line = (const char *)help.data; *line != '\0'; line += strspn(line, "\n")) {
            assert_in_range(strcspn(line, "\n"), 0, 80);
            line += strcspn(line, "\n");
        }
        tow_buffer_clear(&help);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_says_what_is_needed),
        cmocka_unit_test(no_two_rows_of_a_command_have_the_same_name),
        cmocka_unit_test(every_row_fills_a_field_of_its_own),
        cmocka_unit_test(changes_name_rows_of_their_section),
        cmocka_unit_test(the_defaults_of_serve_are_those_of_the_manual),
        cmocka_unit_test(the_defaults_of_connect_are_those_of_the_manual),
        cmocka_unit_test(defaults_of_limits_are_the_librarys),
        cmocka_unit_test(defaults_of_a_server_are_the_librarys),
        cmocka_unit_test(values_are_checked_before_anything_begins),
        cmocka_unit_test(help_and_manual_name_every_option),
        cmocka_unit_test(help_fits_its_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
