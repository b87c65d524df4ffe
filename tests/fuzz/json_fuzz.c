/* Any text as JSON, beside jansson: both take the same, but for what jansson has no type for, and see the
 * same values in it. What strings say is written and read again. */
#include "fuzz.h"

#include "base/json.h"

#include <jansson.h>
#include <stdint.h>
#include <string.h>
#include <towline/error.h>

/* Whether jansson refuses the text for its own reasons: numbers too large, names with zeros, halves of
 * surrogate pairs. */
static bool is_beyond_jansson(const json_error_t *error) {
    enum json_error_code code = json_error_code(error);
    return code == json_error_numeric_overflow || code == json_error_null_byte_in_key ||
           strstr(error->text, "invalid Unicode") != NULL;
}

static void check_string(tow_slice value, const char *text, size_t length) {
    tow_buffer said = {0};
    tow_buffer written = {0};
    tow_slice again;
    CHECK(tow_json_unescape(&said, value) == 0);
    CHECK(
        said.length == length && memcmp(said.data == NULL ? (const void *)"" : said.data, text, length) == 0);
    CHECK(tow_json_string_is(value, text) == (strlen(text) == length));
    CHECK(tow_json_append_string(&written, (tow_slice){text, length}) == 0);
    CHECK(tow_json_read((tow_slice){(const char *)written.data, written.length}, &again) == 0);
    said.length = 0;
    CHECK(tow_json_unescape(&said, again) == 0);
    CHECK(
        said.length == length && memcmp(said.data == NULL ? (const void *)"" : said.data, text, length) == 0);
    tow_buffer_clear(&said);
    tow_buffer_clear(&written);
}

static void check_value(tow_slice value, const json_t *known);

static void check_array(tow_slice value, const json_t *known) {
    tow_json_walk walk = tow_json_items(value);
    tow_slice name;
    tow_slice item;
    size_t count = 0;
    while (tow_json_next(&walk, &name, &item))
        check_value(item, json_array_get(known, count++));
    CHECK(count == json_array_size(known));
}

static void check_object(tow_slice value, const json_t *known) {
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)known, name, member) {
        tow_slice found;
        CHECK(tow_json_member(value, name, &found));
        check_value(found, member);
    }
    tow_json_walk walk = tow_json_items(value);
    tow_slice named;
    tow_slice item;
    size_t count = 0;
    while (tow_json_next(&walk, &named, &item)) {
        CHECK(tow_json_type_of(named) == TOW_JSON_STRING);
        count++;
    }
    CHECK(count >= json_object_size(known));
}

static void check_value(tow_slice value, const json_t *known) {
    static const tow_json_type types[] = {
        [JSON_OBJECT] = TOW_JSON_OBJECT,
        [JSON_ARRAY] = TOW_JSON_ARRAY,
        [JSON_STRING] = TOW_JSON_STRING,
        [JSON_INTEGER] = TOW_JSON_NUMBER,
        [JSON_REAL] = TOW_JSON_NUMBER,
        [JSON_TRUE] = TOW_JSON_TRUE,
        [JSON_FALSE] = TOW_JSON_FALSE,
        [JSON_NULL] = TOW_JSON_NULL,
    };
    CHECK(known != NULL && tow_json_type_of(value) == types[json_typeof(known)]);
    int64_t number;
    CHECK((tow_json_integer(value, &number) == 0) == json_is_integer(known));
    if (json_is_integer(known))
        CHECK(number == json_integer_value(known));
    if (json_is_string(known))
        check_string(value, json_string_value(known), json_string_length(known));
    if (json_is_array(known))
        check_array(value, known);
    if (json_is_object(known))
        check_object(value, known);
}

/* Whatever it is, it can be walked. */
static void walk_all(tow_slice value) {
    tow_json_walk walk = tow_json_items(value);
    tow_slice name;
    tow_slice item;
    while (tow_json_next(&walk, &name, &item))
        walk_all(item);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    tow_slice value;
    json_error_t why;
    int error = tow_json_read((tow_slice){text, size}, &value);
    CHECK(error == 0 || error == TOW_ERROR_ARGUMENT || error == TOW_ERROR_LIMIT);
    if (size > 0 && memchr(text, '\0', size) != NULL) { /* to jansson a zero is the end of the text */
        CHECK(error != 0);
        return 0;
    }
    json_t *known = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    if (error == TOW_ERROR_ARGUMENT)
        CHECK(known == NULL);
    if (error == 0 && known == NULL)
        CHECK(is_beyond_jansson(&why));
    if (error == 0)
        walk_all(value);
    if (error == 0 && known != NULL)
        check_value(value, known);
    json_decref(known);
    return 0;
}
