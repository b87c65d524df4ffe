#include "handler/field_text.h"

#include "server/fields.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* Where the value begins behind the name; NULL: there is no colon. */
static const char *value_of(const char *text, size_t *name_length) {
    *name_length = strcspn(text, ":");
    const char *colon = text + *name_length;
    return *colon != '\0' ? colon + 1 + strspn(colon + 1, " \t") : NULL;
}

int tow_field_text_check(const char *text) {
    size_t length;
    const char *value = value_of(text, &length);
    bool valid = value != NULL && tow_field_is_valid((tow_slice){text, length}, tow_slice_from(value));
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
        size_t length;
        fields[i] = (tow_header_field){names, value_of(texts[i], &length)};
        memcpy(names, texts[i], length); /* the zero behind it is there */
        names += length + 1;
    }
    return fields;
}
