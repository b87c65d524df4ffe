#include "envelope_write.h"

#include "base/json.h"
#include "hub/view.h"

#include <assert.h>
#include <inttypes.h>

/* Formats would be half of what a publication costs. */
static int between_append(tow_buffer *out, const char *before, const char *text, const char *behind) {
    int error = tow_buffer_append_text(out, before);
    if (error == 0)
        error = tow_buffer_append_text(out, text);
    return error != 0 ? error : tow_buffer_append_text(out, behind);
}

int tow_envelope_begin(tow_buffer *out, const char *type, tow_slice id) {
    int error = between_append(out, "{\"type\":\"", type, "\"");
    return error != 0 || id.length == 0 ? error : tow_envelope_add_value(out, "id", id);
}

static int name_add(tow_buffer *out, const char *name) {
    return between_append(out, ",\"", name, "\":");
}

int tow_envelope_add_text(tow_buffer *out, const char *name, tow_slice text) {
    int error = name_add(out, name);
    return error != 0 ? error : tow_json_append_string(out, text);
}

int tow_envelope_add_value(tow_buffer *out, const char *name, tow_slice value) {
    int error = name_add(out, name);
    return error != 0 ? error : tow_buffer_append(out, value.data, value.length);
}

int tow_envelope_add_number(tow_buffer *out, const char *name, int64_t number) {
    return tow_buffer_append_format(out, ",\"%s\":%" PRId64, name, number);
}

int tow_envelope_add_flag(tow_buffer *out, const char *name, bool flag) {
    return tow_envelope_add_value(out, name, tow_slice_from(flag ? "true" : "false"));
}

int tow_envelope_add_position(tow_buffer *out, const tow_position *position) {
    char text[TOW_POSITION_TEXT_SIZE];
    tow_position_write(text, position);
    return between_append(out, ",\"position\":\"", text, "\"");
}

int tow_envelope_end(tow_buffer *out) {
    return tow_buffer_append(out, "}", 1);
}

int tow_envelope_write_member(tow_buffer *out, tow_slice user, tow_slice info) {
    int error = tow_buffer_append_text(out, "{\"user\":");
    if (error == 0)
        error = tow_json_append_string(out, user);
    if (error == 0 && info.length > 0)
        error = tow_envelope_add_value(out, "info", info);
    return error != 0 ? error : tow_envelope_end(out);
}

static int view_write(tow_buffer *out, const tow_view *view) {
    int error = tow_envelope_add_text(out, "event", view->event);
    if (error == 0)
        error = tow_envelope_add_text(out, view->is_base64 ? "base64" : "data", view->data);
    if (error == 0 && view->user.length > 0)
        error = tow_envelope_add_text(out, "user", view->user);
    if (error == 0 && view->position.number != 0)
        error = tow_envelope_add_position(out, &view->position);
    return error != 0 ? error : tow_envelope_add_number(out, "time", view->milliseconds);
}

static int message_write(tow_buffer *out, const tow_published *published) {
    tow_view view;
    tow_buffer text = {0};
    int error = tow_view_make(&view, TOW_CLIENT_ENVELOPES, published, &text);
    if (error == 0)
        error = view_write(out, &view);
    tow_buffer_clear(&text);
    return error;
}

static int member_write(tow_buffer *out, const tow_published *published) {
    const tow_slice info = tow_published_data(published);
    assert(tow_client_table[TOW_CLIENT_ENVELOPES].members);
    int error = tow_envelope_add_text(out, "user", tow_published_user(published));
    return error != 0 || info.length == 0 ? error : tow_envelope_add_value(out, "info", info);
}

int tow_envelope_write_published(tow_buffer *out, const tow_published *published) {
    static const char *const types[] = {[TOW_PUBLISHED_MESSAGE] = "message",
        [TOW_PUBLISHED_JOINED] = "joined",
        [TOW_PUBLISHED_LEFT] = "left"};
    tow_published_kind kind = tow_published_kind_of(published);
    int error = tow_envelope_begin(out, types[kind], (tow_slice){0});
    if (error == 0)
        error = tow_envelope_add_text(out, "channel", tow_published_channel(published));
    if (error == 0)
        error = kind == TOW_PUBLISHED_MESSAGE ? message_write(out, published) : member_write(out, published);
    return error != 0 ? error : tow_envelope_end(out);
}
