#include "../unit.h"

#include "config_file.h"

#include <towline/error.h>

static void shown(const tow_config_node *node, char *out, size_t size) {
    size_t used = strlen(out);
    if (node->key != NULL)
        snprintf(out + used, size - used, "%s=", node->key->text);
    used = strlen(out);
    if (node->type == TOW_CONFIG_TEXT)
        snprintf(out + used, size - used, "'%s'", node->text);
    else
        snprintf(out + used, size - used, "%s",
            node->type == TOW_CONFIG_NOTHING ? "-"
            : node->type == TOW_CONFIG_LIST  ? "["
                                             : "{");
    for (const tow_config_node *each = node->first; each != NULL; each = each->next) {
        shown(each, out, size);
        strncat(out, each->next != NULL ? " " : "", size - strlen(out) - 1);
    }
    if (node->type >= TOW_CONFIG_LIST)
        strncat(out, node->type == TOW_CONFIG_LIST ? "]" : "}", size - strlen(out) - 1);
}

static void reads(const char *text, const char *as) {
    tow_config_tree tree;
    char error[TOW_OPTIONS_ERROR_MAX] = "";
    char out[400] = "";
    int problem = tow_config_tree_read(&tree, "a.yaml", text, strlen(text), error);
    assert_string_equal(error, "");
    assert_int_equal(problem, 0);
    shown(tree.root, out, sizeof(out));
    assert_string_equal(out, as);
    tow_config_tree_clear(&tree);
    assert_null(tree.root);
}

static void refuses_bytes(const char *text, size_t length, const char *message) {
    tow_config_tree tree;
    char error[TOW_OPTIONS_ERROR_MAX] = "";
    assert_int_equal(tow_config_tree_read(&tree, "a.yaml", text, length, error), TOW_ERROR_ARGUMENT);
    assert_string_equal(error, message);
    assert_null(tree.root);
}

static void refuses(const char *text, const char *message) {
    refuses_bytes(text, strlen(text), message);
}

static void texts_lists_and_maps_are_read(void **state) {
    (void)state;
    reads("a: 1\nb: [x, 'y z', \"\\u00e9\"]\nc:\n  d: off\n  e:\n    - f: g\n    - h\n",
        "{a='1' b=['x' 'y z' '\xc3\xa9'] c={d='off' e=[{f='g'} 'h']}}");
    reads("%YAML 1.1\n---\na: |\n  one\n  two\n...\n", "{a='one\ntwo\n'}");
    reads("\xef\xbb\xbf"
          "a: 1\r\nb: 2\r\n",
        "{a='1' b='2'}");
}

static void no_value_is_nothing_and_quotes_make_a_text(void **state) {
    (void)state;
    reads("", "-");
    reads("# only a remark\n", "-");
    reads("a:\nb: ~\nc: null\nd: ''\ne: '~'\n", "{a=- b=- c='null' d='' e='~'}");
}

static void nodes_know_where_they_stand(void **state) {
    (void)state;
    tow_config_tree tree;
    char error[TOW_OPTIONS_ERROR_MAX];
    const char *text = "a: 1\n\xc3\xa9: {b: [x, y]}\n";
    assert_int_equal(tow_config_tree_read(&tree, "a.yaml", text, strlen(text), error), 0);
    const tow_config_node *map = tow_config_find(tree.root, "\xc3\xa9");
    assert_int_equal(map->key->line, 2);
    assert_int_equal(map->key->column, 1);
    assert_int_equal(map->column, 4); /* characters, not bytes */
    const tow_config_node *list = tow_config_find(map, "b");
    assert_int_equal(list->first->next->line, 2);
    assert_int_equal(list->first->next->column, 12);
    assert_null(tow_config_find(tree.root, "b"));
    tow_config_tree_clear(&tree);
}

static void what_is_no_yaml_is_told_with_its_place(void **state) {
    (void)state;
    refuses("a: [b\n", "a.yaml:2:1: did not find expected ',' or ']' while parsing a flow sequence");
    refuses("a:\n\tb: 1\n",
        "a.yaml:2:1: found character that cannot start any token while scanning for the next token: a tab; "
        "indent with spaces");
    refuses("a: 'b\n", "a.yaml:2:1: found unexpected end of stream while scanning a quoted scalar");
    refuses("a: 1\n b: 2\n", "a.yaml:2:3: mapping values are not allowed in this context");
}

static void what_is_no_text_is_told_with_its_place(void **state) {
    (void)state;
    refuses_bytes("a: \xc3\xa9\0", 6, "a.yaml:1:5: a NUL byte: this is no text file");
    refuses("a: 1\nb: \xc3\xa9\xff\n", "a.yaml:2:5: this is not UTF-8");
    refuses("a: \xc3", "a.yaml:1:4: this is not UTF-8");
    refuses("a: 1\nb: \x01\n", "a.yaml:2:4: control characters are not allowed");
    refuses("a: \"\\0\"\n", "a.yaml:1:4: a text has no NUL");
}

static void what_has_no_place_in_a_configuration_is_refused(void **state) {
    (void)state;
    refuses("a: &x 1\n", "a.yaml:1:4: &x: anchors are not read here: leave it away");
    refuses("a: &x [1]\n", "a.yaml:1:4: &x: anchors are not read here: leave it away");
    refuses("a: {b: &x {}}\n", "a.yaml:1:8: &x: anchors are not read here: leave it away");
    refuses("a: *x\n", "a.yaml:1:4: *x: aliases are not read here: write it out");
    refuses("a: !!int 1\n", "a.yaml:1:4: tag:yaml.org,2002:int: tags are not read here: leave it away");
    refuses("a: ! 1\n", "a.yaml:1:4: !: tags are not read here: leave it away");
    refuses("a: 1\n---\nb: 1\n", "a.yaml:2:1: a second document: a configuration is one");
    refuses("- a\n", "a.yaml:1:1: a configuration is a map, such as port: 9998; this is a list");
    refuses("word\n", "a.yaml:1:1: a configuration is a map, such as port: 9998; this is a text");
    refuses("? [a]\n: 1\n", "a.yaml:1:3: a key is a text, not a list");
    refuses("~: 1\n", "a.yaml:1:1: a key is a text, not nothing");
}

static void a_key_that_stands_twice_is_told_with_both_lines(void **state) {
    (void)state;
    refuses("a: 1\nb: 2\na: 3\n", "a.yaml:3:1: a stands twice: in line 1 already");
    refuses("a: {b: 1, b: 1}\n", "a.yaml:1:11: b stands twice: in line 1 already");
}

static char *repeated(const char *text, size_t count) {
    size_t length = strlen(text);
    char *all = calloc(count * length + 1, 1);
    for (size_t i = 0; i < count; i++)
        memcpy(all + i * length, text, length);
    return all;
}

static void depth_is_bounded(void **state) {
    (void)state;
    reads("a: [[[[[[[x]]]]]]]\n", "{a=[[[[[[['x']]]]]]]}");
    refuses("a: [[[[[[[[x]]]]]]]]\n", "a.yaml:1:12: lists and maps in more than 8 others");
    char *deep = repeated("[", 100000);
    refuses(deep, "a.yaml:1:10: lists and maps in more than 8 others");
    free(deep);
}

static void the_number_of_values_is_bounded(void **state) {
    (void)state;
    char *many = repeated("- x\n", TOW_CONFIG_VALUES_MAX + 1);
    refuses(many, "a.yaml:50000:3: the file has more than 50000 values");
    free(many);
}

static void the_number_of_keys_is_bounded(void **state) {
    (void)state;
    char text[TOW_CONFIG_KEYS_MAX * 10 + 20] = "";
    size_t used = 0;
    for (int i = 0; i <= TOW_CONFIG_KEYS_MAX; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "k%d: 1\n", i);
    refuses(text, "a.yaml:501:1: a map of more than 500 keys");
}

static void the_size_of_a_file_is_bounded(void **state) {
    (void)state;
    char *large = repeated("#", TOW_CONFIG_BYTES_MAX);
    reads(large, "-");
    free(large);
    large = repeated("#", TOW_CONFIG_BYTES_MAX + 1);
    refuses(large, "a.yaml: the file is larger than 1048576 bytes");
    free(large);
}

static void what_can_not_be_opened_says_why(void **state) {
    (void)state;
    tow_config_tree tree = {0};
    char error[TOW_OPTIONS_ERROR_MAX];
    assert_int_equal(tow_config_tree_open(&tree, "/no/such.yaml", error), TOW_ERROR_SYSTEM);
    assert_string_equal(error, "/no/such.yaml: No such file or directory");
    assert_int_equal(tow_config_tree_open(&tree, "/", error), TOW_ERROR_SYSTEM);
    assert_string_equal(error, "/: Is a directory");
    assert_int_equal(tow_config_tree_open(&tree, "/dev/zero", error), TOW_ERROR_ARGUMENT);
    assert_string_equal(error, "/dev/zero: the file is larger than 1048576 bytes");
    assert_int_equal(tow_config_tree_open(&tree, "/dev/null", error), 0);
    tow_config_tree_clear(&tree);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_lists_and_maps_are_read),
        cmocka_unit_test(no_value_is_nothing_and_quotes_make_a_text),
        cmocka_unit_test(nodes_know_where_they_stand),
        cmocka_unit_test(what_is_no_yaml_is_told_with_its_place),
        cmocka_unit_test(what_is_no_text_is_told_with_its_place),
        cmocka_unit_test(what_has_no_place_in_a_configuration_is_refused),
        cmocka_unit_test(a_key_that_stands_twice_is_told_with_both_lines),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(the_number_of_values_is_bounded),
        cmocka_unit_test(the_number_of_keys_is_bounded),
        cmocka_unit_test(the_size_of_a_file_is_bounded),
        cmocka_unit_test(what_can_not_be_opened_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
