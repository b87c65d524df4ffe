/* Routes that come, change and go while the server serves. */
#include "world.h"

#include "server/change.h"
#include "server/exchange.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <towline/error.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

/* What a handler has as its user. */
typedef struct owner {
    const char *name;
    int freed;
} owner;

static void note_freed(void *user) {
    ((owner *)user)->freed++;
}

static void tell_name(tow_exchange *exchange, const tow_request *request) {
    const owner *self = tow_request_user(request);
    assert_int_equal(self->freed, 0);
    tow_exchange_respond(exchange, 200, "text/plain", self->name, strlen(self->name));
}

static void tell_name_behind(tow_exchange *exchange, void *user, const void *body, size_t length) {
    const owner *self = user;
    assert_int_equal(self->freed, 0);
    tow_exchange_respond(exchange, 200, "text/plain", self->name, strlen(self->name));
}

static void tell_name_after_body(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_read_body(exchange, 100, tell_name_behind, tow_request_user(request)), 0);
}

static void send_name(tow_websocket *socket, const tow_message *message) {
    const owner *self = tow_websocket_user(socket);
    assert_int_equal(self->freed, 0);
    tow_websocket_send(socket, TOW_TEXT, self->name, strlen(self->name));
}

static void route_requests(struct world *world, const char *path, owner *to) {
    assert_int_equal(tow_server_route(world->server, path,
                         &(tow_handler){.user = to, .on_request = tell_name, .on_free = note_freed}),
        0);
}

static void route_sockets(struct world *world, const char *path, owner *to) {
    assert_int_equal(tow_server_route(world->server, path,
                         &(tow_handler){.user = to, .on_message = send_name, .on_free = note_freed}),
        0);
}

static void begin(struct world *world) {
    world_make(world, &(tow_simulation_options){.seed = 3}, &(tow_server_options){0});
    world_listen(world);
}

/* The answer to one request on a connection of its own. */
static void expect_answer(struct world *world, const char *request, const char *status, const char *body) {
    struct peer peer;
    peer_connect(&peer, world);
    peer_text(&peer, request);
    peer_expect(&peer, status);
    peer_expect(&peer, body);
    peer_close(&peer);
}

static void open_socket(struct peer *peer, struct world *world) {
    peer_connect(peer, world);
    peer_text(peer, OPENING("/x"));
    peer_expect(peer, "\r\n\r\n");
    assert_true(peer_has(peer, OPENED));
}

static void expect_name(struct peer *peer, const owner *who) {
    peer_frame(peer, 1, "?", 1);
    peer_expect_frame(peer, 1, who->name, strlen(who->name));
}

static void answer_with_fields(tow_exchange *exchange, const tow_request *request) {
    (void)request;
    assert_int_equal(tow_exchange_field(exchange, "x-one", "the handler's"), 0);
    assert_int_equal(tow_exchange_field(exchange, "X-Two", "the handler's"), 0);
    assert_int_equal(tow_exchange_field(exchange, "Set-Cookie", "b=2"), 0);
    tow_exchange_respond(exchange, 200, "text/plain", NULL, 0);
}

static void a_routes_fields_go_with_each_of_its_answers(void **state) {
    struct world world;
    struct peer peer;
    owner one = {.name = "one"};
    char value[] = "the route's";
    const tow_header_field fields[] = {
        {"X-One", value}, {"Set-Cookie", "a=1"}, {"Content-Type", "text/html"}, {0}};
    begin(&world);
    assert_int_equal(tow_server_route(world.server, "/r",
                         &(tow_handler){.on_request = answer_with_fields, .fields = fields}),
        0);
    assert_int_equal(tow_server_route(world.server, "/x",
                         &(tow_handler){.user = &one, .on_message = send_name, .fields = fields}),
        0);
    memset(value, 'x', sizeof(value) - 1);
    expect_answer(&world, GET("/r"), "HTTP/1.1 200 ",
        "X-One: the route's\r\nSet-Cookie: a=1\r\nContent-Type: text/html\r\nX-Two: the "
        "handler's\r\nSet-Cookie: b=2\r\n");
    expect_answer(&world, GET("/r"), "HTTP/1.1 200 ", "Set-Cookie: b=2\r\n\r\n");
    expect_answer(&world, GET("/x"), "HTTP/1.1 426 ", "X-One: the route's\r\n");
    expect_answer(&world, GET("/y"), "HTTP/1.1 404 ", "nothing is served at this path\n");
    open_socket(&peer, &world);
    assert_true(peer_has(&peer, "X-One: the route's\r\n"));
    expect_name(&peer, &one);
    peer_close(&peer);
    world_end(&world);
}

static void a_field_that_no_answer_may_have_is_refused(void **state) {
    struct world world;
    const tow_header_field refused[] = {
        {"Content-Length", "1"}, {"a b", "c"}, {"a", "b\r\nc: d"}, {"a", NULL}};
    begin(&world);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        const tow_header_field fields[] = {{"X-One", "1"}, refused[i], {0}};
        assert_int_equal(tow_server_route(world.server, "/r",
                             &(tow_handler){.on_request = answer_with_fields, .fields = fields}),
            TOW_ERROR_ARGUMENT);
    }
    assert_true(world_logged(&world, "route /r: fields: 'Content-Length' is none that an answer may have"));
    world_end(&world);
}

static void routes_come_change_and_go_while_the_server_serves(void **state) {
    struct world world;
    owner one = {.name = "one"};
    owner two = {.name = "two"};
    owner below = {.name = "below"};
    begin(&world);
    expect_answer(&world, GET("/x"), "HTTP/1.1 404 ", "nothing is served at this path\n");
    route_requests(&world, "/x", &one);
    expect_answer(&world, GET("/x"), "HTTP/1.1 200 ", "\r\n\r\none");
    route_requests(&world, "/*", &below);
    expect_answer(&world, GET("/y"), "HTTP/1.1 200 ", "\r\n\r\nbelow");
    route_requests(&world, "/x", &two);
    expect_answer(&world, GET("/x"), "HTTP/1.1 200 ", "\r\n\r\ntwo");
    assert_int_equal(one.freed, 1);
    assert_int_equal(tow_server_unroute(world.server, "/x"), 0);
    assert_int_equal(tow_server_unroute(world.server, "/x"), TOW_ERROR_ARGUMENT);
    expect_answer(&world, GET("/x"), "HTTP/1.1 200 ", "\r\n\r\nbelow");
    assert_int_equal(tow_server_unroute(world.server, "/"), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_server_unroute(world.server, ""), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_server_unroute(world.server, "/*"), 0);
    expect_answer(&world, GET("/x"), "HTTP/1.1 404 ", "nothing is served at this path\n");
    world_run(&world, 10);
    assert_int_equal(one.freed, 1);
    assert_int_equal(two.freed, 1);
    assert_int_equal(below.freed, 1);
    world_end(&world);
    assert_int_equal(one.freed + two.freed + below.freed, 3);
}

/* Nobody asks, and yet the worker lets go of what it had. */
static void a_route_that_nobody_uses_is_freed_without_a_request(void **state) {
    struct world world;
    owner one = {.name = "one"};
    begin(&world);
    route_requests(&world, "/x", &one);
    expect_answer(&world, GET("/x"), "HTTP/1.1 200 ", "\r\n\r\none");
    assert_int_equal(tow_server_unroute(world.server, "/x"), 0);
    world_run(&world, 10);
    assert_int_equal(one.freed, 1);
    world_end(&world);
}

static void an_open_connection_keeps_the_route_that_it_began_with(void **state) {
    for (int replaced = 0; replaced <= 1; replaced++) {
        struct world world;
        struct peer first;
        struct peer second;
        owner one = {.name = "one"};
        owner two = {.name = "two"};
        begin(&world);
        route_sockets(&world, "/x", &one);
        open_socket(&first, &world);
        open_socket(&second, &world);
        expect_name(&first, &one);
        if (replaced == 1)
            route_sockets(&world, "/x", &two);
        else
            assert_int_equal(tow_server_unroute(world.server, "/x"), 0);
        world_run(&world, 10);
        expect_name(&first, &one);
        peer_reset(&first);
        world_run(&world, 10);
        assert_int_equal(one.freed, 0);
        expect_name(&second, &one);
        peer_reset(&second);
        world_run(&world, 10);
        assert_int_equal(one.freed, 1);
        if (replaced == 1) {
            open_socket(&first, &world);
            expect_name(&first, &two);
            peer_reset(&first);
        }
        world_end(&world);
        assert_int_equal(one.freed, 1);
        assert_int_equal(two.freed, replaced);
    }
}

static void a_request_under_way_keeps_its_route_until_the_next(void **state) {
    struct world world;
    struct peer peer;
    owner one = {.name = "one"};
    owner two = {.name = "two"};
    begin(&world);
    assert_int_equal(
        tow_server_route(world.server, "/x",
            &(tow_handler){.user = &one, .on_request = tell_name_after_body, .on_free = note_freed}),
        0);
    peer_connect(&peer, &world);
    peer_text(&peer, "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab");
    world_run(&world, 10);
    route_requests(&world, "/x", &two);
    world_run(&world, 10);
    peer_text(&peer, "cd");
    peer_expect(&peer, "\r\n\r\none");
    assert_int_equal(one.freed, 0);
    peer_text(&peer, GET("/x"));
    peer_expect(&peer, "\r\n\r\ntwo");
    assert_int_equal(one.freed, 1);
    peer_close(&peer);
    world_end(&world);
    assert_int_equal(two.freed, 1);
}

/* What has not come whole has no route yet. */
static void a_handshake_gets_the_route_of_its_end(void **state) {
    static const char request[] = OPENING("/x");
    struct world world;
    struct peer peer;
    owner one = {.name = "one"};
    owner two = {.name = "two"};
    begin(&world);
    route_sockets(&world, "/x", &one);
    peer_connect(&peer, &world);
    peer_send(&peer, request, sizeof(request) / 2);
    world_run(&world, 10);
    route_sockets(&world, "/x", &two);
    world_run(&world, 10);
    assert_int_equal(one.freed, 1);
    peer_text(&peer, request + sizeof(request) / 2);
    peer_expect(&peer, "\r\n\r\n");
    expect_name(&peer, &two);
    peer_close(&peer);
    world_end(&world);
}

/* The route that is replaced in its own callbacks. */
static struct {
    struct world *world;
    owner *next;
} self_replacing;

static void replace_and_admit(tow_exchange *exchange, const tow_request *request) {
    route_sockets(self_replacing.world, "/x", self_replacing.next);
    if (tow_request_query(request)[0] == '\0')
        assert_int_equal(tow_exchange_accept(exchange, NULL), 0);
    else
        assert_int_equal(tow_exchange_reject(exchange, 403, NULL), 0);
}

static void a_route_may_be_replaced_in_its_own_callback(void **state) {
    static const char *const requests[] = {OPENING("/x"), OPENING("/x?no")};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct peer peer;
        owner one = {.name = "one"};
        owner two = {.name = "two"};
        begin(&world);
        self_replacing.world = &world;
        self_replacing.next = &two;
        assert_int_equal(tow_server_route(world.server, "/x",
                             &(tow_handler){.user = &one,
                                 .on_message = send_name,
                                 .on_admit = replace_and_admit,
                                 .on_free = note_freed}),
            0);
        peer_connect(&peer, &world);
        peer_text(&peer, requests[i]);
        peer_expect(&peer, "\r\n\r\n");
        assert_true(peer_has(&peer, i == 0 ? OPENED : "HTTP/1.1 403 "));
        if (i == 0)
            expect_name(&peer, &one);
        assert_int_equal(one.freed, 0);
        peer_close(&peer);
        world_run(&world, 10);
        assert_int_equal(one.freed, 1);
        open_socket(&peer, &world);
        expect_name(&peer, &two);
        peer_close(&peer);
        world_end(&world);
    }
}

static void on_free_gets_a_pointer_of_its_own_if_there_is_one(void **state) {
    struct world world;
    owner one = {.name = "one"};
    owner other = {.name = "other"};
    (void)state;
    begin(&world);
    assert_int_equal(
        tow_server_route(world.server, "/x",
            &(tow_handler){
                .user = &one, .free_user = &other, .on_request = tell_name, .on_free = note_freed}),
        0);
    expect_answer(&world, GET("/x"), "HTTP/1.1 200 ", "\r\n\r\none");
    world_end(&world);
    assert_int_equal(one.freed, 0);
    assert_int_equal(other.freed, 1);
}

static tow_server *freeing_server;

static void route_again(void *user) {
    static const char path[] = "/again";
    note_freed(user);
    if (freeing_server != NULL)
        assert_int_equal(tow_server_route(freeing_server, path, &(tow_handler){.on_request = tell_name}), 0);
}

static void on_free_may_change_routes(void **state) {
    struct world world;
    owner one = {.name = "one"};
    begin(&world);
    freeing_server = world.server;
    assert_int_equal(tow_server_route(world.server, "/x",
                         &(tow_handler){.user = &one, .on_request = tell_name, .on_free = route_again}),
        0);
    world_run(&world, 10);
    assert_int_equal(tow_server_unroute(world.server, "/x"), 0);
    world_run(&world, 10);
    assert_int_equal(one.freed, 1);
    assert_int_equal(tow_server_unroute(world.server, "/again"), 0);
    freeing_server = NULL;
    world_end(&world);
}

static void a_call_that_fails_changes_nothing(void **state) {
    struct world world;
    owner one = {.name = "one"};
    owner two = {.name = "two"};
    begin(&world);
    route_requests(&world, "/x", &one);
    const tow_handler bad = {
        .user = &two, .on_request = tell_name, .on_free = note_freed, .limits = {.max_queue = -2}};
    assert_int_equal(tow_server_route(world.server, "/x", &bad), TOW_ERROR_ARGUMENT);
    world_run(&world, 10);
    expect_answer(&world, GET("/x"), "HTTP/1.1 200 ", "\r\n\r\none");
    assert_int_equal(one.freed + two.freed, 0);
    world_end(&world);
    assert_int_equal(one.freed, 1);
    assert_int_equal(two.freed, 0);
}

static tow_websocket *kept;

static void keep(tow_websocket *socket) {
    kept = socket;
    assert_int_equal(tow_websocket_retain(socket), 0);
}

static void route_kept(struct world *world, owner *to) {
    assert_int_equal(
        tow_server_route(world->server, "/x",
            &(tow_handler){.user = to, .on_open = keep, .on_message = send_name, .on_free = note_freed}),
        0);
}

static void a_retained_socket_keeps_its_route(void **state) {
    struct world world;
    struct peer peer;
    owner one = {.name = "one"};
    begin(&world);
    route_kept(&world, &one);
    open_socket(&peer, &world);
    peer_reset(&peer);
    assert_int_equal(tow_server_unroute(world.server, "/x"), 0);
    world_run(&world, 100);
    assert_int_equal(tow_websocket_ready_state(kept), TOW_CLOSED);
    assert_int_equal(one.freed, 0);
    tow_websocket_release(kept);
    assert_int_equal(one.freed, 1);
    world_end(&world);
    assert_int_equal(one.freed, 1);
}

/* Also those that only sockets have still, open or retained, and that nobody asked for. */
static void in_the_free_of_the_server_all_are_freed(void **state) {
    struct world world;
    struct peer peers[2];
    owner kept_one = {.name = "kept"};
    owner open_one = {.name = "open"};
    owner last = {.name = "last"};
    owner never = {.name = "never"};
    begin(&world);
    route_kept(&world, &kept_one);
    open_socket(&peers[0], &world);
    peer_reset(&peers[0]);
    route_sockets(&world, "/x", &open_one);
    open_socket(&peers[1], &world);
    route_sockets(&world, "/x", &last);
    route_requests(&world, "/never", &never);
    world_run(&world, 100);
    assert_int_equal(kept_one.freed + open_one.freed + last.freed + never.freed, 0);
    tow_server_free(world.server);
    assert_int_equal(kept_one.freed, 1);
    assert_int_equal(open_one.freed, 1);
    assert_int_equal(last.freed, 1);
    assert_int_equal(never.freed, 1);
    peer_close(&peers[1]);
    tow_loop_free(world.loop);
    tow_buffer_clear(&world.log);
    assert_int_equal(kept_one.freed + open_one.freed + last.freed + never.freed, 4);
}

static void routes_of_a_server_that_never_served_are_freed(void **state) {
    owner one = {.name = "one"};
    owner two = {.name = "two"};
    tow_server *server;
    assert_int_equal(tow_server_new(&server, &(tow_server_options){.workers = 3}), 0);
    tow_handler handler = {.user = &one, .on_request = tell_name, .on_free = note_freed};
    assert_int_equal(tow_server_route(server, "/x", &handler), 0);
    handler.user = &two;
    assert_int_equal(tow_server_route(server, "/x", &handler), 0);
    assert_int_equal(one.freed, 1);
    tow_server_free(server);
    assert_int_equal(one.freed, 1);
    assert_int_equal(two.freed, 1);
}

/* What a route has of its own: origins and hosts, for handshakes and requests alike. */

typedef struct judgement {
    const char *request;
    const char *status;
} judgement;

static void expect_each(struct world *world, const judgement *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct peer peer;
        peer_connect(&peer, world);
        peer_text(&peer, cases[i].request);
        peer_expect(&peer, "\r\n\r\n");
        if (!peer_has(&peer, cases[i].status))
            fail_msg("%s was answered with %s", cases[i].request, (char *)peer.in.data);
        peer_reset(&peer);
    }
}

#define ASK(method, path, fields)                                                                            \
    method " " path " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n" fields "\r\n"
#define OWN "Origin: http://localhost\r\n"
#define FRIEND "Origin: https://friend.example\r\n"
#define GUEST "Origin: https://guest.example\r\n"

static void origins_of_a_route_take_the_place_of_the_servers(void **state) {
    static const char *const friends[] = {"https://friend.example", NULL};
    static const char *const guests[] = {"https://guest.example", NULL};
    static const char *const nobody[] = {NULL};
    static const judgement cases[] = {
        {OPENING_WITH("/server", OWN), "HTTP/1.1 101 "},
        {OPENING_WITH("/server", FRIEND), "HTTP/1.1 101 "},
        {OPENING_WITH("/server", GUEST), "HTTP/1.1 403 "},
        {OPENING_WITH("/guests", OWN), "HTTP/1.1 101 "},
        {OPENING_WITH("/guests", FRIEND), "HTTP/1.1 403 "},
        {OPENING_WITH("/guests", GUEST), "HTTP/1.1 101 "},
        {OPENING_WITH("/nobody", OWN), "HTTP/1.1 101 "},
        {OPENING_WITH("/nobody", FRIEND), "HTTP/1.1 403 "},
        {OPENING_WITH("/any", GUEST), "HTTP/1.1 101 "},
        {ASK("POST", "/server", OWN), "HTTP/1.1 200 "},
        {ASK("POST", "/server", FRIEND), "HTTP/1.1 200 "},
        {ASK("POST", "/server", GUEST), "HTTP/1.1 403 "},
        {ASK("POST", "/server", ""), "HTTP/1.1 200 "},
        {ASK("GET", "/server", GUEST), "HTTP/1.1 200 "},
        {ASK("OPTIONS", "/server", GUEST), "HTTP/1.1 200 "},
        {ASK("POST", "/guests", FRIEND), "HTTP/1.1 403 "},
        {ASK("DELETE", "/guests", GUEST), "HTTP/1.1 200 "},
        {ASK("POST", "/guests", OWN), "HTTP/1.1 200 "},
        {ASK("PUT", "/nobody", FRIEND), "HTTP/1.1 403 "},
        {ASK("POST", "/any", GUEST), "HTTP/1.1 200 "},
        {ASK("POST", "/any", "Origin: guest\r\n"), "HTTP/1.1 403 "},
    };
    struct world world;
    owner one = {.name = "one"};
    world_make(&world, &(tow_simulation_options){.seed = 4}, &(tow_server_options){.allow_origins = friends});
    tow_handler handler = {.user = &one, .on_message = send_name, .on_request = tell_name};
    assert_int_equal(tow_server_route(world.server, "/server", &handler), 0);
    handler.allow_origins = guests;
    assert_int_equal(tow_server_route(world.server, "/guests", &handler), 0);
    handler.allow_origins = nobody;
    assert_int_equal(tow_server_route(world.server, "/nobody", &handler), 0);
    handler.allow_origins = NULL;
    handler.any_origin = true;
    assert_int_equal(tow_server_route(world.server, "/any", &handler), 0);
    world_listen(&world);
    expect_each(&world, cases, sizeof(cases) / sizeof(cases[0]));
    assert_true(
        world_logged(&world, "GET /server 403 origin https://guest.example is not the server's: "
                             "--allow-origin https://guest.example (allow_origins in C) would allow it\n"));
    assert_true(
        world_logged(&world, "POST /guests 403 origin https://friend.example is not the server's: not "
                             "among the route's allow_origins (allow-origin)\n"));
    world_end(&world);
}

#define ASK_HOST(path, host) "GET " path " HTTP/1.1\r\nHost: " host "\r\n\r\n"
#define OPEN_HOST(path, host)                                                                                \
    "GET " path " HTTP/1.1\r\nHost: " host "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"               \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

static void hosts_of_a_route_take_the_place_of_the_servers(void **state) {
    static const char *const names[] = {"a.example", "*.b.example", NULL};
    static const judgement cases[] = {
        {ASK_HOST("/server", "localhost"), "HTTP/1.1 200 "},
        {ASK_HOST("/server", "a.example"), "HTTP/1.1 421 "},
        {ASK_HOST("/own", "localhost"), "HTTP/1.1 421 "},
        {ASK_HOST("/own", "a.example:80"), "HTTP/1.1 200 "},
        {ASK_HOST("/own", "x.b.example"), "HTTP/1.1 200 "},
        {ASK_HOST("/own", "b.example"), "HTTP/1.1 421 "},
        {OPEN_HOST("/server", "localhost"), "HTTP/1.1 101 "},
        {OPEN_HOST("/server", "a.example"), "HTTP/1.1 421 "},
        {OPEN_HOST("/own", "localhost"), "HTTP/1.1 421 "},
        {OPEN_HOST("/own", "a.example"), "HTTP/1.1 101 "},
        {ASK_HOST("/nowhere", "a.example"), "HTTP/1.1 421 "},
        {ASK_HOST("/nowhere", "localhost"), "HTTP/1.1 404 "},
    };
    struct world world;
    owner one = {.name = "one"};
    world_make(&world, &(tow_simulation_options){.seed = 5}, &(tow_server_options){0});
    tow_handler handler = {.user = &one, .on_message = send_name, .on_request = tell_name};
    assert_int_equal(tow_server_route(world.server, "/server", &handler), 0);
    handler.hosts = names;
    assert_int_equal(tow_server_route(world.server, "/own", &handler), 0);
    world_listen(&world);
    expect_each(&world, cases, sizeof(cases) / sizeof(cases[0]));
    assert_true(
        world_logged(&world, "421 Host \"a.example\": --host a.example (hosts in C) would allow it\n"));
    assert_true(world_logged(&world, "421 Host \"localhost\": not among the route's hosts\n"));
    world_end(&world);
}

/* Under load, from another thread: what a route has as its user is memory, which is gone after on_free. */

enum { CLIENTS = 3, CHANGES = 300, PATIENCE_SECONDS = 30 };

static struct {
    tow_server *server;
    int port;
    atomic_int made, freed, answered, missing;
    atomic_bool over;
} load;

static void load_free(void *user) {
    int *number = user;
    if (*number <= 0)
        abort();
    *number = -1;
    free(number);
    atomic_fetch_add(&load.freed, 1);
}

static int load_number(const void *user) {
    return *(const int *)user > 0 ? *(const int *)user : (abort(), 0);
}

static void load_request(tow_exchange *exchange, const tow_request *request) {
    char text[16];
    int length = snprintf(text, sizeof(text), "%d", load_number(tow_request_user(request)));
    tow_exchange_respond(exchange, 200, "text/plain", text, (size_t)length);
}

static void load_message(tow_websocket *socket, const tow_message *message) {
    char text[16];
    int length = snprintf(text, sizeof(text), "%d", load_number(tow_websocket_user(socket)));
    tow_websocket_send(socket, TOW_TEXT, text, (size_t)length);
}

static void load_close(tow_websocket *socket, const tow_close_event *event) {
    (void)load_number(tow_websocket_user(socket));
}

static void *load_user(void) {
    int *number = malloc(sizeof(*number));
    if (number == NULL)
        abort();
    *number = atomic_fetch_add(&load.made, 1) + 1;
    return number;
}

static void change_limits(int turn) {
    static const char *const origins[] = {"https://a.example", NULL};
    const tow_changed_options options = {.allow_origins = turn % 8 == 0 ? origins : NULL,
        .limits = {.max_message = turn % 8 == 0 ? 1000 : 2000}};
    tow_server_change *change;
    if (tow_server_change_new(&change, load.server, &options) != 0)
        abort();
    tow_server_change_take(change);
}

static void *change_routes(void *argument) {
    for (int i = 0; i < CHANGES || atomic_load(&load.answered) < 100; i++) {
        const tow_handler handler = {.user = load_user(),
            .on_request = load_request,
            .on_message = load_message,
            .on_close = load_close,
            .on_free = load_free};
        if (tow_server_route(load.server, "/x", &handler) != 0)
            abort();
        if (i % 3 == 0 && tow_server_unroute(load.server, "/x") != 0)
            abort();
        if (i % 4 == 0)
            change_limits(i);
        usleep(300);
    }
    atomic_store(&load.over, true);
    return NULL;
}

static int load_connect(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)load.port)};
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        abort();
    return fd;
}

/* Says it, and returns the beginning of what comes. */
static const char *load_ask(int fd, const void *bytes, size_t length, char answer[1024]) {
    if (send(fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length)
        abort();
    ssize_t got;
    do
        got = recv(fd, answer, 1023, 0);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        abort();
    answer[got] = '\0';
    return answer;
}

static bool load_is_served(const char *answer, const char *status) {
    bool served = strncmp(answer, status, strlen(status)) == 0;
    if (!served && strncmp(answer, "HTTP/1.1 404 ", 13) != 0)
        abort();
    atomic_fetch_add(served ? &load.answered : &load.missing, 1);
    return served;
}

static void *visit_routes(void *argument) {
    char answer[1024];
    while (!atomic_load(&load.over)) {
        int fd = load_connect();
        if (load_is_served(load_ask(fd, GET("/x"), strlen(GET("/x")), answer), "HTTP/1.1 200 ") &&
            load_is_served(load_ask(fd, OPENING("/x"), strlen(OPENING("/x")), answer), "HTTP/1.1 101 ")) {
            for (int i = 0; i < 5; i++) {
                if (load_ask(fd, "\x81\x81\0\0\0\0?", 7, answer)[0] != '\x81')
                    abort();
            }
        }
        close(fd);
    }
    return NULL;
}

static void *run_server(void *argument) {
    *(int *)argument = tow_server_run(load.server);
    return NULL;
}

static void load_on(tow_io io) {
    pthread_t clients[CLIENTS];
    pthread_t changing;
    pthread_t running;
    int result = -1;
    memset(&load, 0, sizeof(load));
    assert_int_equal(
        tow_server_new(&load.server, &(tow_server_options){.listen = "127.0.0.1:0", .workers = 2, .io = io}),
        0);
    assert_int_equal(tow_server_listen(load.server), 0);
    load.port = tow_server_port(load.server, 0);
    assert_int_equal(pthread_create(&running, NULL, run_server, &result), 0);
    assert_int_equal(pthread_create(&changing, NULL, change_routes, NULL), 0);
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&clients[i], NULL, visit_routes, NULL), 0);
    pthread_join(changing, NULL);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(clients[i], NULL);
    tow_server_stop(load.server);
    pthread_join(running, NULL);
    assert_int_equal(result, 0);
    assert_true(atomic_load(&load.answered) >= 100);
    tow_server_free(load.server);
    assert_int_equal(atomic_load(&load.freed), atomic_load(&load.made));
}

static void routes_change_under_load_on_epoll(void **state) {
    load_on(TOW_IO_EPOLL);
}

static void routes_change_under_load_on_io_uring(void **state) {
    tow_loop *loop;
    if (tow_loop_new(&loop, &(tow_loop_options){.io = TOW_IO_URING}) == TOW_ERROR_UNSUPPORTED)
        skip();
    tow_loop_free(loop);
    load_on(TOW_IO_URING);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_routes_fields_go_with_each_of_its_answers),
        cmocka_unit_test(a_field_that_no_answer_may_have_is_refused),
        cmocka_unit_test(routes_come_change_and_go_while_the_server_serves),
        cmocka_unit_test(a_route_that_nobody_uses_is_freed_without_a_request),
        cmocka_unit_test(an_open_connection_keeps_the_route_that_it_began_with),
        cmocka_unit_test(a_request_under_way_keeps_its_route_until_the_next),
        cmocka_unit_test(a_handshake_gets_the_route_of_its_end),
        cmocka_unit_test(a_route_may_be_replaced_in_its_own_callback),
        cmocka_unit_test(on_free_gets_a_pointer_of_its_own_if_there_is_one),
        cmocka_unit_test(on_free_may_change_routes),
        cmocka_unit_test(a_call_that_fails_changes_nothing),
        cmocka_unit_test(a_retained_socket_keeps_its_route),
        cmocka_unit_test(in_the_free_of_the_server_all_are_freed),
        cmocka_unit_test(routes_of_a_server_that_never_served_are_freed),
        cmocka_unit_test(origins_of_a_route_take_the_place_of_the_servers),
        cmocka_unit_test(hosts_of_a_route_take_the_place_of_the_servers),
        cmocka_unit_test(routes_change_under_load_on_epoll),
        cmocka_unit_test(routes_change_under_load_on_io_uring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
