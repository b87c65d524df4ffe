#include "../unit.h"

#include "options.h"

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
        FIELD(size)},
    {.name = "duration",
        .kind = TOW_OPTION_DURATION,
        .value = "SECONDS",
        .help = "a time",
        .minimum = 1,
        .maximum = 60,
        FIELD(duration)},
    {.name = "choice",
        .kind = TOW_OPTION_CHOICE,
        .fallback = "green",
        .choices = colours,
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
    tow_options_result result;
    settings filled;
    const char *const *operands;
    char error[TOW_OPTIONS_ERROR_MAX];
} parse_outcome;

#define PARSE(outcome, ...) parse(outcome, (const char *const[]){__VA_ARGS__, NULL})

static void parse(parse_outcome *outcome, const char *const *words) {
    memset(outcome, 0, sizeof *outcome);
    outcome->result =
        tow_options_parse(&command, words, &outcome->filled, &outcome->operands, outcome->error);
}

static void forget(parse_outcome *outcome) {
    tow_options_clear(&command, &outcome->filled, outcome->operands);
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
    outcome.result = tow_options_parse(
        &strict, (const char *const[]){"-f", NULL}, &outcome.filled, &outcome.operands, outcome.error);
    assert_int_equal(outcome.result, TOW_OPTIONS_WRONG);
    assert_string_equal(outcome.error, "URL is missing; 'towline try --help' tells more");
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
