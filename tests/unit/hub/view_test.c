/* What each kind of client gets: the table of docs/channels.md. */
#include "../unit.h"

#include "hub/store.h"
#include "hub/view.h"

static tow_published *publish(
    const char *event, tow_message_type type, tow_data_form form, const char *data) {
    tow_published *made;
    const tow_draft draft = {.event = tow_slice_from(event),
        .type = type,
        .form = form,
        .data = tow_slice_from(data),
        .user = tow_slice_from("ann")};
    assert_int_equal(tow_store_read(&made, TOW_PUBLISHED_MESSAGE, tow_slice_from("news"), &draft), 0);
    tow_store_number(made, &(tow_position){.epoch = 7, .number = 3}, 5000);
    return made;
}

static bool is(tow_slice slice, const char *text) {
    return slice.length == 0 ? text[0] == '\0' : tow_slice_equals(slice, text);
}

static void bytes_are_in_base64_where_a_client_has_texts_only(void **state) {
    static const bool has_bytes[] = {
        [TOW_CLIENT_PLAIN] = true, [TOW_CLIENT_SOCKETIO] = true, [TOW_CLIENT_KINDS] = false};
    (void)state;
    tow_published *published = publish("e", TOW_BINARY, TOW_DATA_STRING, "hello");
    for (int kind = 0; kind < TOW_CLIENT_KINDS; kind++) {
        tow_view view;
        tow_buffer text = {0};
        assert_int_equal(tow_view_make(&view, (tow_client_kind)kind, published, &text), 0);
        assert_int_equal(view.is_base64, !has_bytes[kind]);
        assert_int_equal(view.type, has_bytes[kind] ? TOW_BINARY : TOW_TEXT);
        assert_true(is(view.data, has_bytes[kind] ? "hello" : "aGVsbG8="));
        tow_buffer_clear(&text);
    }
    tow_published_release(published);
}

static void what_is_told_beside_the_data(void **state) {
    static const struct {
        bool json, event, user, position, time;
    } rows[TOW_CLIENT_KINDS] = {
        [TOW_CLIENT_ENVELOPES] = {.event = true, .user = true, .position = true, .time = true},
        [TOW_CLIENT_EVENTS] = {.event = true, .position = true},
        [TOW_CLIENT_PUSHER] = {.event = true, .user = true},
        [TOW_CLIENT_SOCKETIO] = {.json = true, .event = true, .position = true},
    };
    (void)state;
    tow_published *published = publish("price", TOW_TEXT, TOW_DATA_JSON, "[1]");
    for (int kind = 0; kind < TOW_CLIENT_KINDS; kind++) {
        tow_view view;
        tow_buffer text = {0};
        assert_int_equal(tow_view_make(&view, (tow_client_kind)kind, published, &text), 0);
        assert_true(is(view.data, "[1]"));
        assert_int_equal(view.is_json, rows[kind].json);
        assert_true(is(view.event, rows[kind].event ? "price" : ""));
        assert_true(is(view.user, rows[kind].user ? "ann" : ""));
        assert_int_equal(view.position.number, rows[kind].position ? 3 : 0);
        assert_int_equal(view.milliseconds, rows[kind].time ? 5000 : 0);
        assert_int_equal(text.length, 0);
    }
    tow_published_release(published);
}

static void names_that_are_the_protocols_own_come_as_message(void **state) {
    static const struct {
        const char *event;
        tow_client_kind kind;
    } reserved[] = {{"towline.gap", TOW_CLIENT_EVENTS}, {"x;base64", TOW_CLIENT_EVENTS},
        {";base64", TOW_CLIENT_EVENTS}, {"pusher:error", TOW_CLIENT_PUSHER},
        {"pusher_internal:x", TOW_CLIENT_PUSHER}, {"connect", TOW_CLIENT_SOCKETIO},
        {"disconnecting", TOW_CLIENT_SOCKETIO}};
    (void)state;
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        tow_published *published = publish(reserved[i].event, TOW_TEXT, TOW_DATA_STRING, "");
        for (int kind = TOW_CLIENT_ENVELOPES; kind < TOW_CLIENT_KINDS; kind++) {
            tow_view view;
            tow_buffer text = {0};
            assert_int_equal(tow_view_make(&view, (tow_client_kind)kind, published, &text), 0);
            assert_true(is(view.event, kind == (int)reserved[i].kind ? "message" : reserved[i].event));
        }
        tow_published_release(published);
    }
    assert_true(tow_client_event_is_free(TOW_CLIENT_SOCKETIO, tow_slice_from("connected")));
    assert_true(tow_client_event_is_free(TOW_CLIENT_PUSHER, tow_slice_from("pushed")));
    assert_true(tow_client_event_is_free(TOW_CLIENT_EVENTS, tow_slice_from("base64")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_in_base64_where_a_client_has_texts_only),
        cmocka_unit_test(what_is_told_beside_the_data),
        cmocka_unit_test(names_that_are_the_protocols_own_come_as_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
