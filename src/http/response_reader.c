#include "http/response_reader.h"

#include <towline/error.h>

enum { STATUS_SWITCHING_PROTOCOLS = 101 };

void tow_response_reader_init(tow_response_reader *reader, bool to_head, tow_response_limits limits) {
    *reader = (tow_response_reader){.to_head = to_head, .limits = limits};
}

/* The head that counts. */
static int begin_body(tow_response_reader *reader, tow_http_head *head) {
    if (reader->to_head)
        head->body = TOW_BODY_NONE;
    reader->has_head = true;
    reader->keep_alive = head->keep_alive;
    tow_body_reader_init(&reader->body, head);
    if (head->body == TOW_BODY_LENGTH && head->body_length > reader->limits.body)
        return TOW_ERROR_HTTP_TOO_LARGE;
    return TOW_RESPONSE_HEAD;
}

/* A head of `length` bytes is whole: passed over, or the one that counts. */
static int take_head(tow_response_reader *reader, tow_http_head *head, size_t length) {
    if (head->status == STATUS_SWITCHING_PROTOCOLS)
        return TOW_ERROR_HTTP_SYNTAX;
    if (head->status / 100 == 1) {
        reader->interim += length;
        reader->head.length = 0;
        return TOW_RESPONSE_MORE;
    }
    reader->head.length = length;
    return begin_body(reader, head);
}

/* Keeps as much of the bytes as a head may have, and looks whether it is whole. Takes some of the bytes, or
 * answers an error. */
static int read_head(tow_response_reader *reader, const char **bytes, size_t *length) {
    tow_http_head head;
    size_t before = reader->head.length;
    size_t room = reader->limits.head - reader->interim - before;
    size_t taken = *length < room ? *length : room;
    int error = tow_buffer_append(&reader->head, *bytes, taken);
    if (error != 0)
        return error;
    int head_length =
        tow_http_response_read(&head, (const char *)reader->head.data, reader->head.length, &reader->scanned);
    if (head_length < 0)
        return head_length;
    if (head_length == 0 && taken == room)
        return TOW_ERROR_HTTP_TOO_LARGE;
    if (head_length > 0)
        taken = (size_t)head_length - before;
    *bytes += taken;
    *length -= taken;
    return head_length == 0 ? TOW_RESPONSE_MORE : take_head(reader, &head, (size_t)head_length);
}

static int read_body(tow_response_reader *reader, const char **bytes, size_t *length, tow_slice *piece) {
    int result = tow_body_next(&reader->body, bytes, length, piece);
    if (result < 0)
        return result;
    if (result == 2)
        return TOW_RESPONSE_END;
    if (result == 0)
        return TOW_RESPONSE_MORE;
    if (piece->length > reader->limits.body - reader->body_length)
        return TOW_ERROR_HTTP_TOO_LARGE;
    reader->body_length += piece->length;
    return TOW_RESPONSE_PIECE;
}

int tow_response_reader_next(
    tow_response_reader *reader, const char **bytes, size_t *length, tow_slice *piece) {
    int part = TOW_RESPONSE_MORE;
    while (!reader->has_head && *length > 0 && part == TOW_RESPONSE_MORE)
        part = read_head(reader, bytes, length);
    if (part != TOW_RESPONSE_MORE || !reader->has_head)
        return part;
    return read_body(reader, bytes, length, piece);
}

int tow_response_reader_end(const tow_response_reader *reader) {
    return reader->has_head && reader->body.kind == TOW_BODY_UNTIL_END ? 0 : TOW_ERROR_ENDED;
}

void tow_response_reader_clear(tow_response_reader *reader) {
    tow_buffer_clear(&reader->head);
}
