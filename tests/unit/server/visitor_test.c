/* Who the client is, when proxies stand in front. */
#include "world.h"

#include <towline/error.h>

static void tell_peer(tow_exchange *exchange, const tow_request *request) {
    const char *peer = tow_request_peer(request);
    assert_int_equal(tow_exchange_respond(exchange, 200, "text/plain", peer, strlen(peer)), 0);
}

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static const char *const local[] = {"127.0.0.1", NULL};
static const char *const elsewhere[] = {"192.0.2.0/24", NULL};

static void begin(struct world *world, uint64_t seed, tow_server_options options) {
    world_make(world, &(tow_simulation_options){.seed = seed}, &options);
    assert_int_equal(tow_server_route(world->server, "/peer", &(tow_handler){.on_request = tell_peer}), 0);
    assert_int_equal(tow_server_route(world->server, "/echo", &(tow_handler){.on_message = echo}), 0);
    world_listen(world);
}

#define GET(fields) "GET /peer HTTP/1.1\r\nHost: localhost\r\n" fields "\r\n"

/* Sends `text` on a new connection, and expects `answer`. */
static void exchange_texts(tow_server_options options, const char *text, const char *answer) {
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, seed, options);
        peer_connect(&peer, &world);
        if (seed == 4)
            peer_trickle(&peer, text, strlen(text));
        else
            peer_text(&peer, text);
        peer_expect(&peer, answer);
        peer_close(&peer);
        world_end(&world);
    }
}

static void a_trusted_proxy_names_the_client(void **state) {
    const tow_server_options options = {.trusted_proxies = local};
    exchange_texts(options, GET("X-Forwarded-For: 1.1.1.1, 203.0.113.9\r\n"), "\r\n\r\n203.0.113.9");
    exchange_texts(options, GET("Forwarded: for=\"[2001:db8::9]:5\"\r\n"), "\r\n\r\n[2001:db8::9]:5");
    exchange_texts(options, GET("X-Forwarded-For: 2001:db8::9\r\n"), "\r\n\r\n[2001:db8::9]");
    exchange_texts(options, GET(""), "\r\n\r\n127.0.0.1:");
    exchange_texts(options, GET("Forwarded: for=unknown\r\n"), "\r\n\r\n127.0.0.1:");
    exchange_texts(options, GET("Forwarded: for\r\n"), "HTTP/1.1 400 Bad Request\r\n");
}

static void others_are_not_believed(void **state) {
    exchange_texts((tow_server_options){0}, GET("X-Forwarded-For: 203.0.113.9\r\n"), "\r\n\r\n127.0.0.1:");
    exchange_texts((tow_server_options){.trusted_proxies = elsewhere}, GET("Forwarded: for=203.0.113.9\r\n"),
        "\r\n\r\n127.0.0.1:");
    exchange_texts(
        (tow_server_options){.trusted_proxies = elsewhere}, GET("Forwarded: for\r\n"), "\r\n\r\n127.0.0.1:");
}

static void each_request_of_a_connection_may_have_its_client(void **state) {
    exchange_texts((tow_server_options){.trusted_proxies = local},
        GET("X-Forwarded-For: 203.0.113.9\r\n") GET("X-Forwarded-For: 203.0.113.10\r\n") GET(""),
        "\r\n\r\n127.0.0.1:");
}

static void the_log_names_the_client(void **state) {
    struct world world;
    struct peer peer;
    begin(&world, 1, (tow_server_options){.trusted_proxies = local});
    peer_connect(&peer, &world);
    peer_text(&peer, GET("X-Forwarded-For: 203.0.113.9\r\n"));
    peer_expect(&peer, "203.0.113.9");
    assert_true(world_logged(&world, "203.0.113.9 GET /peer 200"));
    peer_close(&peer);
    world_end(&world);
}

static void the_proxys_scheme_decides_on_the_origin(void **state) {
    static const struct {
        const char *text, *answer;
    } cases[] = {
        {OPENING_WITH("/echo", "Origin: https://localhost\r\nX-Forwarded-Proto: https\r\n"), OPENED},
        {OPENING_WITH("/echo", "Origin: http://localhost\r\nX-Forwarded-Proto: http\r\n"), OPENED},
        {OPENING_WITH("/echo", "Origin: http://localhost\r\nX-Forwarded-Proto: https\r\n"), "HTTP/1.1 403 "},
        {OPENING_WITH("/echo", "Origin: https://localhost\r\nX-Forwarded-Proto: http\r\n"), "HTTP/1.1 403 "},
        {OPENING_WITH("/echo", "Origin: https://localhost\r\n"), OPENED}, /* not known */
        {OPENING_WITH("/echo", "Origin: https://a.org\r\nForwarded: proto=https;host=a.org\r\n"), OPENED},
        {OPENING_WITH("/echo", "Origin: https://localhost\r\nForwarded: proto=https;host=a.org\r\n"),
            "HTTP/1.1 403 "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        exchange_texts((tow_server_options){.trusted_proxies = local}, cases[i].text, cases[i].answer);
    exchange_texts((tow_server_options){.trusted_proxies = elsewhere}, cases[2].text, OPENED);
}

#define OPENING_AT(host, fields)                                                                             \
    "GET /echo HTTP/1.1\r\nHost: " host "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                  \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" fields "\r\n"

static void the_proxys_host_is_what_the_rule_judges(void **state) {
    static const char *const names[] = {"example.org", NULL};
    static const struct {
        const char *text, *answer;
    } cases[] = {
        {OPENING_AT("example.org", ""), OPENED},
        {OPENING_AT("backend:9998", ""), "HTTP/1.1 421 "},
        {OPENING_AT("backend:9998", "X-Forwarded-Host: example.org\r\n"), OPENED},
        {OPENING_AT("127.0.0.1:9998", "Forwarded: host=example.org\r\n"), OPENED},
        {OPENING_AT("example.org", "X-Forwarded-Host: elsewhere.org\r\n"), "HTTP/1.1 421 "},
        {OPENING_AT("example.org", "Forwarded: host=\"elsewhere.org:80\"\r\n"), "HTTP/1.1 421 "},
        {OPENING_AT("backend", "X-Forwarded-Host: elsewhere.org, example.org\r\n"), OPENED},
        {OPENING_AT("backend", "X-Forwarded-Host: example.org, elsewhere.org\r\n"), "HTTP/1.1 421 "},
        {OPENING_AT("backend:9998", "X-Forwarded-Host: example.org\r\nOrigin: https://example.org\r\n"
                                    "X-Forwarded-Proto: https\r\n"),
            OPENED},
    };
    tow_server_options options = {.trusted_proxies = local, .hosts = names};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        exchange_texts(options, cases[i].text, cases[i].answer);
    options.trusted_proxies = elsewhere;
    exchange_texts(options, cases[2].text, "HTTP/1.1 421 ");
    exchange_texts(options, cases[4].text, OPENED);
}

/* A page that a browser on this machine shows can say anything but Host. */
static void the_rule_for_this_machine_judges_host_itself(void **state) {
    const tow_server_options options = {.trusted_proxies = local};
    exchange_texts(options, OPENING_AT("evil.org", "X-Forwarded-Host: localhost\r\n"), "HTTP/1.1 421 ");
    exchange_texts(options, OPENING_AT("localhost", "X-Forwarded-Host: example.org\r\n"), OPENED);
}

static void expect_advice(const tow_server_options *options, const char *text, const char *advice) {
    struct world world;
    struct peer peer;
    begin(&world, 1, *options);
    peer_connect(&peer, &world);
    peer_text(&peer, text);
    peer_expect(&peer, "HTTP/1.1 421 ");
    assert_true(world_logged(&world, advice));
    peer_close(&peer);
    world_end(&world);
}

static void the_log_advises_the_host_that_would_be_judged(void **state) {
    static const char *const names[] = {"example.org", NULL};
    tow_server_options options = {.trusted_proxies = local, .hosts = names};
    expect_advice(&options, OPENING_AT("example.org", "X-Forwarded-Host: elsewhere.org\r\n"),
        "Host \"elsewhere.org\": --host elsewhere.org (hosts in C) would allow it");
    options.hosts = NULL;
    expect_advice(&options, OPENING_AT("backend", "X-Forwarded-Host: example.org\r\n"),
        "Host \"backend\": --host example.org (hosts in C) would allow it");
}

/* To where the client can go; and a client that speaks TLS with the proxy is not sent round in a circle. */
static void redirects_follow_what_the_proxy_says(void **state) {
    const tow_server_options options = {
        .trusted_proxies = local, .tls_self_signed = true, .tls_redirect = true};
    exchange_texts(options, GET("X-Forwarded-Host: example.org:8443\r\n"),
        "\r\nLocation: https://example.org:8443/peer\r\n");
    exchange_texts(options, GET("X-Forwarded-Proto: http\r\n"), "\r\nLocation: https://localhost/peer\r\n");
    exchange_texts(
        options, GET("X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n"), "\r\n\r\n203.0.113.9");
}

static void clients_of_a_proxy_are_counted_one_by_one(void **state) {
    struct world world;
    struct peer one, two, three, four;
    begin(&world, 1, (tow_server_options){.trusted_proxies = local, .max_connections_per_address = 1});
    peer_connect(&one, &world);
    peer_text(&one, OPENING_WITH("/echo", "X-Forwarded-For: 203.0.113.9\r\n"));
    peer_expect(&one, OPENED);
    peer_connect(&two, &world);
    peer_text(&two, OPENING_WITH("/echo", "X-Forwarded-For: 203.0.113.10\r\n"));
    peer_expect(&two, OPENED);
    peer_connect(&three, &world);
    peer_text(&three, OPENING_WITH("/echo", "X-Forwarded-For: 203.0.113.9\r\n"));
    peer_expect(&three, "HTTP/1.1 503 ");
    peer_close(&three);
    peer_close(&one);
    world_run(&world, 100);
    peer_connect(&four, &world);
    peer_text(&four, OPENING_WITH("/echo", "X-Forwarded-For: 203.0.113.9\r\n"));
    peer_expect(&four, OPENED);
    peer_close(&two);
    peer_close(&four);
    world_end(&world);
}

static const tow_server_options with_header = {.trusted_proxies = local, .proxy_protocol = true};

#define LINE "PROXY TCP4 203.0.113.9 192.0.2.1 50001 80\r\n"

static void begin_with_one_each(struct world *world) {
    begin(world, 1, (tow_server_options){.trusted_proxies = local, .max_connections_per_address = 1});
}

static void expect_of(struct world *world, const char *text, const char *answer) {
    struct peer peer;
    peer_connect(&peer, world);
    peer_text(&peer, text);
    peer_expect(&peer, answer);
    peer_close(&peer);
    world_run(world, 100);
}

/* The proxy knew the client of the first request, and does not know that of the second. */
static void a_client_that_is_not_known_any_more_is_not_counted(void **state) {
    static const char *const second[] = {
        OPENING("/echo"), OPENING_WITH("/echo", "Forwarded: for=unknown\r\n")};
    for (size_t i = 0; i < sizeof(second) / sizeof(second[0]); i++) {
        struct world world;
        struct peer peer;
        begin_with_one_each(&world);
        peer_connect(&peer, &world);
        peer_text(&peer, GET("X-Forwarded-For: 203.0.113.9\r\n"));
        peer_expect(&peer, "203.0.113.9");
        expect_of(&world, OPENING_WITH("/echo", "X-Forwarded-For: 203.0.113.9\r\n"), "HTTP/1.1 503 ");
        peer_text(&peer, second[i]);
        peer_expect(&peer, OPENED);
        for (int times = 0; times < 2; times++)
            expect_of(&world, OPENING_WITH("/echo", "X-Forwarded-For: 203.0.113.9\r\n"), OPENED);
        peer_close(&peer);
        world_run(&world, 100);
        expect_of(&world, OPENING_WITH("/echo", "X-Forwarded-For: 203.0.113.9\r\n"), OPENED);
        world_end(&world);
    }
}

static void a_proxy_header_names_the_client(void **state) {
    exchange_texts(with_header, LINE GET(""), "\r\n\r\n203.0.113.9:50001");
    exchange_texts(with_header, LINE GET("X-Forwarded-For: 198.51.100.1\r\n"), "\r\n\r\n203.0.113.9:50001");
    exchange_texts(with_header, LINE OPENING("/echo"), OPENED);
    exchange_texts(with_header, "PROXY UNKNOWN\r\n" GET(""), "\r\n\r\n127.0.0.1:");
    /* through a second proxy, which is trusted as well */
    exchange_texts(with_header,
        "PROXY TCP4 127.0.0.1 192.0.2.1 50001 80\r\n" GET("X-Forwarded-For: 198.51.100.1\r\n"),
        "\r\n\r\n198.51.100.1");
}

static void only_trusted_proxies_have_a_proxy_header(void **state) {
    tow_server_options options = with_header;
    options.trusted_proxies = elsewhere;
    exchange_texts(options, LINE GET(""), "HTTP/1.1 400 ");
    exchange_texts(options, GET(""), "\r\n\r\n127.0.0.1:");
    exchange_texts((tow_server_options){.trusted_proxies = local}, LINE GET(""), "HTTP/1.1 400 ");
    struct world world;
    options.trusted_proxies = NULL;
    options.listen = "127.0.0.1:1";
    assert_int_equal(tow_server_new(&world.server, &options), TOW_ERROR_ARGUMENT);
    static const char *const wrong[] = {"example.com", NULL};
    options.trusted_proxies = wrong;
    assert_int_equal(tow_server_new(&world.server, &options), TOW_ERROR_ARGUMENT);
}

static void a_trusted_proxy_without_its_header_is_reset(void **state) {
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, seed, with_header);
        peer_connect(&peer, &world);
        peer_text(&peer, GET(""));
        world_run(&world, 100);
        assert_true(peer.failed || peer.ended);
        assert_int_equal(peer.in.length, 0);
        assert_true(world_logged(&world, "PROXY header"));
        peer_close(&peer);
        world_end(&world);
    }
}

static void half_a_header_is_given_up_in_time(void **state) {
    struct world world;
    struct peer peer;
    tow_server_options options = with_header;
    options.handshake_seconds = 2;
    begin(&world, 1, options);
    peer_connect(&peer, &world);
    peer_text(&peer, "PROXY TCP4 ");
    world_run(&world, 1900);
    assert_false(peer.ended || peer.failed);
    world_run(&world, 300);
    assert_true(peer.ended || peer.failed);
    peer_close(&peer);
    world_end(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trusted_proxy_names_the_client),
        cmocka_unit_test(others_are_not_believed),
        cmocka_unit_test(each_request_of_a_connection_may_have_its_client),
        cmocka_unit_test(the_log_names_the_client),
        cmocka_unit_test(the_proxys_scheme_decides_on_the_origin),
        cmocka_unit_test(the_proxys_host_is_what_the_rule_judges),
        cmocka_unit_test(the_rule_for_this_machine_judges_host_itself),
        cmocka_unit_test(the_log_advises_the_host_that_would_be_judged),
        cmocka_unit_test(redirects_follow_what_the_proxy_says),
        cmocka_unit_test(clients_of_a_proxy_are_counted_one_by_one),
        cmocka_unit_test(a_client_that_is_not_known_any_more_is_not_counted),
        cmocka_unit_test(a_proxy_header_names_the_client),
        cmocka_unit_test(only_trusted_proxies_have_a_proxy_header),
        cmocka_unit_test(a_trusted_proxy_without_its_header_is_reset),
        cmocka_unit_test(half_a_header_is_given_up_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
