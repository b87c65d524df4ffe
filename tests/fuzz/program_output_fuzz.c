/* What a program writes, whole and in two pieces: the same messages are found, none longer than the limit,
 * and all lie within what was written. */
#include "fuzz.h"

#include "program/output.h"

#include <stdint.h>
#include <string.h>

enum { MOST = 300, MESSAGES_MAX = 4096 };

typedef struct found {
    size_t count;
    size_t ends[MESSAGES_MAX];
    int64_t last;
} found;

/* With the first `border` bytes there before the others. */
static void read_all(tow_program_mode mode, const uint8_t *data, size_t size, size_t border, found *out) {
    size_t at = 0, seen = 0;
    out->count = 0;
    for (int part = 0; part < 2; part++) {
        size_t there = part == 0 ? border : size;
        tow_program_output output;
        while ((out->last = tow_program_output_next(mode, MOST, data + at, there - at, &seen, &output)) > 0) {
            CHECK(output.length <= MOST && output.data >= data + at);
            CHECK(output.data + output.length <= data + at + out->last);
            at += (size_t)out->last;
            CHECK(at <= there);
            if (out->count < MESSAGES_MAX)
                out->ends[out->count++] = at;
        }
        if (out->last < 0)
            return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static found whole, cut;
    if (size < 2)
        return 0;
    size -= 2;
    tow_program_mode mode = data[0] & 1 ? TOW_PROGRAM_FRAMES : TOW_PROGRAM_LINES;
    read_all(mode, data + 2, size, size, &whole);
    read_all(mode, data + 2, size, data[1] < size ? data[1] : size, &cut);
    CHECK(whole.count == cut.count || whole.last < 0);
    CHECK((whole.last < 0) == (cut.last < 0));
    CHECK(memcmp(whole.ends, cut.ends,
              (whole.count < cut.count ? whole.count : cut.count) * sizeof(size_t)) == 0);
    return 0;
}
