/* What the public functions do with NULL, and with what else can't be meant. */
#include "stage.h"

static void what_needs_something_refuses_null(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    tow_socketio *io = NULL;
    json_t *value;
    stage_begin(&stage, 1, NULL);
    peer_enter(&peer, &stage);
    tow_socketio_socket *socket = stage.sockets[0];
    const tow_socketio_handler handler = {0};
    const tow_socketio_wait wait = {0};
    assert_int_equal(tow_socketio_new_sized(NULL, stage.world.server, NULL, 0), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_new_sized(&io, NULL, NULL, 0), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_new_sized(&io, stage.world.server, &(tow_socketio_options){0}, 10000),
        TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_namespace_sized(NULL, "/x", &handler, sizeof(handler)), TOW_ERROR_ARGUMENT);
    assert_int_equal(
        tow_socketio_namespace_sized(stage.io, NULL, &handler, sizeof(handler)), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_namespace_sized(stage.io, "/x", NULL, 0), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_namespace_sized(stage.io, "/x", &handler, 10000), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_accept(NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_defer(NULL, NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_refuse(NULL, "no", NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_refuse(socket, NULL, NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_emit(NULL, "x", NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_emit(socket, NULL, NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_emit_volatile(NULL, "x", NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_emit_volatile(socket, NULL, NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_emit_with_ack(NULL, "x", NULL, &wait), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_emit_with_ack(socket, "x", NULL, NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_acknowledge(NULL, 0, NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_acknowledge(socket, -1, NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_join(NULL, "a"), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_join(socket, NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_leave(NULL, "a"), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_leave(socket, NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_to(NULL, "a", "x", NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_to(socket, "a", NULL, NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_broadcast(NULL, NULL, "x", NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_broadcast(stage.io, NULL, NULL, NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_disconnect(NULL, false), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_value(NULL, 0, &value), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_value(&(tow_socketio_arguments){.json = "1"}, 0, NULL), TOW_ERROR_ARGUMENT);
    peer_close(&peer);
    stage_end(&stage);
}

static void what_returns_no_error_does_nothing_with_null(void **state) {
    (void)state;
    const char *json;
    size_t length;
    tow_socketio_attachment attachment;
    tow_socketio_free(NULL);
    tow_socketio_set_user(NULL, NULL);
    assert_null(tow_socketio_user(NULL));
    assert_null(tow_socketio_websocket(NULL));
    assert_string_equal(tow_socketio_id(NULL), "");
    assert_string_equal(tow_socketio_scope_name(NULL), "");
    assert_false(tow_socketio_is_in(NULL, "a"));
    assert_false(tow_socketio_was_recovered(NULL));
    assert_false(tow_socketio_argument(NULL, 0, &json, &length));
    assert_false(tow_socketio_binary(NULL, 0, &attachment));
}

/* Each is refused, and what is there already stays. */
static void namespaces_have_names_and_channels(void **state) {
    (void)state;
    struct stage stage;
    char name[102];
    stage_begin(&stage, 2, NULL);
    const tow_socketio_handler handler = {0};
    static const char *const bad[] = {"", "x", "/a,b", "/a?b", "/a\nb", "/\xff"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(tow_socketio_namespace(stage.io, bad[i], &handler), TOW_ERROR_ARGUMENT);
    memset(name, 'x', sizeof(name));
    name[0] = '/';
    name[101] = '\0';
    assert_int_equal(tow_socketio_namespace(stage.io, name, &handler), TOW_ERROR_ARGUMENT);
    name[100] = '\0';
    assert_int_equal(tow_socketio_namespace(stage.io, name, &handler), 0);
    assert_int_equal(tow_socketio_namespace(stage.io, name, &handler), TOW_ERROR_STATE);
    assert_int_equal(tow_socketio_namespace(stage.io, "/main", &handler), TOW_ERROR_STATE); /* as "/" */
    assert_int_equal(
        tow_socketio_namespace(stage.io, "/main", &(tow_socketio_handler){.channel = "other"}), 0);
    assert_int_equal(
        tow_socketio_namespace(stage.io, "/b", &(tow_socketio_handler){.channel = ""}), TOW_ERROR_ARGUMENT);
    const tow_socketio_listener reserved[] = {{"disconnect", NULL}, {0}};
    assert_int_equal(tow_socketio_namespace(stage.io, "/b", &(tow_socketio_handler){.listeners = reserved}),
        TOW_ERROR_ARGUMENT);
    stage_end(&stage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_needs_something_refuses_null),
        cmocka_unit_test(what_returns_no_error_does_nothing_with_null),
        cmocka_unit_test(namespaces_have_names_and_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
