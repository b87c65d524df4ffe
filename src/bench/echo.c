#include "bench/echo.h"

#include "protocol/close.h"

#include <string.h>

static bool fail(tow_echo *echo, tow_echo_fault fault) {
    echo->fault = fault;
    return false;
}

/* In step: the answers are the prepared bytes. */

/* How many of the bytes are as prepared, from where the message under way stands. */
static size_t common_prefix(const uint8_t *a, const uint8_t *b, size_t length) {
    if (memcmp(a, b, length) == 0)
        return length;
    size_t common = 0;
    while (a[common] == b[common])
        common++;
    return common;
}

static void advance(tow_echo *echo, const tow_traffic *traffic, size_t length) {
    size_t offset = echo->offset + length;
    echo->completed += offset / traffic->answer_length;
    echo->offset = offset % traffic->answer_length;
}

/* Compares as far as the prepared bytes go, and advances *bytes past what agrees. Returns false at the first
 * that does not. */
static bool compare(tow_echo *echo, const tow_traffic *traffic, const uint8_t **bytes, size_t *length) {
    while (*length > 0) {
        size_t turn = traffic->messages * traffic->answer_length;
        size_t position = echo->completed % traffic->messages * traffic->answer_length + echo->offset;
        size_t count = turn - position < *length ? turn - position : *length;
        size_t common = common_prefix(*bytes, traffic->answers + position, count);
        advance(echo, traffic, common);
        *bytes += common;
        *length -= common;
        if (common < count)
            return false;
    }
    return true;
}

/* Starts reading frame by frame, with what has been seen of the message under way. False if its payload is
 * wrong. */
static bool step_apart(tow_echo *echo, const tow_traffic *traffic) {
    if (!traffic->framed || echo->offset >= traffic->answer_header_length)
        return fail(echo, TOW_ECHO_PAYLOAD);
    const uint8_t *answer = traffic->answers + echo->completed % traffic->messages * traffic->answer_length;
    memcpy(echo->header, answer, echo->offset);
    echo->header_length = (uint8_t)echo->offset;
    echo->offset = 0;
    echo->payload_checked = 0;
    echo->in_message = false;
    echo->in_frame = false;
    echo->apart = true;
    return true;
}

/* Apart: frame by frame. */

static bool control_header_check(tow_echo *echo, const tow_frame_header *header) {
    bool known = header->opcode == TOW_OPCODE_CLOSE || header->opcode == TOW_OPCODE_PING ||
                 header->opcode == TOW_OPCODE_PONG;
    if (!known || !header->final || header->payload_length > TOW_CONTROL_PAYLOAD_MAX)
        return fail(echo, TOW_ECHO_FRAME);
    echo->control_length = 0;
    return true;
}

static bool data_header_check(tow_echo *echo, const tow_traffic *traffic, const tow_frame_header *header) {
    uint8_t expected = echo->in_message ? TOW_OPCODE_CONTINUATION : traffic->opcode;
    if (header->opcode != expected)
        return fail(echo, TOW_ECHO_FRAME);
    uint64_t room = traffic->payload_length - echo->payload_checked;
    if (header->payload_length > room || (header->final && header->payload_length < room))
        return fail(echo, TOW_ECHO_PAYLOAD);
    echo->in_message = true;
    return true;
}

/* Adds bytes to the header until it is complete. */
static bool take_header(tow_echo *echo, const tow_traffic *traffic, const uint8_t **bytes, size_t *length) {
    tow_frame_header header;
    int read = tow_frame_header_read(&header, echo->header, echo->header_length);
    while (read == 0 && *length > 0) {
        echo->header[echo->header_length++] = **bytes;
        *bytes += 1;
        *length -= 1;
        read = tow_frame_header_read(&header, echo->header, echo->header_length);
    }
    if (read == 0)
        return true;
    if (read < 0 || header.masked || header.reserved_bits != 0)
        return fail(echo, TOW_ECHO_FRAME);
    echo->header_length = 0;
    echo->in_frame = true;
    echo->opcode = header.opcode;
    echo->final = header.final;
    echo->remaining = header.payload_length;
    return tow_opcode_is_control(header.opcode) ? control_header_check(echo, &header)
                                                : data_header_check(echo, traffic, &header);
}

static bool finish_control(tow_echo *echo) {
    echo->in_frame = false;
    if (echo->opcode == TOW_OPCODE_PING) {
        memcpy(echo->ping, echo->control, echo->control_length);
        echo->ping_length = echo->control_length;
        echo->pinged = true;
    }
    if (echo->opcode != TOW_OPCODE_CLOSE)
        return true;
    echo->close_code = TOW_CLOSE_NO_STATUS;
    if (echo->control_length >= 2)
        echo->close_code = (uint16_t)(echo->control[0] << 8 | echo->control[1]);
    return fail(echo, TOW_ECHO_CLOSE);
}

static bool finish_data(tow_echo *echo) {
    echo->in_frame = false;
    if (!echo->final)
        return true;
    echo->completed++;
    echo->payload_checked = 0;
    echo->in_message = false;
    return true;
}

static bool take_payload(tow_echo *echo, const tow_traffic *traffic, const uint8_t **bytes, size_t *length) {
    bool control = tow_opcode_is_control(echo->opcode);
    size_t count = echo->remaining < *length ? (size_t)echo->remaining : *length;
    if (control) {
        memcpy(echo->control + echo->control_length, *bytes, count);
        echo->control_length = (uint8_t)(echo->control_length + count);
    } else {
        const uint8_t *expected = tow_traffic_payload(traffic, echo->completed) + echo->payload_checked;
        if (memcmp(*bytes, expected, count) != 0)
            return fail(echo, TOW_ECHO_PAYLOAD);
        echo->payload_checked += count;
    }
    *bytes += count;
    *length -= count;
    echo->remaining -= count;
    if (echo->remaining > 0)
        return true;
    return control ? finish_control(echo) : finish_data(echo);
}

/* One header or one piece of payload; back in step between messages. */
static bool take_apart(tow_echo *echo, const tow_traffic *traffic, const uint8_t **bytes, size_t *length) {
    if (!echo->in_frame && !take_header(echo, traffic, bytes, length))
        return false;
    if (echo->in_frame && !take_payload(echo, traffic, bytes, length))
        return false;
    echo->apart = echo->in_frame || echo->in_message || echo->header_length > 0;
    return true;
}

bool tow_echo_take(
    tow_echo *echo, const tow_traffic *traffic, uint64_t sent, const uint8_t *bytes, size_t length) {
    if (echo->fault != TOW_ECHO_RIGHT)
        return false;
    while (length > 0) {
        if (!echo->apart && !compare(echo, traffic, &bytes, &length) && !step_apart(echo, traffic))
            return false;
        if (echo->apart && !take_apart(echo, traffic, &bytes, &length))
            return false;
    }
    bool under_way = echo->apart ? echo->in_message : echo->offset > traffic->answer_header_length;
    if (echo->completed + under_way > sent)
        return fail(echo, TOW_ECHO_UNASKED);
    return true;
}

const char *tow_echo_fault_text(tow_echo_fault fault) {
    switch (fault) {
    case TOW_ECHO_RIGHT:
        return "every byte came back";
    case TOW_ECHO_PAYLOAD:
        return "an answer is not what was sent";
    case TOW_ECHO_FRAME:
        return "the server sent a frame that is not allowed";
    case TOW_ECHO_UNASKED:
        return "the server answered what was not sent";
    case TOW_ECHO_CLOSE:
        return "the server closed the connection";
    }
    return "unknown fault";
}
