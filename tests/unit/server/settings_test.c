/* Options of a server and of its routes at the ends of what they may be, and those that contradict each
 * other. */
#include "../number_ends.h"
#include "world.h"

#include <limits.h>
#include <towline/error.h>

#define SERVER(field, minimum, maximum) OPTION_NUMBER(tow_server_options, field, minimum, maximum)
#define LIMIT(field, minimum, maximum) OPTION_NUMBER(tow_limits, field, minimum, maximum)

static const option_number numbers[] = {
    SERVER(workers, 0, 1024),
    SERVER(io, TOW_IO_AUTO, TOW_IO_EPOLL),
    SERVER(handshake_seconds, TOW_OFF, INT_MAX),
    SERVER(handshake_bytes, TOW_OFF, INT64_MAX),
    SERVER(max_connections, TOW_OFF, INT64_MAX),
    SERVER(max_connections_per_address, TOW_OFF, INT64_MAX),
    SERVER(drain_seconds, TOW_OFF, INT_MAX),
    SERVER(max_posted, TOW_OFF, INT64_MAX),
    SERVER(max_unfinished, TOW_OFF, INT64_MAX),
    SERVER(max_unfinished_per_address, TOW_OFF, INT64_MAX),
    SERVER(log_level, TOW_OFF, TOW_LOG_DEBUG),
};

static const option_number limits[] = {
    LIMIT_NUMBERS(LIMIT),
};

static int server_with(const tow_server_options *options) {
    tow_server *server;
    int error = tow_server_new(&server, options);
    if (error == 0)
        tow_server_free(server);
    return error;
}

static int route_with(const tow_handler *handler) {
    tow_server *server;
    assert_int_equal(tow_server_new(&server, NULL), 0);
    int error = tow_server_route(server, "/", handler);
    tow_server_free(server);
    return error;
}

static int with_number(const option_number *number, int64_t value) {
    tow_server_options options = {0};
    option_set(&options, number, value);
    return server_with(&options);
}

static int with_limit(const option_number *limit, int64_t value) {
    tow_server_options options = {0};
    option_set(&options.limits, limit, value);
    return server_with(&options);
}

static int with_limit_of_route(const option_number *limit, int64_t value) {
    tow_handler handler = {0};
    option_set(&handler.limits, limit, value);
    return route_with(&handler);
}

static void numbers_out_of_their_range_are_refused(void **state) {
    (void)state;
    TRY_NUMBER_ENDS(with_number, numbers);
    TRY_NUMBER_ENDS(with_limit, limits);
    TRY_NUMBER_ENDS(with_limit_of_route, limits);
}

static void the_low_mark_is_below_the_high_one(void **state) {
    (void)state;
    const struct {
        int64_t high_mark, low_mark;
        int error;
    } cases[] = {
        {1000, 999, 0},
        {1000, 1000, TOW_ERROR_ARGUMENT},
        {1000, 1001, TOW_ERROR_ARGUMENT},
        {TOW_OFF, 1000, 0},
        {1, 0, 0},
        {1000, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const tow_limits marks = {.high_mark = cases[i].high_mark, .low_mark = cases[i].low_mark};
        assert_int_equal(server_with(&(tow_server_options){.limits = marks}), cases[i].error);
        assert_int_equal(route_with(&(tow_handler){.limits = marks}), cases[i].error);
    }
}

static void texts_that_are_no_such_thing_are_refused(void **state) {
    (void)state;
    const char *const origin[] = {"localhost", NULL};
    const char *const host[] = {"a b", NULL};
    const char *const proxy[] = {"10.0.0.0/33", NULL};
    const tow_server_options cases[] = {
        {.allow_origins = origin},
        {.hosts = host},
        {.trusted_proxies = proxy},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(server_with(&cases[i]), TOW_ERROR_ARGUMENT);
    assert_int_equal(server_with(&(tow_server_options){.listen = "localhost:x"}), TOW_ERROR_ADDRESS);
    assert_int_equal(server_with(&(tow_server_options){.status = "localhost:x"}), TOW_ERROR_ADDRESS);
}

static void subprotocols_are_tokens_each_once(void **state) {
    (void)state;
    const struct {
        const char *protocols[3];
        int error;
    } cases[] = {
        {{"chat", "chat.v2"}, 0},
        {{"chat", "Chat"}, 0},
        {{"chat", "chat"}, TOW_ERROR_ARGUMENT},
        {{"chat room"}, TOW_ERROR_ARGUMENT},
        {{"chat,"}, TOW_ERROR_ARGUMENT},
        {{""}, TOW_ERROR_ARGUMENT},
        {{"ch\xc3\xa4t"}, TOW_ERROR_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(route_with(&(tow_handler){.protocols = cases[i].protocols}), cases[i].error);
}

static void whole(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static void in_pieces(tow_websocket *socket, const tow_message_piece *piece) {
    (void)socket, (void)piece;
}

static void a_route_takes_messages_whole_or_in_pieces(void **state) {
    (void)state;
    assert_int_equal(route_with(&(tow_handler){.on_message = whole}), 0);
    assert_int_equal(route_with(&(tow_handler){.on_piece = in_pieces}), 0);
    assert_int_equal(
        route_with(&(tow_handler){.on_message = whole, .on_piece = in_pieces}), TOW_ERROR_ARGUMENT);
}

static void note(void *user, int level, const char *line) {
    (void)level;
    tow_buffer *log = user;
    assert_int_equal(tow_buffer_append_text(log, line), 0);
}

/* The files are nowhere: nothing is read before the options are known to make sense. */
static void what_needs_another_option_is_refused_without_it(void **state) {
    (void)state;
    static const char file[] = "/nowhere/file.pem";
    static const char text[] = "-----BEGIN NOTHING-----";
    const struct {
        tow_server_options options;
        const char *said;
    } cases[] = {
        {{.tls_key = file}, "tls_key"},
        {{.tls_key = file, .tls_self_signed = true}, "tls_key"},
        {{.tls_client_ca = file}, "tls_client_ca"},
        {{.tls_client_crl = file}, "tls_client_crl"},
        {{.tls_client_crl = file, .tls_self_signed = true}, "tls_client_crl"},
        {{.tls_client_crl = file, .tls_certificate = file}, "tls_client_crl"},
        {{.tls_client_ca = file, .tls_client_crl = file}, "tls_client_ca"},
        {{.tls_redirect = true}, "tls_redirect"},
        {{.tls_certificate = file, .tls_self_signed = true}, "tls_self_signed"},
        {{.tls_certificate_pem = text, .tls_self_signed = true}, "tls_self_signed"},
        {{.tls_certificates = &(tow_certificate){.certificate = file},
             .tls_certificate_count = 1,
             .tls_self_signed = true},
            "tls_self_signed"},
        {{.tls_certificate = file, .tls_certificate_pem = text}, "tls_certificate_pem"},
        {{.tls_certificate = file, .tls_key = file, .tls_key_pem = text}, "tls_key_pem"},
        {{.tls_key_pem = text}, "tls_key_pem"},
        {{.tls_certificate = file, .tls_client_ca = file, .tls_client_ca_pem = text}, "tls_client_ca_pem"},
        {{.tls_client_ca_pem = text}, "tls_client_ca"},
        {{.tls_certificate = file, .tls_client_ca = file, .tls_client_crl = file, .tls_client_crl_pem = text},
            "tls_client_crl_pem"},
        {{.tls_client_crl_pem = text, .tls_self_signed = true}, "tls_client_crl"},
        {{.tls_certificate_count = 1}, "tls_certificates"},
        {{.tls_certificates = (tow_certificate[]){{.certificate = file}, {0}}, .tls_certificate_count = 2},
            "tls_certificates[1]: certificate"},
        {{.tls_certificates = &(tow_certificate){.certificate = file, .certificate_pem = text},
             .tls_certificate_count = 1},
            "tls_certificates[0]: certificate"},
        {{.tls_certificates = &(tow_certificate){.certificate = file, .key = file, .key_pem = text},
             .tls_certificate_count = 1},
            "tls_certificates[0]: key"},
        {{.tls_key = file,
             .tls_certificates = &(tow_certificate){.certificate = file},
             .tls_certificate_count = 1},
            "tls_key"},
        {{.proxy_protocol = true}, "proxy_protocol"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tow_buffer log = {0};
        tow_server_options options = cases[i].options;
        options.on_log = note;
        options.log_user = &log;
        assert_int_equal(server_with(&options), TOW_ERROR_ARGUMENT);
        assert_int_equal(tow_buffer_append(&log, "", 1), 0);
        assert_memory_equal(log.data, cases[i].said, strlen(cases[i].said));
        tow_buffer_clear(&log);
    }
}

/* Times and sizes are added to and multiplied. */
static void the_largest_numbers_are_large_and_do_no_harm(void **state) {
    (void)state;
    tow_server_options options = {0};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (strcmp(numbers[i].name, "workers") != 0 && strcmp(numbers[i].name, "io") != 0)
            option_set(&options, &numbers[i], numbers[i].maximum);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        if (strcmp(limits[i].name, "compression_min") != 0)
            option_set(&options.limits, &limits[i], limits[i].maximum);
    options.limits.overflow = TOW_OVERFLOW_DEFAULT; /* what is dropped needs compression without takeover */
    struct world world;
    struct peer peer;
    world_make(&world, &(tow_simulation_options){.seed = 1}, &options);
    assert_int_equal(tow_server_route(world.server, "/echo", &(tow_handler){.on_message = whole}), 0);
    world_listen(&world);
    peer_connect(&peer, &world);
    peer_text(&peer, OPENING("/echo"));
    peer_expect(&peer, OPENED);
    peer_frame(&peer, 1, "hello", 5);
    peer_expect_frame(&peer, 1, "hello", 5);
    peer_frame(&peer, 8, "", 0);
    peer_expect_end(&peer);
    peer_close(&peer);
    world_end(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_out_of_their_range_are_refused),
        cmocka_unit_test(the_low_mark_is_below_the_high_one),
        cmocka_unit_test(texts_that_are_no_such_thing_are_refused),
        cmocka_unit_test(subprotocols_are_tokens_each_once),
        cmocka_unit_test(a_route_takes_messages_whole_or_in_pieces),
        cmocka_unit_test(what_needs_another_option_is_refused_without_it),
        cmocka_unit_test(the_largest_numbers_are_large_and_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
