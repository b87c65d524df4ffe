#include "../unit.h"

#include "server/address_table.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <towline/error.h>

static uint64_t key4(const char *text) {
    tow_address address = {0};
    struct sockaddr_in ip4 = {.sin_family = AF_INET};
    assert_int_equal(inet_pton(AF_INET, text, &ip4.sin_addr), 1);
    memcpy(&address.storage, &ip4, sizeof(ip4));
    return tow_address_key(&address);
}

static uint64_t key6(const char *text) {
    tow_address address = {0};
    struct sockaddr_in6 ip6 = {.sin6_family = AF_INET6};
    assert_int_equal(inet_pton(AF_INET6, text, &ip6.sin6_addr), 1);
    memcpy(&address.storage, &ip6, sizeof(ip6));
    return tow_address_key(&address);
}

static void an_address_may_have_as_many_as_the_limit(void **state) {
    (void)state;
    tow_address_table *table;
    assert_int_equal(tow_address_table_new(&table, 2, 1), 0);
    uint64_t key = key4("192.0.2.1");
    assert_int_equal(tow_address_table_enter(table, key), 0);
    assert_int_equal(tow_address_table_enter(table, key), 0);
    assert_int_equal(tow_address_table_enter(table, key), TOW_ERROR_LIMIT);
    assert_int_equal(tow_address_table_enter(table, key4("192.0.2.2")), 0);
    tow_address_table_leave(table, key);
    assert_int_equal(tow_address_table_enter(table, key), 0);
    assert_int_equal(tow_address_table_count(table, key), 2);
    tow_address_table_free(table);
}

static void mapped_addresses_are_ip4_and_ip6_counts_by_network(void **state) {
    (void)state;
    assert_int_equal(key4("192.0.2.1"), key6("::ffff:192.0.2.1"));
    assert_int_not_equal(key4("192.0.2.1"), key4("192.0.2.2"));
    assert_int_equal(key6("2001:db8:1:2::1"), key6("2001:db8:1:2:ffff::9"));
    assert_int_not_equal(key6("2001:db8:1:2::1"), key6("2001:db8:1:3::1"));
    assert_int_not_equal(key6("::1"), 0);
}

static void unix_sockets_are_not_counted(void **state) {
    (void)state;
    tow_address_table *table;
    assert_int_equal(tow_address_table_new(&table, 1, 1), 0);
    tow_address address = {.storage = {.ss_family = AF_UNIX}};
    uint64_t key = tow_address_key(&address);
    assert_int_equal(key, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tow_address_table_enter(table, key), 0);
    tow_address_table_leave(table, key);
    tow_address_table_free(table);
}

/* A model beside it: random entering and leaving of many keys that crowd the shards. */
static void counts_stay_exact_under_random_use(void **state) {
    (void)state;
    enum { KEYS = 3000, LIMIT = 5 };
    static int model[KEYS];
    memset(model, 0, sizeof(model));
    tow_address_table *table;
    assert_int_equal(tow_address_table_new(&table, LIMIT, 99), 0);
    uint32_t random = 12345;
    for (int i = 0; i < 200000; i++) {
        random = random * 1664525 + 1013904223;
        size_t which = (random >> 8) % KEYS;
        bool enter = (random >> 3 & 1) != 0;
        if (enter) {
            int expected = model[which] < LIMIT ? 0 : TOW_ERROR_LIMIT;
            assert_int_equal(tow_address_table_enter(table, which + 1), expected);
            model[which] += expected == 0;
        } else if (model[which] > 0) {
            tow_address_table_leave(table, which + 1);
            model[which]--;
        }
    }
    for (size_t i = 0; i < KEYS; i++)
        assert_int_equal(tow_address_table_count(table, i + 1), model[i]);
    tow_address_table_free(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_may_have_as_many_as_the_limit),
        cmocka_unit_test(mapped_addresses_are_ip4_and_ip6_counts_by_network),
        cmocka_unit_test(unix_sockets_are_not_counted),
        cmocka_unit_test(counts_stay_exact_under_random_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
