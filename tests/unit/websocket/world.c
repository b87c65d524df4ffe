#include "world.h"

#include <stdlib.h>
#include <unistd.h>

/* Endpoints. */

static endpoint *endpoint_of(tow_websocket *socket) {
    return (endpoint *)(void *)socket;
}

static void open(tow_websocket *socket) {
    endpoint *end = endpoint_of(socket);
    end->opens++;
    if (end->then_open != NULL)
        end->then_open(end);
}

static void message(tow_websocket *socket, const tow_message *message) {
    endpoint *end = endpoint_of(socket);
    uint8_t head[5] = {(uint8_t)message->type};
    uint32_t length = (uint32_t)message->length;
    memcpy(head + 1, &length, 4);
    end->messages++;
    if (!end->echoes) {
        tow_buffer_append(&end->heard, head, sizeof(head));
        tow_buffer_append(&end->heard, message->data, message->length);
    } else {
        end->sent = tow_websocket_send(socket, message->type, message->data, message->length);
    }
    if (end->then_message != NULL)
        end->then_message(end, message);
}

static void piece(tow_websocket *socket, const tow_message_piece *piece) {
    endpoint *end = endpoint_of(socket);
    assert_int_equal(piece->first, !end->in_message);
    assert_true(piece->length > 0 || piece->first || piece->last);
    assert_true(piece->length <= 512 * 1024);
    end->in_message = !piece->last;
    end->pieces++;
    if (end->echoes)
        end->sent = tow_websocket_send_piece(socket, piece);
    else
        tow_buffer_append(&end->whole, piece->data, piece->length);
    if (piece->last && end->echoes)
        end->messages++;
    if (piece->last && !end->echoes) {
        tow_message all = {.type = piece->type, .data = end->whole.data, .length = end->whole.length};
        end->messages++;
        uint8_t head[5] = {(uint8_t)all.type};
        uint32_t length = (uint32_t)all.length;
        memcpy(head + 1, &length, 4);
        tow_buffer_append(&end->heard, head, sizeof(head));
        tow_buffer_append(&end->heard, all.data, all.length);
        end->whole.length = 0;
    }
    if (end->then_piece != NULL)
        end->then_piece(end, piece);
}

static void failed(tow_websocket *socket, const tow_error_event *event) {
    endpoint *end = endpoint_of(socket);
    assert_int_equal(end->closes, 0);
    tow_cause cause = tow_websocket_how_it_ended(socket).cause;
    bool is_limit = tow_cause_ender(cause) == TOW_ENDED_BY_LIMIT;
    assert_string_equal(
        event->text, is_limit ? tow_cause_reason(cause, event->error) : tow_strerror(event->error));
    end->errors++;
    end->error = event->error;
    if (end->then_error != NULL)
        end->then_error(end);
}

static void closed(tow_websocket *socket, const tow_close_event *event) {
    endpoint *end = endpoint_of(socket);
    assert_int_equal(tow_websocket_ready_state(socket), TOW_CLOSED);
    end->closes++;
    end->code = event->code;
    end->was_clean = event->was_clean;
    assert_true(event->reason_length < sizeof(end->reason));
    memcpy(end->reason, event->reason, event->reason_length);
    end->reason[event->reason_length] = '\0';
    if (end->then_close != NULL)
        end->then_close(end);
}

static void drained(tow_websocket *socket) {
    endpoint *end = endpoint_of(socket);
    end->drains++;
    if (end->then_drain != NULL)
        end->then_drain(end);
}

static void pinged(tow_websocket *socket, const void *payload, size_t length) {
    endpoint *end = endpoint_of(socket);
    end->pings++;
    tow_buffer_append(&end->controls, payload, length);
    if (end->then_ping != NULL)
        end->then_ping(end);
}

static void ponged(tow_websocket *socket, const void *payload, size_t length) {
    endpoint *end = endpoint_of(socket);
    end->pongs++;
    tow_buffer_append(&end->controls, payload, length);
    if (end->then_pong != NULL)
        end->then_pong(end);
}

static void gone(tow_websocket *socket) {
    endpoint *end = endpoint_of(socket);
    assert_int_equal(end->closes, end->wrapped ? 0 : 1);
    end->gone++;
}

static uint64_t address(const tow_websocket *socket) {
    return ((const endpoint *)(const void *)socket)->address;
}

static const tow_socket_owner owner = {.address = address, .gone = gone};

static void endpoint_init(endpoint *end, test_world *world, tow_role role) {
    end->world = world;
    end->behaviour = (tow_behaviour){
        .role = role,
        .on_open = open,
        .on_message = message,
        .on_error = failed,
        .on_close = closed,
        .on_drain = drained,
        .on_ping = pinged,
        .on_pong = ponged,
        .owner = &owner,
        .limits = world->limits,
        .url = "",
    };
    tow_behaviour_receive_by(&end->behaviour, message, end->streams ? piece : NULL);
    tow_limits_resolve(&end->behaviour.limits, TOW_ROLE_SERVER, NULL);
}

static void endpoint_clear(endpoint *end) {
    if (end->opens > 0 && end->gone == 0)
        fail_msg("a socket was not closed");
    tow_websocket_clear(&end->socket);
    tow_buffer_clear(&end->heard);
    tow_buffer_clear(&end->whole);
    tow_buffer_clear(&end->controls);
}

static void endpoint_start(endpoint *end) {
    test_world *world = end->world;
    tow_slice protocol = world->protocol == NULL ? (tow_slice){0} : tow_slice_from(world->protocol);
    int error = tow_websocket_start(
        &end->socket, world->context, &end->behaviour, protocol, &world->agreement, NULL, 0);
    if (error != 0)
        tow_stream_reset(&end->socket.stream);
}

/* The server's side. */

static void ignore(tow_stream *stream) {
    (void)stream;
}

static void ignore_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    (void)stream;
    (void)bytes;
    (void)length;
}

static void ignore_error(tow_stream *stream, int error) {
    (void)error;
    tow_stream_close(stream);
}

static const tow_stream_events before_start = {.on_bytes = ignore_bytes,
    .on_writable = ignore,
    .on_end = ignore,
    .on_error = ignore_error,
    .on_closed = ignore};

static void accepted(tow_listener *listener, int fd) {
    test_world *world = listener->user;
    int error = tow_stream_adopt(&world->server.socket.stream, world->loop, fd, &before_start);
    if (error != 0)
        tow_loop_discard(world->loop, fd);
    else
        endpoint_start(&world->server);
}

/* The client's side. */

static void connected(tow_stream *stream) {
    endpoint *end = (endpoint *)(void *)stream;
    endpoint_start(end);
}

static const tow_stream_events client_before_start = {.on_bytes = ignore_bytes,
    .on_writable = connected,
    .on_end = ignore,
    .on_error = ignore_error,
    .on_closed = ignore};

/* The peer. */

static test_peer *peer_of(tow_stream *stream) {
    return (test_peer *)(void *)stream;
}

static void peer_write(test_peer *peer) {
    while (peer->connected && !peer->closed && peer->written < peer->outgoing.length &&
           !tow_stream_is_blocked(&peer->stream)) {
        size_t length = peer->outgoing.length - peer->written;
        if (peer->step != 0 && length > peer->step)
            length = peer->step;
        struct iovec piece = {.iov_base = peer->outgoing.data + peer->written, .iov_len = length};
        ssize_t taken = tow_stream_write(&peer->stream, &piece, 1);
        if (taken <= 0)
            return;
        peer->written += (size_t)taken;
    }
    if (peer->shuts && peer->connected && peer->written == peer->outgoing.length)
        tow_stream_shutdown(&peer->stream);
}

static void peer_bytes_came(tow_stream *stream, uint8_t *bytes, size_t length) {
    tow_buffer_append(&peer_of(stream)->received, bytes, length);
}

static void peer_is_writable(tow_stream *stream) {
    peer_of(stream)->connected = true;
    peer_write(peer_of(stream));
}

static void peer_ended(tow_stream *stream) {
    peer_of(stream)->ended = true;
}

static void peer_failed(tow_stream *stream, int error) {
    peer_of(stream)->error = error;
    tow_stream_close(stream);
}

static void peer_closed(tow_stream *stream) {
    peer_of(stream)->closed = true;
}

static uint8_t *peer_receives_into(tow_stream *stream, size_t *length) {
    static uint8_t bytes[64 * 1024];
    *length = peer_of(stream)->bite;
    return *length == 0 ? NULL : bytes;
}

static const tow_stream_events peer_events = {.on_bytes = peer_bytes_came,
    .receive_into = peer_receives_into,
    .on_writable = peer_is_writable,
    .on_end = peer_ended,
    .on_error = peer_failed,
    .on_closed = peer_closed};

void peer_bytes(test_peer *peer, const void *bytes, size_t length) {
    assert_int_equal(tow_buffer_append(&peer->outgoing, bytes, length), 0);
    peer_write(peer);
}

void frame_append(tow_buffer *out, uint8_t first_byte, const void *payload, size_t length) {
    static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};
    tow_frame_header header = {.payload_length = length,
        .opcode = first_byte & 15,
        .reserved_bits = (first_byte >> 4) & 7,
        .final = first_byte >> 7,
        .masked = true};
    memcpy(header.masking_key, key, 4);
    assert_int_equal(tow_buffer_reserve(out, length + TOW_FRAME_HEADER_MAX), 0);
    out->length += tow_frame_header_write(out->data + out->length, &header);
    for (size_t i = 0; i < length; i++)
        out->data[out->length++] = ((const uint8_t *)payload)[i] ^ key[i % 4];
}

void peer_frame(test_peer *peer, uint8_t first_byte, const void *payload, size_t length) {
    frame_append(&peer->outgoing, first_byte, payload, length);
    peer_write(peer);
}

void peer_close(test_peer *peer, uint16_t code, const char *reason) {
    uint8_t payload[TOW_CONTROL_PAYLOAD_MAX];
    size_t length = tow_close_payload_write(payload, code, reason, reason == NULL ? 0 : strlen(reason));
    peer_frame(peer, 0x88, payload, length);
}

void peer_end(test_peer *peer) {
    peer->shuts = true;
    peer_write(peer);
}

void peer_reset(test_peer *peer) {
    tow_stream_reset(&peer->stream);
}

void peer_takes_a_bite(test_world *world, int64_t nanoseconds) {
    size_t before = world->peer.received.length;
    tow_stream_resume(&world->peer.stream);
    world_until(world, world->peer.received.length > before || world->peer.ended || world->peer.closed);
    if (!world->peer.closed)
        tow_stream_pause(&world->peer.stream);
    world_run(world, nanoseconds);
}

bool peer_next_frame(const test_peer *peer, size_t *offset, peer_received_frame *frame) {
    const uint8_t *bytes = peer->received.data + *offset;
    size_t length = peer->received.length - *offset;
    int header_length = length == 0 ? 0 : tow_frame_header_read(&frame->header, bytes, length);
    assert_true(header_length >= 0);
    if (header_length == 0 || length - (size_t)header_length < frame->header.payload_length)
        return false;
    assert_false(frame->header.masked);
    frame->payload = bytes + header_length;
    *offset += (size_t)header_length + (size_t)frame->header.payload_length;
    return true;
}

uint64_t peer_payload_bytes(const test_peer *peer) {
    size_t offset = 0;
    uint64_t payload = 0;
    peer_received_frame frame;
    while (peer_next_frame(peer, &offset, &frame))
        payload += tow_opcode_is_control(frame.header.opcode) ? 0 : frame.header.payload_length;
    size_t rest = peer->received.length - offset;
    int header_length =
        rest == 0 ? 0 : tow_frame_header_read(&frame.header, peer->received.data + offset, rest);
    if (header_length > 0 && !tow_opcode_is_control(frame.header.opcode))
        payload += rest - (size_t)header_length;
    return payload;
}

uint16_t peer_close_code(const test_peer *peer) {
    size_t offset = 0;
    peer_received_frame frame;
    while (peer_next_frame(peer, &offset, &frame)) {
        if (frame.header.opcode != TOW_OPCODE_CLOSE)
            continue;
        uint16_t code;
        const char *reason;
        size_t reason_length;
        size_t length = (size_t)frame.header.payload_length;
        assert_int_equal(tow_close_payload_read(frame.payload, length, &code, &reason, &reason_length), 0);
        assert_int_equal(offset, peer->received.length);
        return code;
    }
    return 0;
}

/* The world. */

/* Both kinds in turn, where the kernel allows io_uring. */
static int new_real_loop(test_world *world) {
    tow_io io = world->simulation.seed / 8 % 2 == 0 ? TOW_IO_EPOLL : TOW_IO_URING;
    int error = tow_loop_new(&world->loop, &(tow_loop_options){.io = io});
    if (error == TOW_ERROR_UNSUPPORTED)
        error = tow_loop_new(&world->loop, &(tow_loop_options){.io = TOW_IO_EPOLL});
    return error;
}

void world_open(test_world *world) {
    tow_address addresses[TOW_ADDRESSES_MAX];
    int error = world->real ? new_real_loop(world) : tow_loop_new_simulated(&world->loop, &world->simulation);
    assert_int_equal(error, 0);
    assert_int_equal(tow_websocket_context_new(&world->context, world->loop, world), 0);
    assert_true(tow_address_parse("127.0.0.1:0", addresses) == 1);
    int fd = tow_listen_socket(world->loop, &addresses[0], &(tow_listen_options){0}, &world->address);
    assert_true(fd >= 0);
    world->listener.user = world;
    assert_int_equal(tow_listener_start(&world->listener, world->loop, fd, accepted), 0);
    endpoint_init(&world->server, world, TOW_ROLE_SERVER);
    endpoint_init(&world->client, world, TOW_ROLE_CLIENT);
}

void world_step(test_world *world) {
    if (world->real)
        usleep(5); /* a step does not wait, and the count of steps is the test's limit */
    assert_true(tow_loop_step(world->loop) >= 0);
}

static void time_is_over(tow_timer *timer) {
    (void)timer;
}

void world_run(test_world *world, int64_t nanoseconds) {
    tow_timer_set(world->loop, &world->timer, tow_loop_now(world->loop) + nanoseconds, time_is_over);
    world_until(world, !tow_timer_is_set(&world->timer));
}

void world_connect_peer(test_world *world) {
    assert_int_equal(tow_stream_connect(&world->peer.stream, world->loop, &world->address, &peer_events), 0);
    world_until(world, world->server.opens == 1 && world->peer.connected);
}

void world_connect_client(test_world *world) {
    assert_int_equal(
        tow_stream_connect(&world->client.socket.stream, world->loop, &world->address, &client_before_start),
        0);
    world_until(world, world->server.opens == 1 && world->client.opens == 1);
}

/* Ends what the test left open. */
void world_close(test_world *world) {
    if (world->peer.connected && !world->peer.closed)
        tow_stream_close(&world->peer.stream);
    if (world->server.opens > 0)
        tow_websocket_abort(&world->server.socket, TOW_CAUSE_APPLICATION_RESET, 0);
    if (world->client.opens > 0)
        tow_websocket_abort(&world->client.socket, TOW_CAUSE_APPLICATION_RESET, 0);
    world_until(world, (world->server.opens == 0 || world->server.gone == 1) &&
                           (world->client.opens == 0 || world->client.gone == 1) &&
                           (!world->peer.connected || world->peer.closed));
    tow_listener_stop(&world->listener);
    world_step(world);
    endpoint_clear(&world->server);
    endpoint_clear(&world->client);
    tow_buffer_clear(&world->peer.outgoing);
    tow_buffer_clear(&world->peer.received);
    tow_websocket_context_free(world->context);
    tow_loop_free(world->loop);
}

void pattern_fill(uint8_t *bytes, size_t length, uint8_t seed) {
    uint32_t state = seed + 1U;
    for (size_t i = 0; i < length; i++) {
        state = state * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(state >> 24);
    }
}

void assert_heard(
    const endpoint *end, size_t number, tow_message_type type, const void *data, size_t length) {
    size_t offset = 0;
    uint32_t heard = 0;
    for (size_t i = 0;; i++) {
        assert_true(offset + 5 <= end->heard.length);
        memcpy(&heard, end->heard.data + offset + 1, 4);
        if (i == number)
            break;
        offset += 5 + heard;
    }
    assert_int_equal(end->heard.data[offset], type);
    assert_int_equal(heard, length);
    assert_memory_equal(end->heard.data + offset + 5, data, length);
}
