/* Programs for many connections when memory runs out: at each allocation in turn, nobody is left waiting for
 * ever, what was acknowledged is not lost, and nothing is left of it. */
#include "../allocation.h"
#include "service_world.h"

#include <towline/error.h>

/* Echoes, attaches states, and is replaced by another in between. */
static void behave(worker *self, uint8_t type, const uint8_t *data, size_t length) {
    uint8_t state[8 + 3];
    if (type == TOW_SERVICE_MESSAGE) {
        memcpy(state, data, 8);
        memcpy(state + 8, "abc", 3);
        worker_say(self, TOW_SERVICE_ATTACH, state, sizeof(state));
        worker_say(self, TOW_SERVICE_BROADCAST, "\0\0\0\0\0all", 8);
    }
    worker_echo(self, type, data, length);
    if (self->number == 0 && self->frames == 4)
        worker_kill(self);
}

static void leave_room(struct peer *peer) {
    assert_int_equal(tow_buffer_reserve(&peer->in, 100000), 0);
    assert_int_equal(tow_buffer_reserve(&peer->out, 100000), 0);
}

/* Afterwards all is well again, whatever has failed. */
static void expect_recovery(struct world *world) {
    struct peer peer;
    for (int i = 0; i < 3; i++) {
        peer_connect(&peer, world);
        peer_text(&peer, OPENING("/worker"));
        peer_frame(&peer, 1, "later", 5);
        world_run(world, 20000);
        bool served = peer_has_frame(&peer, 1, "later", 5);
        peer_close(&peer);
        if (served)
            return;
    }
    fail_msg("nobody is served any more:\n%s", (const char *)world->log.data);
}

static bool converse(size_t number) {
    struct world world;
    struct peer peers[2];
    service_world_make(&world, number, behave, &(tow_program_settings){0});
    for (int i = 0; i < 2; i++) {
        peer_connect(&peers[i], &world);
        leave_room(&peers[i]);
    }
    assert_int_equal(tow_buffer_reserve(&world.log, 100000), 0);
    allocation_fail_at(number);
    for (int i = 0; i < 2; i++)
        peer_text(&peers[i], OPENING("/worker"));
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 2; j++)
            peer_frame(&peers[j], 1, "hello", 5);
        world_run(&world, 50);
    }
    peer_close(&peers[0]);
    world_run(&world, 50);
    bool reached = allocation_count() >= number;
    allocation_fail_at(0);
    peer_close(&peers[1]);
    expect_recovery(&world);
    service_world_end(&world);
    return reached;
}

static void each_allocation_may_fail(void **state) {
    (void)state;
    long before = allocation_outstanding();
    size_t number = 1;
    while (converse(number)) {
        assert_int_equal(allocation_outstanding(), before);
        number++;
    }
    assert_true(number > 20);
    assert_int_equal(allocation_outstanding(), before);
}

static void it_is_made_whole_or_not_at_all(void **state) {
    (void)state;
    long before = allocation_outstanding();
    for (size_t number = 1;; number++) {
        struct world world;
        world_make(&world, &(tow_simulation_options){.seed = number}, &(tow_server_options){0});
        world_listen(&world);
        assert_int_equal(tow_buffer_reserve(&world.log, 100000), 0);
        allocation_fail_at(number);
        bool made = service_world_try(&world, number, worker_echo, &(tow_program_settings){.pool = 3});
        bool reached = allocation_count() >= number;
        allocation_fail_at(0);
        world_run(&world, 100);
        service_world_end(&world);
        assert_int_equal(allocation_outstanding(), before);
        assert_true(made || reached);
        if (!reached)
            return;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(it_is_made_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
