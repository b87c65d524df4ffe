/* What one thread posts to a socket arrives in that order, whatever others post meanwhile: here another one
 * posts wherever a thread that posts holds no lock. */
#include "world.h"

#include <pthread.h>

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);

static struct world world;
static tow_websocket_id ids[2];
static size_t opened;
static tow_shared *messages[3];
static int held;      /* locks */
static int countdown; /* the other thread posts behind so many unlocks more; 0: it does not */

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex) {
    held++;
    return __real_pthread_mutex_lock(mutex);
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex) {
    int result = __real_pthread_mutex_unlock(mutex);
    if (--held == 0 && countdown > 0 && --countdown == 0)
        assert_int_equal(tow_post_shared(world.server, ids[1], messages[2]), 0);
    return result;
}

static void note_open(tow_websocket *socket) {
    ids[opened++] = tow_websocket_identify(socket);
}

static void begin(struct peer peers[2]) {
    static const char *const texts[] = {"first", "second", "third"};
    opened = 0;
    world_make(&world, &(tow_simulation_options){.whole = true}, &(tow_server_options){0});
    tow_server_route(world.server, "/socket", &(tow_handler){.on_open = note_open});
    world_listen(&world);
    for (size_t i = 0; i < 2; i++) {
        peer_connect(&peers[i], &world);
        peer_text(&peers[i], OPENING("/socket"));
        peer_expect(&peers[i], ACCEPTED);
    }
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(tow_shared_new(&messages[i], TOW_TEXT, texts[i], strlen(texts[i])), 0);
}

static void end(struct peer peers[2]) {
    for (size_t i = 0; i < 3; i++)
        tow_shared_release(messages[i]);
    peer_close(&peers[0]);
    peer_close(&peers[1]);
    world_end(&world);
}

static void others_change_nothing_in_the_order_of_a_thread(void **state) {
    (void)state;
    for (int when = 0; when <= 8; when++) {
        struct peer peers[2];
        begin(peers);
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(tow_post_shared(world.server, ids[i / 2], messages[0]), 0);
        countdown = when;
        assert_int_equal(tow_post_shared_many(world.server, ids, 1, messages[1]), 0);
        assert_int_equal(tow_post_shared(world.server, ids[0], messages[2]), 0);
        countdown = 0;
        world_run(&world, 100);
        peer_expect(&peers[0], "\x81\x05"
                               "first\x81\x05"
                               "first\x81\x06"
                               "second\x81\x05"
                               "third");
        end(peers);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_change_nothing_in_the_order_of_a_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
