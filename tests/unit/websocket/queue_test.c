/* The queue: what waits is counted exactly after every partial take. */
#include "../unit.h"

#include "../../../src/websocket/frames/queue.h"
#include "protocol/frame.h"

/* Appends a server's frame to plain memory; returns where it ends. */
static size_t frame_write(uint8_t *out, tow_opcode opcode, size_t length) {
    tow_frame_header header = {.payload_length = length, .opcode = (uint8_t)opcode, .final = true};
    size_t header_length = tow_frame_header_write(out, &header);
    memset(out + header_length, 'p', length);
    return header_length + length;
}

typedef struct frame_row {
    uint8_t bytes[3000];
    bool is_payload[3000]; /* whether that byte is application data */
    size_t length;
} frame_row;

static void row_add(frame_row *row, tow_opcode opcode, size_t length) {
    size_t end = row->length + frame_write(row->bytes + row->length, opcode, length);
    for (size_t i = end - length; i < end; i++)
        row->is_payload[i] = opcode < TOW_OPCODE_CLOSE;
    row->length = end;
}

static void row_fill(frame_row *row) {
    row_add(row, TOW_OPCODE_TEXT, 5);
    row_add(row, TOW_OPCODE_PING, 4);
    row_add(row, TOW_OPCODE_BINARY, 0);
    row_add(row, TOW_OPCODE_BINARY, 300);
    row_add(row, TOW_OPCODE_PONG, 0);
    row_add(row, TOW_OPCODE_TEXT, 125);
    row_add(row, TOW_OPCODE_CLOSE, 2);
}

static size_t payload_from(const frame_row *row, size_t offset) {
    size_t payload = 0;
    for (size_t i = offset; i < row->length; i++)
        payload += row->is_payload[i];
    return payload;
}

static void the_rest_of_a_segment_is_counted_from_any_byte(void **state) {
    static frame_row row;
    row.length = 0;
    row_fill(&row);
    for (size_t taken = 0; taken < row.length; taken++) {
        tow_queue queue = {0};
        assert_int_equal(tow_queue_add_segment(&queue, row.bytes, row.length, taken), 0);
        assert_int_equal(queue.bytes, row.length - taken);
        for (size_t offset = taken; offset < row.length; offset++) {
            assert_int_equal(queue.payload, payload_from(&row, offset));
            tow_queue_take(&queue, 1);
        }
        assert_true(tow_queue_is_empty(&queue));
        assert_int_equal(queue.payload, 0);
    }
}

static void takes_of_any_size_give_the_bytes_in_order(void **state) {
    static frame_row row;
    row.length = 0;
    row_fill(&row);
    for (size_t step = 1; step < row.length; step++) {
        tow_queue queue = {0};
        assert_int_equal(tow_queue_add_segment(&queue, row.bytes, row.length, 7), 0);
        assert_int_equal(tow_queue_add_segment(&queue, row.bytes, row.length, 0), 0);
        uint8_t all[6000];
        size_t length = 0;
        while (!tow_queue_is_empty(&queue)) {
            struct iovec pieces[2];
            int count = tow_queue_pieces(&queue, pieces, 2);
            assert_true(count > 0);
            size_t part = pieces[0].iov_len < step ? pieces[0].iov_len : step;
            memcpy(all + length, pieces[0].iov_base, part);
            length += part;
            tow_queue_take(&queue, part);
        }
        assert_int_equal(length, 2 * row.length - 7);
        assert_memory_equal(all, row.bytes + 7, row.length - 7);
        assert_memory_equal(all + row.length - 7, row.bytes, row.length);
    }
}

/* A server's first frames may share a segment with the head of its response. */
static void the_head_of_a_response_is_no_application_data(void **state) {
    static const char head[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
    uint8_t segment[200];
    memcpy(segment, head, sizeof(head) - 1);
    size_t length = sizeof(head) - 1 + frame_write(segment + sizeof(head) - 1, TOW_OPCODE_TEXT, 10);
    for (size_t taken = 0; taken < length; taken++) {
        tow_queue queue = {0};
        assert_int_equal(tow_queue_add_segment(&queue, segment, length, taken), 0);
        assert_int_equal(queue.payload, taken + 10 <= length ? 10 : length - taken);
        tow_queue_take(&queue, length - taken);
        assert_int_equal(queue.payload, 0);
        tow_queue_clear(&queue);
    }
}

static void the_rest_of_a_large_frame_is_copied_or_taken_over(void **state) {
    enum { LENGTH = 1000 };
    uint8_t header_bytes[TOW_FRAME_HEADER_MAX];
    tow_frame_header header = {.payload_length = LENGTH, .opcode = TOW_OPCODE_BINARY, .final = true};
    size_t header_length = tow_frame_header_write(header_bytes, &header);
    for (int owned = 0; owned < 2; owned++) {
        for (size_t taken = 0; taken < header_length + LENGTH; taken++) {
            tow_buffer owner = {0};
            for (size_t i = 0; i < LENGTH; i++)
                tow_buffer_append(&owner, &(uint8_t){(uint8_t)i}, 1);
            struct iovec pieces[2] = {{header_bytes, header_length}, {owner.data, LENGTH}};
            tow_queue queue = {0};
            assert_int_equal(
                tow_queue_add_rest(&queue, &pieces[0], &pieces[1], taken, owned ? &owner : NULL), 0);
            assert_int_equal(owner.data == NULL, owned);
            size_t rest = header_length + LENGTH - taken;
            assert_int_equal(queue.bytes, rest);
            assert_int_equal(queue.payload, rest < LENGTH ? rest : LENGTH);
            struct iovec all[2];
            int count = tow_queue_pieces(&queue, all, 2);
            const uint8_t *end = (uint8_t *)all[count - 1].iov_base + all[count - 1].iov_len;
            assert_int_equal(end[-1], (uint8_t)(LENGTH - 1));
            tow_queue_take(&queue, 1);
            assert_int_equal(queue.payload, rest - 1 < LENGTH ? rest - 1 : LENGTH);
            tow_queue_take(&queue, rest - 1);
            assert_int_equal(queue.payload, 0);
            tow_buffer_clear(&owner);
        }
    }
}

static void frames_are_added_behind_a_rest(void **state) {
    static frame_row row;
    row.length = 0;
    row_fill(&row);
    tow_queue queue = {0};
    assert_int_equal(tow_queue_add_segment(&queue, row.bytes, row.length, 11), 0);
    size_t before = queue.payload;
    for (size_t i = 0; i < 200; i++) {
        uint8_t *out = tow_queue_add(&queue, 2 + 100, 100);
        assert_non_null(out);
        assert_int_equal(frame_write(out, TOW_OPCODE_BINARY, 100), 102);
    }
    assert_int_equal(queue.payload, before + 200 * 100);
    while (!tow_queue_is_empty(&queue))
        tow_queue_take(&queue, queue.bytes < 13 ? queue.bytes : 13);
    assert_int_equal(queue.payload, 0);
    assert_int_equal(queue.bytes, 0);
}

/* Dropping. */

typedef struct frame_plan {
    tow_opcode opcode;
    bool fragment; /* and not the last */
    size_t length;
} frame_plan;

static const frame_plan plans[] = {{TOW_OPCODE_TEXT, false, 5}, {TOW_OPCODE_PING, false, 4},
    {TOW_OPCODE_BINARY, false, 0}, {TOW_OPCODE_BINARY, false, 300}, {TOW_OPCODE_TEXT, true, 7},
    {TOW_OPCODE_PONG, false, 0}, {TOW_OPCODE_CONTINUATION, false, 20}, {TOW_OPCODE_TEXT, false, 125},
    {TOW_OPCODE_BINARY, false, 70000}, {TOW_OPCODE_TEXT, false, 126}};
enum { PLANS = sizeof(plans) / sizeof(plans[0]), ALL_MAX = 80000 };

static size_t plan_write(uint8_t *out, const frame_plan *plan, bool masked) {
    tow_frame_header header = {.payload_length = plan->length,
        .opcode = (uint8_t)plan->opcode,
        .final = !plan->fragment,
        .masked = masked};
    size_t header_length = tow_frame_header_write(out, &header);
    memset(out + header_length, (int)('a' + (plan - plans)), plan->length);
    return header_length + plan->length;
}

static bool is_message(const frame_plan *plan) {
    return !plan->fragment && (plan->opcode == TOW_OPCODE_TEXT || plan->opcode == TOW_OPCODE_BINARY);
}

/* The frames in one segment, each by itself, or a large one as the rest of a write, from frame `first` on. */
static void queue_fill(tow_queue *queue, int way, size_t first, bool masked) {
    static uint8_t all[ALL_MAX];
    size_t length = 0;
    for (size_t i = first; i < PLANS; i++) {
        size_t frame = plan_write(all + length, &plans[i], masked);
        size_t header = frame - plans[i].length;
        struct iovec pieces[2] = {{all + length, header}, {all + length + header, plans[i].length}};
        length += frame;
        bool is_control = tow_opcode_is_control((uint8_t)plans[i].opcode);
        if (way == 2 && i == first && !is_control && plans[i].length > 0)
            assert_int_equal(tow_queue_add_rest(queue, &pieces[0], &pieces[1], 0, NULL), 0);
        else if (way != 0)
            memcpy(
                tow_queue_add(queue, frame, is_control ? 0 : plans[i].length), all + length - frame, frame);
    }
    if (way == 0)
        assert_int_equal(tow_queue_add_segment(queue, all, length, 0), 0);
}

static size_t queue_read(tow_queue *queue, uint8_t *out) {
    size_t length = 0;
    for (tow_queue_chunk *chunk = queue->first; chunk != NULL; chunk = chunk->next) {
        memcpy(out + length, chunk->bytes + chunk->offset, chunk->length - chunk->offset);
        length += chunk->length - chunk->offset;
    }
    return length;
}

/* What should be left of the frames when `taken` bytes were taken and then messages dropped down to `max`. */
static size_t expected_rest(
    uint8_t *out, size_t first, bool masked, size_t taken, size_t max, size_t *dropped) {
    static uint8_t frame[ALL_MAX];
    size_t waiting = 0;
    size_t length = 0;
    *dropped = 0;
    for (size_t i = first; i < PLANS; i++)
        waiting += plan_write(frame, &plans[i], masked);
    waiting -= taken;
    for (size_t i = first; i < PLANS; i++) {
        size_t size = plan_write(frame, &plans[i], masked);
        size_t gone = taken < size ? taken : size;
        bool drops = gone == 0 && is_message(&plans[i]) && waiting > max && waiting > size;
        taken -= gone;
        waiting -= drops ? size : 0;
        *dropped += drops;
        memcpy(out + length, frame + gone, size - gone);
        length += drops ? 0 : size - gone;
    }
    return length;
}

static void drop_and_compare(int way, size_t first, bool masked, size_t taken, size_t max) {
    static uint8_t expected[ALL_MAX], rest[ALL_MAX];
    tow_queue queue = {0};
    queue_fill(&queue, way, first, masked);
    tow_queue_take(&queue, taken);
    size_t dropped;
    size_t length = expected_rest(expected, first, masked, taken, max, &dropped);
    assert_int_equal(tow_queue_drop(&queue, max), dropped);
    assert_int_equal(queue.bytes, length);
    assert_int_equal(queue_read(&queue, rest), length);
    assert_memory_equal(rest, expected, length);
    *tow_queue_add(&queue, 1, 0) = 0x81; /* goes on behind it */
    assert_int_equal(queue_read(&queue, rest), length + 1);
    assert_int_equal(rest[length], 0x81);
    queue.bytes--; /* no frame */
    queue.last->length--;
    while (queue.bytes > 0)
        tow_queue_take(&queue, queue.bytes < 1000 ? queue.bytes : 1000);
    assert_int_equal(queue.payload, 0);
    tow_queue_clear(&queue);
}

static void whole_messages_are_dropped_oldest_first_and_nothing_else(void **state) {
    static const size_t maxima[] = {0, 1, 150, 71000, 100000};
    for (int way = 0; way < 3; way++) {
        for (size_t first = 0; first < PLANS; first++) {
            for (size_t taken = 0; taken < 25; taken++) {
                for (size_t i = 0; i < sizeof(maxima) / sizeof(maxima[0]); i++)
                    drop_and_compare(way, first, (taken + i) % 2 == 0, taken, maxima[i]);
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rest_of_a_segment_is_counted_from_any_byte),
        cmocka_unit_test(takes_of_any_size_give_the_bytes_in_order),
        cmocka_unit_test(the_head_of_a_response_is_no_application_data),
        cmocka_unit_test(the_rest_of_a_large_frame_is_copied_or_taken_over),
        cmocka_unit_test(frames_are_added_behind_a_rest),
        cmocka_unit_test(whole_messages_are_dropped_oldest_first_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
