#include "../unit.h"

#include "arguments.h"

#include <towline/error.h>

static void check_array(const tow_socketio_arguments *arguments, const char *name, const char *expected) {
    tow_buffer out = {0};
    tow_slice event = {name, name == NULL ? 0 : strlen(name)};
    assert_int_equal(tow_buffer_append_text(&out, "!"), 0);
    assert_int_equal(tow_socketio_arguments_append(&out, event, arguments, (tow_slice){0}), 0);
    assert_int_equal(out.length, strlen(expected) + 1);
    assert_memory_equal(out.data + 1, expected, out.length - 1);
    tow_buffer_clear(&out);
}

static void check_error(const tow_socketio_arguments *arguments, int error) {
    tow_buffer out = {0};
    assert_int_equal(tow_buffer_append_text(&out, "before"), 0);
    assert_int_equal(
        tow_socketio_arguments_append(&out, tow_slice_from("x"), arguments, (tow_slice){0}), error);
    assert_int_equal(out.length, 6);
    tow_buffer_clear(&out);
}

static void arguments_are_written_behind_a_name(void **state) {
    (void)state;
    json_t *values = json_pack("[s,[i],{}]", "a", 1);
    json_t *none = json_array();
    check_array(NULL, "e", "[\"e\"]");
    check_array(NULL, NULL, "[]");
    check_array(&(tow_socketio_arguments){0}, "e", "[\"e\"]");
    check_array(&(tow_socketio_arguments){.json = "1,\"two\", {}"}, "e\"\xc3\xa9",
        "[\"e\\\"\xc3\xa9\",1,\"two\", {}]");
    check_array(&(tow_socketio_arguments){.json = "1,2", .length = 1}, NULL, "[1]");
    check_array(&(tow_socketio_arguments){.values = values}, "e", "[\"e\",\"a\",[1],{}]");
    check_array(&(tow_socketio_arguments){.values = values}, NULL, "[\"a\",[1],{}]");
    check_array(&(tow_socketio_arguments){.values = none}, "e", "[\"e\"]");
    check_array(&(tow_socketio_arguments){.values = none}, NULL, "[]");
    json_decref(values);
    json_decref(none);
}

static void something_may_stand_last(void **state) {
    (void)state;
    static const char *const expected[] = {"[\"e\",\"last\"]", "[\"e\",1,\"last\"]"};
    for (int i = 0; i < 2; i++) {
        tow_buffer out = {0};
        const tow_socketio_arguments arguments = {.json = i == 0 ? NULL : "1"};
        assert_int_equal(
            tow_socketio_arguments_append(&out, tow_slice_from("e"), &arguments, tow_slice_from("last")), 0);
        assert_int_equal(out.length, strlen(expected[i]));
        assert_memory_equal(out.data, expected[i], out.length);
        tow_buffer_clear(&out);
    }
}

static void what_can_not_be_sent_is_refused(void **state) {
    (void)state;
    static const tow_socketio_attachment eleven[11] = {{"", 0}};
    json_t *object = json_object();
    check_error(&(tow_socketio_arguments){.json = "1,"}, TOW_ERROR_ARGUMENT);
    check_error(&(tow_socketio_arguments){.json = "1]"}, TOW_ERROR_ARGUMENT);
    check_error(&(tow_socketio_arguments){.json = "1],[2"}, TOW_ERROR_ARGUMENT);
    check_error(&(tow_socketio_arguments){.json = "1] "}, TOW_ERROR_ARGUMENT);
    check_error(&(tow_socketio_arguments){.json = "one"}, TOW_ERROR_ARGUMENT);
    check_error(&(tow_socketio_arguments){.json = "\"\xff\""}, TOW_ERROR_ARGUMENT);
    check_error(&(tow_socketio_arguments){.values = object}, TOW_ERROR_ARGUMENT);
    check_error(
        &(tow_socketio_arguments){
            .json = "{\"_placeholder\":true,\"num\":1}", .attachments = eleven, .attachment_count = 1},
        TOW_ERROR_ARGUMENT);
    check_error(&(tow_socketio_arguments){.json = "1", .attachments = eleven, .attachment_count = 11},
        TOW_ERROR_ARGUMENT);
    json_decref(object);
    tow_buffer out = {0};
    assert_int_equal(
        tow_socketio_arguments_append(&out, tow_slice_from("\xff"), NULL, (tow_slice){0}), TOW_ERROR_UTF8);
    tow_buffer_clear(&out);
}

static void each_argument_is_found_in_its_bytes(void **state) {
    (void)state;
    static const char *const expected[] = {"1e400", "[ 2 ]", "\"three\""};
    const tow_socketio_arguments arguments = {.json = "1e400 , [ 2 ],\"three\""};
    const char *json;
    size_t length;
    for (size_t i = 0; i < 3; i++) {
        assert_true(tow_socketio_argument(&arguments, i, &json, &length));
        assert_int_equal(length, strlen(expected[i]));
        assert_memory_equal(json, expected[i], length);
    }
    assert_false(tow_socketio_argument(&arguments, 3, &json, &length));
    assert_false(tow_socketio_argument(&(tow_socketio_arguments){0}, 0, &json, &length));
    assert_false(tow_socketio_argument(NULL, 0, &json, &length));
}

static void values_are_made_when_they_are_asked_for(void **state) {
    (void)state;
    const tow_socketio_arguments arguments = {
        .json = "{\"a\":[1,\"x\"]},1e400,123456789012345678901234567890,\"\\ud800\""};
    json_t *value;
    assert_int_equal(tow_socketio_value(&arguments, 0, &value), 0);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(value, "a"), 0)), 1);
    json_decref(value);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(tow_socketio_value(&arguments, i, &value), TOW_ERROR_UNSUPPORTED);
    assert_int_equal(tow_socketio_value(&arguments, 4, &value), TOW_ERROR_ARGUMENT);
}

static void binary_arguments_are_the_bytes_they_stand_for(void **state) {
    (void)state;
    static const tow_socketio_attachment two[] = {{"one", 3}, {"", 0}};
    const tow_socketio_arguments arguments = {.json =
                                                  "{\"_placeholder\":true,\"num\":1},{\"num\":0,\"_"
                                                  "placeholder\":true},{\"num\":0},[{\"_placeholder\":true,"
                                                  "\"num\":0}],{\"_placeholder\":true,\"num\":2},1",
        .attachments = two,
        .attachment_count = 2};
    tow_socketio_attachment found;
    assert_true(tow_socketio_binary(&arguments, 0, &found));
    assert_int_equal(found.length, 0);
    assert_true(tow_socketio_binary(&arguments, 1, &found));
    assert_ptr_equal(found.data, two[0].data);
    for (size_t i = 2; i < 7; i++)
        assert_false(tow_socketio_binary(&arguments, i, &found));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_written_behind_a_name),
        cmocka_unit_test(something_may_stand_last),
        cmocka_unit_test(what_can_not_be_sent_is_refused),
        cmocka_unit_test(each_argument_is_found_in_its_bytes),
        cmocka_unit_test(values_are_made_when_they_are_asked_for),
        cmocka_unit_test(binary_arguments_are_the_bytes_they_stand_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
