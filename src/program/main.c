/* main: finds the subcommand, has its options read, and runs it. Exit status: 0 done, 1 failed at run time, 2
 * wrong usage. */
#include "exit_status.h"
#include "first_process.h"
#include "option_table.h"
#include "options_text.h"
#include "paint.h"
#include "suggest.h"
#include "version.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/version.h>
#include <unistd.h>

/* Prints what was written into `text`, unless writing it failed. */
static int print(tow_buffer *text, int error) {
    if (error == 0 && fwrite(text->data, 1, text->length, stdout) == text->length && fflush(stdout) == 0)
        error = 0;
    else if (error == 0)
        error = TOW_ERROR_SYSTEM;
    tow_buffer_clear(text);
    if (error != 0)
        fprintf(stderr, "towline: writing the output: %s\n", tow_strerror(error));
    return error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int help_columns(void) {
    int columns = tow_paint_columns(STDOUT_FILENO, 80);
    return columns > 100 ? 100 : columns < 60 ? 60 : columns;
}

static int print_command_help(const tow_command *command) {
    tow_buffer text = {0};
    return print(&text, tow_options_help(&text, command, help_columns(), tow_paint_wanted(STDOUT_FILENO)));
}

static int print_manual(const tow_command *command) {
    tow_buffer text = {0};
    return print(&text, tow_options_manual(&text, command));
}

/* The commands' sections of the manual page: script/manual puts them there. */
static int print_manuals(void) {
    tow_buffer text = {0};
    int error = 0;
    for (size_t i = 0; error == 0 && i < tow_command_count; i++)
        error = tow_options_manual(&text, tow_commands[i]);
    return print(&text, error);
}

static int usage_write(tow_buffer *text, bool painted) {
    const char *bold = tow_paint(painted, TOW_COLOUR_BOLD);
    const char *plain = tow_paint_end(painted);
    int error =
        tow_buffer_append_format(text, "usage: towline COMMAND [OPTIONS]\n\n%sCommands%s\n", bold, plain);
    for (size_t i = 0; error == 0 && i < tow_command_count; i++)
        error =
            tow_buffer_append_format(text, "  %-10s %s\n", tow_commands[i]->name, tow_commands[i]->summary);
    if (error == 0)
        error = tow_buffer_append_text(text, "\n'towline COMMAND --help' tells about a command, 'towline "
                                             "--version' what this build is made of.\n");
    return error;
}

static int print_usage(void) {
    tow_buffer text = {0};
    return print(&text, usage_write(&text, tow_paint_wanted(STDOUT_FILENO)));
}

static int wrong_command(const char *name) {
    const char *names[16];
    size_t count = 0;
    for (; count < tow_command_count && count < 16; count++)
        names[count] = tow_commands[count]->name;
    const char *nearest = tow_suggest(name, names, count);
    if (name[0] == '-')
        fprintf(stderr, "towline: no option %s here; options stand behind the command: towline serve %s\n",
            name, name);
    else if (nearest != NULL)
        fprintf(stderr, "towline: no command %s; did you mean %s?\n", name, nearest);
    else
        fprintf(stderr, "towline: no command %s; 'towline --help' lists them\n", name);
    return TOW_EXIT_USAGE;
}

static int help_for(const char *name) {
    if (name == NULL)
        return print_usage();
    const tow_command *command = tow_command_find(name);
    return command != NULL ? print_command_help(command) : wrong_command(name);
}

static int command_run(const tow_command *command, const char *const *words) {
    char error[TOW_OPTIONS_ERROR_MAX];
    tow_options options;
    if (tow_options_init(&options, command) != 0) {
        fprintf(stderr, "towline: %s\n", tow_strerror(TOW_ERROR_MEMORY));
        return EXIT_FAILURE;
    }
    int status = TOW_EXIT_USAGE;
    switch (tow_options_take_words(&options, words, error)) {
    case TOW_OPTIONS_RUN:
        tow_first_process_part();
        status = command->run(&options);
        break;
    case TOW_OPTIONS_HELP:
        status = print_command_help(command);
        break;
    case TOW_OPTIONS_MANUAL:
        status = print_manual(command);
        break;
    case TOW_OPTIONS_WRONG:
        fprintf(stderr, "towline %s: %s\n", command->name, error);
        break;
    }
    tow_options_clear(&options);
    return status;
}

static bool is_one_of(const char *word, const char *one, const char *two, const char *three) {
    return strcmp(word, one) == 0 || strcmp(word, two) == 0 || strcmp(word, three) == 0;
}

/* Started without one of them, the program would take the first descriptor that it opens for a terminal or a
 * log. */
static bool have_standard_descriptors(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            return false;
    }
    return true;
}

int main(int count, char **words) {
    const char *const *next = (const char *const *)words + 1;
    if (!have_standard_descriptors())
        return EXIT_FAILURE;
    if (strcmp(tow_version(), TOW_VERSION) != 0) {
        fprintf(stderr, "towline: this is version %s, but libtowline is %s; install both from one build\n",
            TOW_VERSION, tow_version());
        return EXIT_FAILURE;
    }
    if (count < 2) {
        tow_buffer text = {0};
        if (usage_write(&text, tow_paint_wanted(STDERR_FILENO)) == 0)
            fwrite(text.data, 1, text.length, stderr);
        tow_buffer_clear(&text);
        return TOW_EXIT_USAGE;
    }
    if (is_one_of(*next, "--help", "-h", "help"))
        return help_for(next[1]);
    if (strcmp(*next, "--help=man") == 0)
        return print_manuals();
    if (is_one_of(*next, "--version", "-V", "version")) {
        tow_buffer text = {0};
        return print(&text, tow_version_write(&text));
    }
    const tow_command *command = tow_command_find(*next);
    return command != NULL ? command_run(command, next + 1) : wrong_command(*next);
}
