/* What comes from clients and servers of Pusher's protocol. The first byte says as what the rest is read. */
#include "fuzz.h"

#include "base/json.h"
#include "pusher/channel_name.h"
#include "pusher/member.h"
#include "pusher/message.h"
#include "pusher/order.h"
#include "pusher/socket_id.h"

#include <stdint.h>

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    const tow_slice text = {(const char *)data + 1, size - 1};
    switch (data[0]) {
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
