#include "http/head.h"

#include "framing.h"
#include "scan.h"
#include "target.h"

#include <towline/error.h>

/* Longer heads are refused, so that every offset fits beside the scanner's state, and every length into an
 * int. */
enum { HEAD_MAX = 1 << 24 };

static void head_reset(tow_http_head *head) {
    head->method = head->target = head->path = head->query = head->authority = (tow_slice){0};
    head->reason = head->version = (tow_slice){0};
    head->status = 0;
    head->body = TOW_BODY_NONE;
    head->body_length = 0;
    head->keep_alive = head->expect_continue = false;
    head->field_count = 0;
}

/* A refused request's status is kept where a response's would be. */
static int refuse(tow_http_head *head, int status) {
    head->status = status;
    return TOW_ERROR_HTTP_SYNTAX;
}

/* Goes on with the scan where *scanned says that it stopped. The head's length, 0 or an error. */
static int head_scan(tow_http_head *head, const char *bytes, size_t length, bool response, size_t *scanned) {
    size_t at = *scanned / TOW_SCAN_STATES;
    unsigned state = *scanned % TOW_SCAN_STATES;
    size_t limit = length < HEAD_MAX ? length : HEAD_MAX;
    tow_scan_result result = tow_scan(bytes, limit, response, &at, &state);
    *scanned = at * TOW_SCAN_STATES + state;
    switch (result) {
    case TOW_SCAN_COMPLETE:
        *scanned = 0;
        return (int)at;
    case TOW_SCAN_INCOMPLETE:
        if (length < HEAD_MAX)
            return 0;
        refuse(head, 431);
        return TOW_ERROR_HTTP_TOO_LARGE;
    case TOW_SCAN_VERSION:
        return refuse(head, 505);
    case TOW_SCAN_SYNTAX:
        break;
    }
    return refuse(head, 400);
}

/* From here on the form is known to be right: what is looked for is found. */

/* Cuts *rest behind the first `end`; the result is what stands before it. */
static tow_slice take_until(tow_slice *rest, char end) {
    const char *found = memchr(rest->data, end, rest->length);
    tow_slice taken = {.data = rest->data, .length = (size_t)(found - rest->data)};
    *rest = (tow_slice){.data = found + 1, .length = rest->length - taken.length - 1};
    return taken;
}

/* A line without its CRLF. */
static tow_slice take_line(tow_slice *rest) {
    tow_slice line = take_until(rest, '\r');
    *rest = (tow_slice){.data = rest->data + 1, .length = rest->length - 1};
    return line;
}

/* RFC 9112, section 5.1: without the white space around the value. */
static tow_slice trim(tow_slice value) {
    while (value.length > 0 && (value.data[0] == ' ' || value.data[0] == '\t'))
        value = (tow_slice){.data = value.data + 1, .length = value.length - 1};
    while (value.length > 0 && (value.data[value.length - 1] == ' ' || value.data[value.length - 1] == '\t'))
        value.length--;
    return value;
}

/* Cuts the field lines up to the empty line. False if there are too many. */
static bool fields_read(tow_http_head *head, tow_framing *framing, tow_slice rest) {
    while (rest.data[0] != '\r') {
        if (head->field_count == TOW_FIELDS_MAX)
            return false;
        tow_field *field = &head->fields[head->field_count++];
        field->name = take_until(&rest, ':');
        field->value = trim(take_line(&rest));
        tow_framing_note(framing, field);
    }
    return true;
}

/* RFC 9112, section 3. */
static int request_cut(tow_http_head *head, tow_slice rest) {
    if (rest.data[0] == '\r')
        take_line(&rest); /* section 2.2: the empty line before it */
    head->method = take_until(&rest, ' ');
    head->target = take_until(&rest, ' ');
    head->version = take_line(&rest);
    tow_framing framing = {0};
    if (!fields_read(head, &framing, rest))
        return 431; /* RFC 6585, section 5 */
    int refusal = tow_target_read(head);
    return refusal != 0 ? refusal : tow_framing_of_request(&framing, head);
}

/* RFC 9112, section 4. */
static int response_cut(tow_http_head *head, tow_slice rest) {
    tow_slice line = take_line(&rest);
    head->version = take_until(&line, ' ');
    for (size_t i = 0; i < 3; i++)
        head->status = head->status * 10 + (line.data[i] - '0');
    size_t before_reason = line.length > 3 ? 4 : 3;
    head->reason = (tow_slice){.data = line.data + before_reason, .length = line.length - before_reason};
    tow_framing framing = {0};
    if (!fields_read(head, &framing, rest))
        return 431;
    return tow_framing_of_response(&framing, head);
}

static int head_read(tow_http_head *head, const char *bytes, size_t length, size_t *scanned, bool response) {
    size_t from_start = 0;
    head_reset(head);
    int end = head_scan(head, bytes, length, response, scanned != NULL ? scanned : &from_start);
    if (end <= 0)
        return end;
    tow_slice whole = {.data = bytes, .length = (size_t)end};
    int refusal = response ? response_cut(head, whole) : request_cut(head, whole);
    return refusal == 0 ? end : refuse(head, refusal);
}

int tow_http_request_read(tow_http_head *head, const char *bytes, size_t length, size_t *scanned) {
    return head_read(head, bytes, length, scanned, false);
}

int tow_http_response_read(tow_http_head *head, const char *bytes, size_t length, size_t *scanned) {
    return head_read(head, bytes, length, scanned, true);
}

int tow_http_refusal_status(const tow_http_head *head) {
    return head->status;
}

tow_slice tow_http_field(const tow_http_head *head, const char *name) {
    for (size_t i = 0; i < head->field_count; i++) {
        if (tow_slice_equals_ignoring_case(head->fields[i].name, name))
            return head->fields[i].value;
    }
    return (tow_slice){0};
}
