/* A response's head read whole and cut, and what must hold of every one that is taken. */
#include "fuzz.h"
#include "http/head.h"

static void check_head(const tow_http_head *head, const char *bytes, size_t length) {
    CHECK(head->status >= 100 && head->status <= 999);
    CHECK(memmem(bytes, length, "\r\n\r\n", 4) == bytes + length - 4);
    CHECK(memcmp(bytes, "HTTP/1.", 7) == 0);
    size_t lines = 0;
    for (size_t i = 0; i < length; i++)
        lines += bytes[i] == '\n';
    CHECK(lines == head->field_count + 2);
    if (head->status < 200 || head->status == 204 || head->status == 304)
        CHECK(head->body == TOW_BODY_NONE);
    if (head->body == TOW_BODY_UNTIL_END)
        CHECK(!head->keep_alive && tow_http_field(head, "Content-Length").data == NULL);
    if (head->body == TOW_BODY_CHUNKED)
        CHECK(tow_http_field(head, "Content-Length").data == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static tow_http_head head;
    const char *bytes = (const char *)data;
    int expected = tow_http_response_read(&head, bytes, size, NULL);
    CHECK(expected <= (int)size);
    if (expected > 0)
        check_head(&head, bytes, (size_t)expected);
    size_t scanned = 0;
    int result = 0;
    for (size_t end = 1; result == 0 && end <= size; end++) {
        result = tow_http_response_read(&head, bytes, end, &scanned);
        CHECK(result <= 0 || (size_t)result == end);
    }
    CHECK(result == expected);
    return 0;
}
