#include "event_stream.h"

#include "hub/view.h"

/* Section 9.2.6: CR, LF, or both end a line. */
static size_t line_length(tow_slice data) {
    size_t length = 0;
    while (length < data.length && data.data[length] != '\n' && data.data[length] != '\r')
        length++;
    return length;
}

static size_t line_end_length(tow_slice rest) {
    bool both = rest.length > 1 && rest.data[0] == '\r' && rest.data[1] == '\n';
    return both ? 2 : 1;
}

/* Data that end with the end of a line have an empty one behind it. */
static int data_append(tow_buffer *out, tow_slice data) {
    int error = 0;
    bool goes_on = true;
    while (error == 0 && goes_on) {
        size_t length = line_length(data);
        error = tow_buffer_append_text(out, "data: ");
        if (error == 0)
            error = tow_buffer_append(out, data.data, length);
        if (error == 0)
            error = tow_buffer_append(out, "\n", 1);
        goes_on = length < data.length;
        if (goes_on)
            length += line_end_length((tow_slice){data.data + length, data.length - length});
        data = (tow_slice){data.data + length, data.length - length};
    }
    return error;
}

static int name_append(tow_buffer *out, tow_slice event, const char *behind) {
    int error = tow_buffer_append_text(out, "event: ");
    size_t begin = out->length;
    if (error == 0)
        error = tow_buffer_append(out, event.data, event.length);
    for (size_t i = begin; error == 0 && i < out->length; i++)
        out->data[i] = out->data[i] < ' ' ? ' ' : out->data[i];
    return error != 0 ? error : tow_buffer_append_format(out, "%s\n", behind);
}

static int event_append(
    tow_buffer *out, tow_slice event, const char *behind, const char *id, tow_slice data) {
    bool is_named = behind[0] != '\0' || (event.length > 0 && !tow_slice_equals(event, "message"));
    int error = id[0] != '\0' ? tow_buffer_append_format(out, "id: %s\n", id) : 0;
    if (error == 0 && is_named)
        error = name_append(out, event, behind);
    if (error == 0)
        error = data_append(out, data);
    return error != 0 ? error : tow_buffer_append(out, "\n", 1);
}

int tow_event_append(tow_buffer *out, tow_slice event, const char *id, tow_slice data) {
    return event_append(out, event, "", id, data);
}

int tow_event_append_published(tow_buffer *out, const tow_published *published) {
    char id[TOW_POSITION_TEXT_SIZE] = "";
    tow_view view;
    tow_buffer text = {0};
    int error = tow_view_make(&view, TOW_CLIENT_EVENTS, published, &text);
    if (view.position.number != 0)
        tow_position_write(id, &view.position);
    if (error == 0)
        error = event_append(out, view.event, view.is_base64 ? ";base64" : "", id, view.data);
    tow_buffer_clear(&text);
    return error;
}
