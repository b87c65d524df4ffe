/* text_form: forms of what is published that are plain bytes, written by a function, and joined with
 * something between them: what answers by HTTP are made of. */
#ifndef TOW_HANDLER_CHANNEL_TEXT_FORM_H
#define TOW_HANDLER_CHANNEL_TEXT_FORM_H

#include "base/buffer.h"
#include "hub/published.h"

typedef struct tow_text_encoding {
    tow_encoding encoding;                                         /* TOW_TEXT_ENCODING */
    int (*write)(tow_buffer *out, const tow_published *published); /* errors: MEMORY */
    const char *between;
} tow_text_encoding;

/* Its forms are tow_buffer. */
void *tow_text_form_encode(const tow_encoding *encoding, const tow_published *published);
void *tow_text_form_join(const tow_encoding *encoding, void *const *forms, size_t count);
void tow_text_form_free(const tow_encoding *encoding, void *form);
#define TOW_TEXT_ENCODING                                                                                    \
    { .encode = tow_text_form_encode, .join = tow_text_form_join, .free = tow_text_form_free }

/* Appends all of a burst, or of those that were kept. Errors: MEMORY. */
int tow_text_form_append_burst(tow_buffer *out, const tow_text_encoding *encoding, tow_burst *burst);
int tow_text_form_append(tow_buffer *out, const tow_text_encoding *encoding, tow_published *published);

#endif
