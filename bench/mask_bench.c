/* mask-bench: what unmasking, the UTF-8 check and the receiver cost in cache, for each implementation.
 *
 * Each figure is the best of several rounds, so that other work on the machine counts little. The masking key
 * is zeros: the bytes stay what they are, and each round sees the same. */
#include "protocol/mask.h"
#include "protocol/receiver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BYTES_MAX = 256 * 1024, ROUNDS = 25, ROUND_NANOSECONDS = 2000000 };

static const uint8_t key[4];

static double nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* What is measured: one function over one input. */
struct work {
    bool (*run)(const struct work *work);
    const tow_mask_implementation *implementation;
    uint8_t *bytes;
    size_t length;
    tow_role role;
};

static double round_of(const struct work *work, size_t times) {
    double start = nanoseconds();
    for (size_t i = 0; i < times; i++) {
        if (!work->run(work)) {
            fprintf(stderr, "mask-bench: a valid input was refused\n");
            exit(1);
        }
    }
    return (nanoseconds() - start) / (double)times;
}

/* Nanoseconds for one run. */
static double measure(const struct work *work) {
    size_t times = 1;
    while (round_of(work, times) * (double)times < ROUND_NANOSECONDS)
        times *= 2;
    double best = round_of(work, times);
    for (int i = 1; i < ROUNDS; i++) {
        double now = round_of(work, times);
        best = now < best ? now : best;
    }
    return best;
}

static bool run_mask(const struct work *work) {
    work->implementation->mask(work->bytes, work->length, key, 0);
    return true;
}

static bool run_check(const struct work *work) {
    tow_utf8_state state = 0;
    return work->implementation->utf8_check(&state, work->bytes, work->length);
}

static bool run_unmask_check(const struct work *work) {
    tow_utf8_state state = 0;
    return work->implementation->unmask_utf8(work->bytes, work->length, key, 0, &state);
}

static bool run_receiver(const struct work *work) {
    tow_receiver receiver = {0};
    tow_receiver_rules rules = {.role = work->role, .max_message = BYTES_MAX};
    uint8_t *bytes = work->bytes;
    size_t length = work->length;
    tow_received event;
    tow_received_kind kind = tow_receiver_next(&receiver, &rules, &bytes, &length, &event);
    while (kind == TOW_RECEIVED_DATA)
        kind = tow_receiver_next(&receiver, &rules, &bytes, &length, &event);
    return kind == TOW_RECEIVED_NOTHING;
}

/* Fills with the text again and again, and with letters where it does not fit any more. */
static void fill(uint8_t *bytes, size_t length, const char *text) {
    size_t size = strlen(text);
    size_t whole = length - length % size;
    for (size_t at = 0; at < length; at++)
        bytes[at] = (uint8_t)(at < whole ? text[at % size] : 'x');
}

static const struct text {
    const char *name;
    const char *text;
} texts[] = {
    {"ASCII", "The quick brown fox jumps over the lazy dog. "},
    {"German", "Zw\xc3\xb6lf Boxk\xc3\xa4mpfer jagen Viktor quer \xc3\xbc"
               "ber den gro\xc3\x9f"
               "en Sylter Deich. "},
    {"Russian",
        "\xd0\xa1\xd1\x8a\xd0\xb5\xd1\x88\xd1\x8c \xd0\xb5\xd1\x89\xd1\x91 \xd1\x8d\xd1\x82\xd0\xb8\xd1\x85 "
        "\xd0\xbc\xd1\x8f\xd0\xb3\xd0\xba\xd0\xb8\xd1\x85, "},
    {"Japanese",
        "\xe3\x81\x84\xe3\x82\x8d\xe3\x81\xaf\xe3\x81\xab\xe3\x81\xbb\xe3\x81\xb8\xe3\x81\xa8\xe3\x80\x82"},
    {"emoji", "\xf0\x9f\x9a\xa2\xf0\x9f\x8c\x8a\xe2\x9a\x93\xf0\x9f\x90\x9f\xc3\xa9"},
};
enum { TEXT_COUNT = sizeof(texts) / sizeof(texts[0]) };

static void bench_masks(uint8_t *bytes, size_t length) {
    printf("\nmask, %zu bytes, GB/s\n", length);
    const tow_mask_implementation *implementation;
    for (size_t i = 0; (implementation = tow_mask_implementation_at(i)) != NULL; i++) {
        struct work work = {run_mask, implementation, bytes, length, TOW_ROLE_SERVER};
        printf("%-10s %8.1f\n", implementation->name, (double)length / measure(&work));
    }
}

static void bench_texts(const char *title, bool (*run)(const struct work *), uint8_t *bytes, size_t length) {
    printf("\n%s, %zu bytes, GB/s\n%-10s", title, length, "");
    for (size_t t = 0; t < TEXT_COUNT; t++)
        printf(" %8s", texts[t].name);
    const tow_mask_implementation *implementation;
    for (size_t i = 0; (implementation = tow_mask_implementation_at(i)) != NULL; i++) {
        printf("\n%-10s", implementation->name);
        for (size_t t = 0; t < TEXT_COUNT; t++) {
            fill(bytes, length, texts[t].text);
            struct work work = {run, implementation, bytes, length, TOW_ROLE_SERVER};
            printf(" %8.1f", (double)length / measure(&work));
        }
    }
    printf("\n");
}

/* Nanoseconds for a frame, of which 16 KiB lie one behind the other as in a read. */
static double measure_frames(
    uint8_t *bytes, tow_role role, tow_opcode opcode, const char *text, size_t payload) {
    tow_frame_header header = {.payload_length = payload,
        .opcode = (uint8_t)opcode,
        .final = true,
        .masked = role == TOW_ROLE_SERVER};
    size_t count = payload < 16384 ? 16384 / payload : 1;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        at += tow_frame_header_write(bytes + at, &header);
        fill(bytes + at, payload, text);
        at += payload;
    }
    struct work work = {run_receiver, NULL, bytes, at, role};
    return measure(&work) / (double)count;
}

static void bench_frames(uint8_t *bytes) {
    static const size_t payloads[] = {5, 16, 64, 125, 126, 256, 1024, 16384};
    printf("\ntow_receiver_next, ns a frame\n%-10s %12s %12s %12s %12s\n", "payload", "binary", "ASCII",
        "Russian", "unmasked");
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        printf("%-10zu %12.1f %12.1f %12.1f %12.1f\n", payloads[i],
            measure_frames(bytes, TOW_ROLE_SERVER, TOW_OPCODE_BINARY, texts[0].text, payloads[i]),
            measure_frames(bytes, TOW_ROLE_SERVER, TOW_OPCODE_TEXT, texts[0].text, payloads[i]),
            measure_frames(bytes, TOW_ROLE_SERVER, TOW_OPCODE_TEXT, texts[2].text, payloads[i]),
            measure_frames(bytes, TOW_ROLE_CLIENT, TOW_OPCODE_BINARY, texts[0].text, payloads[i]));
    }
}

int main(void) {
    uint8_t *bytes = aligned_alloc(64, BYTES_MAX);
    if (bytes == NULL)
        return 1;
    memset(bytes, 'x', BYTES_MAX);
    bench_frames(bytes);
    static const size_t lengths[] = {1000, 16384, BYTES_MAX};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        bench_masks(bytes, lengths[i]);
        bench_texts("UTF-8 check", run_check, bytes, lengths[i]);
        bench_texts("unmask and check", run_unmask_check, bytes, lengths[i]);
    }
    free(bytes);
    return 0;
}
