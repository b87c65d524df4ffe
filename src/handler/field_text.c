#include "handler/field_text.h"

#include "server/fields.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* Writes the name behind `out` with a zero, and tells where the value is; NULL: there is no name. */
static const char *split(const char *text, char *out) {
    size_t length = strcspn(text, ":");
    if (text[length] == '\0')
        return NULL;
    memcpy(out, text, length);
    out[length] = '\0';
    return text + length + 1 + strspn(text + length + 1, " \t");
}

int tow_field_text_check(const char *text) {
    char *name = malloc(strlen(text) + 1);
    const char *value = name != NULL ? split(text, name) : NULL;
    bool valid = value != NULL && tow_field_is_valid(name, value);
    free(name);
    return valid ? 0 : TOW_ERROR_ARGUMENT;
}

tow_header_field *tow_field_texts_read(const char *const *texts) {
    size_t count = 0;
    size_t bytes = 0;
    for (; texts != NULL && texts[count] != NULL; count++)
        bytes += strlen(texts[count]) + 1;
    tow_header_field *fields = calloc(1, (count + 1) * sizeof(*fields) + bytes);
    char *names = fields != NULL ? (char *)(fields + count + 1) : NULL;
    for (size_t i = 0; fields != NULL && i < count; i++) {
        fields[i] = (tow_header_field){names, split(texts[i], names)};
        names += strlen(names) + 1;
    }
    return fields;
}
