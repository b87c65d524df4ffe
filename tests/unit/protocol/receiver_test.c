#include "../unit.h"

#include "../allocation.h"
#include "protocol/close.h"
#include "protocol/receiver.h"

#include <towline/error.h>

/* Frames as the peer of a receiver sends them. */
enum { INPUT_MAX = 200000 };
struct input {
    tow_role role; /* the receiver's */
    size_t length;
    uint8_t bytes[INPUT_MAX];
};

enum {
    FINAL = 0x80,
    RSV1 = 0x40,
    RSV2 = 0x20,
    RSV3 = 0x10,
    CONTINUED = 0,
    TEXT = 1,
    BINARY = 2,
    CLOSE = 8,
    PING = 9,
    PONG = 10
};

static struct input *begin(tow_role role) {
    static struct input input;
    input.role = role;
    input.length = 0;
    return &input;
}

static void add_header(struct input *input, unsigned first_byte, uint64_t payload_length) {
    static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};
    tow_frame_header header = {.payload_length = payload_length,
        .opcode = first_byte & 15,
        .reserved_bits = (first_byte >> 4) & 7,
        .final = (first_byte & FINAL) != 0,
        .masked = input->role == TOW_ROLE_SERVER};
    memcpy(header.masking_key, key, sizeof(key));
    input->length += tow_frame_header_write(input->bytes + input->length, &header);
}

static void add_bytes(struct input *input, unsigned first_byte, const void *payload, size_t length) {
    add_header(input, first_byte, length);
    uint8_t *at = input->bytes + input->length;
    memcpy(at, payload, length);
    for (size_t i = 0; input->role == TOW_ROLE_SERVER && i < length; i++)
        at[i] ^= at[(ptrdiff_t)(i % 4) - 4];
    input->length += length;
}

static void add(struct input *input, unsigned first_byte, const char *payload) {
    add_bytes(input, first_byte, payload, strlen(payload));
}

/* Bytes that are no frame of a well-behaved peer. */
static void add_raw(struct input *input, const char *bytes, size_t length) {
    memcpy(input->bytes + input->length, bytes, length);
    input->length += length;
}

/* What a receiver gave out, as text, however it was cut: text(…) and binary(…) for messages when they end,
 * control frames with how much of a message had come before. What is long is shown as its length and a hash.
 */
struct transcript {
    tow_receiver receiver;
    tow_receiver_rules rules;
    uint64_t remaining; /* what the last piece said was to come of its frame */
    size_t message_length;
    bool in_message;
    uint8_t type;
    bool compressed;
    bool done;
    size_t length;
    char text[4000];
    uint8_t message[INPUT_MAX];
};

__attribute__((format(printf, 2, 3))) static void say(
    struct transcript *transcript, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(transcript->text + transcript->length,
        sizeof(transcript->text) - transcript->length, format, arguments);
    va_end(arguments);
    transcript->length += (size_t)length;
    assert_true(transcript->length < sizeof(transcript->text));
}

static void say_bytes(struct transcript *transcript, const char *name, const uint8_t *bytes, size_t length) {
    if (length <= 40) {
        say(transcript, "%s(%.*s) ", name, (int)length, (const char *)bytes);
        return;
    }
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    say(transcript, "%s(%zu:%08x) ", name, length, hash);
}

static void hear_data(struct transcript *transcript, const tow_received *event) {
    assert_int_equal(event->first, !transcript->in_message);
    assert_true(event->length > 0 || event->first || event->last);
    if (event->first) {
        transcript->type = event->type;
        transcript->compressed = event->compressed;
        transcript->message_length = 0;
    }
    if (transcript->remaining > 0)
        assert_true(event->remaining + event->length == transcript->remaining);
    transcript->remaining = event->remaining;
    assert_int_equal(event->type, transcript->type);
    assert_int_equal(event->compressed, transcript->compressed);
    memcpy(transcript->message + transcript->message_length, event->data, event->length);
    transcript->message_length += event->length;
    transcript->in_message = !event->last;
    assert_int_equal(tow_receiver_in_message(&transcript->receiver), !event->last);
    if (!event->last)
        return;
    assert_true(event->remaining == 0);
    say(transcript, "%s", event->compressed ? "compressed " : "");
    say_bytes(transcript, event->type == TOW_OPCODE_TEXT ? "text" : "binary", transcript->message,
        transcript->message_length);
}

static void hear_close(struct transcript *transcript, const tow_received *event) {
    uint16_t code;
    const char *reason;
    size_t reason_length;
    assert_int_equal(tow_close_payload_read(event->data, event->length, &code, &reason, &reason_length), 0);
    say(transcript, "close(%u,%.*s) ", code, (int)reason_length, reason);
    transcript->done = true;
}

static void hear_control(struct transcript *transcript, tow_received_kind kind, const tow_received *event) {
    assert_true(transcript->remaining == 0);
    assert_in_range(event->length, 0, 125);
    if (transcript->in_message)
        say(transcript, "@%zu:", transcript->message_length);
    if (kind == TOW_RECEIVED_CLOSE)
        hear_close(transcript, event);
    else
        say_bytes(transcript, kind == TOW_RECEIVED_PING ? "ping" : "pong", event->data, event->length);
}

/* The frame's header lies before its payload, as it came. */
static void check_header_before(
    const struct transcript *transcript, const tow_received *event, const uint8_t *bytes) {
    assert_true(event->first && event->last);
    assert_true(event->data - event->header_length >= bytes);
    tow_frame_header header;
    assert_int_equal(tow_frame_header_read(&header, event->data - event->header_length, event->header_length),
        event->header_length);
    assert_true(header.payload_length == event->length);
    assert_int_equal(header.opcode, event->type);
    assert_int_equal(header.masked, transcript->rules.role == TOW_ROLE_SERVER);
}

static tow_received_kind hear_one(
    struct transcript *transcript, uint8_t *read, uint8_t **bytes, size_t *length) {
    uint8_t *before = *bytes;
    size_t length_before = *length;
    tow_received event;
    memset(&event, 0xee, sizeof(event));
    tow_received_kind kind =
        tow_receiver_next(&transcript->receiver, &transcript->rules, bytes, length, &event);
    assert_true(*bytes + *length == before + length_before);
    if (kind == TOW_RECEIVED_DATA) {
        assert_true(event.data >= before && event.data + event.length == *bytes);
        if (event.header_length != 0)
            check_header_before(transcript, &event, read);
        hear_data(transcript, &event);
    } else if (kind > TOW_RECEIVED_NOTHING) {
        hear_control(transcript, kind, &event);
    } else if (kind == TOW_RECEIVED_FAILED) {
        say(transcript, "failed(%s) ", tow_error_name(event.error) + strlen("TOW_ERROR_"));
        transcript->done = true;
    } else {
        assert_int_equal(*length, 0);
    }
    assert_int_equal(tow_receiver_is_done(&transcript->receiver), transcript->done);
    return kind;
}

/* One read of the peer's bytes, in memory of exactly that size. */
static void hear(struct transcript *transcript, const uint8_t *bytes, size_t length) {
    uint8_t *read = length == 0 ? NULL : test_malloc(length);
    if (length > 0)
        memcpy(read, bytes, length);
    uint8_t *at = read;
    size_t left = length;
    while (hear_one(transcript, read, &at, &left) > TOW_RECEIVED_NOTHING)
        continue;
    if (!transcript->done && !tow_receiver_in_message(&transcript->receiver))
        assert_null(transcript->receiver.partial);
    if (transcript->done) {
        assert_int_equal(hear_one(transcript, read, &at, &left), TOW_RECEIVED_NOTHING);
        assert_null(transcript->receiver.partial);
    }
    if (length > 0)
        test_free(read);
}

static struct transcript *listen_with(const struct input *input, tow_receiver_rules rules) {
    static struct transcript transcript;
    memset(&transcript, 0, offsetof(struct transcript, message));
    transcript.rules = rules;
    transcript.rules.role = input->role;
    return &transcript;
}

static void end(struct transcript *transcript, const char *expected, const char *how, size_t number) {
    tow_receiver_clear(&transcript->receiver);
    tow_receiver_clear(&transcript->receiver);
    if (transcript->length > 0)
        transcript->text[transcript->length - 1] = 0;
    if (strcmp(transcript->text, expected) != 0)
        fail_msg("%s %zu:\n  expected %s\n  got      %s", how, number, expected, transcript->text);
    assert_int_equal(allocation_outstanding(), 0);
}

static void expect_in_pieces(
    const struct input *input, tow_receiver_rules rules, const char *expected, size_t size) {
    struct transcript *transcript = listen_with(input, rules);
    for (size_t at = 0; at < input->length; at += size)
        hear(transcript, input->bytes + at, input->length - at < size ? input->length - at : size);
    end(transcript, expected, "in pieces of", size);
}

static void expect_cut(
    const struct input *input, tow_receiver_rules rules, const char *expected, size_t cut) {
    struct transcript *transcript = listen_with(input, rules);
    hear(transcript, input->bytes, cut);
    hear(transcript, input->bytes + cut, input->length - cut);
    end(transcript, expected, "cut at", cut);
}

/* The input gives this however it is cut: at each byte, and byte by byte. */
static void expect_by(const struct input *input, tow_receiver_rules rules, const char *expected) {
    size_t step = input->length > 3000 ? 997 : 1;
    for (size_t cut = 0; cut <= input->length; cut += cut < 50 || input->length - cut < 50 ? 1 : step)
        expect_cut(input, rules, expected, cut);
    for (size_t size = 1; size <= 17; size++)
        expect_in_pieces(input, rules, expected, size);
    expect_in_pieces(input, rules, expected, 4096);
}

static void expect(const struct input *input, const char *expected) {
    expect_by(input, (tow_receiver_rules){.max_message = 1000000}, expected);
}

#define EACH_ROLE(role) for (int role = TOW_ROLE_SERVER; role <= TOW_ROLE_CLIENT; role++)

/* Messages. */

static void a_message_in_one_frame_is_given_out(void **state) {
    (void)state;
    EACH_ROLE(role) {
        struct input *input = begin((tow_role)role);
        add(input, FINAL | TEXT, "Hello");
        add(input, FINAL | BINARY, "bytes\xff\xfe");
        add(input, FINAL | TEXT, "caf\xc3\xa9 \xf0\x9f\x9a\xa2");
        add(input, FINAL | TEXT, "a text that is longer than eight bytes");
        expect(input, "text(Hello) binary(bytes\xff\xfe) text(caf\xc3\xa9 \xf0\x9f\x9a\xa2) text(a text that "
                      "is longer than eight bytes)");
    }
}

static void empty_messages_are_messages(void **state) {
    (void)state;
    EACH_ROLE(role) {
        struct input *input = begin((tow_role)role);
        add(input, FINAL | TEXT, "");
        add(input, FINAL | BINARY, "");
        add(input, FINAL | TEXT, "");
        expect(input, "text() binary() text()");
    }
}

static void fragments_are_one_message(void **state) {
    (void)state;
    EACH_ROLE(role) {
        struct input *input = begin((tow_role)role);
        add(input, TEXT, "Hel");
        add(input, CONTINUED, "l");
        add(input, FINAL | CONTINUED, "o");
        add(input, BINARY, "1");
        add(input, FINAL | CONTINUED, "2");
        add(input, FINAL | TEXT, "whole");
        expect(input, "text(Hello) binary(12) text(whole)");
    }
}

static void fragments_may_be_empty(void **state) {
    (void)state;
    EACH_ROLE(role) {
        struct input *input = begin((tow_role)role);
        add(input, TEXT, "");
        add(input, FINAL | CONTINUED, "");
        add(input, TEXT, "");
        add(input, CONTINUED, "");
        add(input, CONTINUED, "");
        add(input, FINAL | CONTINUED, "");
        add(input, TEXT, "");
        add(input, CONTINUED, "a");
        add(input, CONTINUED, "");
        add(input, CONTINUED, "b");
        add(input, FINAL | CONTINUED, "");
        expect(input, "text() text() text(ab)");
    }
}

static void control_frames_may_interrupt_fragments(void **state) {
    (void)state;
    EACH_ROLE(role) {
        struct input *input = begin((tow_role)role);
        add(input, TEXT, "ab");
        add(input, FINAL | PING, "one");
        add(input, FINAL | PONG, "");
        add(input, CONTINUED, "c");
        add(input, FINAL | PING, "");
        add(input, FINAL | CONTINUED, "d");
        add(input, FINAL | PONG, "two");
        expect(input, "@2:ping(one) @2:pong() @3:ping() text(abcd) pong(two)");
    }
}

static void a_character_may_be_cut_by_fragments(void **state) {
    (void)state;
    EACH_ROLE(role) {
        struct input *input = begin((tow_role)role);
        add(input, TEXT, "\xf0");
        add(input, CONTINUED, "\x9f");
        add(input, FINAL | PING, "\xff");
        add(input, CONTINUED, "");
        add(input, CONTINUED, "\x9a");
        add(input, FINAL | CONTINUED, "\xa2");
        expect(input, "@2:ping(\xff) text(\xf0\x9f\x9a\xa2)");
    }
}

static void payloads_are_given_out_at_all_bounds_of_the_length(void **state) {
    (void)state;
    static const size_t lengths[] = {124, 125, 126, 127, 128, 129, 1000, 65534, 65535, 65536, 65537};
    static uint8_t payload[65537];
    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t) "0123456789abcdef"[i % 16];
    EACH_ROLE(role) {
        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
            struct input *input = begin((tow_role)role);
            add_bytes(input, FINAL | (i % 2 == 0 ? TEXT : BINARY), payload, lengths[i]);
            add(input, FINAL | PING, "");
            struct transcript expected = {0};
            say_bytes(&expected, i % 2 == 0 ? "text" : "binary", payload, lengths[i]);
            say(&expected, "ping()");
            expect(input, expected.text);
        }
    }
}

static void control_payloads_have_up_to_125_bytes(void **state) {
    (void)state;
    uint8_t payload[126];
    memset(payload, 'p', sizeof(payload));
    EACH_ROLE(role) {
        struct input *input = begin((tow_role)role);
        add_bytes(input, FINAL | PING, payload, 124);
        add_bytes(input, FINAL | PONG, payload, 125);
        struct transcript expected = {0};
        say_bytes(&expected, "ping", payload, 124);
        say_bytes(&expected, "pong", payload, 125);
        expected.text[expected.length - 1] = 0;
        expect(input, expected.text);
        input = begin((tow_role)role);
        add_bytes(input, FINAL | PING, payload, 126);
        expect(input, "failed(CONTROL_TOO_LONG)");
    }
}

static void nothing_is_received_after_a_close(void **state) {
    (void)state;
    EACH_ROLE(role) {
        struct input *input = begin((tow_role)role);
        add(input, FINAL | TEXT, "before");
        add(input, FINAL | CLOSE, "\x03\xe9going away");
        add(input, FINAL | TEXT, "after");
        add(input, FINAL | 5, "after");
        expect(input, "text(before) close(1001,going away)");
        input = begin((tow_role)role);
        add(input, BINARY, "before");
        add(input, FINAL | CLOSE, "");
        add(input, FINAL | CONTINUED, "after");
        expect(input, "@6:close(1005,)");
    }
}

/* Pieces. */

static tow_received_kind next_of(
    struct transcript *transcript, uint8_t *bytes, size_t length, tow_received *event) {
    return tow_receiver_next(&transcript->receiver, &transcript->rules, &bytes, &length, event);
}

static void a_piece_says_how_much_of_its_frame_is_to_come(void **state) {
    (void)state;
    struct input *input = begin(TOW_ROLE_CLIENT);
    add(input, TEXT, "0123456789");
    struct transcript *transcript = listen_with(input, (tow_receiver_rules){.max_message = 100});
    tow_received event;
    assert_int_equal(next_of(transcript, input->bytes, 2, &event), TOW_RECEIVED_NOTHING);
    assert_int_equal(next_of(transcript, input->bytes + 2, 3, &event), TOW_RECEIVED_DATA);
    assert_true(event.data == input->bytes + 2 && event.length == 3 && event.remaining == 7);
    assert_true(event.first && !event.last && event.header_length == 0);
    assert_int_equal(next_of(transcript, input->bytes + 5, 7, &event), TOW_RECEIVED_DATA);
    assert_true(
        event.length == 7 && event.remaining == 0 && !event.first && !event.last && event.header_length == 0);
    tow_receiver_clear(&transcript->receiver);
}

static void an_empty_last_fragment_ends_the_message(void **state) {
    (void)state;
    struct input *input = begin(TOW_ROLE_CLIENT);
    add(input, BINARY, "");
    add(input, CONTINUED, "");
    add(input, FINAL | CONTINUED, "");
    struct transcript *transcript = listen_with(input, (tow_receiver_rules){.max_message = 100});
    tow_received event;
    uint8_t *bytes = input->bytes;
    size_t length = input->length;
    assert_int_equal(tow_receiver_next(&transcript->receiver, &transcript->rules, &bytes, &length, &event),
        TOW_RECEIVED_DATA);
    assert_true(event.first && !event.last && event.length == 0);
    assert_int_equal(tow_receiver_next(&transcript->receiver, &transcript->rules, &bytes, &length, &event),
        TOW_RECEIVED_DATA);
    assert_true(!event.first && event.last && event.length == 0);
    assert_int_equal(tow_receiver_next(&transcript->receiver, &transcript->rules, &bytes, &length, &event),
        TOW_RECEIVED_NOTHING);
    assert_null(transcript->receiver.partial);
}

static void the_header_lies_before_a_message_that_came_whole(void **state) {
    (void)state;
    static const size_t lengths[] = {0, 125, 126, 65535, 65536};
    static const size_t header_lengths[] = {2, 2, 4, 4, 10};
    static uint8_t payload[65536];
    EACH_ROLE(role) {
        for (size_t i = 0; i < 5; i++) {
            struct input *input = begin((tow_role)role);
            add_bytes(input, FINAL | BINARY, payload, lengths[i]);
            size_t header_length = header_lengths[i] + (role == TOW_ROLE_SERVER ? 4 : 0);
            struct transcript *transcript = listen_with(input, (tow_receiver_rules){.max_message = 65536});
            tow_received event;
            assert_int_equal(next_of(transcript, input->bytes, input->length, &event), TOW_RECEIVED_DATA);
            assert_int_equal(event.header_length, header_length);
            assert_true(event.data == input->bytes + header_length);
        }
    }
}

static void a_message_that_came_whole_allocates_nothing(void **state) {
    (void)state;
    EACH_ROLE(role) {
        struct input *input = begin((tow_role)role);
        add(input, FINAL | TEXT, "Hello");
        add(input, FINAL | PING, "Hello");
        add(input, FINAL | BINARY, "");
        add(input, FINAL | CLOSE, "");
        struct transcript *transcript = listen_with(input, (tow_receiver_rules){.max_message = 100});
        allocation_fail_at(0);
        uint8_t *bytes = input->bytes;
        size_t length = input->length;
        tow_received event;
        for (int i = 0; i < 4; i++)
            assert_true(
                tow_receiver_next(&transcript->receiver, &transcript->rules, &bytes, &length, &event) > 0);
        assert_int_equal(allocation_count(), 0);
    }
}

static void a_cut_frame_counts_as_begun(void **state) {
    (void)state;
    struct input *input = begin(TOW_ROLE_SERVER);
    add(input, FINAL | PING, "abc");
    for (size_t cut = 0; cut <= input->length; cut++) {
        struct transcript *transcript = listen_with(input, (tow_receiver_rules){.max_message = 100});
        hear(transcript, input->bytes, cut);
        assert_int_equal(tow_receiver_in_message(&transcript->receiver), cut > 0 && cut < input->length);
        tow_receiver_clear(&transcript->receiver);
        assert_false(tow_receiver_in_message(&transcript->receiver));
    }
}

/* Violations. A message before one is given out. */

static void expect_violation(tow_role role, unsigned first_byte, const char *payload, const char *expected) {
    struct input *input = begin(role);
    add(input, FINAL | TEXT, "before");
    add(input, first_byte, payload);
    add(input, FINAL | TEXT, "after");
    char whole[200];
    snprintf(whole, sizeof(whole), "text(before) failed(%s)", expected);
    expect(input, whole);
}

static void reserved_bits_are_a_violation(void **state) {
    (void)state;
    static const unsigned bits[] = {RSV1, RSV2, RSV3, RSV1 | RSV2, RSV1 | RSV2 | RSV3};
    static const unsigned opcodes[] = {TEXT, BINARY, CONTINUED, PING, PONG, CLOSE};
    EACH_ROLE(role) {
        for (size_t i = 0; i < 5; i++) {
            for (size_t j = 0; j < 6; j++)
                expect_violation((tow_role)role, FINAL | bits[i] | opcodes[j], "", "RESERVED_BITS");
        }
    }
}

static void reserved_opcodes_are_a_violation(void **state) {
    (void)state;
    EACH_ROLE(role) {
        for (unsigned opcode = 0; opcode < 16; opcode++) {
            if ((opcode & 7) > 2)
                expect_violation((tow_role)role, FINAL | opcode, "x", "RESERVED_OPCODE");
        }
    }
}

static void a_fragmented_control_frame_is_a_violation(void **state) {
    (void)state;
    EACH_ROLE(role) {
        expect_violation((tow_role)role, PING, "x", "CONTROL_FRAGMENTED");
        expect_violation((tow_role)role, PONG, "", "CONTROL_FRAGMENTED");
        expect_violation((tow_role)role, CLOSE, "\x03\xe8", "CONTROL_FRAGMENTED");
    }
}

static void a_frame_that_is_masked_wrongly_is_a_violation(void **state) {
    (void)state;
    static const unsigned opcodes[] = {TEXT, BINARY, PING, PONG, CLOSE};
    EACH_ROLE(role) {
        for (size_t i = 0; i < 5; i++) {
            struct input *input = begin((tow_role)role);
            add(input, FINAL | BINARY, "before");
            input->role = role == TOW_ROLE_SERVER ? TOW_ROLE_CLIENT : TOW_ROLE_SERVER;
            add(input, FINAL | opcodes[i], "");
            add(input, FINAL | opcodes[i], "after");
            input->role = (tow_role)role;
            expect(input, role == TOW_ROLE_SERVER ? "binary(before) failed(NOT_MASKED)"
                                                  : "binary(before) failed(MASKED)");
        }
    }
}

static void a_length_that_is_not_minimal_is_a_violation(void **state) {
    (void)state;
    struct input *input = begin(TOW_ROLE_SERVER);
    add_raw(input, "\x82\xfe\x00\x05\x00\x00\x00\x00hello", 13);
    expect(input, "failed(LENGTH_NOT_MINIMAL)");
    input = begin(TOW_ROLE_CLIENT);
    add_raw(input, "\x82\x7e\x00\x7dhello", 9);
    expect(input, "failed(LENGTH_NOT_MINIMAL)");
    input = begin(TOW_ROLE_CLIENT);
    add_raw(input, "\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xffhello", 15);
    expect(input, "failed(LENGTH_NOT_MINIMAL)");
}

static void a_length_with_the_highest_bit_is_a_violation(void **state) {
    (void)state;
    struct input *input = begin(TOW_ROLE_SERVER);
    add_raw(input, "\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04hello", 19);
    expect(input, "failed(LENGTH_TOO_LARGE)");
}

static void a_continuation_without_a_message_is_a_violation(void **state) {
    (void)state;
    EACH_ROLE(role) {
        expect_violation((tow_role)role, FINAL | CONTINUED, "x", "CONTINUATION_UNEXPECTED");
        expect_violation((tow_role)role, CONTINUED, "", "CONTINUATION_UNEXPECTED");
        struct input *input = begin((tow_role)role);
        add(input, TEXT, "a");
        add(input, FINAL | CONTINUED, "b");
        add(input, FINAL | CONTINUED, "c");
        expect(input, "text(ab) failed(CONTINUATION_UNEXPECTED)");
    }
}

static void a_new_message_inside_a_fragmented_one_is_a_violation(void **state) {
    (void)state;
    EACH_ROLE(role) {
        static const unsigned first_bytes[] = {TEXT, BINARY, FINAL | TEXT, FINAL | BINARY};
        for (size_t i = 0; i < 4; i++) {
            struct input *input = begin((tow_role)role);
            add(input, TEXT, "a");
            add(input, FINAL | PING, "p");
            add(input, first_bytes[i], "b");
            expect(input, "@1:ping(p) failed(CONTINUATION_EXPECTED)");
        }
    }
}

static void a_close_that_is_not_valid_is_a_violation(void **state) {
    (void)state;
    EACH_ROLE(role) {
        expect_violation((tow_role)role, FINAL | CLOSE, "\x03", "CLOSE_LENGTH");
        expect_violation((tow_role)role, FINAL | CLOSE, "\x03\xed", "CLOSE_CODE");
        expect_violation((tow_role)role, FINAL | CLOSE, "\x03\xf7", "CLOSE_CODE");
        expect_violation((tow_role)role, FINAL | CLOSE, "\x13\x88", "CLOSE_CODE");
        expect_violation((tow_role)role, FINAL | CLOSE, "\x03\xe8\xc3", "UTF8");
    }
}

/* Text. */

static void bad_utf8_is_a_violation(void **state) {
    (void)state;
    EACH_ROLE(role) {
        expect_violation((tow_role)role, FINAL | TEXT, "\xff", "UTF8");
        expect_violation((tow_role)role, FINAL | TEXT, "ab\xc0\xaf", "UTF8");
        expect_violation((tow_role)role, FINAL | TEXT, "a text of more than eight bytes\xed\xa0\x80", "UTF8");
        struct input *input = begin((tow_role)role);
        add(input, TEXT, "ab");
        add(input, FINAL | PING, "");
        add(input, FINAL | CONTINUED, "c\xff");
        expect(input, "@2:ping() failed(UTF8)");
    }
}

static void a_text_that_ends_inside_a_character_is_a_violation(void **state) {
    (void)state;
    EACH_ROLE(role) {
        expect_violation((tow_role)role, FINAL | TEXT, "ab\xc3", "UTF8");
        expect_violation((tow_role)role, FINAL | TEXT, "\xf0\x9f\x9a", "UTF8");
        char text[150];
        memset(text, 'x', sizeof(text));
        for (size_t length = 120; length < sizeof(text); length++) {
            memcpy(text + length - 3, "\xf0\x9f\x9a", 4);
            expect_violation((tow_role)role, FINAL | TEXT, text, "UTF8");
            memset(text, 'x', sizeof(text));
        }
        struct input *input = begin((tow_role)role);
        add(input, TEXT, "ab\xe2");
        add(input, FINAL | CONTINUED, "\x82");
        expect(input, "failed(UTF8)");
        input = begin((tow_role)role);
        add(input, TEXT, "ab\xe2");
        add(input, FINAL | PING, "");
        add(input, FINAL | CONTINUED, "");
        expect(input, "@3:ping() failed(UTF8)");
    }
}

/* After a text that failed no state is left, but after one that ended well none may be left either. */
static void binary_messages_are_not_checked(void **state) {
    (void)state;
    EACH_ROLE(role) {
        struct input *input = begin((tow_role)role);
        add(input, BINARY, "\xff\xc3");
        add(input, FINAL | CONTINUED, "\xed\xa0");
        add(input, FINAL | BINARY, "\xc3");
        add(input, FINAL | TEXT, "\xc3\xa9");
        expect(input, "binary(\xff\xc3\xed\xa0) binary(\xc3) text(\xc3\xa9)");
    }
}

static void a_bad_byte_fails_in_the_middle_of_a_frame(void **state) {
    (void)state;
    uint8_t payload[1000];
    memset(payload, 'x', sizeof(payload));
    payload[500] = 0xe0;
    payload[501] = 0x80;
    EACH_ROLE(role) {
        struct input *input = begin((tow_role)role);
        add(input, FINAL | TEXT, "before");
        size_t before = input->length;
        add_bytes(input, FINAL | TEXT, payload, sizeof(payload));
        size_t header_length = input->length - before - sizeof(payload);
        struct transcript *transcript = listen_with(input, (tow_receiver_rules){.max_message = 1000});
        hear(transcript, input->bytes, before + header_length + 501);
        assert_false(transcript->done);
        hear(transcript, input->bytes + before + header_length + 501, 1);
        end(transcript, "text(before) failed(UTF8)", "at byte", 501);
    }
}

/* Limits. */

static void expect_limited(
    struct input *input, uint64_t max_message, bool compression, const char *expected) {
    expect_by(input, (tow_receiver_rules){.max_message = max_message, .compression = compression}, expected);
}

static void a_message_may_have_max_message_bytes(void **state) {
    (void)state;
    EACH_ROLE(role) {
        struct input *input = begin((tow_role)role);
        add(input, FINAL | TEXT, "12345");
        expect_limited(input, 4, false, "failed(MESSAGE_TOO_LARGE)");
        expect_limited(input, 5, false, "text(12345)");
        expect_limited(input, 6, false, "text(12345)");
        input = begin((tow_role)role);
        add(input, FINAL | PING, "control frames do not count");
        add(input, FINAL | BINARY, "");
        add(input, FINAL | BINARY, "1");
        expect_limited(
            input, 0, false, "ping(control frames do not count) binary() failed(MESSAGE_TOO_LARGE)");
    }
}

static void fragments_together_may_have_max_message_bytes(void **state) {
    (void)state;
    EACH_ROLE(role) {
        struct input *input = begin((tow_role)role);
        add(input, TEXT, "123");
        add(input, FINAL | PING, "not counted");
        add(input, CONTINUED, "4");
        add(input, FINAL | CONTINUED, "5");
        add(input, FINAL | TEXT, "1234");
        expect_limited(input, 4, false, "@3:ping(not counted) failed(MESSAGE_TOO_LARGE)");
        expect_limited(input, 5, false, "@3:ping(not counted) text(12345) text(1234)");
        expect_limited(input, 6, false, "@3:ping(not counted) text(12345) text(1234)");
        expect_limited(input, 3, false, "@3:ping(not counted) failed(MESSAGE_TOO_LARGE)");
        expect_limited(input, 2, false, "failed(MESSAGE_TOO_LARGE)");
    }
}

static void a_message_that_is_too_large_fails_at_its_header(void **state) {
    (void)state;
    EACH_ROLE(role) {
        static const unsigned first_bytes[] = {FINAL | BINARY, BINARY, FINAL | TEXT, TEXT};
        for (size_t i = 0; i < 4; i++) {
            struct input *input = begin((tow_role)role);
            add(input, FINAL | TEXT, "before");
            add_header(input, first_bytes[i], INT64_MAX);
            expect(input, "text(before) failed(MESSAGE_TOO_LARGE)");
            struct transcript *transcript =
                listen_with(input, (tow_receiver_rules){.max_message = INT64_MAX - 1});
            allocation_fail_at(0);
            hear(transcript, input->bytes, input->length);
            assert_int_equal(allocation_count(), 0);
            end(transcript, "text(before) failed(MESSAGE_TOO_LARGE)", "whole", 0);
        }
    }
}

static void a_continuation_that_is_too_large_fails_at_its_header(void **state) {
    (void)state;
    struct input *input = begin(TOW_ROLE_SERVER);
    add(input, BINARY, "12");
    add_header(input, CONTINUED, INT64_MAX);
    expect_limited(input, INT64_MAX, false, "failed(MESSAGE_TOO_LARGE)");
    expect_limited(input, (uint64_t)INT64_MAX + 1, false, "failed(MESSAGE_TOO_LARGE)");
    expect_limited(input, (uint64_t)INT64_MAX + 2, false, "");
}

static void without_a_limit_lengths_do_not_wrap_around(void **state) {
    (void)state;
    struct input *input = begin(TOW_ROLE_CLIENT);
    add(input, BINARY, "12");
    add(input, FINAL | CONTINUED, "34");
    expect_limited(input, UINT64_MAX, false, "binary(1234)");
    input = begin(TOW_ROLE_CLIENT);
    add(input, FINAL | RSV1 | BINARY, "12");
    expect_limited(input, UINT64_MAX, true, "compressed binary(12)");
}

/* Compression. */

static void a_compressed_message_has_rsv1_on_its_first_frame(void **state) {
    (void)state;
    EACH_ROLE(role) {
        struct input *input = begin((tow_role)role);
        add(input, FINAL | RSV1 | TEXT, "\xff\xfe");
        add(input, RSV1 | BINARY, "a");
        add(input, FINAL | PING, "");
        add(input, FINAL | CONTINUED, "b");
        add(input, FINAL | TEXT, "plain");
        expect_limited(
            input, 100, true, "compressed text(\xff\xfe) @1:ping() compressed binary(ab) text(plain)");
        input = begin((tow_role)role);
        add(input, RSV1 | BINARY, "a");
        add(input, FINAL | RSV1 | CONTINUED, "b");
        expect_limited(input, 100, true, "failed(RESERVED_BITS)");
        input = begin((tow_role)role);
        add(input, FINAL | RSV1 | PING, "a");
        expect_limited(input, 100, true, "failed(RESERVED_BITS)");
        input = begin((tow_role)role);
        add(input, FINAL | RSV2 | TEXT, "a");
        expect_limited(input, 100, true, "failed(RESERVED_BITS)");
    }
}

static void a_compressed_message_may_be_a_little_larger_on_the_wire(void **state) {
    (void)state;
    enum { MOST = 6400, ON_WIRE = MOST + MOST / 64 + 1024 };
    static uint8_t payload[ON_WIRE + 1];
    struct input *input = begin(TOW_ROLE_CLIENT);
    add_bytes(input, FINAL | RSV1 | BINARY, payload, ON_WIRE + 1);
    expect_limited(input, MOST, true, "failed(MESSAGE_TOO_LARGE)");
    input = begin(TOW_ROLE_CLIENT);
    add_bytes(input, RSV1 | BINARY, payload, ON_WIRE);
    add_bytes(input, FINAL | CONTINUED, payload, 1);
    expect_limited(input, MOST, true, "failed(MESSAGE_TOO_LARGE)");
    input = begin(TOW_ROLE_CLIENT);
    add_bytes(input, RSV1 | BINARY, payload, ON_WIRE - 1);
    add_bytes(input, FINAL | CONTINUED, payload, 1);
    struct transcript expected = {0};
    say_bytes(&expected, "compressed binary", payload, ON_WIRE);
    expected.text[expected.length - 1] = 0;
    expect_limited(input, MOST, true, expected.text);
}

/* Memory. */

static void memory_that_runs_out_is_an_error(void **state) {
    (void)state;
    EACH_ROLE(role) {
        struct input *input = begin((tow_role)role);
        add(input, FINAL | TEXT, "whole");
        add(input, FINAL | PING, "ping");
        add(input, TEXT, "first");
        add(input, FINAL | PONG, "pong");
        add(input, FINAL | CONTINUED, "last");
        add(input, FINAL | CLOSE, "\x03\xe8");
        const char *all = "text(whole) ping(ping) @5:pong(pong) text(firstlast) close(1000,)";
        for (size_t size = 1; size <= 9; size++) {
            allocation_fail_at(0);
            expect_in_pieces(input, (tow_receiver_rules){.max_message = 100}, all, size);
            size_t count = allocation_count();
            assert_true(count > 0);
            for (size_t failing = 1; failing <= count; failing++) {
                allocation_fail_at(failing);
                struct transcript *transcript = listen_with(input, (tow_receiver_rules){.max_message = 100});
                for (size_t at = 0; at < input->length; at += size)
                    hear(
                        transcript, input->bytes + at, input->length - at < size ? input->length - at : size);
                char *failure = strstr(transcript->text, "failed(MEMORY) ");
                assert_non_null(failure);
                assert_string_equal(failure, "failed(MEMORY) ");
                assert_memory_equal(transcript->text, all, (size_t)(failure - transcript->text));
                tow_receiver_clear(&transcript->receiver);
                assert_int_equal(allocation_outstanding(), 0);
            }
        }
    }
}

static void a_receiver_of_its_own_keeps_a_cut_frame_until_it_is_freed(void **state) {
    (void)state;
    tow_receiver_rules rules = {.role = TOW_ROLE_CLIENT, .max_message = 100};
    tow_receiver *receiver = NULL;
    assert_int_equal(tow_receiver_new(&receiver), 0);
    uint8_t ping[] = {FINAL | PING, 2, 'h', 'i'};
    uint8_t *bytes = ping;
    size_t length = 3;
    tow_received event;
    assert_int_equal(tow_receiver_next(receiver, &rules, &bytes, &length, &event), TOW_RECEIVED_NOTHING);
    assert_true(tow_receiver_in_message(receiver));
    length = 1;
    assert_int_equal(tow_receiver_next(receiver, &rules, &bytes, &length, &event), TOW_RECEIVED_PING);
    assert_int_equal(event.length, 2);
    assert_memory_equal(event.data, "hi", 2);
    uint8_t cut[] = {FINAL | PING};
    bytes = cut;
    length = 1;
    assert_int_equal(tow_receiver_next(receiver, &rules, &bytes, &length, &event), TOW_RECEIVED_NOTHING);
    assert_int_equal(allocation_outstanding(), 2);
    tow_receiver_free(receiver);
    tow_receiver_free(NULL);
    assert_int_equal(allocation_outstanding(), 0);
}

static void a_receiver_of_its_own_needs_memory(void **state) {
    (void)state;
    tow_receiver *receiver = NULL;
    allocation_fail_at(1);
    assert_int_equal(tow_receiver_new(&receiver), TOW_ERROR_MEMORY);
    assert_null(receiver);
    allocation_fail_at(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_in_one_frame_is_given_out),
        cmocka_unit_test(empty_messages_are_messages),
        cmocka_unit_test(fragments_are_one_message),
        cmocka_unit_test(fragments_may_be_empty),
        cmocka_unit_test(control_frames_may_interrupt_fragments),
        cmocka_unit_test(a_character_may_be_cut_by_fragments),
        cmocka_unit_test(payloads_are_given_out_at_all_bounds_of_the_length),
        cmocka_unit_test(control_payloads_have_up_to_125_bytes),
        cmocka_unit_test(nothing_is_received_after_a_close),
        cmocka_unit_test(a_piece_says_how_much_of_its_frame_is_to_come),
        cmocka_unit_test(an_empty_last_fragment_ends_the_message),
        cmocka_unit_test(the_header_lies_before_a_message_that_came_whole),
        cmocka_unit_test(a_message_that_came_whole_allocates_nothing),
        cmocka_unit_test(a_cut_frame_counts_as_begun),
        cmocka_unit_test(reserved_bits_are_a_violation),
        cmocka_unit_test(reserved_opcodes_are_a_violation),
        cmocka_unit_test(a_fragmented_control_frame_is_a_violation),
        cmocka_unit_test(a_frame_that_is_masked_wrongly_is_a_violation),
        cmocka_unit_test(a_length_that_is_not_minimal_is_a_violation),
        cmocka_unit_test(a_length_with_the_highest_bit_is_a_violation),
        cmocka_unit_test(a_continuation_without_a_message_is_a_violation),
        cmocka_unit_test(a_new_message_inside_a_fragmented_one_is_a_violation),
        cmocka_unit_test(a_close_that_is_not_valid_is_a_violation),
        cmocka_unit_test(bad_utf8_is_a_violation),
        cmocka_unit_test(a_text_that_ends_inside_a_character_is_a_violation),
        cmocka_unit_test(binary_messages_are_not_checked),
        cmocka_unit_test(a_bad_byte_fails_in_the_middle_of_a_frame),
        cmocka_unit_test(a_message_may_have_max_message_bytes),
        cmocka_unit_test(fragments_together_may_have_max_message_bytes),
        cmocka_unit_test(a_message_that_is_too_large_fails_at_its_header),
        cmocka_unit_test(a_continuation_that_is_too_large_fails_at_its_header),
        cmocka_unit_test(without_a_limit_lengths_do_not_wrap_around),
        cmocka_unit_test(a_compressed_message_has_rsv1_on_its_first_frame),
        cmocka_unit_test(a_compressed_message_may_be_a_little_larger_on_the_wire),
        cmocka_unit_test(memory_that_runs_out_is_an_error),
        cmocka_unit_test(a_receiver_of_its_own_keeps_a_cut_frame_until_it_is_freed),
        cmocka_unit_test(a_receiver_of_its_own_needs_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
