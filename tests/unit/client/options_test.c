/* Options of clients, reconnectors, loops and byte streams at the ends of what they may be, and those that
 * contradict each other. */
#include "../number_ends.h"
#include "../unit.h"

#include <limits.h>
#include <towline.h>

#define SOCKET(field, minimum, maximum) OPTION_NUMBER(tow_websocket_options, field, minimum, maximum)
#define LIMIT(field, minimum, maximum) SOCKET(limits.field, minimum, maximum)
#define RECONNECTOR(field, minimum, maximum) OPTION_NUMBER(tow_reconnector_options, field, minimum, maximum)
#define STREAM(field) OPTION_NUMBER(tow_byte_stream_options, field, TOW_OFF, INT_MAX)

static const option_number of_sockets[] = {
    SOCKET(connect_seconds, TOW_OFF, INT_MAX),
    LIMIT_NUMBERS(LIMIT),
};

static const option_number of_reconnectors[] = {
    RECONNECTOR(first_milliseconds, TOW_OFF, INT_MAX),
    RECONNECTOR(max_milliseconds, TOW_OFF, INT_MAX),
    RECONNECTOR(max_attempts, TOW_OFF, INT_MAX),
    RECONNECTOR(stable_seconds, TOW_OFF, INT_MAX),
    RECONNECTOR(after_clean_close, TOW_AFTER_CLEAN_CLOSE_BY_CODE, TOW_AFTER_CLEAN_CLOSE_END),
};

static const option_number of_streams[] = {STREAM(connect_seconds), STREAM(half_close_seconds)};

static const option_number of_loops[] = {OPTION_NUMBER(tow_loop_options, io, TOW_IO_AUTO, TOW_IO_EPOLL)};

static tow_loop *new_loop(void) {
    tow_loop *loop;
    assert_int_equal(tow_loop_new(&loop, NULL), 0);
    return loop;
}

static int open_with(const tow_websocket_options *options) {
    tow_loop *loop = new_loop();
    tow_websocket *socket = NULL;
    int error = tow_websocket_open(&socket, loop, "ws://127.0.0.1:1/", options);
    if (error == 0)
        assert_in_range(tow_loop_step(loop), 0, 1);
    tow_websocket_free(socket);
    tow_loop_free(loop);
    return error;
}

static int socket_with(const option_number *number, int64_t value) {
    tow_websocket_options options = {0};
    option_set(&options, number, value);
    return open_with(&options);
}

static int reconnector_with(const option_number *number, int64_t value) {
    tow_loop *loop = new_loop();
    tow_reconnector *reconnector = NULL;
    tow_reconnector_options options = {0};
    option_set(&options, number, value);
    int error = tow_reconnector_new(&reconnector, loop, "ws://127.0.0.1:1/", NULL, &options);
    tow_reconnector_free(reconnector);
    tow_loop_free(loop);
    return error;
}

static int reconnector_of_socket_with(const option_number *number, int64_t value) {
    tow_loop *loop = new_loop();
    tow_reconnector *reconnector = NULL;
    tow_websocket_options options = {0};
    option_set(&options, number, value);
    int error = tow_reconnector_new(&reconnector, loop, "ws://127.0.0.1:1/", &options, NULL);
    tow_reconnector_free(reconnector);
    tow_loop_free(loop);
    return error;
}

static int blocking_with(const option_number *number, int64_t value) {
    tow_blocking *blocking;
    tow_websocket_options options = {0};
    option_set(&options, number, value);
    int error = tow_blocking_open(&blocking, "ws://127.0.0.1:1/", &options, 0);
    tow_blocking_free(blocking);
    return error == TOW_ERROR_TIMED_OUT || error == TOW_ERROR_REFUSED ? 0 : error;
}

static int connect_with(const option_number *number, int64_t value) {
    tow_loop *loop = new_loop();
    tow_byte_stream *stream = NULL;
    tow_byte_stream_options options = {0};
    option_set(&options, number, value);
    int error = tow_byte_stream_connect(&stream, loop, "127.0.0.1:1", &options);
    tow_byte_stream_reset(stream);
    if (error == 0)
        assert_int_equal(tow_loop_run(loop), 0);
    tow_loop_free(loop);
    return error;
}

static void accepted(tow_byte_listener *listener, tow_byte_stream *stream) {
    (void)listener;
    tow_byte_stream_reset(stream);
}

static int listener_with(const option_number *number, int64_t value) {
    tow_loop *loop = new_loop();
    tow_byte_listener *listener = NULL;
    tow_byte_stream_options options = {0};
    option_set(&options, number, value);
    int error = tow_byte_listener_new(&listener, loop, "127.0.0.1:0", accepted, &options);
    tow_byte_listener_free(listener);
    tow_loop_free(loop);
    return error;
}

static int loop_with(const option_number *number, int64_t value) {
    tow_loop *loop = NULL;
    tow_loop_options options = {0};
    option_set(&options, number, value);
    int error = tow_loop_new(&loop, &options);
    tow_loop_free(loop);
    return error;
}

static void numbers_out_of_their_range_are_refused(void **state) {
    (void)state;
    TRY_NUMBER_ENDS(socket_with, of_sockets);
    TRY_NUMBER_ENDS(blocking_with, of_sockets);
    TRY_NUMBER_ENDS(reconnector_of_socket_with, of_sockets);
    TRY_NUMBER_ENDS(reconnector_with, of_reconnectors);
    TRY_NUMBER_ENDS(connect_with, of_streams);
    TRY_NUMBER_ENDS(listener_with, of_streams);
    TRY_NUMBER_ENDS(loop_with, of_loops);
}

static void whole(tow_websocket *socket, const tow_message *message) {
    (void)socket, (void)message;
}

static void in_pieces(tow_websocket *socket, const tow_message_piece *piece) {
    (void)socket, (void)piece;
}

/* The files are nowhere: nothing is read before the options are known to make sense. */
static void what_contradicts_is_refused(void **state) {
    (void)state;
    static const char file[] = "/nowhere/file.pem";
    const tow_header_field origin[] = {{"Origin", "http://localhost"}, {NULL, NULL}};
    const tow_websocket_options cases[] = {
        {.proxy = "http://127.0.0.1:1", .unix_path = "/nowhere/socket"},
        {.tls_key = file},
        {.tls_insecure = true, .tls_roots = file},
        {.tls_insecure = true, .tls_revoked = file},
        {.tls_key_pem = file},
        {.tls_insecure = true, .tls_roots_pem = file},
        {.tls_insecure = true, .tls_revoked_pem = file},
        {.tls_roots = file, .tls_roots_pem = file},
        {.tls_revoked = file, .tls_revoked_pem = file},
        {.tls_certificate = file, .tls_certificate_pem = file},
        {.tls_certificate = file, .tls_key = file, .tls_key_pem = file},
        {.on_message = whole, .on_piece = in_pieces},
        {.limits = {.high_mark = 1000, .low_mark = 1000}},
        {.limits = {.high_mark = 1000, .low_mark = 1001}},
        {.limits.low_mark = 256 * 1024},
        {.origin = "http://localhost", .headers = origin},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (open_with(&cases[i]) != TOW_ERROR_ARGUMENT)
            fail_msg("case %zu was taken", i);
    assert_int_equal(open_with(&(tow_websocket_options){.limits = {.high_mark = 1000, .low_mark = 999}}), 0);
    assert_int_equal(
        open_with(&(tow_websocket_options){.limits = {.high_mark = TOW_OFF, .low_mark = 1000}}), 0);
}

static void times_of_blocking_calls_are_at_least_off(void **state) {
    (void)state;
    tow_blocking *blocking;
    tow_message message;
    assert_int_equal(tow_blocking_open(&blocking, "ws://127.0.0.1:1/", NULL, -2), TOW_ERROR_ARGUMENT);
    assert_null(blocking);
    tow_blocking_open(&blocking, "ws://127.0.0.1:1/", NULL, 0);
    assert_non_null(blocking);
    assert_int_equal(tow_blocking_send(blocking, TOW_TEXT, "a", 1, -2), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_blocking_receive(blocking, &message, -2), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_blocking_close(blocking, 1000, NULL, -2), TOW_ERROR_ARGUMENT);
    tow_blocking_free(blocking);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_out_of_their_range_are_refused),
        cmocka_unit_test(what_contradicts_is_refused),
        cmocka_unit_test(times_of_blocking_calls_are_at_least_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
