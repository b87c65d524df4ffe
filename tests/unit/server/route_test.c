#include "../websocket/carrier_fake.h"

#include "server/route.h"

#include <pthread.h>

#include <towline/error.h>

static const char *const marks[] = {"a", "b", "c", "d", "e"};

static void *mark(size_t index) {
    return (void *)(uintptr_t)marks[index];
}

static int add(tow_routes *routes, const char *path, size_t index) {
    return tow_routes_add(routes, path, &(tow_handler){.user = mark(index)}, &(tow_route_defaults){0}, NULL);
}

static const void *found(const tow_routes *routes, const char *path) {
    const tow_route *route = tow_routes_find(routes, tow_slice_from(path));
    return route == NULL ? NULL : route->handler.user;
}

static void an_exact_path_wins_over_a_prefix_and_the_longest_prefix_wins(void **state) {
    (void)state;
    tow_routes routes = {0};
    assert_int_equal(add(&routes, "/*", 0), 0);
    assert_int_equal(add(&routes, "/chat/*", 1), 0);
    assert_int_equal(add(&routes, "/chat/room", 2), 0);
    assert_int_equal(add(&routes, "/chat", 3), 0);
    assert_ptr_equal(found(&routes, "/"), marks[0]);
    assert_ptr_equal(found(&routes, "/x/y"), marks[0]);
    assert_ptr_equal(found(&routes, "/chat"), marks[3]);
    assert_ptr_equal(found(&routes, "/chat/"), marks[1]);
    assert_ptr_equal(found(&routes, "/chat/x/y"), marks[1]);
    assert_ptr_equal(found(&routes, "/chat/room"), marks[2]);
    assert_ptr_equal(found(&routes, "/chat/room/x"), marks[1]);
    assert_ptr_equal(found(&routes, "/chats"), marks[0]);
    tow_routes_clear(&routes);
}

static void without_a_route_there_is_none(void **state) {
    (void)state;
    tow_routes routes = {0};
    assert_null(found(&routes, "/"));
    assert_int_equal(add(&routes, "/echo", 0), 0);
    assert_null(found(&routes, "/"));
    assert_null(found(&routes, "/ech"));
    assert_null(found(&routes, "/echo/"));
    assert_null(found(&routes, "/%65cho"));
    assert_null(found(&routes, ""));
    assert_null(found(&routes, "*"));
    tow_routes_clear(&routes);
    tow_routes_clear(&routes);
}

static void the_same_path_again_replaces(void **state) {
    (void)state;
    tow_routes routes = {0};
    assert_int_equal(add(&routes, "/a", 0), 0);
    assert_int_equal(add(&routes, "/a/*", 1), 0);
    assert_int_equal(add(&routes, "/a", 2), 0);
    assert_int_equal(add(&routes, "/a/*", 3), 0);
    assert_int_equal(routes.count, 2);
    assert_ptr_equal(found(&routes, "/a"), marks[2]);
    assert_ptr_equal(found(&routes, "/a/"), marks[3]);
    tow_routes_clear(&routes);
}

static void many_routes_are_all_found(void **state) {
    (void)state;
    tow_routes routes = {0};
    char path[32];
    for (size_t i = 0; i < 500; i++) {
        snprintf(path, sizeof(path), "/%zu%s", i * 7919 % 500, i % 2 == 0 ? "" : "/*");
        assert_int_equal(add(&routes, path, i % 5), 0);
    }
    for (size_t i = 0; i < 500; i++) {
        snprintf(path, sizeof(path), "/%zu%s", i * 7919 % 500, i % 2 == 0 ? "" : "/below");
        assert_ptr_equal(found(&routes, path), marks[i % 5]);
    }
    tow_routes_clear(&routes);
}

static void what_is_no_path_is_refused(void **state) {
    (void)state;
    tow_routes routes = {0};
    static const char *const bad[] = {"", "echo", "*", "/a*", "/*/a", "/a?b", "/a#b", "/a b", "/\x7f", "/**"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(add(&routes, bad[i], 0), TOW_ERROR_ARGUMENT);
    assert_int_equal(routes.count, 0);
}

static void protocols_are_copied_and_limits_filled_in(void **state) {
    (void)state;
    tow_routes routes = {0};
    char name[] = "soap";
    const char *protocols[] = {name, NULL};
    tow_handler handler = {.protocols = protocols, .limits = {.max_message = 10, .idle_seconds = TOW_OFF}};
    tow_route_defaults defaults = {.limits = {.close_seconds = 7}};
    assert_int_equal(tow_routes_add(&routes, "/x", &handler, &defaults, NULL), 0);
    name[0] = 'X';
    protocols[0] = NULL;
    const tow_route *route = tow_routes_find(&routes, tow_slice_from("/x"));
    assert_string_equal(route->handler.protocols[0], "soap");
    assert_null(route->handler.protocols[1]);
    assert_int_equal(route->behaviour.limits.max_message, 10);
    assert_int_equal(route->behaviour.limits.idle_seconds, TOW_OFF);
    assert_int_equal(route->behaviour.limits.close_seconds, 7);
    assert_int_equal(route->behaviour.limits.max_queue, 1 << 20);
    tow_routes_clear(&routes);
}

/* Carriers */

static tow_route *carried;
static int opens, closes;

static void count_open(tow_websocket *socket) {
    opens++;
}

static void echo(tow_websocket *socket, const tow_message *message) {
    assert_true(tow_websocket_send(socket, message->type, message->data, message->length) >= 0);
}

static void count_close(tow_websocket *socket, const tow_close_event *event) {
    closes++;
}

static void never_open(tow_websocket *socket) {
    fail();
}

static void make_carried(void) {
    const tow_handler handler = {
        .on_open = count_open, .on_message = echo, .on_close = count_close, .limits = {.max_message = 8}};
    opens = closes = 0;
    assert_int_equal(
        tow_route_new(&carried, "/x", &handler, &(tow_route_defaults){.on_open = never_open}, NULL), 0);
}

static const tow_behaviour *carried_behaviour(const tow_carrier *carrier, const tow_socket_owner *owner) {
    const tow_behaviour *behaviour = tow_route_behaviour(carried, carrier, owner, carried->handler.on_open);
    assert_ptr_equal(tow_route_behaviour(carried, carrier, owner, carried->handler.on_open), behaviour);
    return behaviour;
}

/* As a session of Engine.IO will be: the handler's callbacks and limits over another carrier. */
static void a_route_serves_sockets_over_any_carrier(void **state) {
    (void)state;
    fake_wire wire = {.server_behaviour = carried_behaviour};
    make_carried();
    fake_open(&wire);
    assert_ptr_equal(tow_route_of(&wire.server.socket), carried);
    assert_int_equal(opens, 1);
    assert_int_equal(tow_websocket_send(&wire.client.socket, TOW_TEXT, "12345678", 8), 8);
    fake_settle(&wire);
    assert_fake_heard(&wire.client, "12345678\n");
    assert_int_equal(tow_websocket_send(&wire.client.socket, TOW_TEXT, "123456789", 9), 9);
    fake_settle(&wire);
    assert_int_equal(wire.client.closes + wire.client.errors, 0);
    assert_int_equal(tow_websocket_ready_state(&wire.server.socket), TOW_CLOSING);
    fake_gone(&wire.server, 0);
    wire.server.closes = 1; /* the route's handler heard of it */
    assert_int_equal(closes, 1);
    fake_close(&wire);
    tow_route_release(carried);
}

static void each_carrier_and_owner_has_one_behaviour(void **state) {
    (void)state;
    static const tow_carrier carriers[2];
    static const tow_socket_owner owners[2];
    make_carried();
    const tow_behaviour *first = tow_route_behaviour(carried, &carriers[0], &owners[0], NULL);
    const tow_behaviour *second = tow_route_behaviour(carried, &carriers[1], &owners[0], NULL);
    const tow_behaviour *third = tow_route_behaviour(carried, &carriers[0], &owners[1], NULL);
    assert_true(first != second && second != third && first != third);
    assert_ptr_equal(tow_route_behaviour(carried, &carriers[0], &owners[0], NULL), first);
    assert_ptr_equal(first->carrier, &carriers[0]);
    assert_null(carried->behaviour.carrier);
    tow_route_end(carried);
    assert_null(first->on_close);
    assert_null(second->on_message);
    tow_route_release(carried);
}

static void *ask_for_all(void *carriers) {
    static const tow_socket_owner owner;
    const tow_behaviour *sum = NULL;
    for (size_t i = 0; i < 100; i++)
        sum = tow_route_behaviour(carried, (const tow_carrier *)carriers + i, &owner, NULL);
    return (void *)(uintptr_t)sum;
}

static void on_any_thread(void **state) {
    (void)state;
    static tow_carrier carriers[100];
    pthread_t threads[4];
    void *last[4];
    make_carried();
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_for_all, carriers), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &last[i]), 0);
        assert_ptr_equal(last[i], last[0]);
    }
    tow_route_release(carried);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exact_path_wins_over_a_prefix_and_the_longest_prefix_wins),
        cmocka_unit_test(without_a_route_there_is_none),
        cmocka_unit_test(the_same_path_again_replaces),
        cmocka_unit_test(many_routes_are_all_found),
        cmocka_unit_test(what_is_no_path_is_refused),
        cmocka_unit_test(a_route_serves_sockets_over_any_carrier),
        cmocka_unit_test(each_carrier_and_owner_has_one_behaviour),
        cmocka_unit_test(on_any_thread),
        cmocka_unit_test(protocols_are_copied_and_limits_filled_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
