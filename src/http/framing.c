#include "framing.h"

#include "character.h"
#include "protocol/opening.h"
#include "target.h"

/* RFC 9110, section 7.6.1. */
static void connection_note(tow_framing *framing, const tow_field *field) {
    tow_list_cursor cursor = {0};
    tow_slice option;
    while (tow_list_next(field, 1, "Connection", &cursor, &option)) {
        if (tow_slice_equals_ignoring_case(option, "close"))
            framing->close = true;
        else if (tow_slice_equals_ignoring_case(option, "keep-alive"))
            framing->keep_alive = true;
    }
}

static void first_note(tow_slice *first, unsigned *count, tow_slice value) {
    if ((*count)++ == 0)
        *first = value;
}

void tow_framing_note(tow_framing *framing, const tow_field *field) {
    switch (field->name
                .length) { /* the length tells nearly all other fields apart without a look at their names */
    case sizeof("Host") - 1:
        if (tow_slice_equals_ignoring_case(field->name, "Host"))
            first_note(&framing->host, &framing->host_count, field->value);
        break;
    case sizeof("Expect") - 1:
        if (tow_slice_equals_ignoring_case(field->name, "Expect") &&
            tow_slice_equals_ignoring_case(field->value, "100-continue"))
            framing->continue_expected = true;
        break;
    case sizeof("Connection") - 1:
        connection_note(framing, field);
        break;
    case sizeof("Content-Length") - 1:
        if (tow_slice_equals_ignoring_case(field->name, "Content-Length"))
            first_note(&framing->content_length, &framing->content_length_count, field->value);
        break;
    case sizeof("Transfer-Encoding") - 1:
        if (tow_slice_equals_ignoring_case(field->name, "Transfer-Encoding"))
            first_note(&framing->transfer_encoding, &framing->transfer_encoding_count, field->value);
        break;
    }
}

static bool is_version_1_0(const tow_http_head *head) {
    return head->version.data[head->version.length - 1] == '0';
}

/* RFC 9112, section 3.2: one Host, and it must be valid; HTTP/1.0 may be without. A target with an authority
 * replaces it. */
static int host_rule(const tow_framing *framing, tow_http_head *head) {
    if (framing->host_count == 0)
        return is_version_1_0(head) ? 0 : 400;
    if (framing->host_count > 1 || !tow_authority_is_valid(framing->host))
        return 400;
    if (head->authority.data == NULL)
        head->authority = framing->host;
    return 0;
}

/* RFC 9112, section 6.1: chunked is the only coding we know; HTTP/1.0 has none; with Content-Length beside it
 * the message is an attempt to smuggle another (section 11.2). */
static int transfer_encoding_rule(const tow_framing *framing, tow_http_head *head) {
    if (is_version_1_0(head) || framing->content_length_count > 0)
        return 400;
    if (framing->transfer_encoding_count > 1 ||
        !tow_slice_equals_ignoring_case(framing->transfer_encoding, "chunked"))
        return 501;
    head->body = TOW_BODY_CHUNKED;
    return 0;
}

/* RFC 9110, section 8.6: digits, and no more than fit. Equal values said twice may be merged or refused: we
 * refuse. */
static int content_length_rule(const tow_framing *framing, tow_http_head *head) {
    tow_slice text = framing->content_length;
    if (framing->content_length_count > 1 || text.length == 0 ||
        !tow_characters_are(text, TOW_CHARACTER_DIGIT))
        return 400;
    uint64_t value = 0;
    for (size_t i = 0; i < text.length; i++) {
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (value > (INT64_MAX - digit) / 10)
            return 400;
        value = value * 10 + digit;
    }
    head->body = value > 0 ? TOW_BODY_LENGTH : TOW_BODY_NONE;
    head->body_length = value;
    return 0;
}

/* RFC 9112, section 6.3. */
static int body_rule(const tow_framing *framing, tow_http_head *head, tow_body_kind otherwise) {
    if (framing->transfer_encoding_count > 0)
        return transfer_encoding_rule(framing, head);
    if (framing->content_length_count > 0)
        return content_length_rule(framing, head);
    head->body = otherwise;
    return 0;
}

/* RFC 9112, section 9.3. */
static bool persists(const tow_framing *framing, const tow_http_head *head) {
    if (framing->close)
        return false;
    return framing->keep_alive || !is_version_1_0(head);
}

int tow_framing_of_request(const tow_framing *framing, tow_http_head *head) {
    int refusal = host_rule(framing, head);
    if (refusal == 0)
        refusal = body_rule(framing, head, TOW_BODY_NONE);
    head->keep_alive = persists(framing, head);
    head->expect_continue =
        framing->continue_expected && !is_version_1_0(head); /* RFC 9110, section 10.1.1 */
    return refusal;
}

/* RFC 9112, section 6.3, rule 1: whatever the fields say. (That an answer to HEAD has none only its reader
 * can know.) */
static bool status_has_no_body(int status) {
    return status < 200 || status == 204 || status == 304;
}

int tow_framing_of_response(const tow_framing *framing, tow_http_head *head) {
    head->keep_alive = persists(framing, head);
    if (status_has_no_body(head->status))
        return 0;
    int refusal = body_rule(framing, head, TOW_BODY_UNTIL_END);
    head->keep_alive = head->keep_alive && head->body != TOW_BODY_UNTIL_END;
    return refusal;
}
