/* message_encoding: forms that are shared messages. */
#include "server/channels.h"

#include "base/base64.h"
#include "websocket/websocket.h"

static tow_shared *message_new(tow_message_type type, const void *data, size_t length) {
    tow_shared *made;
    return tow_shared_new(&made, type, data, length) == 0 ? made : NULL;
}

void *tow_message_encode(const tow_encoding *encoding, const tow_published *published) {
    const tow_message_encoding *self = (const tow_message_encoding *)encoding;
    tow_buffer text = {0};
    tow_message_type type = TOW_TEXT;
    int error = self->write(self, published, &text, &type);
    tow_shared *made = error != 0 ? NULL : message_new(type, text.data, text.length);
    tow_buffer_clear(&text);
    return made;
}

void *tow_messages_join(const tow_encoding *encoding, void *const *forms, size_t count) {
    (void)encoding;
    tow_shared *made;
    return tow_shared_join(&made, (tow_shared *const *)forms, count) == 0 ? made : NULL;
}

void tow_message_free(const tow_encoding *encoding, void *form) {
    (void)encoding;
    tow_shared_release(form);
}

static void *plain_encode(const tow_encoding *encoding, const tow_published *published) {
    (void)encoding;
    tow_slice data = tow_published_data(published);
    return message_new(tow_published_type(published), data.data, data.length);
}

const tow_message_encoding tow_plain_encoding = {
    .encoding = {.encode = plain_encode, .join = tow_messages_join, .free = tow_message_free}};

static int texts_write(const tow_message_encoding *encoding, const tow_published *published, tow_buffer *out,
    tow_message_type *type) {
    tow_slice data = tow_published_data(published);
    (void)encoding;
    *type = TOW_TEXT;
    return tow_published_type(published) == TOW_TEXT ? tow_buffer_append(out, data.data, data.length)
                                                     : tow_base64_append(out, data.data, data.length);
}

const tow_message_encoding tow_plain_texts_encoding = {
    .encoding = TOW_MESSAGE_ENCODING, .write = texts_write};
