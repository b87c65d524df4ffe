/* What servers of an app want published, and what of it is refused. */
#include "../unit.h"

#include "pusher/order.h"

static tow_pusher_orders orders;

static int read_order(const char *text) {
    int status = tow_pusher_order_read(&orders, tow_slice_from(text)).status;
    if (status != 0)
        tow_pusher_orders_clear(&orders);
    return status;
}

static int read_batch(const char *text) {
    int status = tow_pusher_batch_read(&orders, tow_slice_from(text)).status;
    if (status != 0)
        tow_pusher_orders_clear(&orders);
    return status;
}

static void an_event_goes_to_its_channels(void **state) {
    (void)state;
    assert_int_equal(
        read_order("{\"name\":\"ev\",\"data\":\"{\\\"x\\\": 1}\",\"channels\":[\"c1\",\"private-c2\"],"
                   "\"socket_id\":\"1.2\",\"info\":\"user_count,x,subscription_count\"}"),
        0);
    assert_int_equal(orders.count, 1);
    const tow_pusher_order *order = &orders.items[0];
    assert_true(tow_slice_equals(order->event, "ev"));
    assert_true(tow_slice_equals(order->data, "{\"x\": 1}"));
    assert_int_equal(order->leave_out, (UINT64_C(1) << 32) | 2);
    assert_true(order->wanted.user_count && order->wanted.subscription_count && !order->wanted.cache);
    assert_int_equal(order->count, 2);
    assert_true(tow_slice_equals(orders.channels[order->first], "c1"));
    assert_true(tow_slice_equals(orders.channels[order->first + 1], "private-c2"));
    tow_pusher_orders_clear(&orders);
}

static void data_may_be_empty_or_no_string(void **state) {
    (void)state;
    assert_int_equal(read_order("{\"name\":\"ev\",\"data\":\"\",\"channel\":\"c\",\"socket_id\":null}"), 0);
    assert_int_equal(orders.items[0].data.length, 0);
    tow_pusher_orders_clear(&orders);
    assert_int_equal(
        read_order("{\"name\":\"ev\",\"data\":{ \"n\":1.50 },\"channel\":\"#server-to-user-u 1\"}"), 0);
    assert_true(tow_slice_equals(orders.items[0].data, "{ \"n\":1.50 }"));
    tow_pusher_orders_clear(&orders);
}

static void what_is_no_event_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"", "[]", "{", "{\"name\":\"e\",\"data\":\"\"}",
        "{\"name\":\"e\",\"data\":\"\",\"channels\":[]}", "{\"name\":\"e\",\"data\":\"\",\"channels\":\"c\"}",
        "{\"name\":\"e\",\"data\":\"\",\"channels\":[1]}",
        "{\"name\":\"e\",\"data\":\"\",\"channels\":[\"a b\"]}", "{\"name\":\"e\",\"channel\":\"c\"}",
        "{\"data\":\"\",\"channel\":\"c\"}", "{\"name\":\"\",\"data\":\"\",\"channel\":\"c\"}",
        "{\"name\":1,\"data\":\"\",\"channel\":\"c\"}",
        "{\"name\":\"pusher:x\",\"data\":\"\",\"channel\":\"c\"}",
        "{\"name\":\"e\",\"data\":\"\\ud800\",\"channel\":\"c\"}",
        "{\"name\":\"e\",\"data\":\"\",\"channel\":\"c\",\"socket_id\":\"1\"}",
        "{\"name\":\"e\",\"data\":\"\",\"channel\":\"c\",\"socket_id\":1.2}",
        "{\"name\":\"e\",\"data\":\"\",\"channels\":[\"private-encrypted-a\",\"b\"]}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(read_order(bad[i]), 400);
    assert_int_equal(read_order("{\"name\":\"e\",\"data\":\"\",\"channel\":\"private-encrypted-a\"}"), 0);
    tow_pusher_orders_clear(&orders);
}

static void data_have_ten_kilobytes(void **state) {
    (void)state;
    char text[TOW_PUSHER_DATA_MAX + 100];
    for (int length = TOW_PUSHER_DATA_MAX - 1; length <= TOW_PUSHER_DATA_MAX + 1; length++) {
        snprintf(text, sizeof(text), "{\"name\":\"e\",\"data\":\"%0*d\",\"channel\":\"c\"}", length, 1);
        assert_int_equal(read_order(text), length <= TOW_PUSHER_DATA_MAX ? 0 : 413);
        tow_pusher_orders_clear(&orders);
    }
}

/* BEFORE, so many times ITEM, AFTER. */
static const char *repeated(const char *before, const char *item, int count, const char *after) {
    static char text[8192];
    size_t length = (size_t)snprintf(text, sizeof(text), "%s%s", before, item);
    for (int i = 1; i < count; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, ",%s", item);
    snprintf(text + length, sizeof(text) - length, "%s", after);
    return text;
}

static void there_are_bounds_of_channels_and_batches(void **state) {
    (void)state;
    for (int count = 99; count <= 101; count++) {
        assert_int_equal(
            read_order(repeated("{\"name\":\"e\",\"data\":\"\",\"channels\":[", "\"c\"", count, "]}")),
            count <= TOW_PUSHER_CHANNELS_MAX ? 0 : 400);
        tow_pusher_orders_clear(&orders);
    }
    for (int count = 9; count <= 11; count++) {
        assert_int_equal(read_batch(repeated("{\"batch\":[",
                             "{\"name\":\"e\",\"data\":\"\",\"channel\":\"c\"}", count, "]}")),
            count <= TOW_PUSHER_BATCH_MAX ? 0 : 400);
        tow_pusher_orders_clear(&orders);
    }
}

static void a_batch_has_events_of_their_own(void **state) {
    (void)state;
    assert_int_equal(
        read_batch(
            "{\"batch\":[{\"name\":\"a\",\"data\":\"1\",\"channel\":\"x\",\"info\":\"subscription_count\"},"
            "{\"name\":\"b\",\"data\":\"2\",\"channel\":\"y\",\"socket_id\":\"3.4\"}]}"),
        0);
    assert_int_equal(orders.count, 2);
    assert_true(orders.items[0].wanted.subscription_count);
    assert_false(orders.items[1].wanted.subscription_count);
    assert_int_equal(orders.items[0].leave_out, 0);
    assert_true(tow_slice_equals(orders.channels[orders.items[1].first], "y"));
    tow_pusher_orders_clear(&orders);
    static const char *const bad[] = {"{}", "{\"batch\":{}}", "[]", "{\"batch\":[1]}",
        "{\"batch\":[{\"name\":\"a\",\"data\":\"1\",\"channel\":\"x\"},{\"name\":\"a\",\"data\":\"1\"}]}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(read_batch(bad[i]), 400);
    assert_int_equal(read_batch("{\"batch\":[]}"), 0);
    tow_pusher_orders_clear(&orders);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_goes_to_its_channels),
        cmocka_unit_test(data_may_be_empty_or_no_string),
        cmocka_unit_test(what_is_no_event_is_refused),
        cmocka_unit_test(data_have_ten_kilobytes),
        cmocka_unit_test(there_are_bounds_of_channels_and_batches),
        cmocka_unit_test(a_batch_has_events_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
