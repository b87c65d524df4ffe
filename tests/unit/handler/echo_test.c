#include "../server/world.h"

#include "handler/echo.h"

static void begin(struct world *world, uint64_t seed) {
    tow_handler echo = tow_echo_handler();
    world_make(world, &(tow_simulation_options){.seed = seed}, &(tow_server_options){0});
    assert_int_equal(tow_server_route(world->server, "/echo", &echo), 0);
    world_listen(world);
}

static void the_first_subprotocol_is_taken(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, 1);
    peer_connect(&peer, &world);
    peer_text(&peer, OPENING_WITH("/echo", "Sec-WebSocket-Protocol: soap, xmpp\r\n"));
    peer_expect(&peer, "\r\n\r\n");
    assert_true(peer_has(&peer, OPENED));
    assert_true(peer_has(&peer, "Sec-WebSocket-Protocol: soap\r\n\r\n"));
    peer_close(&peer);
    peer_connect(&peer, &world);
    peer_text(&peer, OPENING("/echo"));
    peer_expect(&peer, "\r\n\r\n");
    assert_false(peer_has(&peer, "Protocol:"));
    peer_close(&peer);
    world_end(&world);
}

static void any_origin_is_accepted(void **state) {
    (void)state;
    static const char *const origins[] = {"http://evil.example", "null", "file://"};
    for (size_t i = 0; i < 3; i++) {
        struct world world;
        struct peer peer;
        char request[512];
        begin(&world, i);
        snprintf(request, sizeof(request), OPENING_WITH("/echo", "Origin: %s\r\n"), origins[i]);
        peer_connect(&peer, &world);
        peer_text(&peer, request);
        peer_expect(&peer, OPENED);
        peer_close(&peer);
        world_end(&world);
    }
}

static void type_and_data_come_back(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct world world;
        struct peer peer;
        uint8_t binary[125];
        for (size_t i = 0; i < sizeof(binary); i++)
            binary[i] = (uint8_t)(i * 7 + 200);
        begin(&world, seed);
        peer_connect(&peer, &world);
        peer_text(&peer, OPENING("/echo"));
        peer_expect(&peer, OPENED);
        peer_frame(&peer, 1, "gr\xc3\xbc\xc3\x9f dich", 11);
        peer_frame(&peer, 2, binary, sizeof(binary));
        peer_frame(&peer, 1, "", 0);
        peer_frame(&peer, 2, "", 0);
        peer_expect_frame(&peer, 1, "gr\xc3\xbc\xc3\x9f dich", 11);
        peer_expect_frame(&peer, 2, binary, sizeof(binary));
        peer_expect_frame(&peer, 1, "", 0);
        peer_expect_frame(&peer, 2, "", 0);
        peer_close(&peer);
        world_end(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_subprotocol_is_taken),
        cmocka_unit_test(any_origin_is_accepted),
        cmocka_unit_test(type_and_data_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
