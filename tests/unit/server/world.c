#include "world.h"

#include "../../../src/server/guests.h"
#include "../../../src/server/worker.h"
#include "base/buffer.h"
#include "transport/address.h"

#include <towline/error.h>

enum { WAIT_MILLISECONDS = 2000 };

static void note(void *user, int level, const char *line) {
    tow_buffer *log = user;
    assert_int_equal(tow_buffer_append_format(log, "%d %s\n", level, line), 0);
}

void world_make(
    struct world *world, const tow_simulation_options *simulation, const tow_server_options *options) {
    memset(world, 0, sizeof(*world));
    assert_int_equal(tow_loop_new_simulated(&world->loop, simulation), 0);
    tow_server_options filled = *options;
    filled.loop = world->loop;
    filled.on_log = note;
    filled.log_user = &world->log; /* on_log_entry, if it is set, gets the lines instead */
    if (filled.listen == NULL && filled.listens == NULL)
        filled.listen = "127.0.0.1:9998";
    world->chance = simulation->seed;
    assert_int_equal(tow_server_new(&world->server, &filled), 0);
}

void world_listen(struct world *world) {
    assert_int_equal(tow_server_listen(world->server), 0);
}

void world_listen_on_two(struct world *world) {
    world_listen(world);
    assert_int_equal(world->server->worker_count, 2);
    assert_int_equal(
        tow_loop_new_simulated(&world->other, &(tow_simulation_options){.with = world->loop}), 0);
    assert_int_equal(tow_worker_begin(&world->server->workers[1], world->other, false), 0);
}

/* One of the two may be slow for a while. */
int world_step(struct world *world) {
    enum { WHILE = 32, ODDS = 8 };
    if (world->other == NULL)
        return tow_loop_step(world->loop);
    world->chance = world->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    if (world->rounds++ % WHILE == 0)
        world->odds = 1 + (unsigned)(world->chance >> 40) % (ODDS - 1);
    bool is_others = (unsigned)(world->chance >> 50) % ODDS < world->odds;
    return tow_loop_step(is_others ? world->other : world->loop);
}

static void ring(tow_timer *timer) {
    struct world *w = (struct world *)((char *)timer - offsetof(struct world, clock));
    w->rang = true;
}

static void set_clock(struct world *world, int milliseconds) {
    world->rang = false;
    tow_timer_set(
        world->loop, &world->clock, tow_loop_now(world->loop) + milliseconds * TOW_MILLISECOND, ring);
}

void world_run(struct world *world, int milliseconds) {
    set_clock(world, milliseconds);
    while (!world->rang) {
        int result = world_step(world);
        assert_true(result >= 0 || result == TOW_ERROR_MEMORY); /* then the network tries again */
    }
}

void world_run_a_little(struct world *world, unsigned rounds) {
    set_clock(world, 1);
    for (; rounds > 0 && !world->rang; rounds--)
        assert_true(world_step(world) >= 0);
}

static bool is_done(const struct world *world) {
    return tow_server_is_done(world->server) &&
           (world->other == NULL || world->server->workers[1].drain == TOW_WORKER_DONE);
}

/* As its thread would. */
static void other_end(struct world *world) {
    tow_worker *worker = &world->server->workers[1];
    tow_guests_leave_worker(worker);
    tow_worker_channels_end(worker);
    tow_worker_end(worker);
    worker->loop = NULL;
    tow_loop_free(world->other);
}

void world_end(struct world *world) {
    tow_server_stop(world->server);
    set_clock(world, 600000);
    while (!is_done(world) && !world->rang)
        assert_true(world_step(world) >= 0);
    assert_true(tow_server_is_done(world->server));
    tow_timer_cancel(world->loop, &world->clock);
    if (world->other != NULL)
        other_end(world);
    tow_server_free(world->server);
    tow_loop_free(world->loop);
    tow_buffer_clear(&world->log);
}

bool world_logged(const struct world *world, const char *text) {
    return world->log.length > 0 && strstr((const char *)world->log.data, text) != NULL;
}

long world_metric(struct world *world, const char *name) {
    struct peer peer;
    char line[128];
    peer_connect_to(&peer, world, "127.0.0.1:9999");
    peer_text(&peer, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    peer_expect_end(&peer);
    snprintf(line, sizeof(line), "\ntowline_%s ", name);
    const char *found = strstr((const char *)peer.in.data, line);
    if (found == NULL)
        fail_msg("no metric %s in %s", name, (const char *)peer.in.data);
    long value = strtol(found + strlen(line), NULL, 10);
    peer_close(&peer);
    return value;
}

/* Peers */

static void append(tow_buffer *buffer, const void *bytes, size_t length) {
    assert_int_equal(tow_buffer_reserve(buffer, length + 1), 0);
    assert_int_equal(tow_buffer_append(buffer, bytes, length), 0);
    buffer->data[buffer->length] = '\0';
}

static void push(struct peer *peer) {
    while (peer->connected && peer->out.length > 0 && !tow_stream_is_blocked(&peer->stream)) {
        struct iovec piece = {.iov_base = peer->out.data, .iov_len = peer->out.length};
        ssize_t taken = tow_stream_write(&peer->stream, &piece, 1);
        if (taken <= 0)
            return;
        tow_buffer_consume(&peer->out, (size_t)taken);
    }
}

static void on_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    append(&((struct peer *)stream)->in, bytes, length);
}

static void on_unsent(tow_stream *stream, const uint8_t *segment, size_t length, size_t taken) {
    fail_msg("a peer does not cork");
}

static void on_writable(tow_stream *stream) {
    struct peer *p = (struct peer *)stream;
    if (p->tls != NULL && !tow_stream_is_secure(stream)) {
        assert_int_equal(tow_stream_start_tls(stream, p->tls, p->name), 0);
        return;
    }
    p->connected = true;
    push(p);
}

static void on_end(tow_stream *stream) {
    ((struct peer *)stream)->ended = true;
}

static void on_error(tow_stream *stream, int error) {
    struct peer *p = (struct peer *)stream;
    p->failed = true;
    tow_stream_close(stream);
}

static void on_closed(tow_stream *stream) {
    ((struct peer *)stream)->used = false;
}

static const tow_stream_events events = {
    .on_bytes = on_bytes,
    .on_unsent = on_unsent,
    .on_writable = on_writable,
    .on_end = on_end,
    .on_error = on_error,
    .on_closed = on_closed,
};

void peer_connect_to(struct peer *peer, struct world *world, const char *address) {
    tow_address parsed[TOW_ADDRESSES_MAX];
    memset(peer, 0, sizeof(*peer));
    peer->world = world;
    append(&peer->in, "", 0);
    assert_true(tow_address_parse(address, parsed) > 0);
    assert_int_equal(tow_stream_connect(&peer->stream, world->loop, &parsed[0], &events), 0);
    peer->used = true;
}

void peer_connect(struct peer *peer, struct world *world) {
    peer_connect_to(peer, world, "127.0.0.1:9998");
}

void peer_connect_secure(struct peer *peer, struct world *world, tow_tls_context *tls) {
    peer_connect(peer, world);
    peer->tls = tls;
}

void peer_send(struct peer *peer, const void *bytes, size_t length) {
    append(&peer->out, bytes, length);
    push(peer);
}

void peer_text(struct peer *peer, const char *text) {
    peer_send(peer, text, strlen(text));
}

void peer_trickle(struct peer *peer, const void *bytes, size_t length) {
    for (size_t i = 0; i < length && peer->used && !peer->failed; i++) {
        peer_send(peer, (const char *)bytes + i, 1);
        world_run(peer->world, 2);
    }
}

bool peer_has(const struct peer *peer, const char *text) {
    return memmem(peer->in.data, peer->in.length, text, strlen(text)) != NULL;
}

void peer_expect(struct peer *peer, const char *text) {
    set_clock(peer->world, WAIT_MILLISECONDS);
    while (!peer_has(peer, text)) {
        if (peer->world->rang || world_step(peer->world) < 0)
            fail_msg("waited for \"%s\", received \"%s\"", text, (const char *)peer->in.data);
    }
}

void peer_expect_end(struct peer *peer) {
    set_clock(peer->world, WAIT_MILLISECONDS);
    while (!peer->ended && !peer->failed) {
        if (peer->world->rang || world_step(peer->world) < 0)
            fail_msg("waited for the end, received \"%s\"", (const char *)peer->in.data);
    }
}

void peer_shutdown(struct peer *peer) {
    while (peer->used && peer->out.length > 0)
        assert_true(world_step(peer->world) >= 0);
    tow_stream_shutdown(&peer->stream);
}

static void wait_for_closed(struct peer *peer) {
    while (peer->used)
        assert_true(world_step(peer->world) >= 0);
    tow_buffer_clear(&peer->in);
    tow_buffer_clear(&peer->out);
}

void peer_close(struct peer *peer) {
    if (peer->used)
        tow_stream_close(&peer->stream);
    wait_for_closed(peer);
}

void peer_reset(struct peer *peer) {
    if (peer->used)
        tow_stream_reset(&peer->stream);
    wait_for_closed(peer);
}

/* Frames */

size_t frame_write(uint8_t *out, uint8_t opcode, const void *payload, size_t length) {
    assert_true(length <= 125);
    out[0] = (uint8_t)(0x80 | opcode);
    out[1] = (uint8_t)(0x80 | length);
    memset(out + 2, 0, 4);
    memcpy(out + 6, payload, length);
    return length + 6;
}

void peer_frame(struct peer *peer, uint8_t opcode, const void *payload, size_t length) {
    uint8_t frame[131];
    peer_send(peer, frame, frame_write(frame, opcode, payload, length));
}

void peer_long_frame(struct peer *peer, uint8_t opcode, const void *payload, size_t length) {
    size_t size = length > UINT16_MAX ? 8 : 2;
    uint8_t head[2 + 8 + 4] = {(uint8_t)(0x80 | opcode), size == 8 ? 0xff : 0xfe};
    assert_true(length > 125);
    for (size_t i = 0; i < size; i++)
        head[2 + i] = (uint8_t)((uint64_t)length >> (8 * (size - 1 - i)));
    peer_send(peer, head, 2 + size + 4);
    peer_send(peer, payload, length);
}

bool peer_has_frame(const struct peer *peer, uint8_t opcode, const void *payload, size_t length) {
    uint8_t frame[127];
    assert_true(length <= 125);
    frame[0] = (uint8_t)(0x80 | opcode);
    frame[1] = (uint8_t)length;
    memcpy(frame + 2, payload, length);
    return memmem(peer->in.data, peer->in.length, frame, length + 2) != NULL;
}

void peer_expect_frame(struct peer *peer, uint8_t opcode, const void *payload, size_t length) {
    set_clock(peer->world, WAIT_MILLISECONDS);
    while (!peer_has_frame(peer, opcode, payload, length)) {
        if (peer->world->rang || world_step(peer->world) < 0)
            fail_msg("waited for a frame of %zu bytes, received %zu bytes", length, peer->in.length);
    }
}
