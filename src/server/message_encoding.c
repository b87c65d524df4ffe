/* message_encoding: forms that are shared messages. */
#include "server/channels.h"

#include "hub/view.h"
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

static void *view_encode(tow_client_kind kind, const tow_published *published) {
    tow_view view;
    tow_buffer text = {0};
    int error = tow_view_make(&view, kind, published, &text);
    tow_shared *made = error != 0 ? NULL : message_new(view.type, view.data.data, view.data.length);
    tow_buffer_clear(&text);
    return made;
}

static void *plain_encode(const tow_encoding *encoding, const tow_published *published) {
    (void)encoding;
    return view_encode(TOW_CLIENT_PLAIN, published);
}

static void *texts_encode(const tow_encoding *encoding, const tow_published *published) {
    (void)encoding;
    return view_encode(TOW_CLIENT_TEXTS, published);
}

const tow_message_encoding tow_plain_encoding = {
    .encoding = {.encode = plain_encode, .join = tow_messages_join, .free = tow_message_free}};

const tow_message_encoding tow_plain_texts_encoding = {
    .encoding = {.encode = texts_encode, .join = tow_messages_join, .free = tow_message_free}};
