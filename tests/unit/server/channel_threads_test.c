/* A server with several workers, real sockets, and threads that publish: each client gets all of it, and all
 * in the same order; some leave meanwhile. */
#include "../unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <towline.h>

enum {
    WORKERS = 3,
    CLIENTS = 9,
    LEAVING = 3,
    PUBLISHERS = 2,
    EACH = 150,
    ALL = PUBLISHERS * EACH,
    WAIT = 60000
};

static tow_server *server;
static char url[64];
static atomic_int listening; /* clients that are there */
static uint32_t heard[CLIENTS][ALL];

static void enter(tow_websocket *socket) {
    assert_int_equal(tow_channel_subscribe(socket, "news"), 0);
}

static void *run(void *unused) {
    (void)unused;
    assert_int_equal(tow_server_run(server), 0);
    return NULL;
}

static void hear(tow_blocking *client, int number, int count) {
    for (int i = 0; i < count; i++) {
        tow_message message;
        assert_int_equal(tow_blocking_receive(client, &message, WAIT), 0);
        assert_int_equal(message.length, sizeof(uint32_t));
        memcpy(&heard[number][i], message.data, sizeof(uint32_t));
    }
}

static void *listen_to_all(void *argument) {
    int number = (int)(intptr_t)argument;
    tow_blocking *client;
    assert_int_equal(tow_blocking_open(&client, url, NULL, WAIT), 0);
    atomic_fetch_add(&listening, 1);
    hear(client, number, number < LEAVING ? EACH / 2 : ALL);
    if (number >= LEAVING)
        assert_int_equal(tow_blocking_close(client, 1000, NULL, WAIT), 0);
    tow_blocking_free(client); /* those who leave just go */
    return NULL;
}

static void *publish(void *argument) {
    for (uint32_t i = 0; i < EACH; i++) {
        uint32_t text = (uint32_t)(uintptr_t)argument * EACH + i;
        const tow_publication publication = {.type = TOW_BINARY, .data = &text, .length = sizeof(text)};
        assert_int_equal(tow_channel_publish(server, "news", &publication), 0);
        assert_true(tow_channel_subscribers(server, "news") <= CLIENTS);
    }
    return NULL;
}

static void all_clients_hear_the_same(void **state) {
    (void)state;
    pthread_t main_thread;
    pthread_t clients[CLIENTS];
    pthread_t publishers[PUBLISHERS];
    const tow_server_options options = {.listen = "127.0.0.1:0", .workers = WORKERS};
    assert_int_equal(tow_server_new(&server, &options), 0);
    assert_int_equal(tow_server_route(server, "/", &(tow_handler){.on_open = enter}), 0);
    assert_int_equal(tow_server_listen(server), 0);
    snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", tow_server_port(server, 0));
    pthread_create(&main_thread, NULL, run, NULL);
    for (intptr_t i = 0; i < CLIENTS; i++)
        pthread_create(&clients[i], NULL, listen_to_all, (void *)i);
    while (atomic_load(&listening) < CLIENTS)
        sched_yield();
    for (uintptr_t i = 0; i < PUBLISHERS; i++)
        pthread_create(&publishers[i], NULL, publish, (void *)i);
    for (int i = 0; i < PUBLISHERS; i++)
        pthread_join(publishers[i], NULL);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(clients[i], NULL);
    tow_server_stop(server);
    pthread_join(main_thread, NULL);
    tow_server_free(server);
    for (int i = LEAVING + 1; i < CLIENTS; i++)
        assert_memory_equal(heard[i], heard[LEAVING], sizeof(heard[i]));
    for (int i = 0; i < LEAVING; i++)
        assert_memory_equal(heard[i], heard[LEAVING], EACH / 2 * sizeof(uint32_t));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_clients_hear_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
