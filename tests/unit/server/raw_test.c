/* What a handler says ahead of its answer to an opening handshake, and hears from behind it. */
#include "world.h"

#include "server/exchange_raw.h"

#include <towline/error.h>

enum { SEEDS = 16 };

static tow_exchange *kept;
static tow_buffer heard;
static int gone;

static void note_gone(tow_exchange *exchange, void *user) {
    gone++;
    kept = NULL;
}

static void admit(tow_exchange *exchange, const tow_request *request) {
    kept = exchange;
    const tow_exchange_events events = {.on_gone = note_gone};
    assert_int_equal(tow_exchange_keep(exchange, &events), 0);
}

static void greet(tow_websocket *socket) {
    tow_websocket_send(socket, TOW_TEXT, "hi", 2);
}

static void hear(tow_exchange *exchange, void *user, const void *bytes, size_t length) {
    assert_ptr_equal(exchange, kept);
    assert_ptr_equal(user, &heard);
    assert_int_equal(tow_buffer_append(&heard, bytes, length), 0);
}

static void begin(struct world *world, struct peer *peer, uint64_t seed) {
    kept = NULL;
    gone = 0;
    tow_buffer_clear(&heard);
    world_make(world, &(tow_simulation_options){.seed = seed, .stream_capacity = 8192},
        &(tow_server_options){.status = "127.0.0.1:9999"});
    tow_server_route(world->server, "/raw", &(tow_handler){.on_admit = admit, .on_open = greet});
    world_listen(world);
    peer_connect(peer, world);
    peer_text(peer, OPENING_WITH("/raw", "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    for (int i = 0; i < 2000 && kept == NULL; i++)
        world_run(world, 1);
    assert_non_null(kept);
}

static void end(struct world *world, struct peer *peer) {
    peer_close(peer);
    world_end(world);
    tow_buffer_clear(&heard);
}

static void bytes_go_ahead_of_the_answer(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &peer, seed);
        assert_int_equal(tow_exchange_write_bytes(kept, "garbage\0", 8), 0);
        if (seed % 2 == 0)
            peer_expect(&peer, "garbage");
        assert_int_equal(tow_exchange_write_bytes(kept, "more\r\n\r\n", 8), 0);
        assert_int_equal(tow_exchange_add_lines(kept, "X-A: 1\r\nX-B: 2\r\n", 16), 0);
        assert_int_equal(tow_exchange_accept(kept, NULL), 0);
        assert_int_equal(tow_exchange_write_bytes(kept, "late", 4), TOW_ERROR_STATE);
        for (int i = 0; i < 2000 && peer.in.length < 16; i++)
            world_run(&world, 1);
        assert_memory_equal(peer.in.data, "garbage\0more\r\n\r\nHTTP/1.1 101 ", 29);
        tow_buffer_consume(&peer.in, 16);
        peer_expect(&peer, "Connection: Upgrade\r\n");
        peer_expect(&peer, "X-A: 1\r\nX-B: 2\r\n\r\n\x81\x02hi");
        assert_false(peer_has(&peer, "garbage"));
        end(&world, &peer);
    }
}

static void a_client_that_takes_nothing_is_told_of_when_it_does(void **state) {
    static char much[600 * 1024];
    struct world world;
    struct peer peer;
    begin(&world, &peer, 1);
    tow_stream_pause(&peer.stream);
    memset(much, 'x', sizeof(much));
    assert_int_equal(tow_exchange_write_bytes(kept, much, sizeof(much)), 0);
    world_run(&world, 100);
    assert_true(tow_exchange_buffered_amount(kept) > 500 * 1024);
    assert_int_equal(tow_exchange_accept(kept, NULL), 0);
    tow_stream_resume(&peer.stream);
    for (int i = 0; i < 20000 && peer.in.length < sizeof(much); i++)
        world_run(&world, 1);
    tow_buffer_consume(&peer.in, sizeof(much));
    peer_expect(&peer, "HTTP/1.1 101 ");
    end(&world, &peer);
}

static void bytes_behind_the_head_are_read_as_they_are(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &peer, seed);
        if (seed % 2 == 0)
            peer_text(&peer, "no frame");
        assert_int_equal(tow_exchange_read_bytes(kept, 5, hear, &heard), 0);
        assert_int_equal(tow_exchange_read_bytes(kept, 5, hear, &heard), TOW_ERROR_STATE);
        if (seed % 2 != 0)
            peer_text(&peer, "no frame");
        for (int i = 0; i < 2000 && heard.length < 5; i++)
            world_run(&world, 1);
        world_run(&world, 10);
        assert_int_equal(heard.length, 5);
        assert_int_equal(tow_exchange_read_bytes(kept, 3, hear, &heard), 0);
        for (int i = 0; i < 2000 && heard.length < 8; i++)
            world_run(&world, 1);
        assert_memory_equal(heard.data, "no frame", 8);
        assert_int_equal(tow_exchange_accept(kept, NULL), 0);
        peer_expect(&peer, "\x81\x02hi");
        end(&world, &peer);
    }
}

static void who_ends_or_is_slow_meanwhile_is_gone(void **state) {
    for (int slow = 0; slow < 2; slow++) {
        struct world world;
        struct peer peer;
        begin(&world, &peer, 3);
        assert_int_equal(tow_exchange_read_bytes(kept, 100, hear, &heard), 0);
        peer_text(&peer, "half");
        if (slow == 0)
            peer_shutdown(&peer);
        world_run(&world, slow == 0 ? 100 : 70 * 1000);
        assert_int_equal(gone, 1);
        assert_memory_equal(heard.data, "half", 4);
        end(&world, &peer);
    }
}

static void a_connection_may_end_without_an_answer(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &peer, seed);
        if (seed % 2 == 0)
            assert_int_equal(tow_exchange_write_bytes(kept, "HTTP/1.1 401 No\r\n\r\n", 19), 0);
        assert_int_equal(tow_exchange_hang_up(kept), 0);
        peer_expect_end(&peer);
        assert_int_equal(peer.in.length, seed % 2 == 0 ? 19 : 0);
        assert_int_equal(gone, 0);
        end(&world, &peer);
    }
}

static void what_is_decided_reads_no_more(void **state) {
    for (int way = 0; way < 3; way++) {
        struct world world;
        struct peer peer;
        begin(&world, &peer, 7);
        assert_int_equal(tow_exchange_read_bytes(kept, 100, hear, &heard), 0);
        int error = way == 0   ? tow_exchange_accept(kept, NULL)
                    : way == 1 ? tow_exchange_reject(kept, 403, NULL)
                               : tow_exchange_hang_up(kept);
        assert_int_equal(error, 0);
        peer_text(&peer, "no frame");
        if (way == 2)
            peer_expect_end(&peer);
        else
            peer_expect(&peer, way == 0 ? "\x88" : " 403 ");
        assert_int_equal(heard.length, 0);
        end(&world, &peer);
    }
}

static void compression_may_be_declined(void **state) {
    for (int declined = 0; declined < 2; declined++) {
        struct world world;
        struct peer peer;
        begin(&world, &peer, 5);
        if (declined)
            assert_int_equal(tow_exchange_decline_compression(kept), 0);
        assert_int_equal(tow_exchange_accept(kept, NULL), 0);
        peer_expect(&peer, "\r\n\r\n");
        assert_int_equal(peer_has(&peer, "permessage-deflate"), !declined);
        end(&world, &peer);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_ahead_of_the_answer),
        cmocka_unit_test(a_client_that_takes_nothing_is_told_of_when_it_does),
        cmocka_unit_test(bytes_behind_the_head_are_read_as_they_are),
        cmocka_unit_test(who_ends_or_is_slow_meanwhile_is_gone),
        cmocka_unit_test(a_connection_may_end_without_an_answer),
        cmocka_unit_test(what_is_decided_reads_no_more),
        cmocka_unit_test(compression_may_be_declined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
