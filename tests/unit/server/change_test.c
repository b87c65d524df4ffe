/* Options that change while the server serves. */
#include "world.h"

#include "server/change.h"

#include <towline/error.h>

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static void note_freed(void *user) {
    ++*(int *)user;
}

static void begin(struct world *world, int *freed) {
    world_make(world, &(tow_simulation_options){.seed = 5}, &(tow_server_options){0});
    assert_int_equal(tow_server_route(world->server, "/x",
                         &(tow_handler){.on_message = echo, .on_free = note_freed, .user = freed}),
        0);
    assert_int_equal(tow_server_route(world->server, "/own/*",
                         &(tow_handler){.on_message = echo, .limits = {.max_message = 4}}),
        0);
    world_listen(world);
}

static void expect_head(struct world *world, const char *opening, const char *status) {
    struct peer peer;
    peer_connect(&peer, world);
    peer_text(&peer, opening);
    peer_expect(&peer, status);
    peer_close(&peer);
}

static int try_change(tow_server *server, const tow_changed_options *options) {
    tow_server_change *change;
    int error = tow_server_change_new(&change, server, options);
    if (error == 0)
        tow_server_change_take(change);
    return error;
}

static void change(struct world *world, const tow_changed_options *options) {
    assert_int_equal(try_change(world->server, options), 0);
    world_run(world, 10);
}

#define FROM(origin) OPENING_WITH("/x", "Origin: " origin "\r\n")

static void origins_change(void **state) {
    (void)state;
    static const char *const origins[] = {"https://a.example", NULL};
    struct world world;
    int freed = 0;
    begin(&world, &freed);
    expect_head(&world, FROM("https://a.example"), "HTTP/1.1 403 ");
    change(&world, &(tow_changed_options){.allow_origins = origins});
    expect_head(&world, FROM("https://a.example"), OPENED);
    expect_head(&world, FROM("https://b.example"), "HTTP/1.1 403 ");
    change(&world, &(tow_changed_options){0});
    expect_head(&world, FROM("https://a.example"), "HTTP/1.1 403 ");
    world_end(&world);
    assert_int_equal(freed, 1);
}

static void hosts_change(void **state) {
    (void)state;
    static const char *const hosts[] = {"a.example", NULL};
    struct world world;
    int freed = 0;
    begin(&world, &freed);
    expect_head(&world, OPENING("/x"), OPENED);
    change(&world, &(tow_changed_options){.hosts = hosts});
    expect_head(&world, OPENING("/x"), "HTTP/1.1 421 ");
    expect_head(&world, "GET /y HTTP/1.1\r\nHost: a.example\r\n\r\n", "HTTP/1.1 404 ");
    change(&world, &(tow_changed_options){0});
    expect_head(&world, OPENING("/x"), OPENED);
    expect_head(&world, "GET /y HTTP/1.1\r\nHost: a.example\r\n\r\n", "HTTP/1.1 421 ");
    world_end(&world);
}

static void open_socket(struct peer *peer, struct world *world, const char *opening) {
    peer_connect(peer, world);
    peer_text(peer, opening);
    peer_expect(peer, "\r\n\r\n");
    assert_true(peer_has(peer, OPENED));
}

#define TOO_LARGE "\x03\xf1"

/* Whether five bytes come back, or a Close with 1009. */
static void expect_five(struct peer *peer, bool wanted) {
    peer_frame(peer, 1, "12345", 5);
    peer_expect(peer, wanted ? "12345" : TOO_LARGE);
}

static void limits_change_for_those_who_come(void **state) {
    (void)state;
    struct world world;
    struct peer before, after;
    int freed = 0;
    begin(&world, &freed);
    open_socket(&before, &world, OPENING("/x"));
    change(&world, &(tow_changed_options){.limits = {.max_message = 3}});
    expect_five(&before, true);
    open_socket(&after, &world, OPENING("/x"));
    expect_five(&after, false);
    peer_close(&after);
    open_socket(&after, &world, OPENING("/own/a")); /* a route's own are no matter of the server's */
    peer_frame(&after, 1, "1234", 4);
    peer_expect(&after, "1234");
    peer_close(&after);
    change(&world, &(tow_changed_options){0});
    open_socket(&after, &world, OPENING("/x"));
    expect_five(&after, true);
    peer_close(&after);
    assert_int_equal(freed, 0);
    assert_int_equal(tow_server_unroute(world.server, "/x"), 0);
    world_run(&world, 10);
    assert_int_equal(freed, 0); /* the first has the handler still */
    peer_close(&before);
    world_run(&world, 10);
    assert_int_equal(freed, 1);
    world_end(&world);
    assert_int_equal(freed, 1);
}

static void what_is_wrong_changes_nothing(void **state) {
    (void)state;
    static const char *const origins[] = {"nowhere", NULL};
    static const char *const hosts[] = {"a b", NULL};
    struct world world;
    struct peer peer;
    int freed = 0;
    begin(&world, &freed);
    const tow_changed_options wrong[] = {{.allow_origins = origins}, {.hosts = hosts},
        {.limits = {.max_message = -2}},
        {.limits = {.overflow = TOW_OVERFLOW_DROP_OLDEST, .compression = TOW_COMPRESSION_TAKEOVER}}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(try_change(world.server, &wrong[i]), TOW_ERROR_ARGUMENT);
    assert_true(world_logged(&world, "allow_origins: 'nowhere'"));
    assert_true(world_logged(&world, "limits: max_message"));
    open_socket(&peer, &world, OPENING("/x"));
    expect_five(&peer, true);
    peer_close(&peer);
    world_end(&world);
    assert_int_equal(freed, 1);
}

static void a_route_whose_own_limits_contradict_them_stays_as_it_is(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    int freed = 0;
    begin(&world, &freed);
    assert_int_equal(
        tow_server_route(world.server, "/d",
            &(tow_handler){.on_message = echo, .limits = {.overflow = TOW_OVERFLOW_DROP_OLDEST}}),
        0);
    assert_int_equal(
        try_change(world.server,
            &(tow_changed_options){.limits = {.compression = TOW_COMPRESSION_TAKEOVER, .max_message = 3}}),
        0);
    open_socket(&peer, &world, OPENING("/x"));
    expect_five(&peer, false);
    peer_close(&peer);
    open_socket(&peer, &world, OPENING("/d"));
    expect_five(&peer, true);
    peer_close(&peer);
    world_end(&world);
    assert_int_equal(freed, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(origins_change),
        cmocka_unit_test(hosts_change),
        cmocka_unit_test(limits_change_for_those_who_come),
        cmocka_unit_test(what_is_wrong_changes_nothing),
        cmocka_unit_test(a_route_whose_own_limits_contradict_them_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
