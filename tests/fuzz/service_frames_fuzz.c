/* What a program for many connections writes: all that is found lies within what was written and within its
 * limits. */
#include "fuzz.h"

#include "service/protocol.h"

#include <stdint.h>

enum { MOST = 4000 };

static void look_at(const tow_service_frame *frame, const uint8_t *begin, const uint8_t *end) {
    CHECK(frame->type >= TOW_SERVICE_READY && frame->type <= TOW_SERVICE_CLOSE);
    CHECK(frame->data >= begin && frame->data + frame->length <= end);
    if (frame->type == TOW_SERVICE_ATTACH)
        CHECK(frame->length <= TOW_SERVICE_STATE_MAX);
    if (frame->type == TOW_SERVICE_CLOSE)
        CHECK(frame->length <= TOW_SERVICE_REASON_MAX);
    uint64_t sum = 0;
    for (size_t i = 0; i < frame->entry_count; i++)
        sum += frame->type == TOW_SERVICE_BROADCAST ? tow_service_frame_id(frame, i)
                                                    : tow_service_frame_acknowledgement(frame, i).id;
    CHECK(sum == 0 || frame->entry_count > 0);
    CHECK(frame->entry_count <= (size_t)(end - begin) / 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tow_service_frame frame;
    int64_t used;
    for (size_t at = 0; (used = tow_service_frame_next(data + at, size - at, MOST, &frame)) > 0;) {
        CHECK((size_t)used <= size - at && used <= MOST + 5);
        look_at(&frame, data + at, data + at + used);
        at += (size_t)used;
    }
    return 0;
}
