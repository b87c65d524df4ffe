#include "gate.h"

#include "transport/address.h"

enum { NARROW = 1024 /* bytes that are taken at once */ };

static gate_way *of_near(tow_stream *stream) {
    return (gate_way *)(void *)stream;
}

static gate_way *of_far(tow_stream *stream) {
    return (gate_way *)(void *)((char *)stream - offsetof(gate_way, far));
}

static void cut(gate_way *way) {
    way->gate->cuts += way->near_open;
    if (way->near_open)
        tow_stream_reset(&way->near);
    if (way->far_open)
        tow_stream_reset(&way->far);
}

static void push(tow_stream *stream, tow_buffer *out, bool ended, size_t *most) {
    while (out->length > 0 && *most > 0 && !tow_stream_is_blocked(stream)) {
        struct iovec piece = {.iov_base = out->data, .iov_len = out->length < *most ? out->length : *most};
        ssize_t taken = tow_stream_write(stream, &piece, 1);
        if (taken <= 0)
            return;
        tow_buffer_consume(out, (size_t)taken);
        *most -= (size_t)taken;
    }
    if (ended && out->length == 0)
        tow_stream_close(stream);
}

static void take_or_not(tow_stream *stream, const tow_buffer *waits) {
    (waits->length > 0 ? tow_stream_pause : tow_stream_resume)(stream);
}

static void push_both(gate_way *way) {
    if (!way->gate->is_slow)
        way->near_may = way->far_may = SIZE_MAX;
    if (way->near_open)
        push(&way->near, &way->to_near, way->far_ended, &way->near_may);
    if (way->far_open && way->far_connected)
        push(&way->far, &way->to_far, way->near_ended, &way->far_may);
    if (!way->gate->is_narrow)
        return;
    if (way->near_open)
        take_or_not(&way->near, &way->to_far);
    if (way->far_open)
        take_or_not(&way->far, &way->to_near);
}

void gate_let_through(test_gate *gate, size_t bytes) {
    for (size_t i = 0; i < GATE_WAYS; i++) {
        if (gate->ways[i].gate == NULL)
            continue;
        gate->ways[i].near_may = gate->ways[i].far_may = bytes;
        push_both(&gate->ways[i]);
    }
}

/* True: the bytes are no more. */
static bool counts(gate_way *way, size_t length) {
    test_gate *gate = way->gate;
    way->is_dead |= gate->swallows;
    if (way->is_dead)
        return true;
    gate->bytes += length;
    if (gate->cut_at == 0 || gate->bytes < gate->cut_at)
        return false;
    gate->cut_at = 0;
    cut(way);
    return true;
}

static const tow_stream_events far_events;

static void pass(gate_way *way) {
    tow_address addresses[TOW_ADDRESSES_MAX];
    assert_int_equal(tow_address_parse(way->gate->server, addresses), 1);
    assert_int_equal(tow_stream_connect(&way->far, way->gate->loop, &addresses[0], &far_events), 0);
    way->far_open = true;
}

static void answer(gate_way *way, const char *text) {
    tow_buffer_append(&way->to_near, text, strlen(text));
    way->far_ended = true;
    push_both(way);
}

static void decide(gate_way *way) {
    test_gate *gate = way->gate;
    const char *head = (const char *)way->to_far.data;
    size_t length = way->to_far.length;
    if (memmem(head, length, "\r\n\r\n", 4) == NULL)
        return;
    way->is_decided = true;
    bool is_upgrade = memmem(head, length, "Upgrade: websocket", 18) != NULL;
    bool is_link = memmem(head, length, "transport=websocket", 19) != NULL;
    gate->upgrades_seen += is_upgrade;
    switch (!is_upgrade ? gate->polls : is_link ? gate->link : gate->upgrades) {
    case GATE_PASSES:
        pass(way);
        break;
    case GATE_REFUSES:
        answer(way, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        break;
    case GATE_RESETS:
        tow_stream_reset(&way->near);
        break;
    case GATE_ENDS:
        tow_stream_close(&way->near);
        break;
    case GATE_SAYS_NOTHING:
        break;
    case GATE_SAYS_OK:
        answer(way, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        break;
    case GATE_SAYS_NONSENSE:
        answer(way, "what?\r\n\r\n");
        break;
    }
}

static void near_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    gate_way *way = of_near(stream);
    if (counts(way, length))
        return;
    tow_buffer_append(&way->to_far, bytes, length);
    if (!way->is_decided)
        decide(way);
    push_both(way);
}

static void far_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    gate_way *way = of_far(stream);
    if (counts(way, length))
        return;
    tow_buffer_append(&way->to_near, bytes, length);
    push_both(way);
}

static uint8_t *receives_into(const test_gate *gate, size_t *length) {
    static uint8_t bytes[NARROW];
    *length = sizeof(bytes);
    return gate->is_narrow ? bytes : NULL;
}

static uint8_t *near_receives_into(tow_stream *stream, size_t *length) {
    return receives_into(of_near(stream)->gate, length);
}

static uint8_t *far_receives_into(tow_stream *stream, size_t *length) {
    return receives_into(of_far(stream)->gate, length);
}

static void near_writable(tow_stream *stream) {
    push_both(of_near(stream));
}

static void far_writable(tow_stream *stream) {
    of_far(stream)->far_connected = true;
    push_both(of_far(stream));
}

static void near_end(tow_stream *stream) {
    gate_way *way = of_near(stream);
    way->near_ended = true;
    tow_stream_close(stream);
    push_both(way);
}

static void far_end(tow_stream *stream) {
    gate_way *way = of_far(stream);
    way->far_ended = true;
    tow_stream_close(stream);
    push_both(way);
}

static void near_error(tow_stream *stream, int error) {
    (void)error;
    near_end(stream);
}

static void far_error(tow_stream *stream, int error) {
    (void)error;
    far_end(stream);
}

static void near_closed(tow_stream *stream) {
    gate_way *way = of_near(stream);
    way->near_open = false;
    tow_buffer_clear(&way->to_near);
}

static void far_closed(tow_stream *stream) {
    gate_way *way = of_far(stream);
    way->far_open = false;
    tow_buffer_clear(&way->to_far);
}

static const tow_stream_events near_events = {.on_bytes = near_bytes,
    .receive_into = near_receives_into,
    .on_writable = near_writable,
    .on_end = near_end,
    .on_error = near_error,
    .on_closed = near_closed};
static const tow_stream_events far_events = {.on_bytes = far_bytes,
    .receive_into = far_receives_into,
    .on_writable = far_writable,
    .on_end = far_end,
    .on_error = far_error,
    .on_closed = far_closed};

static gate_way *take(test_gate *gate) {
    for (size_t i = 0; i < GATE_WAYS; i++) {
        gate_way *way = &gate->ways[i];
        if (way->near_open || way->far_open)
            continue;
        tow_buffer_clear(&way->to_near);
        tow_buffer_clear(&way->to_far);
        *way = (gate_way){.gate = gate, .near_open = true};
        return way;
    }
    fail_msg("too many connections");
    return NULL;
}

static void accepted(tow_listener *listener, int fd) {
    test_gate *gate = listener->user;
    gate->accepts++;
    assert_int_equal(tow_stream_adopt(&take(gate)->near, gate->loop, fd, &near_events), 0);
}

void gate_cut(test_gate *gate) {
    for (size_t i = 0; i < GATE_WAYS; i++)
        if (gate->ways[i].near_open || gate->ways[i].far_open)
            cut(&gate->ways[i]);
}

static void rang(tow_timer *timer) {
    test_gate *gate = (test_gate *)(void *)((char *)timer - offsetof(test_gate, timer));
    if (gate->cut_milliseconds == 0)
        return;
    gate_cut(gate);
    tow_timer_set(
        gate->loop, timer, tow_loop_now(gate->loop) + gate->cut_milliseconds * TOW_MILLISECOND, rang);
}

void gate_open(test_gate *gate, tow_loop *loop, const char *server) {
    tow_address addresses[TOW_ADDRESSES_MAX], bound;
    gate->loop = loop;
    gate->server = server;
    assert_int_equal(tow_address_parse("127.0.0.1:7000", addresses), 1);
    int fd = tow_listen_socket(loop, &addresses[0], &(tow_listen_options){0}, &bound);
    assert_true(fd >= 0);
    gate->listener.user = gate;
    assert_int_equal(tow_listener_start(&gate->listener, loop, fd, accepted), 0);
    if (gate->cut_milliseconds > 0)
        tow_timer_set(
            loop, &gate->timer, tow_loop_now(loop) + gate->cut_milliseconds * TOW_MILLISECOND, rang);
}

static bool is_closed(const test_gate *gate) {
    for (size_t i = 0; i < GATE_WAYS; i++)
        if (gate->ways[i].near_open || gate->ways[i].far_open)
            return false;
    return true;
}

void gate_close(test_gate *gate) {
    tow_timer_cancel(gate->loop, &gate->timer);
    tow_listener_stop(&gate->listener);
    gate_cut(gate);
    while (!is_closed(gate))
        assert_true(tow_loop_step(gate->loop) >= 0);
    for (size_t i = 0; i < GATE_WAYS; i++) {
        tow_buffer_clear(&gate->ways[i].to_near);
        tow_buffer_clear(&gate->ways[i].to_far);
    }
}
