#include "stage.h"

#include "protocol/frame.h"

static struct stage *stage_of(tow_socketio_socket *socket) {
    return tow_socketio_user(socket);
}

__attribute__((format(printf, 2, 3))) static void note(struct stage *stage, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    assert_int_equal(tow_buffer_append_format_list(&stage->heard, format, arguments), 0);
    va_end(arguments);
    assert_int_equal(tow_buffer_append(&stage->heard, "\n", 2), 0);
    stage->heard.length--;
}

/* The application. */

static void forget(struct stage *stage, const tow_socketio_socket *socket) {
    for (size_t i = 0; i < stage->socket_count; i++) {
        if (stage->sockets[i] != socket)
            continue;
        stage->socket_count--;
        memmove(&stage->sockets[i], &stage->sockets[i + 1],
            (stage->socket_count - i) * sizeof(stage->sockets[0]));
        return;
    }
    fail_msg("a socket is disconnected that was not connected");
}

static void on_connect(tow_socketio_socket *socket, const tow_socketio_arguments *auth) {
    struct stage *stage = stage_of(socket);
    note(stage, "connect %s %.*s", tow_socketio_scope_name(socket), (int)auth->length,
        auth->length > 0 ? auth->json : "");
    if (stage->then_connect != NULL) {
        stage->then_connect(stage, socket, auth);
        return;
    }
    const tow_socketio_arguments none = {.json = "{}"};
    assert_int_equal(tow_socketio_emit(socket, "auth", auth->length > 0 ? auth : &none), 0);
    assert_true(stage->socket_count < STAGE_SOCKETS);
    stage->sockets[stage->socket_count++] = socket;
}

static void on_disconnect(tow_socketio_socket *socket, tow_socketio_reason reason) {
    static const char *const reasons[] = {"client", "server", "transport", "parse error"};
    struct stage *stage = stage_of(socket);
    note(stage, "disconnect %s %s", tow_socketio_scope_name(socket), reasons[reason]);
    assert_int_equal(tow_socketio_emit(socket, "late", NULL), TOW_ERROR_CLOSED);
    assert_int_equal(tow_socketio_join(socket, "late"), TOW_ERROR_CLOSED);
    if (stage->then_disconnect != NULL)
        stage->then_disconnect(stage, socket);
    else
        forget(stage, socket);
}

static void echo(tow_socketio_socket *socket, const tow_socketio_event *event) {
    assert_int_equal(tow_socketio_emit(socket, "message-back", &event->arguments), 0);
}

static void acknowledge(tow_socketio_socket *socket, const tow_socketio_event *event) {
    assert_int_equal(tow_socketio_acknowledge(socket, event->ack, &event->arguments), 0);
}

static void hear(tow_socketio_socket *socket, const tow_socketio_event *event) {
    struct stage *stage = stage_of(socket);
    assert_int_equal(strlen(event->name), event->name_length);
    note(stage, "%s %.*s", event->name, (int)event->arguments.length,
        event->arguments.json != NULL ? event->arguments.json : "");
    if (stage->then_event != NULL)
        stage->then_event(stage, socket, event);
}

static const char *const shared[] = {"shared", NULL};
static const tow_socketio_listener listeners[] = {{"message", echo}, {"message-with-ack", acknowledge}, {0}};

void stage_begin_with(struct stage *stage, const tow_simulation_options *simulation,
    const tow_server_options *server, const tow_socketio_options *options) {
    memset(stage, 0, sizeof(*stage));
    world_make(&stage->world, simulation, server);
    assert_int_equal(tow_socketio_new(&stage->io, stage->world.server, options), 0);
    tow_socketio_handler handler = {.user = stage,
        .on_connect = on_connect,
        .listeners = listeners,
        .on_event = hear,
        .on_disconnect = on_disconnect,
        .share = shared};
    assert_int_equal(tow_socketio_namespace(stage->io, "/", &handler), 0);
    handler.listeners = NULL;
    assert_int_equal(tow_socketio_namespace(stage->io, "/custom", &handler), 0);
    world_listen(&stage->world);
}

void stage_begin(struct stage *stage, uint64_t seed, const tow_socketio_options *options) {
    stage_begin_with(stage, &(tow_simulation_options){.seed = seed}, &(tow_server_options){0}, options);
}

void stage_end(struct stage *stage) {
    world_end(&stage->world);
    assert_int_equal(stage->socket_count, 0);
    tow_socketio_free(stage->io);
    tow_buffer_clear(&stage->heard);
}

bool stage_heard(const struct stage *stage, const char *line) {
    size_t length = strlen(line);
    const char *at = stage->heard.length > 0 ? (const char *)stage->heard.data : "";
    for (; (at = strstr(at, line)) != NULL; at++) {
        if ((at == (const char *)stage->heard.data || at[-1] == '\n') && at[length] == '\n')
            return true;
    }
    return false;
}

void stage_expect(struct stage *stage, const char *line) {
    for (int i = 0; i < 200 && !stage_heard(stage, line); i++)
        world_run(&stage->world, 10);
    if (!stage_heard(stage, line))
        fail_msg("%s was not heard, but:\n%s", line,
            stage->heard.length > 0 ? (const char *)stage->heard.data : "");
}

/* Peers. */

static void say(struct peer *peer, uint8_t opcode, const void *payload, size_t length) {
    uint8_t head[14] = {(uint8_t)(0x80 | opcode)};
    size_t used = 2;
    if (length < 126) {
        head[1] = (uint8_t)(0x80 | length);
    } else if (length < 65536) {
        head[1] = 0x80 | 126;
        head[2] = (uint8_t)(length >> 8);
        head[3] = (uint8_t)length;
        used = 4;
    } else {
        head[1] = 0x80 | 127;
        for (size_t i = 0; i < 8; i++)
            head[2 + i] = (uint8_t)((uint64_t)length >> (56 - 8 * i));
        used = 10;
    }
    peer_send(peer, head, used + 4); /* with a mask of zeros */
    peer_send(peer, payload, length);
}

void peer_open(struct peer *peer, struct stage *stage) {
    peer_connect(peer, &stage->world);
    peer_text(peer, OPENING("/socket.io"));
    peer_expect(peer, "\r\n\r\n");
    assert_true(peer_has(peer, OPENED));
}

void peer_enter(struct peer *peer, struct stage *stage) {
    peer_open(peer, stage);
    peer_say(peer, "0");
    peer_expect_text(peer, "2[\"auth\",{}]");
}

void peer_say(struct peer *peer, const char *text) {
    say(peer, 1, text, strlen(text));
}

void peer_bytes(struct peer *peer, const void *bytes, size_t length) {
    say(peer, 2, bytes, length);
}

bool peer_has_text(const struct peer *peer, const char *text) {
    return peer_has_frame(peer, 1, text, strlen(text));
}

void peer_expect_text(struct peer *peer, const char *text) {
    peer_expect_frame(peer, 1, text, strlen(text));
}

static bool has_close(const struct peer *peer, uint16_t code) {
    for (size_t i = 0; i + 4 <= peer->in.length; i++) {
        const uint8_t *at = peer->in.data + i;
        if (at[0] == 0x88 && at[1] >= 2 && at[2] == code >> 8 && at[3] == (code & 0xff))
            return true;
    }
    return false;
}

void peer_expect_close(struct peer *peer, uint16_t code) {
    for (int i = 0; i < 300 && !has_close(peer, code); i++)
        world_run(peer->world, 10);
    assert_true(has_close(peer, code));
}

void peer_id(const struct peer *peer, char id[ID_LENGTH + 1]) {
    const char *found = NULL;
    const char *in = (const char *)peer->in.data;
    for (size_t i = 0; i + 10 + ID_LENGTH < peer->in.length; i++) {
        if (memcmp(in + i, "{\"sid\":\"", 8) == 0)
            found = in + i + 8;
    }
    assert_non_null(found);
    memcpy(id, found, ID_LENGTH);
    id[ID_LENGTH] = '\0';
}
