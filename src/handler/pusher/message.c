#include "message.h"

#include "base/json.h"

#include <assert.h>
#include <towline/error.h>

/* What a string says, in memory that was reserved: slices of it stay good. */
static int string_take(tow_pusher_message *message, tow_slice value, tow_slice *text) {
    const size_t before = message->texts.length;
    if (tow_json_type_of(value) != TOW_JSON_STRING)
        return TOW_ERROR_ARGUMENT;
    int error = tow_json_unescape(&message->texts, value);
    if (error != 0)
        return error == TOW_ERROR_MEMORY ? error : TOW_ERROR_ARGUMENT;
    *text = (tow_slice){(const char *)message->texts.data + before, message->texts.length - before};
    return 0;
}

static int channel_take(tow_pusher_message *message, tow_slice object) {
    tow_slice value;
    if (!tow_json_member(object, "channel", &value) || tow_json_type_of(value) == TOW_JSON_NULL)
        return 0;
    return string_take(message, value, &message->channel);
}

int tow_pusher_message_read(tow_pusher_message *message, tow_slice text) {
    tow_slice object, event;
    *message = (tow_pusher_message){0};
    if (tow_json_read(text, &object) != 0 || !tow_json_member(object, "event", &event))
        return TOW_ERROR_ARGUMENT;
    /* A string says no more bytes than it has: event and channel have room, the data as a text, and its
     * members. */
    int error = tow_buffer_reserve_exactly(&message->texts, 2 * text.length);
    if (error == 0)
        error = string_take(message, event, &message->event);
    if (error == 0)
        error = channel_take(message, object);
    if (error == 0 && !tow_json_member(object, "data", &message->data))
        message->data = (tow_slice){0};
    return error;
}

void tow_pusher_message_clear(tow_pusher_message *message) {
    tow_buffer_clear(&message->texts);
    *message = (tow_pusher_message){0};
}

int tow_pusher_message_take_object(tow_pusher_message *message) {
    tow_slice text;
    if (message->data.data == NULL || tow_json_type_of(message->data) != TOW_JSON_STRING)
        return 0;
    int error = string_take(message, message->data, &text);
    if (error == 0)
        error = tow_json_read(text, &message->data) != 0 ? TOW_ERROR_ARGUMENT : 0;
    return error;
}

int tow_pusher_message_string(tow_pusher_message *message, const char *name, tow_slice *text) {
    tow_slice value;
    *text = (tow_slice){0};
    if (message->data.data == NULL || !tow_json_member(message->data, name, &value) ||
        tow_json_type_of(value) == TOW_JSON_NULL)
        return 0;
    return string_take(message, value, text);
}
