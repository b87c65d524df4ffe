/* Many publications in one text: what is taken, and what is refused with the item's number. */
#include "../unit.h"

#include "publish/batch.h"

#include <towline/error.h>

static bool slice_is(tow_slice slice, const char *text) {
    return tow_slice_equals(slice, text);
}

static void items_are_read(void **state) {
    static const char json[] =
        " [ {\"channel\":\"news\",\"data\":\"a\\u0000\\n\\u00e9\"} , "
        "{\"data\": {\"n\": 1.50} ,\"key\":\"EUR\",\"event\":\"rate\",\"\\u0063hannel\":\"r/\\u00e9\"},"
        "{\"channel\":\"b\",\"base64\":\"AP8Q\"},{\"channel\":\"e\",\"data\":\"\"},{\"channel\":\"e\","
        "\"base64\":\"\"}]\n";
    char why[TOW_BATCH_TEXT_MAX];
    tow_batch batch;
    assert_int_equal(tow_batch_read(&batch, tow_slice_from(json), why), 0);
    assert_int_equal(batch.count, 5);
    assert_true(slice_is(batch.items[0].channel, "news"));
    assert_int_equal(batch.items[0].draft.type, TOW_TEXT);
    assert_int_equal(batch.items[0].draft.form, TOW_DATA_STRING);
    assert_int_equal(batch.items[0].draft.data.length, 5);
    assert_memory_equal(batch.items[0].draft.data.data, "a\0\n\xc3\xa9", 5);
    assert_int_equal(batch.items[0].draft.event.length, 0);
    assert_true(slice_is(batch.items[1].channel, "r/\xc3\xa9"));
    assert_int_equal(batch.items[1].draft.form, TOW_DATA_JSON);
    assert_true(slice_is(batch.items[1].draft.data, "{\"n\": 1.50}"));
    assert_true(slice_is(batch.items[1].draft.event, "rate"));
    assert_true(slice_is(batch.items[1].draft.key, "EUR"));
    assert_int_equal(batch.items[2].draft.type, TOW_BINARY);
    assert_int_equal(batch.items[2].draft.data.length, 3);
    assert_memory_equal(batch.items[2].draft.data.data, "\0\xff\x10", 3);
    assert_int_equal(batch.items[3].draft.data.length, 0);
    assert_int_equal(batch.items[4].draft.data.length, 0);
    tow_batch_clear(&batch);
}

static void what_is_wrong_is_told_with_its_number(void **state) {
#define GOOD "{\"channel\":\"a\",\"data\":\"b\"}"
    static const char *const cases[][2] = {
        {"", "this is no list"},
        {"{}", "this is no list"},
        {"[" GOOD, "this is no list"},
        {"[" GOOD "]]", "this is no list"},
        {"[]", "there are 0 in it"},
        {"[7]", "item 1: it is no object"},
        {"[" GOOD ",{}]", "item 2: it has no channel"},
        {"[{\"channel\":\"a\"}]", "item 1: it has no data"},
        {"[{\"data\":\"a\"}]", "item 1: it has no channel"},
        {"[{\"channel\":7,\"data\":\"a\"}]", "item 1: its channel has no name"},
        {"[{\"channel\":\"\",\"data\":\"a\"}]", "item 1: its channel has no name"},
        {"[{\"channel\":\"a\\nb\",\"data\":\"a\"}]", "item 1: its channel has no name"},
        {"[{\"channel\":\"\\u0001a\",\"data\":\"a\"}]", "item 1: its channel has no name"},
        {"[{\"channel\":\"a\",\"data\":\"b\",\"base64\":\"\"}]", "item 1: it has both"},
        {"[{\"channel\":\"a\",\"base64\":\"!\"}]", "item 1: its base64 is none"},
        {"[{\"channel\":\"a\",\"base64\":7}]", "item 1: its base64 is none"},
        {"[{\"channel\":\"a\",\"data\":\"b\",\"event\":[]}]", "item 1: its event is no text"},
        {"[{\"channel\":\"a\",\"data\":\"b\",\"event\":\"\\n\"}]", "item 1: its event is no text"},
        {"[{\"channel\":\"a\",\"data\":\"b\",\"key\":1}]", "item 1: its key is no text"},
        {"[{\"channel\":\"a\",\"data\":\"b\",\"key\":\"\\u007f\"}]", "item 1: its key is no text"},
        {"[{\"channel\":\"a\",\"data\":\"\\ud800\"}]", "item 1: it is no string"},
        {"[" GOOD "," GOOD ",{\"channel\":\"a\",\"date\":\"b\"}]", "item 3: it has another member"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char why[TOW_BATCH_TEXT_MAX];
        tow_batch batch;
        assert_int_equal(tow_batch_read(&batch, tow_slice_from(cases[i][0]), why), TOW_ERROR_ARGUMENT);
        tow_batch_clear(&batch);
        if (strstr(why, cases[i][1]) == NULL)
            fail_msg("%s: \"%s\" is not in \"%s\"", cases[i][0], cases[i][1], why);
    }
}

static int read_many(size_t count) {
    char why[TOW_BATCH_TEXT_MAX];
    tow_buffer text = {0};
    tow_batch batch;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(tow_buffer_append_text(&text, i == 0 ? "[" GOOD : "," GOOD), 0);
    assert_int_equal(tow_buffer_append_text(&text, "]"), 0);
    int error = tow_batch_read(&batch, (tow_slice){(char *)text.data, text.length}, why);
    tow_batch_clear(&batch);
    tow_buffer_clear(&text);
    return error;
}

static int read_long(const char *member, size_t length) {
    char json[400], why[TOW_BATCH_TEXT_MAX], value[300] = "";
    tow_batch batch;
    memset(value, 'x', length);
    snprintf(json, sizeof(json), "[{\"channel\":\"a\",\"data\":\"b\",\"%s\":\"%s\"}]", member, value);
    int error = tow_batch_read(&batch, tow_slice_from(json), why);
    tow_batch_clear(&batch);
    return error;
}

static void sizes_have_limits(void **state) {
    assert_int_equal(read_many(TOW_BATCH_MAX - 1), 0);
    assert_int_equal(read_many(TOW_BATCH_MAX), 0);
    assert_int_equal(read_many(TOW_BATCH_MAX + 1), TOW_ERROR_ARGUMENT);
    static const char *const members[] = {"event", "key", "channel"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(read_long(members[i], 199), 0);
        assert_int_equal(read_long(members[i], 200), 0);
        assert_int_equal(read_long(members[i], 201), TOW_ERROR_ARGUMENT);
    }
}

static void a_text_that_is_cut_anywhere_is_refused(void **state) {
    static const char json[] = "[{\"channel\":\"\\u00e9\",\"event\":\"b\",\"key\":\"k\",\"data\":[1,\"x\"]},{"
                               "\"channel\":\"c\",\"base64\":\"AA==\"}]";
    char why[TOW_BATCH_TEXT_MAX];
    tow_batch batch;
    for (size_t length = 0; length < sizeof(json) - 1; length++) {
        char *cut = malloc(length > 0 ? length : 1);
        memcpy(cut, json, length);
        assert_int_equal(tow_batch_read(&batch, (tow_slice){cut, length}, why), TOW_ERROR_ARGUMENT);
        tow_batch_clear(&batch);
        free(cut);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_read),
        cmocka_unit_test(what_is_wrong_is_told_with_its_number),
        cmocka_unit_test(sizes_have_limits),
        cmocka_unit_test(a_text_that_is_cut_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
