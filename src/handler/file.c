#include "file.h"

#include "reply.h"
#include "byte_range.h"
#include "conditional.h"
#include "http/date.h"
#include "media_type.h"
#include "server/file_body.h"
#include "transport/loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int condition_of(const tow_request *request, const tow_validators *validators) {
    tow_conditions conditions = {
        .if_match = tow_request_header(request, "If-Match"),
        .if_unmodified_since = tow_request_header(request, "If-Unmodified-Since"),
        .if_none_match = tow_request_header(request, "If-None-Match"),
        .if_modified_since = tow_request_header(request, "If-Modified-Since"),
    };
    return tow_conditions_check(&conditions, validators);
}

/* RFC 9110, section 14.2: Range is a matter of GET. */
static tow_byte_range range_of(
    const tow_request *request, const tow_validators *validators, int64_t size, int64_t now) {
    bool asked = strcmp(tow_request_method(request), "GET") == 0 &&
                 tow_if_range_holds(tow_request_header(request, "If-Range"), validators, now);
    return tow_byte_range_read(asked ? tow_request_header(request, "Range") : NULL, size);
}

/* Fields that a 304 has too (RFC 9110, section 15.4.5). Caches have to ask each time: a page is seen as it is
 * now. */
static int validators_answer(tow_exchange *exchange, const tow_validators *validators) {
    char date[TOW_HTTP_DATE_LENGTH + 1];
    tow_http_date(date, validators->modified);
    const tow_header_field fields[] = {
        {"ETag", validators->etag},
        {"Last-Modified", date},
        {"Cache-Control", "no-cache"},
    };
    return tow_reply_fields(exchange, fields, sizeof fields / sizeof *fields);
}

/* RFC 9110, section 14.4. */
static const char *content_range(char out[80], const tow_byte_range *range, int64_t size) {
    if (range->kind == TOW_BYTE_RANGE_WHOLE)
        return NULL;
    if (range->kind == TOW_BYTE_RANGE_UNSATISFIABLE)
        snprintf(out, 80, "bytes */%" PRId64, size);
    else
        snprintf(out, 80, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, range->first,
            range->first + range->length - 1, size);
    return out;
}

static int range_answer(tow_exchange *exchange, const tow_byte_range *range, int64_t size) {
    char part[80];
    const tow_header_field fields[] = {
        {"Accept-Ranges", "bytes"},
        {"Content-Range", content_range(part, range, size)},
        {"X-Content-Type-Options", "nosniff"},
    };
    return tow_reply_fields(exchange, fields, sizeof fields / sizeof *fields);
}

/* Answers with the range of the file; takes `fd` on success. */
static int body_answer(tow_exchange *exchange, const char *name, int fd, const tow_byte_range *range) {
    tow_body_source source;
    int error = tow_file_body_new(&source, fd, range->first);
    if (error != 0)
        return error;
    int status = range->kind == TOW_BYTE_RANGE_PART ? 206 : 200;
    tow_exchange_stream(exchange, status, tow_media_type(name), (uint64_t)range->length, &source);
    return 0;
}

void tow_file_answer(
    tow_exchange *exchange, const tow_request *request, const char *name, int fd, const struct stat *file) {
    int64_t now = tow_loop_wall_seconds(tow_exchange_loop(exchange));
    tow_validators validators = tow_validators_of(file, now);
    int status = condition_of(request, &validators);
    tow_byte_range range = range_of(request, &validators, file->st_size, now);
    if (status == 0 && range.kind == TOW_BYTE_RANGE_UNSATISFIABLE)
        status = 416;
    int error = status == 412 ? 0 : validators_answer(exchange, &validators);
    if (error == 0 && (status == 0 || status == 416))
        error = range_answer(exchange, &range, file->st_size);
    if (error == 0 && status == 0)
        error = body_answer(exchange, name, fd, &range);
    if (error == 0 && status == 0)
        return;
    close(fd);
    if (error == 0 && status == 304)
        tow_exchange_respond(exchange, 304, NULL, NULL, 0);
    else
        tow_reply_status(exchange, error != 0 ? tow_status_of_error(error) : status);
}
