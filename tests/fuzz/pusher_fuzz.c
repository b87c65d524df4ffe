/* What comes from clients and servers of Pusher's protocol. The first byte says as what the rest is read. */
#include "fuzz.h"

#include "base/json.h"
#include "pusher/channel_name.h"
#include "pusher/credentials.h"
#include "pusher/member.h"
#include "pusher/message.h"
#include "pusher/order.h"
#include "pusher/socket_id.h"

#include <stdint.h>
#include <stdio.h>

static void as_message(tow_slice text) {
    static const char *const names[] = {"channel", "auth", "channel_data", "user_data"};
    tow_pusher_message message;
    tow_slice said;
    int error = tow_pusher_message_read(&message, text);
    if (error == 0) {
        const uint8_t *texts = message.texts.data;
        error = tow_pusher_message_take_object(&message);
        for (size_t i = 0; error == 0 && i < sizeof(names) / sizeof(names[0]); i++)
            error = tow_pusher_message_string(&message, names[i], &said);
        CHECK(message.texts.data == texts); /* slices of it stay good */
        if (message.channel.data != NULL)
            tow_pusher_channel_name_read(message.channel);
    }
    tow_pusher_message_clear(&message);
}

static int take_id(void *user, tow_slice id) {
    (void)user;
    CHECK(tow_pusher_user_is_valid(id));
    return 0;
}

/* What is written of it can be read again, and is the same. */
static void as_member(tow_slice text) {
    tow_pusher_member member, again;
    tow_buffer texts = {0}, out = {0}, texts_again = {0};
    if (tow_pusher_member_read(&member, &texts, text) == NULL) {
        CHECK(tow_pusher_member_write(&out, &member) == 0);
        CHECK(tow_pusher_member_read(&again, &texts_again, (tow_slice){(const char *)out.data, out.length}) ==
              NULL);
        CHECK(again.id.length == member.id.length &&
              memcmp(again.id.data, member.id.data, member.id.length) == 0);
        CHECK(again.info.length == member.info.length);
    }
    (void)tow_pusher_watchlist_read(text, take_id, NULL);
    tow_buffer_clear(&texts);
    tow_buffer_clear(&out);
    tow_buffer_clear(&texts_again);
}

static void as_orders(tow_slice text, bool is_batch) {
    tow_pusher_orders orders;
    tow_pusher_fault fault =
        is_batch ? tow_pusher_batch_read(&orders, text) : tow_pusher_order_read(&orders, text);
    for (size_t i = 0; fault.status == 0 && i < orders.count; i++) {
        const tow_pusher_order *order = &orders.items[i];
        CHECK(tow_pusher_event_is_valid(order->event) && order->data.length <= TOW_PUSHER_DATA_MAX &&
              order->count > 0);
        for (size_t j = 0; j < order->count; j++)
            CHECK(
                tow_pusher_channel_name_read(orders.channels[order->first + j]).access != TOW_PUSHER_INVALID);
    }
    tow_pusher_orders_clear(&orders);
}

static void as_socket_id(tow_slice text) {
    char written[TOW_PUSHER_SOCKET_ID_TEXT];
    uint64_t id;
    if (tow_pusher_socket_id_read(text, &id) && id != 0) {
        tow_pusher_socket_id_write(written, id);
        CHECK(tow_slice_equals(text, written));
    }
}

static const tow_pusher_credentials credentials = {{"key", 3}, {"secret", 6}};

/* Up to the end of a line, which is taken off. */
static tow_slice line_take(tow_slice *text) {
    const char *end = text->length > 0 ? memchr(text->data, '\n', text->length) : NULL;
    const tow_slice line = {text->data, end == NULL ? text->length : (size_t)(end - text->data)};
    const size_t taken = end == NULL ? text->length : line.length + 1;
    *text = (tow_slice){text->data + taken, text->length - taken};
    return line;
}

/* What is signed for one channel is signed for no other. */
static void as_auth(tow_slice text) {
    const tow_slice auth = line_take(&text), id = line_take(&text), channel = line_take(&text);
    const tow_slice other = {"other", 5};
    if (tow_pusher_may_subscribe(&credentials, auth, id, channel, text) &&
        !tow_slice_equals(channel, "other"))
        CHECK(!tow_pusher_may_subscribe(&credentials, auth, id, other, text));
    (void)tow_pusher_may_sign_in(&credentials, auth, id, text);
}

/* Method, path and parameters, each in a line, up to an empty one; then the body. */
static void as_call(tow_slice text) {
    enum { PARAMETERS = TOW_PUSHER_PARAMETERS_MAX + 2, TEXT = 256 };
    static char texts[PARAMETERS][2][TEXT];
    tow_header_field parameters[PARAMETERS + 1] = {{NULL, NULL}};
    tow_pusher_call call = {.method = line_take(&text), .path = line_take(&text), .parameters = parameters};
    for (size_t count = 0; count < PARAMETERS && text.length > 0; count++) {
        const tow_slice line = line_take(&text);
        const char *sign = line.length > 0 ? memchr(line.data, '=', line.length) : NULL;
        if (sign == NULL)
            break;
        const size_t length = (size_t)(sign - line.data);
        snprintf(texts[count][0], TEXT, "%.*s", (int)length, line.data);
        snprintf(texts[count][1], TEXT, "%.*s", (int)(line.length - length - 1), sign + 1);
        parameters[count] = (tow_header_field){texts[count][0], texts[count][1]};
    }
    call.body = text;
    const char *why = tow_pusher_call_check(&credentials, &call, 1700000000);
    CHECK(why == NULL || why[0] != '\0');
    if (why == NULL)
        CHECK(
            tow_pusher_call_check(&credentials, &call, 1700000000 + 2 * TOW_PUSHER_CLOCKS_APART + 1) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    const tow_slice text = {(const char *)data + 1, size - 1};
    switch (data[0]) {
    case 'a':
        as_auth(text);
        break;
    case 'c':
        as_call(text);
        break;
    case 'm':
        as_message(text);
        break;
    case 'u':
        as_member(text);
        break;
    case 'e':
    case 'b':
        as_orders(text, data[0] == 'b');
        break;
    default:
        as_socket_id(text);
    }
    return 0;
}
