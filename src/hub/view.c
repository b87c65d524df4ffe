#include "hub/view.h"

#include "base/base64.h"

#include <assert.h>

/* What only the server says there, or what happens to a socket itself. */
static const char *const events_own[] = {"towline.*", "*;base64", NULL};
static const char *const pusher_own[] = {"pusher:*", "pusher_internal:*", NULL};
static const char *const socketio_own[] = {
    "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener", NULL};

/* clang-format off */
const tow_client_gets tow_client_table[TOW_CLIENT_KINDS] = {
    [TOW_CLIENT_PLAIN]     = {.bytes = true},
    [TOW_CLIENT_TEXTS]     = {.bytes = false},
    [TOW_CLIENT_ENVELOPES] = {.event = true, .position = true, .user = true, .time = true, .members = true},
    [TOW_CLIENT_EVENTS]    = {.event = true, .reserved = events_own, .position = true},
    [TOW_CLIENT_PUSHER]    = {.event = true, .reserved = pusher_own, .user = true, .members = true},
    [TOW_CLIENT_SOCKETIO]  = {.bytes = true, .json = true, .event = true, .reserved = socketio_own, .position = true},
};
/* clang-format on */

static bool begins(tow_slice text, const char *with, size_t length) {
    return text.length >= length && memcmp(text.data, with, length) == 0;
}

static bool fits(tow_slice event, const char *pattern) {
    size_t length = strlen(pattern);
    if (pattern[0] == '*')
        return event.length >= length - 1 &&
               memcmp(event.data + event.length - (length - 1), pattern + 1, length - 1) == 0;
    return pattern[length - 1] == '*' ? begins(event, pattern, length - 1) : tow_slice_equals(event, pattern);
}

bool tow_client_event_is_free(tow_client_kind kind, tow_slice event) {
    const char *const *pattern = tow_client_table[kind].reserved;
    while (pattern != NULL && *pattern != NULL && !fits(event, *pattern))
        pattern++;
    return pattern == NULL || *pattern == NULL;
}

static int data_view(tow_view *view, const tow_client_gets *gets, tow_buffer *text) {
    if (view->type == TOW_TEXT || gets->bytes)
        return 0;
    int error = tow_base64_append(text, view->data.data, view->data.length);
    view->type = TOW_TEXT;
    view->is_base64 = true;
    view->data = (tow_slice){text->length > 0 ? (const char *)text->data : "", text->length};
    return error;
}

int tow_view_make(tow_view *view, tow_client_kind kind, const tow_published *published, tow_buffer *text) {
    const tow_client_gets *gets = &tow_client_table[kind];
    tow_slice event = tow_published_event(published);
    assert(tow_published_kind_of(published) == TOW_PUBLISHED_MESSAGE);
    *view = (tow_view){.type = tow_published_type(published), .data = tow_published_data(published)};
    view->is_json = gets->json && view->type == TOW_TEXT && tow_published_form_of(published) == TOW_DATA_JSON;
    if (gets->event)
        view->event = tow_client_event_is_free(kind, event) ? event : tow_slice_from("message");
    if (gets->user)
        view->user = tow_published_user(published);
    if (gets->position)
        view->position = tow_published_position(published);
    if (gets->time)
        view->milliseconds = tow_published_milliseconds(published);
    return data_view(view, gets, text);
}
