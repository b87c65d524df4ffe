#include "protocol/field_list.h"

bool tow_is_token_character(char character) {
    if ((character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z'))
        return true;
    if (character >= '0' && character <= '9')
        return true;
    return character != '\0' && strchr("!#$%&'*+-.^_`|~", character) != NULL;
}

bool tow_is_token(tow_slice text) {
    for (size_t i = 0; i < text.length; i++) {
        if (!tow_is_token_character(text.data[i]))
            return false;
    }
    return text.length > 0;
}

static bool is_space(char character) {
    return character == ' ' || character == '\t';
}

static tow_slice trimmed(tow_slice text) {
    while (text.length > 0 && is_space(text.data[text.length - 1]))
        text.length--;
    while (text.length > 0 && is_space(text.data[0])) {
        text.data++;
        text.length--;
    }
    return text;
}

/* Where the element that begins at `start` ends: at the next comma that is not in a quoted string (RFC 9110,
 * section 5.6.4), or with the value. */
static size_t element_end(tow_slice value, size_t start) {
    bool quoted = false;
    size_t i = start;
    for (; i < value.length; i++) {
        if (quoted && value.data[i] == '\\')
            i++;
        else if (value.data[i] == '"')
            quoted = !quoted;
        else if (value.data[i] == ',' && !quoted)
            return i;
    }
    return value.length;
}

static bool next_in_value(tow_slice value, size_t *offset, tow_slice *element) {
    while (*offset < value.length) {
        size_t end = element_end(value, *offset);
        tow_slice text = trimmed((tow_slice){.data = value.data + *offset, .length = end - *offset});
        *offset = end + 1;
        if (text.length > 0) {
            *element = text;
            return true;
        }
    }
    return false;
}

bool tow_list_next(
    const tow_field *fields, size_t count, const char *name, tow_list_cursor *cursor, tow_slice *element) {
    for (; cursor->field < count; *cursor = (tow_list_cursor){.field = cursor->field + 1}) {
        const tow_field *field = &fields[cursor->field];
        if (!tow_slice_equals_ignoring_case(field->name, name))
            continue;
        if (next_in_value(field->value, &cursor->offset, element))
            return true;
    }
    return false;
}

bool tow_list_has(const tow_field *fields, size_t count, const char *name, const char *token) {
    tow_list_cursor cursor = {0};
    tow_slice element;
    while (tow_list_next(fields, count, name, &cursor, &element)) {
        if (tow_slice_equals_ignoring_case(element, token))
            return true;
    }
    return false;
}

size_t tow_field_count(const tow_field *fields, size_t count, const char *name) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += tow_slice_equals_ignoring_case(fields[i].name, name);
    return found;
}

bool tow_field_only(
    const tow_field *fields, size_t count, const char *name, tow_slice *value, size_t *found) {
    size_t times = 0;
    tow_slice last = {0};
    for (size_t i = 0; i < count; i++) {
        if (tow_slice_equals_ignoring_case(fields[i].name, name)) {
            last = fields[i].value;
            times++;
        }
    }
    if (found != NULL)
        *found = times;
    if (times == 1)
        *value = last;
    return times == 1;
}
