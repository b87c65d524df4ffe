/* What waits in a session for its peer. */
#include "../unit.h"

#include "protocol/packets.h"

#include <towline/error.h>

static void what_waits_goes_in_order(void **state) {
    tow_packets packets = {0};
    assert_true(tow_packets_are_empty(&packets));
    for (char c = 'a'; c <= 'z'; c++)
        assert_int_equal(tow_packets_put(&packets, c % 2 ? TOW_PACKET_TEXT : TOW_PACKET_BINARY, &c, 1), 0);
    assert_int_equal(tow_packets_put(&packets, '2', NULL, 0), 0);
    assert_int_equal(packets.payload, 26);
    for (char c = 'a'; c <= 'z'; c++) {
        tow_packet first = tow_packets_first(&packets);
        assert_int_equal(first.type, c % 2 ? TOW_PACKET_TEXT : TOW_PACKET_BINARY);
        assert_int_equal(first.data[0], c);
        tow_packets_take(&packets);
    }
    assert_int_equal(tow_packets_first(&packets).type, '2');
    assert_int_equal(packets.payload, 0);
    tow_packets_take(&packets);
    assert_true(tow_packets_are_empty(&packets));
}

static void the_oldest_messages_are_dropped_and_no_other_packets(void **state) {
    tow_packets packets = {0};
    assert_int_equal(tow_packets_put(&packets, 't', "12345", 5), 0);
    assert_int_equal(tow_packets_put(&packets, '2', NULL, 0), 0);
    assert_int_equal(tow_packets_put(&packets, 'b', "67890", 5), 0);
    assert_int_equal(tow_packets_put(&packets, 't', "x", 1), 0);
    assert_int_equal(tow_packets_drop(&packets, 11), 0);
    assert_int_equal(tow_packets_drop(&packets, 10), 1);
    assert_int_equal(tow_packets_first(&packets).type, '2');
    assert_int_equal(tow_packets_drop(&packets, 0), 2);
    assert_int_equal(packets.payload, 0);
    tow_packets_take(&packets);
    assert_true(tow_packets_are_empty(&packets));
    tow_packets_clear(&packets);
}

/* The length has room for any: there is no memory for this one. */
static void no_message_is_too_long_for_its_head(void **state) {
    tow_packets packets = {0};
    assert_int_equal(tow_packets_put(&packets, TOW_PACKET_BINARY, "", SIZE_MAX / 2), TOW_ERROR_MEMORY);
    assert_true(tow_packets_are_empty(&packets));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_goes_in_order),
        cmocka_unit_test(the_oldest_messages_are_dropped_and_no_other_packets),
        cmocka_unit_test(no_message_is_too_long_for_its_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
