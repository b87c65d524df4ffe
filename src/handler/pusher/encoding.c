#include "encoding.h"

#include "app.h"
#include "envelope.h"
#include "hub/view.h"
#include "member.h"

/* With what the buffer holds as its data; the buffer is cleared. */
static int write_with(tow_buffer *out, tow_pusher_envelope *envelope, tow_buffer *data, int error) {
    envelope->data = (tow_slice){data->length > 0 ? (const char *)data->data : "", data->length};
    if (error == 0)
        error = tow_pusher_envelope_write(out, envelope);
    tow_buffer_clear(data);
    return error;
}

static int joined_write(tow_buffer *out, tow_pusher_envelope *envelope, const tow_published *published) {
    tow_buffer data = {0};
    tow_pusher_member member = {tow_published_user(published), tow_published_data(published)};
    if (member.info.length == 0)
        member.info = (tow_slice){0};
    envelope->event = tow_slice_from("pusher_internal:member_added");
    return write_with(out, envelope, &data, tow_pusher_member_write(&data, &member));
}

static int left_write(tow_buffer *out, tow_pusher_envelope *envelope, const tow_published *published) {
    tow_buffer data = {0};
    const tow_pusher_member member = {.id = tow_published_user(published)};
    envelope->event = tow_slice_from("pusher_internal:member_removed");
    return write_with(out, envelope, &data, tow_pusher_member_write(&data, &member));
}

static int count_write(tow_buffer *out, tow_pusher_envelope *envelope, const tow_published *published) {
    tow_slice number = tow_published_data(published);
    tow_buffer data = {0};
    envelope->event = tow_slice_from("pusher_internal:subscription_count");
    return write_with(out, envelope, &data,
        tow_buffer_append_format(&data, "{\"subscription_count\":%.*s}", (int)number.length, number.data));
}

/* What clients say stays in the form in which it came; everything else is a string, whatever it holds. An
 * event from another door must not pass for one of the protocol. */
static int message_write(tow_buffer *out, tow_pusher_envelope *envelope, const tow_published *published) {
    tow_view view;
    tow_buffer text = {0};
    int error = tow_view_make(&view, TOW_CLIENT_PUSHER, published, &text);
    envelope->event = tow_pusher_event_is_valid(view.event) ? view.event : tow_slice_from("message");
    envelope->data = (tow_slice){view.data.length > 0 ? view.data.data : "", view.data.length};
    envelope->data_is_json =
        tow_published_form_of(published) == TOW_DATA_JSON && tow_pusher_event_is_clients(view.event);
    if (view.user.length > 0 && tow_pusher_channel_name_read(envelope->channel).access == TOW_PUSHER_PRESENCE)
        envelope->user = view.user;
    if (error == 0)
        error = tow_pusher_envelope_write(out, envelope);
    tow_buffer_clear(&text);
    return error;
}

static int encoding_write(const tow_message_encoding *encoding, const tow_published *published,
    tow_buffer *out, tow_message_type *type) {
    tow_pusher_envelope envelope = {.channel = tow_pusher_channel_of(tow_published_channel(published))};
    (void)encoding;
    *type = TOW_TEXT;
    switch (tow_published_kind_of(published)) {
    case TOW_PUBLISHED_JOINED:
        return joined_write(out, &envelope, published);
    case TOW_PUBLISHED_LEFT:
        return left_write(out, &envelope, published);
    case TOW_PUBLISHED_COUNT:
        return count_write(out, &envelope, published);
    case TOW_PUBLISHED_MESSAGE:
        break;
    }
    return message_write(out, &envelope, published);
}

const tow_message_encoding tow_pusher_encoding = {.encoding = TOW_MESSAGE_ENCODING, .write = encoding_write};
