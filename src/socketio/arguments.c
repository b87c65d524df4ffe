#include "arguments.h"

#include "base/json.h"
#include "packet.h"
#include "placeholders.h"

#include <string.h>
#include <towline/error.h>

tow_socketio_arguments tow_socketio_arguments_of(
    tow_slice text, const tow_socketio_attachment *attachments, size_t count) {
    return (tow_socketio_arguments){.json = text.length > 0 ? text.data : NULL,
        .length = text.length,
        .attachments = attachments,
        .attachment_count = count};
}

tow_slice tow_socketio_arguments_text(const tow_socketio_arguments *arguments) {
    if (arguments == NULL || arguments->json == NULL)
        return (tow_slice){0};
    size_t length = arguments->length > 0 ? arguments->length : strlen(arguments->json);
    return (tow_slice){arguments->json, length};
}

/* Reading. */

/* `text` are values with commas between: those in front of it are valid. */
static bool find(tow_slice text, size_t index, tow_slice *value) {
    tow_json_walk walk = {.at = text.data, .end = text.data + text.length};
    tow_slice none;
    if (text.length == 0)
        return false;
    for (size_t i = 0; i <= index; i++) {
        if (!tow_json_next(&walk, &none, value))
            return false;
    }
    return true;
}

bool tow_socketio_argument(
    const tow_socketio_arguments *arguments, size_t index, const char **json, size_t *length) {
    tow_slice value;
    if (!find(tow_socketio_arguments_text(arguments), index, &value))
        return false;
    *json = value.data;
    *length = value.length;
    return true;
}

static int error_of_jansson(const json_error_t *error) {
    return json_error_code(error) == json_error_out_of_memory ? TOW_ERROR_MEMORY : TOW_ERROR_UNSUPPORTED;
}

int tow_socketio_value(const tow_socketio_arguments *arguments, size_t index, json_t **value) {
    tow_slice text;
    json_error_t why;
    if (value == NULL || !find(tow_socketio_arguments_text(arguments), index, &text))
        return TOW_ERROR_ARGUMENT;
    json_t *made = json_loadb(text.data, text.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    if (made == NULL)
        return error_of_jansson(&why);
    *value = made;
    return 0;
}

bool tow_socketio_binary(
    const tow_socketio_arguments *arguments, size_t index, tow_socketio_attachment *attachment) {
    tow_slice object;
    tow_slice member;
    int64_t number;
    if (!find(tow_socketio_arguments_text(arguments), index, &object) ||
        !tow_json_member(object, "_placeholder", &member) || tow_json_type_of(member) != TOW_JSON_TRUE ||
        !tow_json_member(object, "num", &member) || tow_json_integer(member, &number) != 0)
        return false;
    if (number < 0 || (uint64_t)number >= arguments->attachment_count)
        return false;
    *attachment = arguments->attachments[number];
    return true;
}

/* Writing. */

static int write_text(const char *bytes, size_t length, void *out) {
    return tow_buffer_append(out, bytes, length) == 0 ? 0 : -1;
}

/* jansson writes an array with its brackets: these are put down and taken away again. */
static int append_values(tow_buffer *out, const json_t *values) {
    size_t before = out->length;
    if (!json_is_array(values))
        return TOW_ERROR_ARGUMENT;
    if (json_dump_callback(values, write_text, out, JSON_COMPACT) != 0)
        return TOW_ERROR_ARGUMENT;
    out->length--;
    memmove(out->data + before, out->data + before + 1, out->length - before - 1);
    out->length--;
    return 0;
}

static int append_inside(tow_buffer *out, const tow_socketio_arguments *arguments) {
    if (arguments == NULL)
        return 0;
    if (arguments->values != NULL)
        return append_values(out, arguments->values);
    tow_slice text = tow_socketio_arguments_text(arguments);
    return tow_buffer_append(out, text.data, text.length);
}

static int append_name(tow_buffer *out, tow_slice name) {
    int error = tow_buffer_append(out, "[", 1);
    return error != 0 || name.data == NULL ? error : tow_json_append_string(out, name);
}

/* With its comma, if something stands in front. */
static int append_behind(
    tow_buffer *out, size_t array, int (*append)(tow_buffer *, const void *), const void *what) {
    size_t before = out->length;
    int error = out->length > array + 1 ? tow_buffer_append(out, ",", 1) : 0;
    size_t begin = out->length;
    if (error == 0)
        error = append(out, what);
    if (error == 0 && out->length == begin)
        out->length = before; /* there was nothing */
    return error;
}

static int append_inside_of(tow_buffer *out, const void *arguments) {
    return append_inside(out, arguments);
}

static int append_last(tow_buffer *out, const void *last) {
    const tow_slice *text = last;
    return text->data == NULL ? 0 : tow_json_append_string(out, *text);
}

/* What was put together is one array, and its placeholders have what they stand for. */
static int check(const tow_buffer *out, size_t array, const tow_socketio_arguments *arguments) {
    tow_slice text = {(const char *)out->data + array, out->length - array};
    tow_slice value;
    int error = tow_json_read(text, &value);
    size_t attachments = arguments == NULL ? 0 : arguments->attachment_count;
    if (error != 0 || value.length != text.length)
        return error != 0 ? error : TOW_ERROR_ARGUMENT;
    if (attachments > TOW_SOCKETIO_ATTACHMENTS_MAX)
        return TOW_ERROR_ARGUMENT;
    return attachments == 0 || tow_placeholders_fit(value, attachments) ? 0 : TOW_ERROR_ARGUMENT;
}

int tow_socketio_arguments_append(
    tow_buffer *out, tow_slice name, const tow_socketio_arguments *arguments, tow_slice last) {
    size_t array = out->length;
    int error = append_name(out, name);
    if (error == 0)
        error = append_behind(out, array, append_inside_of, arguments);
    if (error == 0)
        error = append_behind(out, array, append_last, &last);
    if (error == 0)
        error = tow_buffer_append(out, "]", 1);
    if (error == 0)
        error = check(out, array, arguments);
    if (error != 0)
        out->length = array;
    return error;
}
