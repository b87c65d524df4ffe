#include "../unit.h"

#include "options_text.h"

typedef struct settings {
    int64_t size;
    const char *const *list;
    int choice;
    bool flag;
} settings;

#define FIELD(member) TOW_OPTION_FIELD(settings, member)

static const tow_option_choice colours[] = {{"red", 1}, {"green", 2}, {0}};

static const tow_option rows[] = {
    {.group = "Limits",
        .name = "size",
        .letter = 's',
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "16M",
        .off = "no limit",
        .help = "how much",
        FIELD(size)},
    {.name = "list", .kind = TOW_OPTION_LIST, .value = "WORD", .note = "none", .help = "words", FIELD(list)},
    {.group = "Looks",
        .name = "colour",
        .kind = TOW_OPTION_CHOICE,
        .choices = colours,
        .fallback = "red",
        .help = "which colour",
        FIELD(choice)},
    {.letter = 'f', .kind = TOW_OPTION_FLAG, .help = "a flag", FIELD(flag)},
    {.letter = 'x', .kind = TOW_OPTION_REFUSED, .help = "was never good"},
    {0},
};

static const char *const description[] = {"Does a thing. With a \\ in it.", ".Begins with a dot.", NULL};
static const char *const examples[] = {"towline try 'it \"now\"'", "tries it", NULL};

static const tow_option_section sections[] = {{.options = rows}, {0}};

static const tow_command command = {.name = "try",
    .operands = "URL",
    .description = description,
    .examples = examples,
    .sections = sections,
    .settings_size = sizeof(settings)};

static void is(tow_buffer *text, const char *expected) {
    assert_int_equal(tow_buffer_append(text, "", 1), 0);
    assert_string_equal((const char *)text->data, expected);
    tow_buffer_clear(text);
}

static void help_comes_from_the_rows(void **state) {
    (void)state;
    tow_buffer text = {0};
    assert_int_equal(tow_options_help(&text, &command, 80, false), 0);
    is(&text, "usage: towline try [OPTIONS] URL\n"
              "\n"
              "Does a thing. With a \\ in it.\n"
              "\n"
              ".Begins with a dot.\n"
              "\n"
              "Limits\n"
              "  -s, --size SIZE             how much (default 16M; off: no limit)\n"
              "      --list WORD             words (default: none; may stand several times)\n"
              "\n"
              "Looks\n"
              "      --colour red|green      which colour (default red)\n"
              "  -f                          a flag\n"
              "\n"
              "  -h, --help                  print this\n"
              "\n"
              "Examples\n"
              "  towline try 'it \"now\"'\n"
              "      tries it\n");
}

static void headings_are_bold_when_painted(void **state) {
    (void)state;
    tow_buffer text = {0};
    assert_int_equal(tow_options_help(&text, &command, 80, true), 0);
    assert_int_equal(tow_buffer_append(&text, "", 1), 0);
    assert_non_null(strstr((const char *)text.data, "\n\033[1mLimits\033[0m\n"));
    tow_buffer_clear(&text);
}

static void the_manual_comes_from_the_rows(void **state) {
    (void)state;
    tow_buffer text = {0};
    assert_int_equal(tow_options_manual(&text, &command), 0);
    is(&text, ".Ss towline try Oo Ar OPTIONS Oc Ar URL\n"
              "Does a thing.\n"
              "With a \\e in it.\n"
              ".Pp\n"
              "\\&.Begins with a dot.\n"
              ".Pp\n"
              "Limits:\n"
              ".Bl -tag -width Ds -compact\n"
              ".It Fl s , Fl -size Ar SIZE\n"
              "how much (default 16M; off: no limit)\n"
              ".It Fl -list Ar WORD\n"
              "words (default: none; may stand several times)\n"
              ".El\n"
              ".Pp\n"
              "Looks:\n"
              ".Bl -tag -width Ds -compact\n"
              ".It Fl -colour Ar red|green\n"
              "which colour (default red)\n"
              ".It Fl f\n"
              "a flag\n"
              ".It Fl h , Fl -help\n"
              "print this\n"
              ".El\n"
              ".Pp\n"
              "Examples:\n"
              ".Bl -tag -width Ds -compact\n"
              ".It Li \"towline try \\(aqit \\(dqnow\\(dq\\(aq\"\n"
              "tries it\n"
              ".El\n");
}

static void lines_break_at_spaces(void **state) {
    (void)state;
    tow_buffer text = {0};
    assert_int_equal(tow_text_wrap(&text, "one two three four", 4, 2, 11), 0);
    is(&text, "one two\n  three\n  four\n");
    assert_int_equal(tow_text_wrap(&text, "one two", 0, 0, 7), 0); /* at the limit */
    is(&text, "one two\n");
    assert_int_equal(tow_text_wrap(&text, "one two", 0, 0, 6), 0);
    is(&text, "one\ntwo\n");
    assert_int_equal(tow_text_wrap(&text, "unbreakable", 0, 0, 5), 0);
    is(&text, "unbreakable\n");
    assert_int_equal(tow_text_wrap(&text, "", 0, 0, 5), 0);
    is(&text, "\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_comes_from_the_rows),
        cmocka_unit_test(headings_are_bold_when_painted),
        cmocka_unit_test(the_manual_comes_from_the_rows),
        cmocka_unit_test(lines_break_at_spaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
