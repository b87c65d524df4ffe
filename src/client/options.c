#include "options.h"

#include "base/range.h"
#include "base/slice.h"
#include "protocol/field_list.h"
#include "protocol/opening.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

static size_t list_length(const char *const *list) {
    size_t length = 0;
    while (list != NULL && list[length] != NULL)
        length++;
    return length;
}

static int protocols_check(const char *const *protocols) {
    if (list_length(protocols) > TOW_OFFERS_MAX)
        return TOW_ERROR_ARGUMENT;
    return tow_opening_protocols_are_valid(protocols) ? 0 : TOW_ERROR_ARGUMENT;
}

/* RFC 9110, section 5.5. */
static bool is_field_value(const char *value) {
    for (; *value != '\0'; value++) {
        unsigned char character = (unsigned char)*value;
        if ((character < ' ' && character != '\t') || character == 0x7f)
            return false;
    }
    return true;
}

/* What the handshake itself, or the end of the request, depends on. */
static bool is_ours(const char *name) {
    static const char *const names[] = {
        "Connection", "Upgrade", "Content-Length", "Transfer-Encoding", "Expect"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return strncasecmp(name, "Sec-WebSocket-", sizeof("Sec-WebSocket-") - 1) == 0;
}

static int headers_check(const tow_header_field *headers) {
    for (; headers != NULL && headers->name != NULL; headers++) {
        if (headers->value == NULL || !tow_is_token(tow_slice_from(headers->name)) ||
            is_ours(headers->name) || !is_field_value(headers->value))
            return TOW_ERROR_ARGUMENT;
    }
    return 0;
}

static int origin_check(const tow_websocket_options *options) {
    if (options->origin == NULL)
        return 0;
    if (!is_field_value(options->origin) || tow_options_header(options, "Origin") != NULL)
        return TOW_ERROR_ARGUMENT;
    return 0;
}

/* The limits are looked at where the defaults are filled in. */
static int numbers_check(const tow_websocket_options *options) {
    const tow_range ranges[] = {
        TOW_RANGE(options, connect_seconds, TOW_OFF, INT_MAX),
    };
    return tow_ranges_check(ranges, sizeof(ranges) / sizeof(ranges[0]), NULL);
}

/* What says nothing without another option, or the opposite of it, of TLS. */
static bool is_tls_contradictory(const tow_websocket_options *options) {
    bool has_key = options->tls_key != NULL || options->tls_key_pem != NULL;
    bool has_certificate = options->tls_certificate != NULL || options->tls_certificate_pem != NULL;
    bool trusts_some = options->tls_roots != NULL || options->tls_revoked != NULL ||
                       options->tls_roots_pem != NULL || options->tls_revoked_pem != NULL;
    bool says_twice = (options->tls_key != NULL && options->tls_key_pem != NULL) ||
                      (options->tls_certificate != NULL && options->tls_certificate_pem != NULL) ||
                      (options->tls_roots != NULL && options->tls_roots_pem != NULL) ||
                      (options->tls_revoked != NULL && options->tls_revoked_pem != NULL);
    return (has_key && !has_certificate) || (trusts_some && options->tls_insecure) || says_twice;
}

/* And of all. */
static int combination_check(const tow_websocket_options *options) {
    bool has_two_ways = options->proxy != NULL && options->unix_path != NULL;
    bool has_two_readers = options->on_message != NULL && options->on_piece != NULL;
    bool contradicts = has_two_ways || has_two_readers || is_tls_contradictory(options);
    return contradicts ? TOW_ERROR_ARGUMENT : 0;
}

int tow_options_check(const tow_websocket_options *options) {
    int error = protocols_check(options->protocols);
    if (error == 0)
        error = headers_check(options->headers);
    if (error == 0)
        error = origin_check(options);
    if (error == 0)
        error = combination_check(options);
    return error != 0 ? error : numbers_check(options);
}

const char *tow_options_header(const tow_websocket_options *options, const char *name) {
    const tow_header_field *header = options->headers;
    for (; header != NULL && header->name != NULL; header++)
        if (strcasecmp(header->name, name) == 0)
            return header->value;
    return NULL;
}

tow_compression_settings tow_options_compression(const tow_limits *limits) {
    bool takeover = limits->compression == TOW_COMPRESSION_TAKEOVER;
    return (tow_compression_settings){.enabled = limits->compression != TOW_COMPRESSION_OFF,
        .server_takeover = takeover,
        .client_takeover = takeover};
}

static int write_field(tow_buffer *request, const char *name, const char *value) {
    return tow_buffer_append_format(request, "%s: %s\r\n", name, value);
}

static int write_protocols(tow_buffer *request, const char *const *protocols) {
    int error = 0;
    for (size_t i = 0; error == 0 && i < list_length(protocols); i++)
        error = tow_buffer_append_format(
            request, "%s%s", i == 0 ? "Sec-WebSocket-Protocol: " : ", ", protocols[i]);
    if (error == 0 && list_length(protocols) > 0)
        error = tow_buffer_append_text(request, "\r\n");
    return error;
}

static int write_extensions(tow_buffer *request, const tow_compression_settings *compression) {
    char offer[TOW_COMPRESSION_TEXT_MAX];
    tow_compression_offer(compression, offer);
    return offer[0] == '\0' ? 0 : write_field(request, "Sec-WebSocket-Extensions", offer);
}

int tow_options_write(
    tow_buffer *request, const tow_websocket_options *options, const tow_compression_settings *compression) {
    int error = options->origin == NULL ? 0 : write_field(request, "Origin", options->origin);
    if (error == 0)
        error = write_protocols(request, options->protocols);
    if (error == 0)
        error = write_extensions(request, compression);
    const tow_header_field *header = options->headers;
    for (; error == 0 && header != NULL && header->name != NULL; header++)
        if (strcasecmp(header->name, "Host") != 0)
            error = write_field(request, header->name, header->value);
    return error;
}
