/* What the conformance judge reads of a peer: frames, text, compressed messages (held against zlib), heads.
 */
#include "decoder.h"
#include "fuzz.h"
#include "opening_judge.h"
#include "opening_write.h"
#include "unpack.h"

#include <string.h>
#include <zlib.h>

static void read_frames(const uint8_t *data, size_t size) {
    wire_frame frame;
    for (size_t at = 0; tow_conform_wire_frame_read(&frame, data + at, size - at); at += frame.size) {
        uint8_t *payload = malloc((size_t)frame.length + 1);
        CHECK(payload != NULL);
        CHECK(frame.size >= 2 && frame.size <= size - at && frame.length <= frame.size);
        tow_conform_wire_frame_payload(&frame, payload);
        tow_conform_wire_utf8_is_valid(payload, (size_t)frame.length);
        free(payload);
    }
}

/* What zlib makes of one DEFLATE stream at the front of the data; SIZE_MAX if it is broken or does not end.
 */
static size_t inflated(const uint8_t *data, size_t size, uint8_t *out, size_t room) {
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)data,
        .avail_in = (uInt)size,
        .next_out = out,
        .avail_out = (uInt)room};
    CHECK(inflateInit2(&stream, -15) == Z_OK);
    int result = inflate(&stream, Z_FINISH);
    size_t length = room - stream.avail_out;
    bool whole = result == Z_STREAM_END && stream.avail_in == 0;
    inflateEnd(&stream);
    return whole ? length : SIZE_MAX;
}

/* Where zlib finds one whole stream, we find the same bytes in it. */
static void read_compressed(const uint8_t *data, size_t size) {
    enum { ROOM = 1 << 20 };
    static uint8_t expected[ROOM];
    tow_buffer out = {0};
    const char *why = NULL;
    bool right = tow_conform_unpack(data, size, 32768, &out, &why);
    CHECK(right == (why == NULL));
    size_t length = size > 0 ? inflated(data, size, expected, ROOM) : SIZE_MAX;
    if (length != SIZE_MAX) {
        CHECK(right && out.length == length);
        CHECK(length == 0 || memcmp(out.data, expected, length) == 0);
    }
    tow_buffer_clear(&out);
}

static void read_head(const uint8_t *data, size_t size) {
    judged_head head;
    judged_agreement agreement;
    const conform_case one = {0};
    char why[160] = "";
    size_t count;
    if (tow_conform_judged_head_read(&head, data, size, why) > 0) {
        CHECK(head.size <= size && head.count <= HEAD_LINES_MAX);
        tow_conform_opening_request_judge(&head, why);
        tow_conform_opening_answer_judge(&one, &head, "dGhlIHNhbXBsZSBub25jZQ==", &agreement, why);
        tow_conform_agreement_read(
            tow_conform_judged_head_value(&head, "sec-websocket-extensions", &count), &agreement);
    }
    tow_conform_judged_head_clear(&head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    if (data[0] % 3 == 0)
        read_frames(data + 1, size - 1);
    else if (data[0] % 3 == 1)
        read_compressed(data + 1, size - 1);
    else
        read_head(data + 1, size - 1);
    return 0;
}
