/* Header fields, one a line, read as a client's request and as a server's answer. The first byte chooses the
 * settings. Whatever a server accepts must be an answer that a client takes, and mean the same to both. */
#include "fuzz.h"
#include "protocol/opening.h"

#include <string.h>
#include <towline/error.h>

enum { FIELDS_MAX = 64, GOOD_FIELDS = 4 };

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

static const tow_compression_settings generous = {
    .enabled = true, .server_takeover = true, .client_takeover = true};

static tow_field field_from(const char *line, size_t length) {
    const char *colon = memchr(line, ':', length);
    size_t name = colon == NULL ? length : (size_t)(colon - line);
    size_t value = colon == NULL ? length : name + 1;
    return (tow_field){{line, name}, {line + value, length - value}};
}

static size_t fields_from(tow_field *fields, size_t count, const char *bytes, size_t length) {
    while (length > 0 && count < FIELDS_MAX) {
        const char *end = memchr(bytes, '\n', length);
        size_t line = end == NULL ? length : (size_t)(end - bytes);
        fields[count++] = field_from(bytes, line);
        bytes += line;
        length -= line;
        if (length > 0) {
            bytes++;
            length--;
        }
    }
    return count;
}

static bool is_space(char character) {
    return character == ' ' || character == '\t';
}

static void check_list(const tow_field *fields, size_t count, const char *name) {
    tow_list_cursor cursor = {0};
    tow_slice element;
    const char *last = NULL;
    size_t field = 0;
    while (tow_list_next(fields, count, name, &cursor, &element)) {
        CHECK(cursor.field < count && element.length > 0);
        const tow_slice *value = &fields[cursor.field].value;
        CHECK(element.data >= value->data && element.data + element.length <= value->data + value->length);
        CHECK(!is_space(element.data[0]) && !is_space(element.data[element.length - 1]));
        CHECK(cursor.field > field || last == NULL || element.data > last);
        last = element.data + element.length;
        field = cursor.field;
    }
}

static void check_bits(uint8_t bits, uint8_t setting) {
    CHECK(bits >= 8 && bits <= 15);
    CHECK(setting == 0 || bits <= setting);
}

/* The server's side, and what a client makes of its answer. */
static void check_accept(const tow_compression_settings *settings, const tow_field *fields, size_t count) {
    tow_compression_agreement agreement;
    char text[TOW_COMPRESSION_TEXT_MAX];
    tow_compression_accept(settings, fields, count, &agreement, text);
    CHECK(agreement.enabled == (text[0] != '\0'));
    if (!agreement.enabled)
        return;
    CHECK(settings->enabled);
    CHECK(settings->server_takeover || agreement.server_no_context_takeover);
    CHECK(settings->client_takeover || agreement.client_no_context_takeover);
    check_bits(agreement.server_max_window_bits, settings->server_max_window_bits);
    check_bits(agreement.client_max_window_bits, settings->client_max_window_bits);
    tow_field answer = {tow_slice_from("Sec-WebSocket-Extensions"), tow_slice_from(text)};
    tow_compression_agreement agreed;
    CHECK(tow_compression_check(&generous, &answer, 1, &agreed) == 0);
    CHECK(memcmp(&agreed, &agreement, sizeof(agreed)) == 0);
}

static void check_request(const tow_field *fields, size_t count) {
    tow_opening_request opening;
    int error =
        tow_opening_request_check(&opening, tow_slice_from("GET"), tow_slice_from("HTTP/1.1"), fields, count);
    CHECK(error <= 0);
    if (error != 0)
        return;
    CHECK(strcmp(opening.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == 0);
    CHECK(opening.protocol_count <= TOW_OFFERS_MAX);
    for (size_t i = 0; i < opening.protocol_count; i++)
        CHECK(tow_is_token(opening.protocols[i]));
}

static void check_response(const tow_compression_settings *settings, const tow_field *fields, size_t count) {
    static const char *const offered[] = {"chat", "soap", NULL};
    tow_slice protocol;
    tow_compression_agreement agreement;
    int error = tow_opening_response_check(101, fields, count, KEY, offered, settings, &protocol, &agreement);
    CHECK(error <= 0);
    if (error != 0)
        return;
    CHECK(tow_slice_equals(protocol, "chat") || tow_slice_equals(protocol, "soap"));
    if (!agreement.enabled)
        return;
    CHECK(settings->enabled);
    CHECK(settings->server_takeover || agreement.server_no_context_takeover);
    check_bits(agreement.server_max_window_bits, settings->server_max_window_bits);
    check_bits(agreement.client_max_window_bits, settings->client_max_window_bits);
}

static tow_compression_settings settings_from(uint8_t byte) {
    tow_compression_settings settings = {
        .enabled = (byte & 1) == 0, .server_takeover = byte & 2, .client_takeover = byte & 4};
    settings.server_max_window_bits = (uint8_t)((byte & 8) != 0 ? 8 + (byte >> 5) : 0);
    settings.client_max_window_bits = (uint8_t)((byte & 16) != 0 ? 15 - (byte >> 5) : 0);
    return settings;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    tow_compression_settings settings = settings_from(data[0]);
    char *copy = malloc(size); /* its end is where the sanitizer looks */
    CHECK(copy != NULL);
    memcpy(copy, data, size);
    const char *bytes = copy + 1;
    tow_field fields[FIELDS_MAX] = {
        {tow_slice_from("Upgrade"), tow_slice_from("websocket")},
        {tow_slice_from("Connection"), tow_slice_from("Upgrade")},
        {tow_slice_from("Sec-WebSocket-Version"), tow_slice_from("13")},
        {tow_slice_from("Sec-WebSocket-Key"), tow_slice_from(KEY)},
    };
    size_t count = fields_from(fields, GOOD_FIELDS, bytes, size - 1);
    check_list(fields, count, "Sec-WebSocket-Extensions");
    check_list(fields, count, "Sec-WebSocket-Protocol");
    check_accept(&settings, fields, count);
    check_request(fields, count);
    fields[2] =
        (tow_field){tow_slice_from("Sec-WebSocket-Accept"), tow_slice_from("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")};
    check_response(&settings, fields, count);
    free(copy);
    return 0;
}
