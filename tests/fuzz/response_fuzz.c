/* A response read whole and cut: the same parts must be found; what is taken stays within the limits; and
 * what has an end ends where another look at the kept head says. The first byte chooses the limits and
 * whether the request was HEAD. */
#include "fuzz.h"
#include "http/response_reader.h"

typedef struct reading {
    tow_buffer head;
    tow_buffer body;
    int result;
    size_t taken;
    int end;
} reading;

static reading read_response(
    const char *bytes, size_t length, size_t step, bool to_head, tow_response_limits limits) {
    reading found = {0};
    tow_response_reader reader;
    tow_response_reader_init(&reader, to_head, limits);
    while (found.result == TOW_RESPONSE_MORE && found.taken < length) {
        const char *at = bytes + found.taken;
        size_t count = length - found.taken < step ? length - found.taken : step;
        tow_slice piece;
        do {
            found.result = tow_response_reader_next(&reader, &at, &count, &piece);
            if (found.result == TOW_RESPONSE_HEAD)
                CHECK(tow_buffer_append(&found.head, reader.head.data, reader.head.length) == 0);
            if (found.result == TOW_RESPONSE_PIECE)
                CHECK(tow_buffer_append(&found.body, piece.data, piece.length) == 0);
        } while (found.result == TOW_RESPONSE_HEAD || found.result == TOW_RESPONSE_PIECE);
        CHECK(found.result != TOW_RESPONSE_MORE || count == 0);
        found.taken = (size_t)(at - bytes);
    }
    CHECK(reader.head.length <= limits.head && found.body.length <= limits.body);
    found.end = tow_response_reader_end(&reader);
    tow_response_reader_clear(&reader);
    return found;
}

static bool is_same(const tow_buffer *one, const tow_buffer *other) {
    return one->length == other->length &&
           (one->length == 0 || memcmp(one->data, other->data, one->length) == 0);
}

static void check_end(const reading *found, bool to_head) {
    tow_http_head head;
    int length = tow_http_response_read(&head, (const char *)found->head.data, found->head.length, NULL);
    CHECK(length == (int)found->head.length && head.status >= 200);
    if (to_head || head.body == TOW_BODY_NONE)
        CHECK(found->body.length == 0);
    else if (head.body == TOW_BODY_LENGTH)
        CHECK(found->body.length == head.body_length);
    else
        CHECK(head.body == TOW_BODY_CHUNKED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    bool to_head = data[0] & 1;
    const tow_response_limits limits = {
        .head = data[0] & 2 ? 64 : 4096, .body = data[0] & 4 ? data[0] >> 3 : 4096};
    const char *bytes = (const char *)data + 1;
    reading whole = read_response(bytes, size - 1, size - 1, to_head, limits);
    for (size_t step = 1; step < 4; step++) {
        reading cut = read_response(bytes, size - 1, step, to_head, limits);
        CHECK(cut.result == whole.result && cut.end == whole.end && is_same(&cut.head, &whole.head));
        CHECK(whole.result < 0 || (cut.taken == whole.taken && is_same(&cut.body, &whole.body)));
        tow_buffer_clear(&cut.head);
        tow_buffer_clear(&cut.body);
    }
    if (whole.result == TOW_RESPONSE_END)
        check_end(&whole, to_head);
    tow_buffer_clear(&whole.head);
    tow_buffer_clear(&whole.body);
    return 0;
}
