/* Every public function with NULL where it needs something: ARGUMENT, or the answer of one that has nothing.
 * tests/library/exports_check.py looks that none is missing here. */
#include "../unit.h"

#include <towline.h>

#define REFUSED(call) assert_int_equal(call, TOW_ERROR_ARGUMENT)

static void task(void *argument) {
    (void)argument;
    fail();
}

static void accepted(tow_byte_listener *listener, tow_byte_stream *stream) {
    (void)listener, (void)stream;
    fail();
}

static tow_loop *new_loop(void) {
    tow_loop *loop;
    assert_int_equal(tow_loop_new(&loop, NULL), 0);
    return loop;
}

static void loops(void **state) {
    (void)state;
    REFUSED(tow_loop_new_sized(NULL, NULL, 0));
    REFUSED(tow_loop_fd(NULL));
    REFUSED(tow_loop_run(NULL));
    REFUSED(tow_loop_step(NULL));
    REFUSED(tow_loop_post(NULL, task, NULL));
    assert_int_equal(tow_loop_now(NULL), 0);
    assert_string_equal(tow_loop_io(NULL), "");
    tow_loop_stop(NULL);
    tow_loop_free(NULL);
    tow_loop *loop = new_loop();
    REFUSED(tow_loop_post(loop, NULL, NULL));
    tow_loop_free(loop);
}

static void timer_task(tow_timer *timer) {
    (void)timer;
    fail();
}

static void timers(void **state) {
    (void)state;
    tow_loop *loop = new_loop();
    tow_timer *timer;
    REFUSED(tow_timer_new(NULL, loop, timer_task, NULL));
    REFUSED(tow_timer_new(&timer, NULL, timer_task, NULL));
    REFUSED(tow_timer_new(&timer, loop, NULL, NULL));
    REFUSED(tow_timer_start(NULL, 0, 0));
    assert_false(tow_timer_is_started(NULL));
    assert_null(tow_timer_user(NULL));
    assert_null(tow_timer_loop(NULL));
    tow_timer_stop(NULL);
    tow_timer_free(NULL);
    tow_loop_free(loop);
}

static void sockets_opened(void **state) {
    (void)state;
    tow_loop *loop = new_loop();
    tow_websocket *socket;
    tow_reconnector *reconnector;
    tow_blocking *blocking;
    REFUSED(tow_websocket_open_sized(NULL, loop, "ws://127.0.0.1:1/", NULL, 0));
    REFUSED(tow_websocket_open_sized(&socket, NULL, "ws://127.0.0.1:1/", NULL, 0));
    REFUSED(tow_websocket_open_sized(&socket, loop, NULL, NULL, 0));
    REFUSED(tow_reconnector_new_sized(NULL, loop, "ws://127.0.0.1:1/", NULL, 0, NULL, 0));
    REFUSED(tow_reconnector_new_sized(&reconnector, NULL, "ws://127.0.0.1:1/", NULL, 0, NULL, 0));
    REFUSED(tow_reconnector_new_sized(&reconnector, loop, NULL, NULL, 0, NULL, 0));
    REFUSED(tow_blocking_open_sized(NULL, "ws://127.0.0.1:1/", NULL, 0, 0));
    REFUSED(tow_blocking_open_sized(&blocking, NULL, NULL, 0, 0));
    assert_null(blocking);
    tow_loop_free(loop);
}

static void sockets(void **state) {
    (void)state;
    char text[8];
    tow_shared *shared;
    assert_int_equal(tow_shared_new(&shared, TOW_TEXT, "a", 1), 0);
    REFUSED(tow_websocket_send(NULL, TOW_TEXT, "a", 1));
    REFUSED(tow_websocket_send_piece(NULL, &(tow_message_piece){.type = TOW_TEXT, .first = true}));
    REFUSED(tow_websocket_send_shared(NULL, shared));
    REFUSED(tow_websocket_ping(NULL, NULL, 0));
    REFUSED(tow_websocket_pong(NULL, NULL, 0));
    REFUSED(tow_websocket_close(NULL, 1000, NULL));
    REFUSED(tow_websocket_retain(NULL));
    tow_websocket_release(NULL);
    tow_websocket_pause(NULL);
    tow_websocket_resume(NULL);
    tow_websocket_set_user(NULL, shared);
    tow_websocket_free(NULL);
    assert_int_equal(tow_websocket_ready_state(NULL), TOW_CLOSED);
    assert_int_equal(tow_websocket_buffered_amount(NULL), 0);
    assert_int_equal(tow_websocket_dropped(NULL), 0);
    assert_int_equal(tow_websocket_identify(NULL), 0);
    assert_string_equal(tow_websocket_protocol(NULL), "");
    assert_string_equal(tow_websocket_extensions(NULL), "");
    assert_string_equal(tow_websocket_url(NULL), "");
    REFUSED(tow_websocket_peer(NULL, text, sizeof(text)));
    assert_null(tow_websocket_user(NULL));
    assert_null(tow_websocket_loop(NULL));
    assert_null(tow_websocket_request(NULL));
    tow_shared_release(shared);
}

static void data_of_sockets(void **state) {
    (void)state;
    tow_loop *loop = new_loop();
    tow_websocket *socket;
    tow_shared *shared;
    assert_int_equal(tow_websocket_open(&socket, loop, "ws://127.0.0.1:1/", NULL), 0);
    REFUSED(tow_websocket_send(socket, TOW_TEXT, NULL, 1));
    REFUSED(tow_websocket_send_piece(socket, NULL));
    REFUSED(tow_websocket_send_piece(
        socket, &(tow_message_piece){.type = TOW_BINARY, .length = 1, .first = true}));
    REFUSED(tow_websocket_send_shared(socket, NULL));
    REFUSED(tow_websocket_ping(socket, NULL, 1));
    REFUSED(tow_websocket_pong(socket, NULL, 1));
    tow_websocket_free(socket);
    REFUSED(tow_shared_new(NULL, TOW_TEXT, "a", 1));
    REFUSED(tow_shared_new(&shared, TOW_BINARY, NULL, 1));
    tow_shared_retain(NULL);
    tow_shared_release(NULL);
    tow_loop_free(loop);
}

static void reconnectors_and_blocking_clients(void **state) {
    (void)state;
    tow_message message;
    REFUSED(tow_reconnector_close(NULL, 1000, NULL));
    assert_null(tow_reconnector_socket(NULL));
    assert_null(tow_reconnector_user(NULL));
    tow_reconnector_free(NULL);
    REFUSED(tow_blocking_send(NULL, TOW_TEXT, "a", 1, 0));
    REFUSED(tow_blocking_receive(NULL, &message, 0));
    REFUSED(tow_blocking_close(NULL, 1000, NULL, 0));
    REFUSED(tow_blocking_error(NULL));
    assert_string_equal(tow_blocking_error_text(NULL), "");
    assert_null(tow_blocking_close_event(NULL));
    assert_null(tow_blocking_socket(NULL));
    tow_blocking_free(NULL);
}

static void servers(void **state) {
    (void)state;
    tow_server *server;
    REFUSED(tow_server_new_sized(NULL, NULL, 0));
    REFUSED(tow_server_route_sized(NULL, "/", &(tow_handler){0}, sizeof(tow_handler)));
    REFUSED(tow_server_unroute(NULL, "/"));
    REFUSED(tow_server_listen(NULL));
    REFUSED(tow_server_run(NULL));
    REFUSED(tow_server_reload(NULL));
    REFUSED(tow_server_set_certificates(NULL, &(tow_certificate){0}, 1));
    REFUSED(tow_server_adopt(NULL, 0));
    assert_int_equal(tow_server_port(NULL, 0), 0);
    assert_true(tow_server_is_done(NULL));
    tow_server_stop(NULL);
    tow_server_free(NULL);
    assert_int_equal(tow_server_new(&server, NULL), 0);
    REFUSED(tow_server_route_sized(server, NULL, &(tow_handler){0}, sizeof(tow_handler)));
    REFUSED(tow_server_route_sized(server, "/", NULL, 0));
    REFUSED(tow_server_unroute(server, NULL));
    tow_server_free(server);
}

static void posts(void **state) {
    (void)state;
    static const tow_websocket_id id = 1;
    tow_server *server;
    tow_shared *shared;
    assert_int_equal(tow_server_new(&server, NULL), 0);
    assert_int_equal(tow_shared_new(&shared, TOW_TEXT, "a", 1), 0);
    REFUSED(tow_post_message(NULL, 1, &(tow_message){.type = TOW_TEXT}));
    REFUSED(tow_post_message(server, 1, NULL));
    REFUSED(tow_post_message(server, 1, &(tow_message){.type = TOW_TEXT, .length = 1}));
    REFUSED(tow_post_shared(NULL, 1, shared));
    REFUSED(tow_post_shared(server, 1, NULL));
    REFUSED(tow_post_shared_many(NULL, &id, 1, shared));
    REFUSED(tow_post_shared_many(server, NULL, 1, shared));
    REFUSED(tow_post_shared_many(server, &id, 1, NULL));
    assert_int_equal(tow_server_posted_amount(NULL), 0);
    REFUSED(tow_post_close(NULL, 1, 1000, NULL));
    tow_shared_release(shared);
    tow_server_free(server);
}

static void requests(void **state) {
    (void)state;
    assert_string_equal(tow_request_method(NULL), "");
    assert_string_equal(tow_request_target(NULL), "");
    assert_string_equal(tow_request_path(NULL), "");
    assert_string_equal(tow_request_query(NULL), "");
    assert_string_equal(tow_request_peer(NULL), "");
    assert_null(tow_request_header(NULL, "Host"));
    assert_null(tow_request_user(NULL));
    assert_string_equal(tow_request_scheme(NULL), "");
    assert_null(tow_request_headers(NULL));
    assert_null(tow_request_parameter(NULL, "a"));
    assert_null(tow_request_parameters(NULL));
    assert_null(tow_request_cookie(NULL, "a"));
    assert_null(tow_request_cookies(NULL));
    assert_null(tow_request_certificate_subject(NULL));
    assert_null(tow_request_certificate_fingerprint(NULL));
    assert_null(tow_websocket_response(NULL));
    assert_int_equal(tow_response_status(NULL), 0);
    assert_string_equal(tow_response_reason(NULL), "");
    assert_null(tow_response_header(NULL, "Host"));
    assert_null(tow_response_headers(NULL)->name);
    REFUSED(tow_exchange_respond(NULL, 200, NULL, NULL, 0));
    REFUSED(tow_exchange_keep_sized(NULL, NULL, 0));
    assert_null(tow_exchange_request(NULL));
    assert_null(tow_exchange_loop(NULL));
    REFUSED(tow_exchange_accept_sized(NULL, NULL, 0));
    REFUSED(tow_exchange_reject(NULL, 403, NULL));
    REFUSED(tow_exchange_field(NULL, "A", "b"));
    REFUSED(tow_exchange_begin(NULL, 200, NULL, 0));
    REFUSED(tow_exchange_write(NULL, "", 0));
    REFUSED(tow_exchange_end(NULL));
    REFUSED(tow_exchange_send_file(NULL, 200, NULL, -1, 0, 0));
    REFUSED(tow_exchange_read_body(NULL, 0, NULL, NULL));
    REFUSED(tow_exchange_read_pieces(NULL, NULL, NULL));
    assert_int_equal(tow_exchange_buffered_amount(NULL), 0);
    tow_exchange_pause(NULL);
    tow_exchange_resume(NULL);
    tow_exchange_reset(NULL);
}

static void byte_streams_made(void **state) {
    (void)state;
    static const tow_byte_stream_functions functions = {0};
    tow_loop *loop = new_loop();
    tow_byte_stream *stream;
    tow_byte_listener *listener;
    REFUSED(tow_byte_stream_connect_sized(NULL, loop, "1", NULL, 0));
    REFUSED(tow_byte_stream_connect_sized(&stream, NULL, "1", NULL, 0));
    REFUSED(tow_byte_stream_connect_sized(&stream, loop, NULL, NULL, 0));
    REFUSED(tow_byte_stream_from_websocket_sized(&stream, NULL, NULL, 0));
    REFUSED(tow_byte_stream_new_sized(NULL, loop, &functions, sizeof(functions), NULL, NULL, 0));
    REFUSED(tow_byte_stream_new_sized(&stream, NULL, &functions, sizeof(functions), NULL, NULL, 0));
    REFUSED(tow_byte_stream_new_sized(&stream, loop, NULL, 0, NULL, NULL, 0));
    REFUSED(tow_byte_stream_new_sized(&stream, loop, &functions, sizeof(functions), NULL, NULL, 0));
    REFUSED(tow_byte_listener_new_sized(NULL, loop, "localhost:0", accepted, NULL, 0));
    REFUSED(tow_byte_listener_new_sized(&listener, NULL, "localhost:0", accepted, NULL, 0));
    REFUSED(tow_byte_listener_new_sized(&listener, loop, NULL, accepted, NULL, 0));
    REFUSED(tow_byte_listener_new_sized(&listener, loop, "localhost:0", NULL, NULL, 0));
    assert_int_equal(tow_byte_listener_port(NULL), 0);
    tow_byte_listener_free(NULL);
    tow_loop_free(loop);
}

static void byte_streams(void **state) {
    (void)state;
    char text[8];
    REFUSED(tow_byte_stream_write(NULL, NULL, 0));
    REFUSED(tow_byte_stream_peer(NULL, text, sizeof(text)));
    tow_byte_stream_pause(NULL);
    tow_byte_stream_resume(NULL);
    tow_byte_stream_shutdown(NULL);
    tow_byte_stream_close(NULL);
    tow_byte_stream_reset(NULL);
    tow_byte_stream_set_user(NULL, text);
    assert_null(tow_byte_stream_user(NULL));
    assert_null(tow_byte_stream_loop(NULL));
    tow_byte_stream_tell_bytes(NULL, text, 1);
    tow_byte_stream_tell_writable(NULL);
    tow_byte_stream_tell_end(NULL);
    tow_byte_stream_tell_error(NULL, TOW_ERROR_RESET, NULL);
    tow_byte_stream_tell_closed(NULL);
}

static void openings_and_frames(void **state) {
    (void)state;
    static const uint8_t key[16] = {0};
    uint8_t bytes[16] = {0};
    char text[32];
    tow_frame_header header = {0};
    tow_opening_key(NULL, key);
    tow_opening_key(text, NULL);
    REFUSED(tow_opening_accept(NULL, "dGhlIHNhbXBsZSBub25jZQ=="));
    REFUSED(tow_opening_accept(text, NULL));
    REFUSED(tow_frame_header_read(NULL, bytes, 2));
    REFUSED(tow_frame_header_read(&header, NULL, 2));
    assert_int_equal(tow_frame_header_write(NULL, &header), 0);
    assert_int_equal(tow_frame_header_write(bytes, NULL), 0);
    assert_int_equal(tow_frame_header_length(0, false), 2);
    tow_mask(NULL, 4, key, 0);
    tow_mask(bytes, 4, NULL, 0);
    tow_mask_copy(NULL, bytes, 4, key);
    tow_mask_copy(bytes, NULL, 4, key);
    tow_mask_copy(bytes, bytes + 8, 4, NULL);
}

static void closes_and_texts(void **state) {
    (void)state;
    uint8_t payload[TOW_CONTROL_PAYLOAD_MAX] = {3, 232};
    uint16_t code;
    const char *reason;
    size_t length;
    tow_utf8_state utf8 = 0;
    REFUSED(tow_close_payload_read(NULL, 2, &code, &reason, &length));
    REFUSED(tow_close_payload_read(payload, 2, NULL, &reason, &length));
    REFUSED(tow_close_payload_read(payload, 2, &code, NULL, &length));
    REFUSED(tow_close_payload_read(payload, 2, &code, &reason, NULL));
    assert_int_equal(tow_close_payload_write(NULL, 1000, NULL, 0), 0);
    assert_int_equal(tow_close_payload_write(payload, 1000, NULL, 5), 2);
    assert_true(tow_close_code_is_legal(1000));
    assert_int_equal(tow_close_code_for_error(TOW_ERROR_ARGUMENT), TOW_CLOSE_PROTOCOL_ERROR);
    assert_false(tow_utf8_check(NULL, payload, 1));
    assert_false(tow_utf8_check(&utf8, NULL, 1));
    assert_true(tow_utf8_check(&utf8, NULL, 0));
    assert_string_equal(tow_strerror(TOW_ERROR_ARGUMENT), "an argument is not valid");
    assert_string_equal(tow_error_name(TOW_ERROR_ARGUMENT), "TOW_ERROR_ARGUMENT");
    assert_non_null(tow_version());
    assert_int_equal(tow_version_number(), TOWLINE_VERSION_NUMBER);
}

static void receivers(void **state) {
    (void)state;
    const tow_receiver_rules rules = {.max_message = 10};
    uint8_t bytes[2] = {0x81, 0x80};
    uint8_t *next = bytes;
    size_t length = sizeof(bytes);
    tow_received event;
    tow_receiver *receiver;
    REFUSED(tow_receiver_new(NULL));
    assert_int_equal(tow_receiver_new(&receiver), 0);
    assert_int_equal(tow_receiver_next(NULL, &rules, &next, &length, &event), TOW_RECEIVED_FAILED);
    REFUSED(event.error);
    assert_int_equal(tow_receiver_next(receiver, NULL, &next, &length, &event), TOW_RECEIVED_FAILED);
    assert_int_equal(tow_receiver_next(receiver, &rules, NULL, &length, &event), TOW_RECEIVED_FAILED);
    assert_int_equal(tow_receiver_next(receiver, &rules, &next, NULL, &event), TOW_RECEIVED_FAILED);
    assert_int_equal(tow_receiver_next(receiver, &rules, &next, &length, NULL), TOW_RECEIVED_FAILED);
    assert_false(tow_receiver_in_message(NULL));
    assert_true(tow_receiver_is_done(NULL));
    tow_receiver_free(receiver);
    tow_receiver_free(NULL);
}

static void note_channel(void *user, const char *name, size_t subscribers) {
    (void)user;
    (void)name;
    (void)subscribers;
    fail();
}

static void channels(void **state) {
    (void)state;
    tow_server *server;
    const tow_publication publication = {.data = "a", .length = 1};
    assert_int_equal(tow_server_new(&server, NULL), 0);
    REFUSED(tow_channel_subscribe(NULL, "news"));
    REFUSED(tow_channel_unsubscribe(NULL, "news"));
    REFUSED(tow_channel_publish_sized(NULL, "news", &publication, sizeof(publication)));
    REFUSED(tow_channel_publish_sized(server, NULL, &publication, sizeof(publication)));
    REFUSED(tow_channel_publish_sized(server, "news", NULL, 0));
    assert_int_equal(tow_channel_subscribers(NULL, "news"), 0);
    assert_int_equal(tow_channel_subscribers(server, NULL), 0);
    REFUSED(tow_channel_list(NULL, "", note_channel, NULL));
    REFUSED(tow_channel_list(server, NULL, note_channel, NULL));
    REFUSED(tow_channel_list(server, "", NULL, NULL));
    tow_server_free(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops),
        cmocka_unit_test(timers),
        cmocka_unit_test(sockets_opened),
        cmocka_unit_test(sockets),
        cmocka_unit_test(data_of_sockets),
        cmocka_unit_test(reconnectors_and_blocking_clients),
        cmocka_unit_test(servers),
        cmocka_unit_test(posts),
        cmocka_unit_test(requests),
        cmocka_unit_test(byte_streams_made),
        cmocka_unit_test(byte_streams),
        cmocka_unit_test(openings_and_frames),
        cmocka_unit_test(closes_and_texts),
        cmocka_unit_test(receivers),
        cmocka_unit_test(channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
