/* A session of Engine.IO when memory runs out: at each allocation in turn, while a client posts, polls and
 * goes on over a WebSocket: nothing is left of it, and the server goes on. */
#include "../allocation.h"
#include "../server/world.h"

#include "handler/engineio.h"

#include <stdlib.h>

enum {
    LARGE = 70000,
    PACKETS = 3 /* each too large for the network, and all no more than a socket may hold */
};

static struct world world;
static struct peer peer, other;
static char sid[64];

static void echo(tow_websocket *socket, const tow_message *message) {
    (void)tow_websocket_send(socket, message->type, message->data, message->length);
}

/* The test's own memory is there. */
static void make_room(struct peer *one) {
    peer_connect(one, &world);
    assert_int_equal(tow_buffer_reserve(&one->in, 900000), 0);
    assert_int_equal(tow_buffer_reserve(&one->out, 900000), 0);
}

static void ask(const char *method, const char *query, const char *body, size_t length) {
    char head[300];
    snprintf(head, sizeof(head),
        "%s /echo/engine.io/?EIO=4&transport=polling%s%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
        "%zu\r\n\r\n",
        method, sid, query, length);
    peer_text(&peer, head);
    peer_send(&peer, body, length);
    world_run(&world, 300);
}

static void open_session(void) {
    sid[0] = '\0';
    ask("GET", "&towline=1", "", 0);
    const char *found = strstr((const char *)peer.in.data, "{\"sid\":\"");
    assert_non_null(found);
    snprintf(sid, sizeof(sid), "&sid=%.46s", found + 8);
}

/* The packets of the answer to the poll go once more over the WebSocket, whose client does not read. */
static void go_over(void) {
    char head[400];
    static char packets[PACKETS * LARGE];
    memset(packets, 'x', sizeof(packets));
    for (size_t i = 0; i < PACKETS; i++) {
        packets[i * LARGE] = '4';
        packets[(i + 1) * LARGE - 1] = '\x1e';
    }
    ask("POST", "&n=1", packets, sizeof(packets) - 1);
    ask("GET", "&ack=0", "", 0);
    snprintf(head, sizeof(head),
        "GET /echo/engine.io/?EIO=4&transport=websocket%s HTTP/1.1\r\nHost: localhost\r\nUpgrade: "
        "websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: "
        "13\r\n\r\n",
        sid);
    peer_text(&other, head);
    world_run(&world, 300);
    peer_frame(&other, 1, "2probe", 6);
    world_run(&world, 300);
    tow_stream_pause(&other.stream);
    peer_frame(&other, 1, "50", 2);
    world_run(&world, 300);
}

static bool converse(size_t number) {
    const tow_handler handler = {.on_message = echo};
    const tow_engineio_settings settings = {.ping_milliseconds = 5000};
    tow_engineio *engineio;
    memset(&peer, 0, sizeof(peer));
    memset(&other, 0, sizeof(other));
    world_make(&world, &(tow_simulation_options){.seed = 1, .whole = true, .stream_capacity = 10000},
        &(tow_server_options){.drain_seconds = 1});
    assert_int_equal(tow_buffer_reserve(&world.log, 100000), 0);
    assert_int_equal(tow_server_route(world.server, "/echo", &handler), 0);
    assert_int_equal(tow_engineio_new(&engineio, world.server, &settings, NULL), 0);
    world_listen(&world);
    make_room(&peer);
    make_room(&other);
    open_session();
    allocation_fail_at(number);
    go_over();
    bool reached = allocation_count() >= number;
    allocation_fail_at(0);
    peer_close(&peer);
    peer_close(&other);
    world_run(&world, 100);
    make_room(&peer);
    open_session();
    peer_close(&peer);
    world_end(&world);
    tow_engineio_free(engineio);
    return reached;
}

static void each_allocation_may_fail(void **state) {
    long before = allocation_outstanding();
    size_t number = 1;
    for (; converse(number); number++)
        assert_int_equal(allocation_outstanding(), before);
    assert_true(number > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
