#include "../unit.h"

#include "options.h"

#include <stddef.h>
#include <towline/error.h>
#include <towline/message.h>

typedef struct settings {
    bool flag;
    bool other;
    const char *text;
    const char *const *list;
    int number;
    int64_t size;
    int64_t duration;
    int choice;
} settings;

#define FIELD(member) TOW_OPTION_FIELD(settings, member)

static int check_short(const char *text) {
    return strlen(text) <= 4 ? 0 : TOW_ERROR_ARGUMENT;
}

static const char *const colours_meant[] = {"blood", "red", "grass", "green", NULL};
static const tow_option_choice colours[] = {{"red", 3}, {"green", 5}, {0}};

static const tow_option rows[] = {
    {.name = "flag", .letter = 'f', .kind = TOW_OPTION_FLAG, .help = "a flag", FIELD(flag)},
    {.letter = 'g', .kind = TOW_OPTION_FLAG, .help = "a flag", FIELD(other)},
    {.name = "text", .letter = 't', .kind = TOW_OPTION_TEXT, .value = "WORD", .help = "a text", FIELD(text)},
    {.name = "list",
        .letter = 'l',
        .kind = TOW_OPTION_LIST,
        .value = "WORD",
        .help = "a list",
        .check = check_short,
        .expects = "a short word",
        FIELD(list)},
    {.name = "number",
        .letter = 'n',
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .fallback = "7",
        .off = "none",
        .help = "a number",
        .minimum = 2,
        .maximum = 9,
        FIELD(number)},
    {.name = "size",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "16M",
        .help = "a size",
        .minimum = 1,
        .needs = TOW_OPTION_NEEDS_TLS,
        FIELD(size)},
    {.name = "duration",
        .kind = TOW_OPTION_DURATION,
        .value = "SECONDS",
        .help = "a time",
        .minimum = 1,
        .maximum = 60,
        FIELD(duration)},
    {.group = "Others",
        .name = "choice",
        .kind = TOW_OPTION_CHOICE,
        .fallback = "green",
        .choices = colours,
        .meant = colours_meant,
        .help = "a choice",
        FIELD(choice)},
    {.letter = 'x', .kind = TOW_OPTION_REFUSED, .help = "was never good"},
    {0},
};

static const tow_option_section sections[] = {{.options = rows}, {0}};

static const tow_command command = {.name = "try",
    .operands = "URL",
    .operands_minimum = 0,
    .operands_maximum = 1,
    .sections = sections,
    .settings_size = sizeof(settings)};

typedef struct parse_outcome {
    tow_options options;
    tow_options_result result;
    settings filled; /* the same as the options' */
    const char *const *operands;
    char error[TOW_OPTIONS_ERROR_MAX];
} parse_outcome;

#define PARSE(outcome, ...) parse(outcome, (const char *const[]){__VA_ARGS__, NULL})

static void words_take(parse_outcome *outcome, const char *const *words) {
    outcome->result = tow_options_take_words(&outcome->options, words, outcome->error);
    outcome->filled = *(const settings *)outcome->options.settings;
    outcome->operands = outcome->options.operands;
}

static void parse(parse_outcome *outcome, const char *const *words) {
    memset(outcome, 0, sizeof(*outcome));
    assert_int_equal(tow_options_init(&outcome->options, &command), 0);
    words_take(outcome, words);
}

static void forget(parse_outcome *outcome) {
    tow_options_clear(&outcome->options);
}

static void wrong(const char *message, const char *const *words) {
    parse_outcome outcome;
    parse(&outcome, words);
    assert_int_equal(outcome.result, TOW_OPTIONS_WRONG);
    assert_string_equal(outcome.error, message);
    forget(&outcome);
}

#define WRONG(message, ...) wrong(message, (const char *const[]){__VA_ARGS__, NULL})

static void without_words_the_defaults_hold(void **state) {
    (void)state;
    parse_outcome outcome;
    parse(&outcome, (const char *const[]){NULL});
    assert_int_equal(outcome.result, TOW_OPTIONS_RUN);
    assert_int_equal(outcome.filled.number, 7);
    assert_int_equal(outcome.filled.size, 16777216);
    assert_int_equal(outcome.filled.choice, 5);
    assert_int_equal(outcome.filled.duration, 0);
    assert_null(outcome.filled.text);
    assert_null(outcome.filled.list);
    assert_null(outcome.operands);
    forget(&outcome);
}

static void values_stand_behind_in_the_next_word_or_after_equals(void **state) {
    (void)state;
    parse_outcome outcome;
    PARSE(&outcome, "--text=one", "--number", "9", "-l", "a", "-lb", "--list=c", "--size=64K", "--duration",
        "1.5", "--choice=red");
    assert_int_equal(outcome.result, TOW_OPTIONS_RUN);
    assert_string_equal(outcome.filled.text, "one");
    assert_int_equal(outcome.filled.number, 9);
    assert_string_equal(outcome.filled.list[0], "a");
    assert_string_equal(outcome.filled.list[1], "b");
    assert_string_equal(outcome.filled.list[2], "c");
    assert_null(outcome.filled.list[3]);
    assert_int_equal(outcome.filled.size, 65536);
    assert_int_equal(outcome.filled.duration, 1500000000);
    assert_int_equal(outcome.filled.choice, 3);
    forget(&outcome);
}

static void letters_share_a_dash_and_the_last_takes_the_value(void **state) {
    (void)state;
    parse_outcome outcome;
    PARSE(&outcome, "-fgtword");
    assert_int_equal(outcome.result, TOW_OPTIONS_RUN);
    assert_true(outcome.filled.flag);
    assert_true(outcome.filled.other);
    assert_string_equal(outcome.filled.text, "word");
    forget(&outcome);
    PARSE(&outcome, "-fn", "3");
    assert_int_equal(outcome.filled.number, 3);
    forget(&outcome);
}

static void the_last_of_several_values_holds(void **state) {
    (void)state;
    parse_outcome outcome;
    PARSE(&outcome, "-n3", "-n", "4");
    assert_int_equal(outcome.filled.number, 4);
    forget(&outcome);
}

static void operands_stand_anywhere_and_after_two_dashes(void **state) {
    (void)state;
    parse_outcome outcome;
    PARSE(&outcome, "ws://here", "-f");
    assert_int_equal(outcome.result, TOW_OPTIONS_RUN);
    assert_string_equal(outcome.operands[0], "ws://here");
    assert_true(outcome.filled.flag);
    forget(&outcome);
    PARSE(&outcome, "--", "-f");
    assert_string_equal(outcome.operands[0], "-f");
    assert_false(outcome.filled.flag);
    forget(&outcome);
    PARSE(&outcome, "-");
    assert_string_equal(outcome.operands[0], "-");
    forget(&outcome);
}

static void off_is_a_value_where_the_row_says_so(void **state) {
    (void)state;
    parse_outcome outcome;
    PARSE(&outcome, "--number", "off");
    assert_int_equal(outcome.filled.number, TOW_OFF);
    forget(&outcome);
    WRONG("--size: 'off' is not a size such as 512, 64K, 16M or 1G", "--size=off");
}

static void limits_hold_at_both_ends(void **state) {
    (void)state;
    parse_outcome outcome;
    PARSE(&outcome, "--number=2");
    assert_int_equal(outcome.filled.number, 2);
    forget(&outcome);
    WRONG("--number: 1 is too little; at least 2, or off for none", "--number=1");
    WRONG("--number: 10 is too much; at most 9", "--number=10");
    WRONG("--number: 99999999999999999999 is too much; at most 9", "--number=99999999999999999999");
    PARSE(&outcome, "--duration=60");
    assert_int_equal(outcome.result, TOW_OPTIONS_RUN);
    forget(&outcome);
    WRONG("--duration: 60.1 is too much; at most 60", "--duration=60.1");
    WRONG("--duration: 0.9 is too little; at least 1", "--duration=0.9");
    WRONG("--size: 0 is too little; at least 1", "--size=0");
}

static void values_of_the_wrong_kind_are_named(void **state) {
    (void)state;
    WRONG("--number: 'x' is not a whole number, nor off", "--number=x");
    WRONG("--number: '-3' is not a whole number, nor off", "--number", "-3");
    WRONG("--size: '12X' is not a size such as 512, 64K, 16M or 1G", "--size=12X");
    WRONG("--duration: '1s' is not a number of seconds such as 10 or 0.5", "--duration=1s");
    WRONG("--choice: 'blue' is none of red, green", "--choice=blue");
    WRONG("--choice: 'grene' is none of red, green; did you mean green?", "--choice=grene");
    WRONG("--choice: 'grass' is none of red, green; did you mean green?", "--choice=grass");
    WRONG("--list: 'longer' is not a short word", "--list=longer");
}

static void missing_and_superfluous_values_are_errors(void **state) {
    (void)state;
    WRONG("--text needs a value: WORD", "--text");
    WRONG("--choice needs a value", "--choice");
    WRONG("--text needs a value: WORD", "-ft");
    WRONG("--flag takes no value", "--flag=yes");
    WRONG("'two' is one word too many; options begin with a dash", "one", "two");
}

static void unknown_options_get_the_nearest_one(void **state) {
    (void)state;
    WRONG("no option --txet; did you mean --text?", "--txet=3");
    WRONG("no option --hlep; did you mean --help?", "--hlep");
    WRONG("no option --certificate; 'towline try --help' lists them", "--certificate");
    WRONG("no option -z; 'towline try --help' lists them", "-fz");
    WRONG("no option --; 'towline try --help' lists them", "--=1");
}

static void refused_options_say_why(void **state) {
    (void)state;
    WRONG("-x: was never good", "-x");
    WRONG("-x: was never good", "-x", "FILE");
}

static void a_missing_operand_is_named(void **state) {
    (void)state;
    tow_command strict = command;
    strict.operands_minimum = 1;
    parse_outcome outcome = {0};
    assert_int_equal(tow_options_init(&outcome.options, &strict), 0);
    words_take(&outcome, (const char *const[]){"-f", NULL});
    assert_int_equal(outcome.result, TOW_OPTIONS_WRONG);
    assert_string_equal(outcome.error, "a word is missing: towline try URL; 'towline try --help' tells more");
    forget(&outcome);
}

static void help_ends_the_reading(void **state) {
    (void)state;
    parse_outcome outcome;
    PARSE(&outcome, "-f", "--help", "--nonsense");
    assert_int_equal(outcome.result, TOW_OPTIONS_HELP);
    forget(&outcome);
    PARSE(&outcome, "-h");
    assert_int_equal(outcome.result, TOW_OPTIONS_HELP);
    forget(&outcome);
    PARSE(&outcome, "--help=man");
    assert_int_equal(outcome.result, TOW_OPTIONS_MANUAL);
    forget(&outcome);
    WRONG("no option --nonsense; 'towline try --help' lists them", "--nonsense", "--help");
}

/* From a file. */

#define LINE(number) ((tow_option_source){.file = "try.yaml", .line = (number), .column = 7})

static void take(parse_outcome *outcome, const char *name, const char *text, size_t line) {
    assert_int_equal(tow_options_take(&outcome->options, name, text, LINE(line), outcome->error), 0);
    outcome->filled = *(const settings *)outcome->options.settings;
}

static void a_file_fills_the_same_fields(void **state) {
    (void)state;
    parse_outcome outcome;
    parse(&outcome, (const char *const[]){NULL});
    take(&outcome, "flag", "true", 1);
    take(&outcome, "text", "one", 2);
    take(&outcome, "list", "a", 3);
    take(&outcome, "list", "b", 4);
    take(&outcome, "number", "off", 5);
    take(&outcome, "size", "64K", 6);
    take(&outcome, "choice", "red", 7);
    assert_true(outcome.filled.flag);
    assert_string_equal(outcome.filled.text, "one");
    assert_string_equal(outcome.filled.list[0], "a");
    assert_string_equal(outcome.filled.list[1], "b");
    assert_null(outcome.filled.list[2]);
    assert_int_equal(outcome.filled.number, TOW_OFF);
    assert_int_equal(outcome.filled.size, 65536);
    assert_int_equal(outcome.filled.choice, 3);
    take(&outcome, "flag", "false", 8);
    assert_false(outcome.filled.flag);
    forget(&outcome);
}

static void the_command_line_goes_before_a_file(void **state) {
    (void)state;
    parse_outcome outcome;
    PARSE(&outcome, "--number", "3", "-l", "mine", "-f");
    take(&outcome, "number", "4", 1);
    take(&outcome, "list", "its", 2);
    take(&outcome, "flag", "false", 3);
    take(&outcome, "size", "2", 4);
    assert_int_equal(outcome.filled.number, 3);
    assert_string_equal(outcome.filled.list[0], "mine");
    assert_null(outcome.filled.list[1]);
    assert_true(outcome.filled.flag);
    assert_int_equal(outcome.filled.size, 2);
    forget(&outcome);
}

static void the_order_of_taking_does_not_matter(void **state) {
    (void)state;
    parse_outcome outcome = {0};
    assert_int_equal(tow_options_init(&outcome.options, &command), 0);
    take(&outcome, "number", "4", 1);
    take(&outcome, "list", "its", 2);
    take(&outcome, "list", "own", 3);
    words_take(&outcome, (const char *const[]){"--number", "3", "-l", "mine", "-l", "too", NULL});
    assert_int_equal(outcome.result, TOW_OPTIONS_RUN);
    assert_int_equal(outcome.filled.number, 3);
    assert_string_equal(outcome.filled.list[0], "mine");
    assert_string_equal(outcome.filled.list[1], "too");
    assert_null(outcome.filled.list[2]);
    forget(&outcome);
}

static void it_is_known_where_a_value_was_given(void **state) {
    (void)state;
    parse_outcome outcome;
    PARSE(&outcome, "--number", "7", "-g", "-n7", "-t", "word");
    take(&outcome, "size", "16M", 12);
    take(&outcome, "number", "7", 13);
    assert_null(tow_options_source(&outcome.options, "number")->file);
    assert_null(tow_options_source(&outcome.options, "text")->file);
    assert_non_null(tow_options_source(&outcome.options, "g")); /* by its letter, as it has no name */
    assert_string_equal(tow_options_source(&outcome.options, "size")->file, "try.yaml");
    assert_int_equal(tow_options_source(&outcome.options, "size")->line, 12);
    assert_null(tow_options_source(&outcome.options, "choice")); /* the default */
    assert_null(
        tow_options_source(&outcome.options, "none-of-its")); /* begins with a letter that was given */
    forget(&outcome);
}

static void wrong_in_file(const char *message, const char *name, const char *text) {
    parse_outcome outcome;
    PARSE(&outcome, "--number", "3", "-l", "a"); /* what would not hold is checked as well */
    assert_int_equal(
        tow_options_take(&outcome.options, name, text, LINE(12), outcome.error), TOW_ERROR_ARGUMENT);
    assert_string_equal(outcome.error, message);
    forget(&outcome);
}

static void what_is_wrong_in_a_file_is_told_with_its_line(void **state) {
    (void)state;
    wrong_in_file("try.yaml:12:7: number: 1 is too little; at least 2, or off for none", "number", "1");
    wrong_in_file("try.yaml:12:7: list: 'longer' is not a short word", "list", "longer");
    wrong_in_file("try.yaml:12:7: flag: 'yes' is neither true nor false", "flag", "yes");
    wrong_in_file("try.yaml:12:7: choice: 'blue' is none of red, green", "choice", "blue");
    wrong_in_file("try.yaml:12:7: no option txet; did you mean text?", "txet", "a");
    wrong_in_file("try.yaml:12:7: no option certificate", "certificate", "a");
}

static void texts_are_copied(void **state) {
    (void)state;
    parse_outcome outcome;
    char words[3][8] = {"-tone", "-ltwo", "three"};
    PARSE(&outcome, words[0], words[1], words[2]);
    memset(words, 'x', sizeof(words));
    char text[] = "four";
    take(&outcome, "list", text, 1);
    memset(text, 'x', sizeof(text));
    assert_string_equal(outcome.filled.text, "one");
    assert_string_equal(outcome.filled.list[0], "two");
    assert_string_equal(outcome.operands[0], "three");
    forget(&outcome);
}

/* What a command says of rows that others have, too. */

static const tow_option_change changes[] = {
    {.name = "number", .fallback = "off", .help = "another number", .group = "Numbers"},
    {.name = "size", .fallback = "1K"},
    {.name = "choice", .left_out = true},
    {0},
};

typedef struct wider_settings {
    int before;
    settings part;
} wider_settings;

static const tow_option_section changed_sections[] = {
    {.options = rows, .base = offsetof(wider_settings, part), .changes = changes}, {0}};

static const tow_command changed_command = {
    .name = "change", .operands = "", .sections = changed_sections, .settings_size = sizeof(wider_settings)};

static void a_command_may_change_rows_or_leave_them_out(void **state) {
    (void)state;
    tow_options options;
    char error[TOW_OPTIONS_ERROR_MAX];
    assert_int_equal(tow_options_init(&options, &changed_command), 0);
    const wider_settings *filled = options.settings;
    assert_int_equal(filled->part.number, TOW_OFF);
    assert_int_equal(filled->part.size, 1024);
    assert_int_equal(filled->part.choice, 0);
    assert_int_equal(
        tow_options_take_words(&options, (const char *const[]){"-n", "5", "-t", "a", NULL}, error),
        TOW_OPTIONS_RUN);
    assert_int_equal(filled->part.number, 5);
    assert_string_equal(filled->part.text, "a");
    assert_int_equal(filled->before, 0);
    assert_int_equal(tow_options_take_words(&options, (const char *const[]){"--choice=red", NULL}, error),
        TOW_OPTIONS_WRONG);
    tow_options_clear(&options);
    tow_option option;
    assert_true(tow_command_option(&changed_command, 4, &option));
    assert_string_equal(option.help, "another number");
    assert_string_equal(option.group, "Numbers");
    assert_int_equal(option.minimum, 2);
    assert_true(tow_command_option(&changed_command, 7, &option));
    assert_int_equal(option.letter, 'x');
    assert_string_equal(option.group, "Others");
}

static void what_was_given_beside_some_is_found(void **state) {
    (void)state;
    static const char *const names[] = {"flag", "size", NULL};
    parse_outcome outcome;
    PARSE(&outcome, "-f", "--size", "3");
    assert_null(tow_options_beside(&outcome.options, names));
    forget(&outcome);
    PARSE(&outcome, "-f", "-n", "3");
    assert_string_equal(tow_options_beside(&outcome.options, names)->name, "number");
    forget(&outcome);
    PARSE(&outcome, "-g");
    assert_int_equal(tow_options_beside(&outcome.options, names)->letter, 'g');
    forget(&outcome);
}

static void what_needs_something_that_lacks_is_found(void **state) {
    (void)state;
    parse_outcome outcome;
    PARSE(&outcome, "-f", "--size", "3");
    assert_null(tow_options_useless(&outcome.options, 0));
    assert_null(tow_options_useless(&outcome.options, TOW_OPTION_NEEDS_CLIENT));
    assert_string_equal(
        tow_options_useless(&outcome.options, TOW_OPTION_NEEDS_CLIENT | TOW_OPTION_NEEDS_TLS)->name, "size");
    forget(&outcome);
    PARSE(&outcome, "-f");
    assert_null(tow_options_useless(&outcome.options, TOW_OPTION_NEEDS_TLS));
    forget(&outcome);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_words_the_defaults_hold),
        cmocka_unit_test(values_stand_behind_in_the_next_word_or_after_equals),
        cmocka_unit_test(letters_share_a_dash_and_the_last_takes_the_value),
        cmocka_unit_test(the_last_of_several_values_holds),
        cmocka_unit_test(operands_stand_anywhere_and_after_two_dashes),
        cmocka_unit_test(off_is_a_value_where_the_row_says_so),
        cmocka_unit_test(limits_hold_at_both_ends),
        cmocka_unit_test(values_of_the_wrong_kind_are_named),
        cmocka_unit_test(missing_and_superfluous_values_are_errors),
        cmocka_unit_test(unknown_options_get_the_nearest_one),
        cmocka_unit_test(refused_options_say_why),
        cmocka_unit_test(a_missing_operand_is_named),
        cmocka_unit_test(help_ends_the_reading),
        cmocka_unit_test(a_file_fills_the_same_fields),
        cmocka_unit_test(the_command_line_goes_before_a_file),
        cmocka_unit_test(the_order_of_taking_does_not_matter),
        cmocka_unit_test(it_is_known_where_a_value_was_given),
        cmocka_unit_test(what_is_wrong_in_a_file_is_told_with_its_line),
        cmocka_unit_test(texts_are_copied),
        cmocka_unit_test(a_command_may_change_rows_or_leave_them_out),
        cmocka_unit_test(what_needs_something_that_lacks_is_found),
        cmocka_unit_test(what_was_given_beside_some_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
