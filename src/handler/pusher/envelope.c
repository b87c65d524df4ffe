#include "envelope.h"

#include "base/json.h"

#include <towline/error.h>

static int member(tow_buffer *out, const char *before, tow_slice text) {
    int error = tow_buffer_append_text(out, before);
    return error != 0 ? error : tow_json_append_string(out, text);
}

int tow_pusher_envelope_write(tow_buffer *out, const tow_pusher_envelope *envelope) {
    int error = member(out, "{\"event\":", envelope->event);
    if (error == 0 && envelope->channel.data != NULL)
        error = member(out, ",\"channel\":", envelope->channel);
    if (error == 0 && envelope->data.data != NULL && !envelope->data_is_json)
        error = member(out, ",\"data\":", envelope->data);
    else if (error == 0 && envelope->data.data != NULL) {
        error = tow_buffer_append_text(out, ",\"data\":");
        if (error == 0)
            error = tow_buffer_append(out, envelope->data.data, envelope->data.length);
    }
    if (error == 0 && envelope->user.data != NULL)
        error = member(out, ",\"user_id\":", envelope->user);
    return error != 0 ? error : tow_buffer_append_text(out, "}");
}

/* With what the buffer holds as its data; the buffer is cleared. */
static int write_and_clear(
    tow_buffer *out, const char *event, tow_slice channel, tow_buffer *data, bool data_is_json, int error) {
    if (error == 0)
        error = tow_pusher_envelope_write(out, &(tow_pusher_envelope){.event = tow_slice_from(event),
                                                   .channel = channel,
                                                   .data = {(const char *)data->data, data->length},
                                                   .data_is_json = data_is_json});
    tow_buffer_clear(data);
    return error;
}

int tow_pusher_write_established(tow_buffer *out, const char *socket_id, int activity_seconds) {
    tow_buffer data = {0};
    int error = tow_buffer_append_format(
        &data, "{\"socket_id\":\"%s\",\"activity_timeout\":%d}", socket_id, activity_seconds);
    return write_and_clear(out, "pusher:connection_established", (tow_slice){0}, &data, false, error);
}

int tow_pusher_write_error(tow_buffer *out, int code, const char *text) {
    tow_buffer data = {0};
    int error = code != 0 ? tow_buffer_append_format(&data, "{\"code\":%d,\"message\":", code)
                          : tow_buffer_append_text(&data, "{\"code\":null,\"message\":");
    if (error == 0)
        error = tow_json_append_string(&data, tow_slice_from(text));
    if (error == 0)
        error = tow_buffer_append_text(&data, "}");
    return write_and_clear(out, "pusher:error", (tow_slice){0}, &data, true, error);
}

int tow_pusher_write_refusal(
    tow_buffer *out, tow_slice channel, const char *type, const char *text, int status) {
    tow_buffer data = {0};
    int error = tow_buffer_append_format(&data, "{\"type\":\"%s\",\"error\":", type);
    if (error == 0)
        error = tow_json_append_string(&data, tow_slice_from(text));
    if (error == 0)
        error = tow_buffer_append_format(&data, ",\"status\":%d}", status);
    return write_and_clear(out, "pusher:subscription_error", channel, &data, true, error);
}

int tow_pusher_write_with_text(
    tow_buffer *out, const char *event, tow_slice channel, const char *name, tow_slice value) {
    tow_buffer data = {0};
    int error = tow_buffer_append_format(&data, "{\"%s\":", name);
    if (error == 0)
        error = tow_json_append_string(&data, value);
    if (error == 0)
        error = tow_buffer_append_text(&data, "}");
    return write_and_clear(out, event, channel, &data, false, error);
}
