#include "order.h"

#include "base/json.h"
#include "channel_name.h"
#include "socket_id.h"

#include <towline/error.h>

static tow_pusher_fault bad(const char *text) {
    return (tow_pusher_fault){400, text};
}

static const tow_pusher_fault right = {0};

/* What a string says, in memory that was reserved: slices of it stay good. */
static bool text_take(tow_pusher_orders *orders, tow_slice value, tow_slice *text) {
    const size_t before = orders->texts.length;
    if (tow_json_type_of(value) != TOW_JSON_STRING || tow_json_unescape(&orders->texts, value) != 0)
        return false;
    *text = (tow_slice){(const char *)orders->texts.data + before, orders->texts.length - before};
    return true;
}

static bool member_take(tow_pusher_orders *orders, tow_slice object, const char *name, tow_slice *text) {
    tow_slice value;
    return tow_json_member(object, name, &value) && text_take(orders, value, text);
}

tow_pusher_wanted tow_pusher_wanted_read(tow_slice list) {
    tow_pusher_wanted wanted = {0};
    while (list.length > 0) {
        const char *comma = memchr(list.data, ',', list.length);
        const tow_slice word = {list.data, comma == NULL ? list.length : (size_t)(comma - list.data)};
        const size_t used = comma == NULL ? word.length : word.length + 1;
        wanted.subscription_count |= tow_slice_equals(word, "subscription_count");
        wanted.user_count |= tow_slice_equals(word, "user_count");
        wanted.cache |= tow_slice_equals(word, "cache");
        list = (tow_slice){list.data + used, list.length - used};
    }
    return wanted;
}

/* Event, data, and who is left out. */
static tow_pusher_fault event_take(tow_pusher_orders *orders, tow_pusher_order *order, tow_slice object) {
    tow_slice data;
    if (!member_take(orders, object, "name", &order->event) || !tow_pusher_event_is_valid(order->event))
        return bad("an event needs a name of 1 to 200 bytes that does not begin with pusher");
    if (!tow_json_member(object, "data", &data))
        return bad("an event needs data");
    if (tow_json_type_of(data) != TOW_JSON_STRING)
        order->data = data; /* as some write by hand */
    else if (!text_take(orders, data, &order->data))
        return bad("data is no text");
    return order->data.length <= TOW_PUSHER_DATA_MAX
               ? right
               : (tow_pusher_fault){413, "the data of an event have at most 10,240 bytes"};
}

static tow_pusher_fault options_take(tow_pusher_orders *orders, tow_pusher_order *order, tow_slice object) {
    tow_slice value, text;
    if (tow_json_member(object, "socket_id", &value) && tow_json_type_of(value) != TOW_JSON_NULL &&
        (!text_take(orders, value, &text) || !tow_pusher_socket_id_read(text, &order->leave_out)))
        return bad("socket_id is not that of a connection, such as 1234.5678");
    if (member_take(orders, object, "info", &text))
        order->wanted = tow_pusher_wanted_read(text);
    return right;
}

static tow_pusher_fault channel_add(tow_pusher_orders *orders, tow_pusher_order *order, tow_slice value) {
    tow_slice name;
    if (!text_take(orders, value, &name) || tow_pusher_channel_name_read(name).access == TOW_PUSHER_INVALID)
        return bad("a channel's name has 1 to 164 characters: letters, digits and _-=@,.;");
    if (orders->channel_count == TOW_PUSHER_CHANNELS_MAX)
        return bad("an event goes to at most 100 channels");
    orders->channels[orders->channel_count++] = name;
    order->count++;
    return right;
}

static bool is_encrypted(tow_slice name) {
    return tow_pusher_channel_name_read(name).access == TOW_PUSHER_ENCRYPTED;
}

/* What is encrypted is for one channel, whose name is part of the key. */
static tow_pusher_fault channels_check(const tow_pusher_orders *orders, const tow_pusher_order *order) {
    if (order->count == 0)
        return bad("an event needs a channel");
    for (size_t i = 0; order->count > 1 && i < order->count; i++)
        if (is_encrypted(orders->channels[order->first + i]))
            return bad("an event for an encrypted channel goes to that one alone");
    return right;
}

static tow_pusher_fault channels_take(tow_pusher_orders *orders, tow_pusher_order *order, tow_slice object) {
    tow_pusher_fault fault = right;
    tow_slice list, name, value;
    if (tow_json_member(object, "channel", &value))
        fault = channel_add(orders, order, value);
    if (fault.status == 0 && tow_json_member(object, "channels", &list)) {
        tow_json_walk walk = tow_json_items(list);
        if (tow_json_type_of(list) != TOW_JSON_ARRAY)
            return bad("channels is no list");
        while (fault.status == 0 && tow_json_next(&walk, &name, &value))
            fault = channel_add(orders, order, value);
    }
    return fault.status != 0 ? fault : channels_check(orders, order);
}

static tow_pusher_fault order_add(tow_pusher_orders *orders, tow_slice object) {
    tow_pusher_order *order = &orders->items[orders->count++];
    *order = (tow_pusher_order){.first = orders->channel_count};
    if (tow_json_type_of(object) != TOW_JSON_OBJECT)
        return bad("an event is an object");
    tow_pusher_fault fault = event_take(orders, order, object);
    if (fault.status == 0)
        fault = options_take(orders, order, object);
    return fault.status != 0 ? fault : channels_take(orders, order, object);
}

/* No string says more bytes than it has itself. */
static tow_pusher_fault body_read(tow_pusher_orders *orders, tow_slice body, tow_slice *value) {
    *orders = (tow_pusher_orders){0};
    if (tow_json_read(body, value) != 0 || tow_json_type_of(*value) != TOW_JSON_OBJECT)
        return bad("the body is no object of JSON");
    return tow_buffer_reserve_exactly(&orders->texts, body.length) == 0
               ? right
               : (tow_pusher_fault){503, "there is no memory"};
}

tow_pusher_fault tow_pusher_order_read(tow_pusher_orders *orders, tow_slice body) {
    tow_slice object;
    tow_pusher_fault fault = body_read(orders, body, &object);
    return fault.status != 0 ? fault : order_add(orders, object);
}

tow_pusher_fault tow_pusher_batch_read(tow_pusher_orders *orders, tow_slice body) {
    tow_slice object, list, name, value;
    tow_pusher_fault fault = body_read(orders, body, &object);
    if (fault.status != 0)
        return fault;
    if (!tow_json_member(object, "batch", &list) || tow_json_type_of(list) != TOW_JSON_ARRAY)
        return bad("a batch needs a list of events, batch");
    tow_json_walk walk = tow_json_items(list);
    while (fault.status == 0 && tow_json_next(&walk, &name, &value))
        fault = orders->count == TOW_PUSHER_BATCH_MAX ? bad("a batch has at most 10 events")
                                                      : order_add(orders, value);
    return fault;
}

void tow_pusher_orders_clear(tow_pusher_orders *orders) {
    tow_buffer_clear(&orders->texts);
    *orders = (tow_pusher_orders){0};
}
