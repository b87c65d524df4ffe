/* The queue: what waits is counted exactly after every partial take. */
#include "../unit.h"

#include "../../../src/websocket/queue.h"
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rest_of_a_segment_is_counted_from_any_byte),
        cmocka_unit_test(takes_of_any_size_give_the_bytes_in_order),
        cmocka_unit_test(the_head_of_a_response_is_no_application_data),
        cmocka_unit_test(the_rest_of_a_large_frame_is_copied_or_taken_over),
        cmocka_unit_test(frames_are_added_behind_a_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
