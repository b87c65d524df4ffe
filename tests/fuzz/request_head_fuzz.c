/* A request's head read whole, cut, and by a second parser that shares nothing with the first: it looks for
 * separators in whole lines. What the strict one takes, the simple one must take too, and see the same in it.
 */
#include "fuzz.h"
#include "http/head.h"

#include <strings.h>

static bool same(tow_slice one, const char *data, size_t length) {
    return one.length == length && memcmp(one.data, data, length) == 0;
}

/* The simple parser. */

static const char *find_text(const char *from, const char *end, const char *text) {
    return memmem(from, (size_t)(end - from), text, strlen(text));
}

static bool is_name(tow_slice name, const char *text) {
    return name.length == strlen(text) && strncasecmp(name.data, text, name.length) == 0;
}

static void check_request_line(const tow_http_head *head, const char *line, const char *end) {
    const char *first = find_text(line, end, " ");
    CHECK(first != NULL && first > line);
    const char *second = find_text(first + 1, end, " ");
    CHECK(second != NULL && second > first + 1);
    CHECK(find_text(second + 1, end, " ") == NULL);
    CHECK(same(head->method, line, (size_t)(first - line)));
    CHECK(same(head->target, first + 1, (size_t)(second - first - 1)));
    CHECK(same(head->version, second + 1, (size_t)(end - second - 1)));
    CHECK(same(head->version, "HTTP/1.1", 8) || same(head->version, "HTTP/1.0", 8));
    CHECK(find_text(first, second, "#") == NULL);
    CHECK(head->path.length > 0);
    if (first[1] == '/') {
        const char *mark = find_text(first, second, "?");
        CHECK(same(head->path, first + 1, (size_t)((mark != NULL ? mark : second) - first - 1)));
        CHECK(mark == NULL ? head->query.length == 0
                           : same(head->query, mark + 1, (size_t)(second - mark - 1)));
    }
}

static void check_field(const tow_field *field, const char *line, const char *end) {
    const char *colon = find_text(line, end, ":");
    CHECK(colon != NULL && colon > line);
    CHECK(same(field->name, line, (size_t)(colon - line)));
    for (const char *at = line; at < colon; at++)
        CHECK(*at > ' ' && *at < 127 && strchr("\"(),/:;<=>?@[\\]{}", *at) == NULL);
    const char *value = colon + 1;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    CHECK(same(field->value, value, (size_t)(end - value)));
    for (const char *at = value; at < end; at++)
        CHECK((unsigned char)*at >= ' ' ? *at != 127 : *at == '\t');
}

/* How many fields have the name; the last one's value. */
static size_t count_fields(const tow_http_head *head, const char *name, tow_slice *value) {
    size_t count = 0;
    for (size_t i = 0; i < head->field_count; i++) {
        if (is_name(head->fields[i].name, name)) {
            *value = head->fields[i].value;
            count++;
        }
    }
    return count;
}

static void check_framing(const tow_http_head *head) {
    tow_slice length = {0};
    tow_slice coding = {0};
    tow_slice host = {0};
    size_t lengths = count_fields(head, "content-length", &length);
    size_t codings = count_fields(head, "transfer-encoding", &coding);
    size_t hosts = count_fields(head, "host", &host);
    CHECK(hosts == 1 || (hosts == 0 && head->version.data[7] == '0'));
    CHECK(lengths + codings <= 1);
    CHECK((head->body == TOW_BODY_CHUNKED) == (codings == 1));
    CHECK(codings == 0 || is_name(coding, "chunked"));
    CHECK(head->body != TOW_BODY_UNTIL_END);
    if (lengths == 1) {
        char text[64] = "";
        size_t zeros = 0;
        while (zeros + 1 < length.length && length.data[zeros] == '0')
            zeros++;
        CHECK(length.length - zeros < sizeof(text));
        memcpy(text, length.data + zeros, length.length - zeros);
        CHECK(strspn(text, "0123456789") == strlen(text) && *text != '\0');
        CHECK(strtoull(text, NULL, 10) == head->body_length);
        CHECK((head->body == TOW_BODY_LENGTH) == (head->body_length > 0));
    } else {
        CHECK(head->body != TOW_BODY_LENGTH);
    }
}

static void check_by_simple_parser(const tow_http_head *head, const char *bytes, size_t length) {
    const char *at = bytes;
    const char *end = bytes + length;
    if (find_text(at, end, "\r\n") == at)
        at += 2;
    const char *line_end = find_text(at, end, "\r\n");
    CHECK(line_end != NULL);
    check_request_line(head, at, line_end);
    size_t count = 0;
    for (at = line_end + 2; (line_end = find_text(at, end, "\r\n")) != at; at = line_end + 2) {
        CHECK(line_end != NULL && count < head->field_count);
        check_field(&head->fields[count++], at, line_end);
    }
    CHECK(count == head->field_count);
    CHECK(at + 2 == end);
    check_framing(head);
}

/* Fed in pieces of `step` bytes the same comes out, and never earlier. */
static void check_cut(const char *bytes, size_t length, size_t step, int expected) {
    static tow_http_head head;
    size_t scanned = 0;
    int result = 0;
    size_t end = 0;
    while (result == 0 && end < length) {
        end = end + step < length ? end + step : length;
        result = tow_http_request_read(&head, bytes, end, &scanned);
        CHECK(result <= 0 || (size_t)result + step > end);
    }
    CHECK(result == expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static tow_http_head head;
    const char *bytes = (const char *)data;
    int result = tow_http_request_read(&head, bytes, size, NULL);
    CHECK(result <= (int)size);
    if (result > 0)
        check_by_simple_parser(&head, bytes, (size_t)result);
    if (result < 0)
        CHECK(tow_http_refusal_status(&head) >= 400);
    check_cut(bytes, size, 1, result);
    check_cut(bytes, size, 7, result);
    return 0;
}
