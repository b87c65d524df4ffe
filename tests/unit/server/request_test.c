/* What a handler can ask a request, while it is lent and of the copy that is made when it is kept. */
#include "world.h"

#include "../transport/authority.h"

#include <towline/error.h>
#include <unistd.h>

enum { SEEDS = 6 };

/* "name=value;" for each. */
static void append(tow_buffer *out, const char *title, const tow_header_field *fields) {
    assert_non_null(fields);
    assert_int_equal(tow_buffer_append_text(out, title), 0);
    for (; fields->name != NULL; fields++)
        assert_int_equal(tow_buffer_append_format(out, "%s=%s;", fields->name, fields->value), 0);
}

static const char *or_none(const char *text) {
    return text != NULL ? text : "none";
}

static void describe(tow_exchange *exchange, const tow_request *request) {
    tow_buffer out = {0};
    assert_int_equal(tow_buffer_append_format(&out, "%s %s %s %s", tow_request_scheme(request),
                         tow_request_method(request), tow_request_path(request), tow_request_query(request)),
        0);
    append(&out, "\nheaders ", tow_request_headers(request));
    assert_ptr_equal(tow_request_headers(request), tow_request_headers(request));
    append(&out, "\nparameters ", tow_request_parameters(request));
    append(&out, "\ncookies ", tow_request_cookies(request));
    assert_int_equal(
        tow_buffer_append_format(&out, "\na %s b %s sid %s host %s",
            or_none(tow_request_parameter(request, "a")), or_none(tow_request_parameter(request, "b")),
            or_none(tow_request_cookie(request, "sid")), or_none(tow_request_header(request, "host"))),
        0);
    assert_int_equal(tow_buffer_append_format(&out, "\nsubject %s fingerprint %s\n",
                         or_none(tow_request_certificate_subject(request)),
                         or_none(tow_request_certificate_fingerprint(request))),
        0);
    assert_int_equal(tow_exchange_respond(exchange, 200, "text/plain", out.data, out.length), 0);
    tow_buffer_clear(&out);
}

static tow_exchange *kept;

static void keep(tow_exchange *exchange, const tow_request *request) {
    assert_non_null(tow_request_headers(request));
    assert_string_equal(tow_request_header(request, "X-A"), "1");
    assert_int_equal(tow_exchange_keep(exchange, NULL), 0);
    kept = exchange;
}

static void begin(struct world *world, uint64_t seed, const tow_server_options *options) {
    kept = NULL;
    world_make(world, &(tow_simulation_options){.seed = seed}, options);
    tow_server_route(world->server, "/now", &(tow_handler){.on_request = describe});
    tow_server_route(world->server, "/later", &(tow_handler){.on_request = keep});
    world_listen(world);
}

#define FIELDS                                                                                               \
    "Host: localhost\r\nX-A: 1\r\nx-a:  2 \r\nEmpty:\r\nCookie: sid=31d4; lang=en\r\nCookie: more=x\r\n\r\n"
static void expect_description(struct peer *peer, const char *path) {
    char first[64];
    snprintf(first, sizeof(first), "http GET %s a=1%%202&a=3&c\nheaders ", path);
    peer_expect(peer, "fingerprint none\n");
    assert_true(peer_has(peer, first));
    assert_true(
        peer_has(peer, "headers Host=localhost;X-A=1;x-a=2;Empty=;Cookie=sid=31d4; lang=en;Cookie=more=x;\n"
                       "parameters a=1 2;a=3;c=;\ncookies sid=31d4;lang=en;more=x;\n"
                       "a 1 2 b none sid 31d4 host localhost\nsubject none fingerprint none\n"));
}

static void a_request_has_fields_parameters_and_cookies(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, seed, &(tow_server_options){0});
        peer_connect(&peer, &world);
        peer_text(&peer, "GET /now?a=1%202&a=3&c HTTP/1.1\r\n" FIELDS);
        expect_description(&peer, "/now");
        peer_close(&peer);
        world_end(&world);
    }
}

static void so_has_the_copy_of_one_that_was_kept(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, seed, &(tow_server_options){0});
        peer_connect(&peer, &world);
        peer_text(&peer, "GET /later?a=1%202&a=3&c HTTP/1.1\r\n" FIELDS);
        world_run(&world, 5000);
        assert_non_null(kept);
        describe(kept, tow_exchange_request(kept));
        expect_description(&peer, "/later");
        peer_close(&peer);
        world_end(&world);
    }
}

static void a_trusted_proxy_says_the_scheme(void **state) {
    (void)state;
    static const char *const proxies[] = {"127.0.0.1", NULL};
    struct world world;
    struct peer peer;
    begin(&world, 1, &(tow_server_options){.trusted_proxies = proxies});
    peer_connect(&peer, &world);
    peer_text(&peer, "GET /now HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: https\r\n\r\n");
    peer_expect(&peer, "https GET /now");
    peer_close(&peer);
    world_end(&world);
}

static char *write_file(const char *text) {
    static char name[64];
    snprintf(name, sizeof(name), "/tmp/towline-request-XXXXXX");
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    return name;
}

/* A client whose certificate says "alice". */
struct known {
    struct world world;
    struct peer peer;
    test_authority authority;
    test_identity identity;
    tow_tls_context *client;
};

static void begin_known(struct known *known) {
    char why[TOW_TLS_TEXT_MAX];
    authority_make(&known->authority, "clients");
    authority_issue(
        &known->authority, &(test_subject){.name = "alice", .usage = "clientAuth"}, &known->identity);
    char *file = write_file(known->authority.pem);
    begin(&known->world, 1, &(tow_server_options){.tls_self_signed = true, .tls_client_ca = file});
    unlink(file);
    const tow_tls_settings settings = {.verify = TOW_TLS_VERIFY_NONE,
        .certificate = known->identity.certificate,
        .key = known->identity.key};
    assert_int_equal(tow_tls_context_new(&known->client, &settings, why), 0);
    peer_connect_secure(&known->peer, &known->world, known->client);
    for (int i = 0; i < 2000 && !known->peer.connected; i++)
        world_run(&known->world, 1);
}

static void end_known(struct known *known) {
    world_end(&known->world);
    tow_tls_context_release(known->client);
    identity_clear(&known->identity);
    authority_clear(&known->authority);
}

static void a_clients_certificate_is_told(void **state) {
    (void)state;
    struct known known;
    begin_known(&known);
    peer_text(&known.peer, "GET /now HTTP/1.1\r\nHost: localhost\r\n\r\n");
    peer_expect(&known.peer, "https GET /now");
    peer_expect(&known.peer, "alice fingerprint ");
    const char *fingerprint =
        strstr((const char *)known.peer.in.data, "fingerprint ") + strlen("fingerprint ");
    assert_int_equal(strspn(fingerprint, "0123456789ABCDEFabcdef:"), 32 * 3 - 1);
    peer_close(&known.peer);
    end_known(&known);
}

static int left;

static void expect_alice(const tow_request *request) {
    const char *subject = tow_request_certificate_subject(request);
    assert_non_null(subject);
    assert_non_null(strstr(subject, "alice"));
    assert_int_equal(strlen(tow_request_certificate_fingerprint(request)), 32 * 3 - 1);
    assert_string_not_equal(tow_request_peer(request), "unknown");
    left++;
}

static void note_gone(tow_exchange *exchange, void *user) {
    expect_alice(tow_exchange_request(exchange));
}

static void keep_until_gone(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_keep(exchange, &(tow_exchange_events){.on_gone = note_gone}), 0);
}

static void ignore(tow_websocket *socket, const tow_message *message) {
}

static void note_close(tow_websocket *socket, const tow_close_event *event) {
    expect_alice(tow_websocket_request(socket));
}

static void and_when_the_client_has_left(void **state) {
    (void)state;
    static const char *const requests[] = {
        "GET /gone HTTP/1.1\r\nHost: localhost\r\n\r\n", OPENING("/socket")};
    for (size_t i = 0; i < 2; i++) {
        struct known known;
        left = 0;
        begin_known(&known);
        tow_server *server = known.world.server;
        tow_server_route(server, "/gone", &(tow_handler){.on_request = keep_until_gone});
        tow_server_route(server, "/socket",
            &(tow_handler){.on_close = note_close, .keep_request = true, .on_message = ignore});
        peer_text(&known.peer, requests[i]);
        world_run(&known.world, 100);
        assert_int_equal(left, 0);
        peer_reset(&known.peer);
        world_run(&known.world, 100);
        assert_int_equal(left, 1);
        end_known(&known);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_has_fields_parameters_and_cookies),
        cmocka_unit_test(so_has_the_copy_of_one_that_was_kept),
        cmocka_unit_test(a_trusted_proxy_says_the_scheme),
        cmocka_unit_test(a_clients_certificate_is_told),
        cmocka_unit_test(and_when_the_client_has_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
