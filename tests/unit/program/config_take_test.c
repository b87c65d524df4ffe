#include "../unit.h"

#include "config_take.h"

#include <towline/error.h>

typedef struct settings {
    const char *const *ports, *const *fields;
    const char *file;
    bool flag, never;
    int number;
} settings;

#define FIELD(member) TOW_OPTION_FIELD(settings, member)

static const tow_option rows[] = {
    {.name = "port", .kind = TOW_OPTION_LIST, .value = "PORT", .path = TOW_OPTION_UNIX_PATH, FIELD(ports)},
    {.name = "fields", .kind = TOW_OPTION_LIST, .value = "FIELD", .pair = ": ", FIELD(fields)},
    {.name = "root", .kind = TOW_OPTION_TEXT, .value = "DIR", .path = TOW_OPTION_PATH, FIELD(file)},
    {.name = "flag", .kind = TOW_OPTION_FLAG, FIELD(flag)},
    {.name = "never", .kind = TOW_OPTION_FLAG, .needs = TOW_OPTION_NEEDS_COMMAND_LINE, FIELD(never)},
    {.name = "number", .kind = TOW_OPTION_NUMBER, .value = "N", .minimum = 1, FIELD(number)},
    {0},
};

static const tow_option_section sections[] = {{.options = rows}, {0}};
static const tow_command command = {
    .name = "try", .operands = "", .sections = sections, .settings_size = sizeof(settings)};
static const char *const besides[] = {"routes", NULL};
static const tow_config_scope scope = {"a.yaml", "/etc/towline"};

typedef struct taken {
    tow_options options;
    const settings *settings;
    char error[TOW_OPTIONS_ERROR_MAX];
    int problem;
} taken;

static taken take(const char *text, const char *const *words) {
    taken now = {0};
    tow_config_tree tree;
    assert_int_equal(tow_options_init(&now.options, &command), 0);
    assert_int_equal(tow_options_take_words(&now.options, words, now.error), TOW_OPTIONS_RUN);
    assert_int_equal(tow_config_tree_read(&tree, "a.yaml", text, strlen(text), now.error), 0);
    now.problem = tow_config_take(&now.options, tree.root, &scope, besides, now.error);
    now.settings = now.options.settings;
    tow_config_tree_clear(&tree);
    return now;
}

static const char *const no_words[] = {NULL};

static void keys_fill_the_fields_of_their_rows(void **state) {
    (void)state;
    taken now =
        take("port: [80, '*:81']\nflag: true\nnumber: 3\nroutes: [x]\nfields: {A: b, C: 'd: e'}\n", no_words);
    assert_string_equal(now.error, "");
    assert_string_equal(now.settings->ports[0], "80");
    assert_string_equal(now.settings->ports[1], "*:81");
    assert_null(now.settings->ports[2]);
    assert_true(now.settings->flag);
    assert_int_equal(now.settings->number, 3);
    assert_string_equal(now.settings->fields[0], "A: b");
    assert_string_equal(now.settings->fields[1], "C: d: e");
    assert_int_equal(tow_options_source(&now.options, "number")->line, 3);
    assert_int_equal(tow_options_source(&now.options, "number")->column, 9);
    tow_options_clear(&now.options);
}

static void a_list_may_be_one_text_and_pairs_a_list(void **state) {
    (void)state;
    taken now = take("port: 80\nfields: [{A: b}, 'C: d']\n", no_words);
    assert_string_equal(now.settings->ports[0], "80");
    assert_string_equal(now.settings->fields[0], "A: b");
    assert_string_equal(now.settings->fields[1], "C: d");
    tow_options_clear(&now.options);
}

static void relative_paths_are_those_of_the_file(void **state) {
    (void)state;
    taken now = take("root: public\nport: [unix:a.sock, 'unix:/b.sock', 80]\n", no_words);
    assert_string_equal(now.settings->file, "/etc/towline/public");
    assert_string_equal(now.settings->ports[0], "unix:/etc/towline/a.sock");
    assert_string_equal(now.settings->ports[1], "unix:/b.sock");
    assert_string_equal(now.settings->ports[2], "80");
    tow_options_clear(&now.options);
    now = take("root: /public\n", no_words);
    assert_string_equal(now.settings->file, "/public");
    tow_options_clear(&now.options);
}

static void the_command_line_goes_before_the_file(void **state) {
    (void)state;
    taken now =
        take("root: public\nport: [80, 81]\n", (const char *const[]){"--root", "mine", "--port", "7", NULL});
    assert_string_equal(now.settings->file, "mine");
    assert_string_equal(now.settings->ports[0], "7");
    assert_null(now.settings->ports[1]);
    tow_options_clear(&now.options);
}

static void refuses(const char *text, const char *message) {
    taken now = take(text, no_words);
    assert_string_equal(now.error, message);
    assert_int_equal(now.problem, TOW_ERROR_ARGUMENT);
    tow_options_clear(&now.options);
}

static void what_is_wrong_is_told_with_its_place(void **state) {
    (void)state;
    refuses("a: 1\n", "a.yaml:1:1: no key a here");
    refuses("port: 1\nnumbr: 1\n", "a.yaml:2:1: no key numbr here; did you mean number?");
    refuses("route: []\n", "a.yaml:1:1: no key route here; did you mean routes?");
    refuses("nevr: true\n", "a.yaml:1:1: no key nevr here");
    refuses("never: true\n", "a.yaml:1:1: never: only on the command line");
    refuses("number:\n", "a.yaml:1:8: number: it has no value: N");
    refuses("flag: ~\n", "a.yaml:1:7: flag: it has no value");
    refuses("number: [1]\n", "a.yaml:1:9: number: it takes one value, not a list");
    refuses("number: {a: 1}\n", "a.yaml:1:9: number: it takes one value, not a map");
    refuses("number: 0\n", "a.yaml:1:9: number: 0 is too little; at least 1");
    refuses("flag: yes\n", "a.yaml:1:7: flag: 'yes' is neither true nor false");
    refuses("port: {a: 1}\n", "a.yaml:1:7: port: it takes a value or a list of them, not a map");
    refuses("port: [1, [2]]\n", "a.yaml:1:11: port: it takes a value or a list of them, not a list");
    refuses("port: []\n", "a.yaml:1:7: port: an empty list: leave the key away");
    refuses("port: [1,\n  ~]\n", "a.yaml:2:3: port: it has no value: PORT");
    refuses("fields: {A: [b]}\n", "a.yaml:1:13: fields: it takes a map of names and values, not a list");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_fill_the_fields_of_their_rows),
        cmocka_unit_test(a_list_may_be_one_text_and_pairs_a_list),
        cmocka_unit_test(relative_paths_are_those_of_the_file),
        cmocka_unit_test(the_command_line_goes_before_the_file),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
