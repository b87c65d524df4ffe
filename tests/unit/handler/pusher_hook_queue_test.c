/* What webhooks are told: in which order, when, and what not at all. */
#include "../unit.h"

#include "pusher/hook_queue.h"

#include <towline/error.h>

#define SECONDS(n) (INT64_C(1000000000) * (n))

static tow_pusher_hook_queue queue;

static int add(
    tow_pusher_hook_type type, const char *channel, const char *user, const char *json, int64_t now) {
    return tow_pusher_hook_queue_add(&queue,
        &(tow_pusher_hook_event){type, tow_slice_from(channel), tow_slice_from(user), tow_slice_from(json)},
        now);
}

/* What is told at that time. */
static const char *take(int64_t now, size_t max) {
    static char text[256];
    tow_buffer out = {0};
    int64_t taken = tow_pusher_hook_queue_take(&queue, now, max, &out);
    assert_true(taken >= 0 && out.length < sizeof(text));
    snprintf(text, sizeof(text), "%.*s", (int)out.length, out.length > 0 ? (const char *)out.data : "");
    tow_buffer_clear(&out);
    return text;
}

static void begin(void) {
    tow_pusher_hook_queue_init(&queue, 1, TOW_PUSHER_HOOK_EVENTS);
}

static void end(void) {
    tow_pusher_hook_queue_clear(&queue);
    assert_int_equal(queue.count, 0);
    assert_int_equal(queue.bytes, 0);
}

static void what_happens_is_told_at_once(void **state) {
    (void)state;
    begin();
    assert_int_equal(tow_pusher_hook_queue_next(&queue), INT64_MAX);
    assert_int_equal(add(TOW_PUSHER_HOOK_OCCUPIED, "a", "", "1", 5), 0);
    assert_int_equal(add(TOW_PUSHER_HOOK_OCCUPIED, "b", "", "2", 5), 0);
    assert_int_equal(add(TOW_PUSHER_HOOK_ADDED, "a", "u", "3", 5), 0);
    assert_true(tow_pusher_hook_queue_next(&queue) <= 5);
    assert_string_equal(take(5, 2), "1,2");
    assert_string_equal(take(5, 2), "3");
    assert_string_equal(take(5, 2), "");
    assert_int_equal(tow_pusher_hook_queue_next(&queue), INT64_MAX);
    end();
}

static void ends_wait_three_seconds(void **state) {
    (void)state;
    begin();
    add(TOW_PUSHER_HOOK_REMOVED, "a", "u", "1", SECONDS(10));
    add(TOW_PUSHER_HOOK_VACATED, "a", "", "2", SECONDS(11));
    add(TOW_PUSHER_HOOK_OCCUPIED, "b", "", "3", SECONDS(11));
    assert_string_equal(take(SECONDS(11), 9), "3");
    assert_int_equal(tow_pusher_hook_queue_next(&queue), SECONDS(13));
    assert_string_equal(take(SECONDS(13) - 1, 9), "");
    assert_string_equal(take(SECONDS(13), 9), "1");
    assert_string_equal(take(SECONDS(14), 9), "2");
    end();
}

static void who_comes_back_in_time_was_never_away(void **state) {
    (void)state;
    begin();
    add(TOW_PUSHER_HOOK_REMOVED, "a", "u", "1", 0);
    add(TOW_PUSHER_HOOK_REMOVED, "a", "v", "2", 0);
    add(TOW_PUSHER_HOOK_VACATED, "a", "", "3", 0);
    add(TOW_PUSHER_HOOK_OCCUPIED, "a", "", "4", SECONDS(1));
    add(TOW_PUSHER_HOOK_ADDED, "a", "v", "5", SECONDS(1));
    add(TOW_PUSHER_HOOK_ADDED, "b", "u", "6", SECONDS(1)); /* another channel */
    assert_string_equal(take(SECONDS(9), 9), "6,1");
    end();
}

static void the_order_of_a_channel_stays(void **state) {
    (void)state;
    begin();
    add(TOW_PUSHER_HOOK_REMOVED, "a", "u", "1", 0);
    add(TOW_PUSHER_HOOK_ADDED, "a", "v", "2", 0);
    add(TOW_PUSHER_HOOK_CLIENT_EVENT, "a", "", "3", 0);
    assert_string_equal(take(SECONDS(1), 9), "");
    assert_string_equal(take(SECONDS(3), 9), "1,2,3");
    end();
}

static void of_counts_only_the_latest_is_told(void **state) {
    (void)state;
    begin();
    add(TOW_PUSHER_HOOK_COUNT, "a", "", "1", 0);
    add(TOW_PUSHER_HOOK_COUNT, "b", "", "2", 0);
    add(TOW_PUSHER_HOOK_COUNT, "a", "", "3", 0);
    const char *told = take(0, 9);
    assert_true(strcmp(told, "3,2") == 0 || strcmp(told, "2,3") == 0);
    end();
}

static void no_more_waits_than_may(void **state) {
    (void)state;
    char name[16];
    begin();
    for (int i = 0; i < TOW_PUSHER_HOOK_EVENTS; i++) {
        snprintf(name, sizeof(name), "c%d", i % 777);
        assert_int_equal(add(TOW_PUSHER_HOOK_CACHE_MISS, name, "", "{}", 0), 0);
    }
    assert_int_equal(add(TOW_PUSHER_HOOK_CACHE_MISS, "x", "", "{}", 0), TOW_ERROR_LIMIT);
    take(0, 1);
    assert_int_equal(add(TOW_PUSHER_HOOK_CACHE_MISS, "x", "", "{}", 0), 0);
    end();
}

static void no_more_bytes_wait_than_may(void **state) {
    (void)state;
    char *json = calloc(1, 1 << 20);
    begin();
    memset(json, 'x', (1 << 20) - 1);
    for (int i = 0; i < 8; i++)
        assert_int_equal(add(TOW_PUSHER_HOOK_CLIENT_EVENT, "c", "", json, 0), 0);
    assert_int_equal(add(TOW_PUSHER_HOOK_CLIENT_EVENT, "c", "", json, 0), TOW_ERROR_LIMIT);
    assert_int_equal(add(TOW_PUSHER_HOOK_CLIENT_EVENT, "c", "", "12345678", 0), 0);
    assert_int_equal(add(TOW_PUSHER_HOOK_CLIENT_EVENT, "c", "", "1", 0), TOW_ERROR_LIMIT);
    end();
    free(json);
}

/* Whatever happens, what is told of a member or a channel comes in turns. */
static void comings_and_goings_are_told_in_turns(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= 50; seed++) {
        bool is_in[4] = {false}, was_told[4] = {false};
        unsigned chance = seed;
        begin();
        for (int step = 0; step < 300; step++) {
            chance = chance * 1103515245U + 12345U;
            unsigned who = (chance >> 16) % 4;
            char user[2] = {(char)('0' + who), '\0'},
                 json[3] = {(char)('0' + who), is_in[who] ? '-' : '+', '\0'};
            is_in[who] = !is_in[who];
            assert_int_equal(add(is_in[who] ? TOW_PUSHER_HOOK_ADDED : TOW_PUSHER_HOOK_REMOVED, "c", user,
                                 json, SECONDS(step)),
                0);
            for (const char *at = take(SECONDS(step), 100); *at != '\0'; at++)
                if (*at == '+' || *at == '-') {
                    unsigned told = (unsigned)(at[-1] - '0');
                    assert_int_equal(*at == '+', !was_told[told]);
                    was_told[told] = !was_told[told];
                }
        }
        end();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_happens_is_told_at_once),
        cmocka_unit_test(ends_wait_three_seconds),
        cmocka_unit_test(who_comes_back_in_time_was_never_away),
        cmocka_unit_test(the_order_of_a_channel_stays),
        cmocka_unit_test(of_counts_only_the_latest_is_told),
        cmocka_unit_test(no_more_waits_than_may),
        cmocka_unit_test(no_more_bytes_wait_than_may),
        cmocka_unit_test(comings_and_goings_are_told_in_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
