#include "http/body.h"

#include "character.h"

#include <assert.h>
#include <towline/error.h>

/* Where a chunked body is (RFC 9112, section 7.1): what the next byte belongs to. */
typedef enum chunk_state {
    CHUNK_SIZE_START,
    CHUNK_SIZE,
    CHUNK_BLANK,     /* white space behind the size: an extension must follow */
    CHUNK_EXTENSION, /* read over (section 7.1.1) */
    CHUNK_SIZE_FEED,
    CHUNK_DATA,
    CHUNK_DATA_END,
    CHUNK_DATA_FEED,
    CHUNK_TRAILER_START,
    CHUNK_TRAILER_NAME,
    CHUNK_TRAILER_VALUE,
    CHUNK_TRAILER_FEED,
    CHUNK_END_FEED,
    CHUNK_END,
    CHUNK_REFUSED
} chunk_state;

void tow_body_reader_init(tow_body_reader *reader, const tow_http_head *head) {
    *reader = (tow_body_reader){
        .kind = head->body,
        .remaining = head->body == TOW_BODY_LENGTH ? head->body_length : 0,
        .state = CHUNK_SIZE_START,
    };
}

/* Hands out as much of the data as is there. */
static int take_data(tow_body_reader *reader, const char **bytes, size_t *length, tow_slice *piece) {
    if (*length == 0)
        return 0;
    size_t taken = reader->remaining < *length ? (size_t)reader->remaining : *length;
    *piece = (tow_slice){.data = *bytes, .length = taken};
    *bytes += taken;
    *length -= taken;
    reader->remaining -= taken;
    return 1;
}

static chunk_state only(char byte, char expected, chunk_state next) {
    return byte == expected ? next : CHUNK_REFUSED;
}

/* RFC 9112, section 7.1: sizes that do not fit are refused; so is one without a digit. */
static chunk_state size_digit(tow_body_reader *reader, char byte) {
    if (reader->remaining > (uint64_t)INT64_MAX >> 4)
        return CHUNK_REFUSED;
    reader->remaining = reader->remaining << 4 | tow_character_hex(byte);
    return CHUNK_SIZE;
}

static chunk_state size_end(char byte) {
    if (byte == ';')
        return CHUNK_EXTENSION;
    if (byte == ' ' || byte == '\t')
        return CHUNK_BLANK;
    return only(byte, '\r', CHUNK_SIZE_FEED);
}

static chunk_state size_step(tow_body_reader *reader, char byte) {
    bool digit = tow_character_is(byte, TOW_CHARACTER_HEX);
    if (reader->state == CHUNK_SIZE_START && !digit)
        return CHUNK_REFUSED;
    return digit ? size_digit(reader, byte) : size_end(byte);
}

static chunk_state blank_step(char byte) {
    return byte == ' ' || byte == '\t' ? CHUNK_BLANK : only(byte, ';', CHUNK_EXTENSION);
}

static chunk_state extension_step(char byte) {
    return tow_character_is(byte, TOW_CHARACTER_VALUE) ? CHUNK_EXTENSION : only(byte, '\r', CHUNK_SIZE_FEED);
}

/* RFC 9112, section 7.1.2: fields like those of a head. */
static chunk_state trailer_start_step(char byte) {
    return tow_character_is(byte, TOW_CHARACTER_TOKEN) ? CHUNK_TRAILER_NAME
                                                       : only(byte, '\r', CHUNK_END_FEED);
}

static chunk_state trailer_name_step(char byte) {
    return tow_character_is(byte, TOW_CHARACTER_TOKEN) ? CHUNK_TRAILER_NAME
                                                       : only(byte, ':', CHUNK_TRAILER_VALUE);
}

static chunk_state trailer_value_step(char byte) {
    return tow_character_is(byte, TOW_CHARACTER_VALUE) ? CHUNK_TRAILER_VALUE
                                                       : only(byte, '\r', CHUNK_TRAILER_FEED);
}

static chunk_state chunk_step(tow_body_reader *reader, char byte) {
    switch ((chunk_state)reader->state) {
    case CHUNK_SIZE_START:
    case CHUNK_SIZE:
        return size_step(reader, byte);
    case CHUNK_BLANK:
        return blank_step(byte);
    case CHUNK_EXTENSION:
        return extension_step(byte);
    case CHUNK_SIZE_FEED:
        return only(byte, '\n', reader->remaining > 0 ? CHUNK_DATA : CHUNK_TRAILER_START);
    case CHUNK_DATA_END:
        return only(byte, '\r', CHUNK_DATA_FEED);
    case CHUNK_DATA_FEED:
        return only(byte, '\n', CHUNK_SIZE_START);
    case CHUNK_TRAILER_START:
        return trailer_start_step(byte);
    case CHUNK_TRAILER_NAME:
        return trailer_name_step(byte);
    case CHUNK_TRAILER_VALUE:
        return trailer_value_step(byte);
    case CHUNK_TRAILER_FEED:
        return only(byte, '\n', CHUNK_TRAILER_START);
    case CHUNK_END_FEED:
        return only(byte, '\n', CHUNK_END);
    case CHUNK_DATA: /* these take no single bytes */
    case CHUNK_END:
    case CHUNK_REFUSED:
        break;
    }
    assert(false);
    return CHUNK_REFUSED;
}

/* A chunk's line, and the trailer as a whole, are bounded, as nothing else bounds what is read over. */
static bool is_within_bounds(tow_body_reader *reader) {
    uint16_t limit = reader->state >= CHUNK_TRAILER_START ? TOW_TRAILER_MAX : TOW_CHUNK_LINE_MAX;
    return ++reader->line_length <= limit;
}

/* Changes the state; a new chunk's line, and the trailer, are counted from their first byte. */
static void chunk_enter(tow_body_reader *reader, chunk_state next) {
    bool counts_anew = next == CHUNK_SIZE_START || next == CHUNK_DATA ||
                       (next == CHUNK_TRAILER_START && reader->state == CHUNK_SIZE_FEED);
    if (counts_anew)
        reader->line_length = 0;
    reader->state = (uint8_t)next;
}

static int chunked_next(tow_body_reader *reader, const char **bytes, size_t *length, tow_slice *piece) {
    if (reader->state == CHUNK_DATA && reader->remaining == 0)
        chunk_enter(reader, CHUNK_DATA_END);
    while (reader->state < CHUNK_END) {
        if (reader->state == CHUNK_DATA)
            return take_data(reader, bytes, length, piece);
        if (*length == 0)
            return 0;
        chunk_state next = is_within_bounds(reader) ? chunk_step(reader, **bytes) : CHUNK_REFUSED;
        chunk_enter(reader, next);
        (*bytes)++;
        (*length)--;
    }
    return reader->state == CHUNK_END ? 2 : TOW_ERROR_HTTP_SYNTAX;
}

int tow_body_next(tow_body_reader *reader, const char **bytes, size_t *length, tow_slice *piece) {
    switch (reader->kind) {
    case TOW_BODY_NONE:
        break;
    case TOW_BODY_LENGTH:
        return reader->remaining == 0 ? 2 : take_data(reader, bytes, length, piece);
    case TOW_BODY_CHUNKED:
        return chunked_next(reader, bytes, length, piece);
    case TOW_BODY_UNTIL_END:
        reader->remaining = UINT64_MAX;
        return take_data(reader, bytes, length, piece);
    }
    return 2;
}
