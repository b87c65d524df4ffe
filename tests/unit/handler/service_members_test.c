/* The connections of a service: found by their ids, removed while all are visited, and what they hold. */
#include "../unit.h"

#include "service/members.h"
#include "service/service.h"

#include <stdlib.h>
#include <towline/error.h>

enum { MANY = 1000 };

static tow_member *member_new(tow_service *service, uint64_t id) {
    tow_member *member = calloc(1, sizeof(*member));
    *member = (tow_member){.service = service, .id = id};
    member->end = &member->first;
    atomic_init(&member->holders, 1);
    return member;
}

/* As those of a server: a number of the worker above, and counted slots below. */
static uint64_t id_of(size_t i) {
    return (uint64_t)(i % 3) << 56 | (uint64_t)i << 32 | 1;
}

static void remove_even(tow_member *member, void *argument) {
    tow_members *members = argument;
    if ((member->id >> 32 & 1) != 0)
        return;
    tow_members_remove(members, member);
    tow_member_release(member);
}

static void they_are_found_until_they_are_removed(void **state) {
    (void)state;
    tow_service service = {0};
    tow_members members = {0};
    assert_null(tow_members_find(&members, 1));
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(tow_members_add(&members, member_new(&service, id_of(i))), 0);
    assert_int_equal(members.count, MANY);
    assert_null(tow_members_find(&members, id_of(MANY)));
    tow_members_visit(&members, remove_even, &members);
    assert_int_equal(members.count, MANY / 2);
    for (size_t i = 0; i < MANY; i++) {
        tow_member *found = tow_members_find(&members, id_of(i));
        assert_true((found != NULL) == (i % 2 == 1));
        if (found == NULL)
            continue;
        assert_true(found->id == id_of(i));
        tow_members_remove(&members, found);
        tow_member_release(found);
    }
    tow_members_clear(&members);
}

static tow_event *event_new(tow_member *member, tow_service_frame_type type, size_t length) {
    tow_event *event = calloc(1, sizeof(*event) + length);
    event->member = member;
    event->type = type;
    event->length = length;
    atomic_fetch_add(&member->service->waiting_bytes, tow_event_size(event));
    if (type == TOW_SERVICE_MESSAGE) {
        atomic_fetch_add(&member->waiting, 1);
        atomic_fetch_add(&member->waiting_bytes, length);
    }
    return event;
}

static void what_is_acknowledged_waits_no_more(void **state) {
    (void)state;
    tow_service service = {.max_waiting = 10};
    tow_member *member = member_new(&service, 1);
    tow_member_add(member, event_new(member, TOW_SERVICE_OPEN, 5));
    for (size_t i = 1; i <= 3; i++)
        tow_member_add(member, event_new(member, TOW_SERVICE_MESSAGE, i));
    assert_int_equal(service.waiting_bytes, 4 * sizeof(tow_event) + 11);
    assert_false(member->is_known);
    tow_member_acknowledge(member);
    assert_true(member->is_known);
    assert_int_equal(service.waiting_bytes, 3 * sizeof(tow_event) + 6);
    assert_int_equal(member->waiting_bytes, 6);
    tow_member_acknowledge(member);
    assert_int_equal(member->waiting_bytes, 5);
    assert_int_equal(member->waiting, 2);
    tow_member_refuse(event_new(member, TOW_SERVICE_MESSAGE, 100));
    assert_int_equal(member->waiting_bytes, 5);
    tow_member_drop_events(member);
    assert_null(member->first);
    assert_int_equal(service.waiting_bytes, 0);
    assert_int_equal(member->waiting, 0);
    tow_member_add(member, event_new(member, TOW_SERVICE_CLOSED, 2));
    assert_int_equal(member->first->type, TOW_SERVICE_CLOSED);
    tow_member_acknowledge(member);
    tow_member_release(member);
}

static void a_state_takes_the_place_of_the_one_before(void **state) {
    (void)state;
    tow_service service = {0};
    tow_member *member = member_new(&service, 1);
    assert_int_equal(tow_member_attach(member, "first", 5), 0);
    assert_int_equal(tow_member_attach(member, "2nd", 3), 0);
    assert_int_equal(member->state_length, 3);
    assert_memory_equal(member->state, "2nd", 3);
    assert_int_equal(tow_member_attach(member, "", 0), 0);
    assert_int_equal(member->state_length, 0);
    tow_member_release(member);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_found_until_they_are_removed),
        cmocka_unit_test(what_is_acknowledged_waits_no_more),
        cmocka_unit_test(a_state_takes_the_place_of_the_one_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
