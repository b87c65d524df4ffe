#include "server/fields.h"

#include "http/response.h"
#include "texts.h"

#include <stdlib.h>
#include <strings.h>
#include <towline/error.h>

/* What says where an answer ends, and what becomes of the connection, is for the version of HTTP to say, and
 * what an opening handshake agrees on for the one who agrees. */
bool tow_field_is_reserved(tow_slice name) {
    static const char *const reserved[] = {"Connection", "Content-Length", "Date", "Keep-Alive",
        "Transfer-Encoding", "Upgrade", "Sec-WebSocket-Accept", "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Protocol"};
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (tow_slice_equals_ignoring_case(name, reserved[i]))
            return true;
    }
    return false;
}

bool tow_field_is_valid(tow_slice name, tow_slice value) {
    return !tow_field_is_reserved(name) && tow_response_field_is_valid(name, value);
}

static int check(const tow_header_field *fields, tow_complaint *complaint) {
    for (; fields != NULL && fields->name != NULL; fields++)
        if (fields->value == NULL ||
            !tow_field_is_valid(tow_slice_from(fields->name), tow_slice_from(fields->value)))
            return tow_complain(complaint, "fields: '%.100s' is none that an answer may have", fields->name);
    return 0;
}

static size_t count_of(const tow_header_field *fields) {
    size_t count = 0;
    while (fields != NULL && fields[count].name != NULL)
        count++;
    return count;
}

/* Names and values in turns. */
static int texts_copy(char ***out, const tow_header_field *given, size_t count) {
    const char **texts = calloc(2 * count + 1, sizeof(*texts));
    if (texts == NULL)
        return TOW_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        texts[2 * i] = given[i].name;
        texts[2 * i + 1] = given[i].value;
    }
    int error = tow_texts_copy(out, texts);
    free(texts);
    return error;
}

int tow_fields_copy(tow_fields *fields, const tow_header_field *given, tow_complaint *complaint) {
    size_t count = count_of(given);
    int error = check(given, complaint);
    if (error != 0 || count == 0)
        return error;
    fields->fields = calloc(count + 1, sizeof(*fields->fields));
    error = fields->fields == NULL ? TOW_ERROR_MEMORY : texts_copy(&fields->texts, given, count);
    for (size_t i = 0; error == 0 && i < count; i++)
        fields->fields[i] = (tow_header_field){fields->texts[2 * i], fields->texts[2 * i + 1]};
    return error;
}

void tow_fields_clear(tow_fields *fields) {
    tow_texts_free(fields->texts);
    free(fields->fields);
    *fields = (tow_fields){0};
}

bool tow_fields_have(const tow_fields *fields, const char *name) {
    const tow_header_field *field = fields->fields;
    for (; field != NULL && field->name != NULL; field++)
        if (strcasecmp(field->name, name) == 0)
            return true;
    return false;
}
