#include "byte_stream_pair.h"

uint8_t noise[BYTES];
uint8_t text[BYTES];

static void text_fill(void) {
    static const char *const characters[] = {"a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    uint32_t state = 1;
    size_t at = 0;
    while (at < BYTES) {
        state = state * 1664525 + 1013904223;
        const char *character = characters[(state >> 24) % 4];
        size_t length = strlen(character);
        bool fits = at % 10 + length <= 10; /* a border at every tenth byte */
        memcpy(text + at, fits ? character : "a", fits ? length : 1);
        at += fits ? length : 1;
    }
}

int samples_fill(void **state) {
    (void)state;
    pattern_fill(noise, sizeof(noise), 1);
    text_fill();
    return 0;
}

/* Callbacks. */

static void side_write(stream_side *side) {
    while (side->out != NULL && side->done < side->length) {
        size_t left = side->length - side->done;
        size_t length = side->step != 0 && side->step < left ? side->step : left;
        tow_bytes pieces[2] = {{.data = side->out + side->done, .length = length / 2},
            {.data = side->out + side->done + length / 2, .length = length - length / 2}};
        int64_t taken = tow_byte_stream_write(side->stream, pieces, 2);
        if (taken < 0) {
            side->refused = taken;
            return;
        }
        assert_true((size_t)taken <= length);
        side->done += (size_t)taken;
        if ((size_t)taken < length)
            return;
    }
    if (side->shuts && side->out != NULL)
        tow_byte_stream_shutdown(side->stream);
}

static void on_bytes(tow_byte_stream *stream, void *bytes, size_t length) {
    stream_side *side = tow_byte_stream_user(stream);
    assert_true(length > 0);
    assert_int_equal(side->ends, 0);
    assert_int_equal(side->errors, 0);
    side->deliveries++;
    tow_buffer_append(&side->heard, bytes, length);
    memset(bytes, 0xee, length);
    if (side->pauses)
        tow_byte_stream_pause(stream);
}

static void on_writable(tow_byte_stream *stream) {
    stream_side *side = tow_byte_stream_user(stream);
    side->writables++;
    side_write(side);
}

static void on_end(tow_byte_stream *stream) {
    stream_side *side = tow_byte_stream_user(stream);
    assert_int_equal(side->errors, 0);
    side->ends++;
    side->heard_at_end = side->heard.length;
    if (side->closes_at_end)
        tow_byte_stream_close(stream);
}

void side_on_error(tow_byte_stream *stream, int error, const char *why) {
    stream_side *side = tow_byte_stream_user(stream);
    side->errors++;
    side->error = error;
    snprintf(side->error_text, sizeof(side->error_text), "%s", why);
    assert_true(strlen(why) > 0);
}

void side_on_closed(tow_byte_stream *stream) {
    stream_side *side = tow_byte_stream_user(stream);
    side->closed++;
    side->stream = NULL;
}

tow_byte_stream_options options_of(const stream_pair *pair, const stream_side *side) {
    return (tow_byte_stream_options){.user = (void *)(uintptr_t)side,
        .on_bytes = on_bytes,
        .on_writable = on_writable,
        .on_end = on_end,
        .on_error = side_on_error,
        .on_closed = side_on_closed,
        .text = pair->kind == OVER_TEXT,
        .lines = pair->kind == OVER_LINES,
        .half_close_seconds = pair->half_close_seconds};
}

/* Both ends of a connection as streams. */

void side_accepted(tow_byte_listener *listener, tow_byte_stream *stream) {
    stream_side *side = tow_byte_stream_user(stream);
    assert_ptr_equal(side->pair->listener, listener);
    side->stream = stream;
}

static void open_tcp(stream_pair *pair) {
    char place[40];
    tow_byte_stream_options far = options_of(pair, &pair->far);
    tow_byte_stream_options near = options_of(pair, &pair->near);
    world_open(&pair->world);
    tow_loop *loop = pair->world.loop;
    assert_int_equal(tow_byte_listener_new(&pair->listener, loop, "127.0.0.1:0", side_accepted, &far), 0);
    snprintf(place, sizeof(place), "127.0.0.1:%d", tow_byte_listener_port(pair->listener));
    assert_int_equal(tow_byte_stream_connect(&pair->near.stream, loop, place, &near), 0);
    world_until(&pair->world, pair->far.stream != NULL && pair->near.writables == 1);
}

static void wrap(endpoint *end, stream_side *side) {
    tow_byte_stream_options options = options_of(side->pair, side);
    assert_int_equal(tow_byte_stream_from_websocket(&side->stream, &end->socket, &options), 0);
    end->wrapped = true;
}

static void open_websocket(stream_pair *pair) {
    world_open(&pair->world);
    world_connect_client(&pair->world);
    wrap(&pair->world.client, &pair->near);
    wrap(&pair->world.server, &pair->far);
}

void open_pair(stream_pair *pair) {
    pair->near.pair = pair;
    pair->far.pair = pair;
    if (pair->kind == OVER_TCP)
        open_tcp(pair);
    else
        open_websocket(pair);
}

static void close_side(stream_side *side) {
    if (side->stream != NULL)
        tow_byte_stream_reset(side->stream);
}

void close_pair(stream_pair *pair) {
    close_side(&pair->near);
    close_side(&pair->far);
    world_until(&pair->world, pair->near.stream == NULL && pair->far.stream == NULL);
    tow_byte_listener_free(pair->listener);
    assert_int_equal(pair->near.closed, 1);
    assert_int_equal(pair->far.closed, pair->kind == OVER_TCP || pair->world.server.wrapped ? 1 : 0);
    world_close(&pair->world);
    tow_buffer_clear(&pair->near.heard);
    tow_buffer_clear(&pair->far.heard);
}

void write_all(stream_side *side, const uint8_t *bytes, size_t length) {
    side->out = bytes;
    side->length = length;
    side->done = 0;
    side_write(side);
}

void assert_side_heard(const stream_side *side, const uint8_t *bytes, size_t length) {
    assert_int_equal(side->heard.length, length);
    assert_memory_equal(side->heard.data, bytes, length);
}

void open_with_peer(stream_pair *pair) {
    pair->far.pair = pair->near.pair = pair;
    world_open(&pair->world);
    world_connect_peer(&pair->world);
    wrap(&pair->world.server, &pair->far);
}

void close_with_peer(stream_pair *pair) {
    close_side(&pair->far);
    world_until(&pair->world, pair->far.stream == NULL);
    assert_int_equal(pair->far.closed, 1);
    world_close(&pair->world);
    tow_buffer_clear(&pair->far.heard);
}
