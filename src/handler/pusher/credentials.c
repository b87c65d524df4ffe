#include "credentials.h"

#include "base/buffer.h"
#include "http/percent.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <towline/error.h>

enum { MD5_BYTES = 16, MD5_TEXT = 2 * MD5_BYTES + 1 };

static bool slices_are_equal(tow_slice one, tow_slice other) {
    return one.length == other.length && (one.length == 0 || memcmp(one.data, other.data, one.length) == 0);
}

/* What servers sign for their clients. */

static bool auth_is(
    const tow_pusher_credentials *credentials, tow_slice auth, const tow_slice *parts, size_t count) {
    const char *colon = auth.length > 0 ? memchr(auth.data, ':', auth.length) : NULL;
    if (colon == NULL)
        return false;
    const tow_slice key = {auth.data, (size_t)(colon - auth.data)};
    const tow_slice digest = {colon + 1, auth.length - key.length - 1};
    return slices_are_equal(key, credentials->key) &&
           tow_hmac_is(digest, credentials->secret, parts, count, ":");
}

bool tow_pusher_may_subscribe(const tow_pusher_credentials *credentials, tow_slice auth, tow_slice socket_id,
    tow_slice channel, tow_slice data) {
    const tow_slice parts[] = {socket_id, channel, data};
    return auth_is(credentials, auth, parts, data.data == NULL ? 2 : 3);
}

bool tow_pusher_may_sign_in(
    const tow_pusher_credentials *credentials, tow_slice auth, tow_slice socket_id, tow_slice data) {
    const tow_slice parts[] = {
        socket_id, tow_slice_from(""), tow_slice_from("user"), tow_slice_from(""), data};
    return auth_is(credentials, auth, parts, sizeof(parts) / sizeof(parts[0]));
}

/* Requests. */

static int by_name(const void *one, const void *other) {
    const tow_header_field *const *left = one, *const *right = other;
    return strcasecmp((*left)->name, (*right)->name);
}

static int parameter_append(tow_buffer *out, const tow_header_field *parameter, bool is_first) {
    int error = is_first ? 0 : tow_buffer_append(out, "&", 1);
    for (const char *at = parameter->name; error == 0 && *at != '\0'; at++) {
        char lower = (char)tolower((unsigned char)*at);
        error = tow_buffer_append(out, &lower, 1);
    }
    if (error == 0)
        error = tow_buffer_append(out, "=", 1);
    return error != 0 ? error : tow_buffer_append_text(out, parameter->value);
}

/* All parameters but the signature itself, in the order of their names. */
static int parameters_write(tow_buffer *out, const tow_pusher_call *call) {
    const tow_header_field *sorted[TOW_PUSHER_PARAMETERS_MAX] = {NULL};
    size_t count = 0;
    int error = tow_buffer_reserve(out, 256);
    for (const tow_header_field *each = call->parameters; each->name != NULL; each++) {
        if (strcasecmp(each->name, "auth_signature") == 0)
            continue;
        if (count == TOW_PUSHER_PARAMETERS_MAX)
            return TOW_ERROR_LIMIT;
        sorted[count++] = each;
    }
    qsort(sorted, count, sizeof(tow_header_field *), by_name);
    for (size_t i = 0; error == 0 && i < count; i++)
        error = parameter_append(out, sorted[i], i == 0);
    return error;
}

const char *tow_pusher_call_parameter(const tow_pusher_call *call, const char *name) {
    for (const tow_header_field *each = call->parameters; each->name != NULL; each++)
        if (strcasecmp(each->name, name) == 0)
            return each->value;
    return NULL;
}

static tow_slice parameter_of(const tow_pusher_call *call, const char *name) {
    const char *value = tow_pusher_call_parameter(call, name);
    return tow_slice_from(value != NULL ? value : "");
}

static bool is_signed(const tow_pusher_credentials *credentials, const tow_pusher_call *call, tow_slice path,
    tow_slice parameters) {
    const tow_slice parts[] = {call->method, path, parameters};
    return tow_hmac_is(parameter_of(call, "auth_signature"), credentials->secret, parts, 3, "\n");
}

/* Some sign the path as they send it, some as it is meant. */
static bool is_signed_either_way(
    const tow_pusher_credentials *credentials, const tow_pusher_call *call, tow_slice parameters) {
    if (is_signed(credentials, call, call->path, parameters))
        return true;
    if (memchr(call->path.data, '%', call->path.length) == NULL)
        return false;
    char *decoded = malloc(call->path.length + 1);
    const char *end = decoded == NULL ? NULL : tow_percent_decode(decoded, call->path);
    bool is = end != NULL && is_signed(credentials, call, tow_slice_from(decoded), parameters);
    free(decoded);
    return is;
}

static bool signature_is_good(const tow_pusher_credentials *credentials, const tow_pusher_call *call) {
    tow_buffer parameters = {0};
    bool is_good = parameters_write(&parameters, call) == 0 &&
                   is_signed_either_way(
                       credentials, call, (tow_slice){(const char *)parameters.data, parameters.length});
    tow_buffer_clear(&parameters);
    return is_good;
}

static bool body_is_signed(const tow_pusher_call *call) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[MD5_TEXT];
    unsigned length = 0;
    const tow_slice given = parameter_of(call, "body_md5");
    if (call->body.length == 0 && given.length == 0)
        return true;
    if (EVP_Digest(call->body.data, call->body.length, digest, &length, EVP_md5(), NULL) != 1 ||
        length != MD5_BYTES)
        return false;
    for (size_t i = 0; i < MD5_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    return given.length == MD5_TEXT - 1 && CRYPTO_memcmp(given.data, text, MD5_TEXT - 1) == 0;
}

static bool is_near(const char *text, int64_t now) {
    char *end;
    errno = 0;
    long long then = strtoll(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 &&
           then >= now - TOW_PUSHER_CLOCKS_APART && then <= now + TOW_PUSHER_CLOCKS_APART;
}

const char *tow_pusher_call_check(
    const tow_pusher_credentials *credentials, const tow_pusher_call *call, int64_t now) {
    if (!slices_are_equal(parameter_of(call, "auth_key"), credentials->key))
        return "auth_key is not the key of this app";
    if (!tow_slice_equals(parameter_of(call, "auth_version"), "1.0"))
        return "auth_version must be 1.0";
    if (!is_near(parameter_of(call, "auth_timestamp").data, now))
        return "auth_timestamp is more than 600 seconds from the time here, or missing";
    if (!body_is_signed(call))
        return "body_md5 is not the MD5 of the body";
    return signature_is_good(credentials, call) ? NULL
                                                : "auth_signature is not that of this request and this app";
}
