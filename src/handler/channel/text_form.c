#include "text_form.h"

#include <stdlib.h>
#include <towline/error.h>

static const tow_text_encoding *text_of(const tow_encoding *encoding) {
    return (const tow_text_encoding *)(const void *)encoding;
}

void tow_text_form_free(const tow_encoding *encoding, void *form) {
    (void)encoding;
    if (form != NULL)
        tow_buffer_clear(form);
    free(form);
}

static void *form_or_none(tow_buffer *form, int error) {
    if (error == 0)
        return form;
    tow_text_form_free(NULL, form);
    return NULL;
}

void *tow_text_form_encode(const tow_encoding *encoding, const tow_published *published) {
    tow_buffer *form = calloc(1, sizeof(*form));
    return form == NULL ? NULL : form_or_none(form, text_of(encoding)->write(form, published));
}

void *tow_text_form_join(const tow_encoding *encoding, void *const *forms, size_t count) {
    tow_buffer *joined = calloc(1, sizeof(*joined));
    int error = 0;
    for (size_t i = 0; joined != NULL && error == 0 && i < count; i++) {
        const tow_buffer *form = forms[i];
        if (i > 0)
            error = tow_buffer_append_text(joined, text_of(encoding)->between);
        if (error == 0)
            error = tow_buffer_append(joined, form->data, form->length);
    }
    return joined == NULL ? NULL : form_or_none(joined, error);
}

static int form_append(
    tow_buffer *out, const tow_text_encoding *encoding, const tow_buffer *form, bool first) {
    int error = first ? 0 : tow_buffer_append_text(out, encoding->between);
    return error != 0 ? error : tow_buffer_append(out, form->data, form->length);
}

int tow_text_form_append(tow_buffer *out, const tow_text_encoding *encoding, tow_published *published) {
    const tow_buffer *form = tow_published_form(published, &encoding->encoding);
    return form == NULL ? TOW_ERROR_MEMORY : form_append(out, encoding, form, out->length == 0);
}

int tow_text_form_append_burst(tow_buffer *out, const tow_text_encoding *encoding, tow_burst *burst) {
    const tow_buffer *form = tow_burst_form(burst, &encoding->encoding);
    if (form != NULL)
        return form_append(out, encoding, form, out->length == 0);
    int error = 0;
    for (size_t i = 0; error == 0 && i < tow_burst_count(burst); i++)
        error = tow_text_form_append(out, encoding, tow_burst_at(burst, i));
    return error;
}
