#include "protocol/opening.h"

#include "extension.h"

#include <openssl/evp.h>
#include <string.h>
#include <towline/error.h>

#define PROTOCOL_FIELD "Sec-WebSocket-Protocol"

enum { NONCE_LENGTH = 16, SHA1_LENGTH = 20 };

static bool stands_before(const char *const *list, size_t index) {
    for (size_t i = 0; i < index; i++)
        if (strcmp(list[i], list[index]) == 0)
            return true;
    return false;
}

bool tow_opening_protocols_are_valid(const char *const *protocols) {
    for (size_t i = 0; protocols != NULL && protocols[i] != NULL; i++)
        if (!tow_is_token(tow_slice_from(protocols[i])) || stands_before(protocols, i))
            return false;
    return true;
}

/* RFC 6455, section 4.2.2, item 5.4. */
int tow_opening_accept(char out[TOW_ACCEPT_LENGTH + 1], const char key[TOW_KEY_LENGTH]) {
    if (out == NULL || key == NULL)
        return TOW_ERROR_ARGUMENT;
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    enum { GUID_LENGTH = sizeof(guid) - 1 };
    char text[TOW_KEY_LENGTH + GUID_LENGTH];
    memcpy(text, key, TOW_KEY_LENGTH);
    memcpy(text + TOW_KEY_LENGTH, guid, GUID_LENGTH);
    uint8_t digest[SHA1_LENGTH];
    if (EVP_Digest(text, sizeof(text), digest, NULL, EVP_sha1(), NULL) != 1)
        return TOW_ERROR_MEMORY;
    EVP_EncodeBlock((unsigned char *)out, digest, SHA1_LENGTH);
    return 0;
}

void tow_opening_key(char out[TOW_KEY_LENGTH + 1], const uint8_t nonce[NONCE_LENGTH]) {
    if (out == NULL || nonce == NULL)
        return;
    EVP_EncodeBlock((unsigned char *)out, nonce, NONCE_LENGTH);
}

/* Section 4.1, items 1 and 2; 4.2.1, item 1. */
static int method_check(tow_slice method, tow_slice version) {
    if (!tow_slice_equals(method, "GET") || !tow_slice_equals(version, "HTTP/1.1"))
        return TOW_ERROR_HANDSHAKE_METHOD;
    return 0;
}

bool tow_opening_is_requested(const tow_field *fields, size_t count) {
    return tow_list_has(fields, count, "Upgrade", "websocket");
}

/* Section 4.2.1, item 4. */
static int connection_check(const tow_field *fields, size_t count) {
    return tow_list_has(fields, count, "Connection", "upgrade") ? 0 : TOW_ERROR_HANDSHAKE_CONNECTION;
}

/* Section 4.2.1, item 6; what to answer is in section 4.4. */
static int version_check(const tow_field *fields, size_t count) {
    tow_slice value;
    if (!tow_field_only(fields, count, "Sec-WebSocket-Version", &value, NULL) ||
        !tow_slice_equals(value, "13"))
        return TOW_ERROR_HANDSHAKE_VERSION;
    return 0;
}

static bool is_base64(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '+' || character == '/';
}

/* The base64 form of 16 bytes: 22 characters carry four bits more than those, which are zero. */
static bool is_key(tow_slice key) {
    if (key.length != TOW_KEY_LENGTH)
        return false;
    for (size_t i = 0; i < TOW_KEY_LENGTH - 2; i++) {
        if (!is_base64(key.data[i]))
            return false;
    }
    return strchr("AQgw", key.data[TOW_KEY_LENGTH - 3]) != NULL && key.data[TOW_KEY_LENGTH - 2] == '=' &&
           key.data[TOW_KEY_LENGTH - 1] == '=';
}

/* Section 4.2.1, item 5. */
static int key_check(tow_opening_request *opening, const tow_field *fields, size_t count) {
    tow_slice key;
    if (!tow_field_only(fields, count, "Sec-WebSocket-Key", &key, NULL) || !is_key(key))
        return TOW_ERROR_HANDSHAKE_KEY;
    return tow_opening_accept(opening->accept, key.data);
}

static bool is_offered(const tow_opening_request *opening, tow_slice protocol) {
    for (size_t i = 0; i < opening->protocol_count; i++) {
        tow_slice offered = opening->protocols[i];
        if (offered.length == protocol.length && memcmp(offered.data, protocol.data, protocol.length) == 0)
            return true;
    }
    return false;
}

static int protocol_add(tow_opening_request *opening, tow_slice protocol) {
    if (!tow_is_token(protocol) || is_offered(opening, protocol) || opening->protocol_count == TOW_OFFERS_MAX)
        return TOW_ERROR_HANDSHAKE_PROTOCOL;
    opening->protocols[opening->protocol_count++] = protocol;
    return 0;
}

/* Section 4.1, item 10: one or more tokens, all different. */
static int protocols_check(tow_opening_request *opening, const tow_field *fields, size_t count) {
    tow_list_cursor cursor = {0};
    tow_slice protocol;
    while (tow_list_next(fields, count, PROTOCOL_FIELD, &cursor, &protocol)) {
        int error = protocol_add(opening, protocol);
        if (error != 0)
            return error;
    }
    if (opening->protocol_count == 0 && tow_field_count(fields, count, PROTOCOL_FIELD) > 0)
        return TOW_ERROR_HANDSHAKE_PROTOCOL;
    return 0;
}

int tow_opening_request_check(tow_opening_request *opening, tow_slice method, tow_slice version,
    const tow_field *fields, size_t count) {
    opening->protocol_count = 0;
    int error = method_check(method, version);
    if (error == 0 && !tow_opening_is_requested(fields, count))
        error = TOW_ERROR_HANDSHAKE_UPGRADE;
    if (error == 0)
        error = connection_check(fields, count);
    if (error == 0) /* before the rest: a client of another version is to learn just that */
        error = version_check(fields, count);
    if (error == 0)
        error = key_check(opening, fields, count);
    if (error == 0)
        error = protocols_check(opening, fields, count);
    if (error == 0)
        error = tow_extension_list_check(fields, count);
    return error;
}

/* Section 4.1, what the server must answer, item 2. */
static int answered_upgrade_check(const tow_field *fields, size_t count) {
    tow_slice value;
    if (!tow_field_only(fields, count, "Upgrade", &value, NULL) ||
        !tow_slice_equals_ignoring_case(value, "websocket"))
        return TOW_ERROR_HANDSHAKE_UPGRADE;
    return 0;
}

/* Item 4. */
static int answered_accept_check(const tow_field *fields, size_t count, const char key[TOW_KEY_LENGTH]) {
    char accept[TOW_ACCEPT_LENGTH + 1];
    int error = tow_opening_accept(accept, key);
    if (error != 0)
        return error;
    tow_slice value;
    if (!tow_field_only(fields, count, "Sec-WebSocket-Accept", &value, NULL) ||
        !tow_slice_equals(value, accept))
        return TOW_ERROR_HANDSHAKE_ACCEPT;
    return 0;
}

/* Item 6. That an offer must be answered is the rule of the WHATWG standard. */
static int answered_protocol_check(
    const tow_field *fields, size_t count, const char *const *offered, tow_slice *protocol) {
    static const char *const nothing[] = {NULL};
    size_t found;
    tow_slice value;
    if (offered == NULL)
        offered = nothing;
    if (!tow_field_only(fields, count, PROTOCOL_FIELD, &value, &found)) {
        *protocol = (tow_slice){0};
        return found == 0 && offered[0] == NULL ? 0 : TOW_ERROR_HANDSHAKE_PROTOCOL;
    }
    for (; *offered != NULL; offered++) {
        if (tow_slice_equals(value, *offered)) {
            *protocol = value;
            return 0;
        }
    }
    return TOW_ERROR_HANDSHAKE_PROTOCOL;
}

int tow_opening_response_check(int status, const tow_field *fields, size_t count,
    const char key[TOW_KEY_LENGTH], const char *const *offered, const tow_compression_settings *settings,
    tow_slice *protocol, tow_compression_agreement *agreement) {
    tow_slice chosen;
    tow_compression_agreement agreed;
    int error = status == 101 ? 0 : TOW_ERROR_HTTP_STATUS;
    if (error == 0)
        error = answered_upgrade_check(fields, count);
    if (error == 0) /* item 3 */
        error = connection_check(fields, count);
    if (error == 0)
        error = answered_accept_check(fields, count, key);
    if (error == 0)
        error = answered_protocol_check(fields, count, offered, &chosen);
    if (error == 0) /* item 5 */
        error = tow_compression_check(settings, fields, count, &agreed);
    if (error != 0)
        return error;
    *protocol = chosen;
    *agreement = agreed;
    return 0;
}
