#include "extension.h"

#include "protocol/field_list.h"

#include <towline/error.h>

static char front(const tow_slice *rest) {
    if (rest->length == 0)
        return '\0';
    return rest->data[0];
}

static void advance(tow_slice *rest) {
    rest->data++;
    rest->length--;
}

static void skip_space(tow_slice *rest) {
    while (front(rest) == ' ' || front(rest) == '\t')
        advance(rest);
}

/* Takes the character and the white space around it: RFC 6455 uses the implied white space of RFC 2616,
 * section 2.1. */
static bool take(tow_slice *rest, char character) {
    skip_space(rest);
    if (front(rest) != character)
        return false;
    advance(rest);
    skip_space(rest);
    return true;
}

static bool take_token(tow_slice *rest, tow_slice *token) {
    *token = (tow_slice){.data = rest->data};
    while (rest->length > 0 && tow_is_token_character(front(rest))) {
        advance(rest);
        token->length++;
    }
    return token->length > 0;
}

static void add_to_value(tow_extension_parameter *parameter, char character) {
    if (parameter->value_length < sizeof(parameter->value))
        parameter->value[parameter->value_length] = character;
    parameter->value_length++;
}

/* What a quoted string stands for must itself be a token (RFC 6455, section 9.1). */
static bool take_quoted(tow_slice *rest, tow_extension_parameter *parameter) {
    advance(rest);
    while (rest->length > 0 && front(rest) != '"') {
        if (front(rest) == '\\')
            advance(rest);
        if (rest->length == 0 || !tow_is_token_character(front(rest)))
            return false;
        add_to_value(parameter, front(rest));
        advance(rest);
    }
    if (rest->length == 0)
        return false;
    advance(rest);
    return parameter->value_length > 0;
}

static bool take_value(tow_slice *rest, tow_extension_parameter *parameter) {
    if (front(rest) == '"')
        return take_quoted(rest, parameter);
    tow_slice token;
    if (!take_token(rest, &token))
        return false;
    for (size_t i = 0; i < token.length; i++)
        add_to_value(parameter, token.data[i]);
    return true;
}

bool tow_extension_name(tow_slice *rest, tow_slice *name) {
    return take_token(rest, name);
}

int tow_extension_parameter_next(tow_slice *rest, tow_extension_parameter *parameter) {
    *parameter = (tow_extension_parameter){0};
    skip_space(rest);
    if (rest->length == 0)
        return 0;
    if (!take(rest, ';') || !take_token(rest, &parameter->name))
        return TOW_ERROR_HANDSHAKE_EXTENSION;
    if (take(rest, '=') && !take_value(rest, parameter))
        return TOW_ERROR_HANDSHAKE_EXTENSION;
    return 1;
}

static int extension_check(tow_slice element) {
    tow_slice name;
    if (!tow_extension_name(&element, &name))
        return TOW_ERROR_HANDSHAKE_EXTENSION;
    tow_extension_parameter parameter;
    int result = 1;
    while (result > 0)
        result = tow_extension_parameter_next(&element, &parameter);
    return result;
}

int tow_extension_list_check(const tow_field *fields, size_t count) {
    tow_list_cursor cursor = {0};
    tow_slice element;
    size_t elements = 0;
    while (tow_list_next(fields, count, TOW_EXTENSIONS_FIELD, &cursor, &element)) {
        int error = extension_check(element);
        if (error != 0)
            return error;
        elements++;
    }
    if (elements == 0 && tow_field_count(fields, count, TOW_EXTENSIONS_FIELD) > 0)
        return TOW_ERROR_HANDSHAKE_EXTENSION;
    return 0;
}
