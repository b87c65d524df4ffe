#include "request.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

int tow_request_init(
    tow_request *request, tow_visitor *visitor, const tow_http_head *head, uint8_t *bytes, size_t length) {
    *request = (tow_request){.head = head,
        .bytes = bytes,
        .length = length,
        .connection = visitor->connection,
        .visitor = visitor};
    request->lists = &request->own;
    if (head->path.data + head->path.length == head->target.data + head->target.length)
        return 0;
    request->path = strndup(head->path.data, head->path.length);
    return request->path == NULL ? TOW_ERROR_MEMORY : 0;
}

void tow_request_clear(tow_request *request) {
    free(request->path);
    request->path = NULL;
    free(request->own.headers);
    free(request->own.tls);
    tow_pairs_clear(&request->own.parameters);
    tow_pairs_clear(&request->own.cookies);
    request->own = (tow_request_lists){0};
}

/* A copy stands with its head and its bytes in one piece of memory. */
typedef struct request_copy {
    tow_request request; /* first */
    tow_http_head head;  /* with as many fields as there are; the bytes follow */
} request_copy;

/* The same part of the copy. What a target leaves out ("/", "*") is a text of its own, which stays. */
static void move_slice(tow_slice *slice, const tow_request *from, uint8_t *to) {
    uintptr_t offset = (uintptr_t)slice->data - (uintptr_t)from->bytes;
    if (slice->data != NULL && offset < from->length)
        slice->data = (const char *)to + offset;
}

static void move_head(tow_http_head *head, const tow_request *from, uint8_t *to) {
    tow_slice *slices[] = {
        &head->method, &head->target, &head->path, &head->query, &head->authority, &head->version};
    for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++)
        move_slice(slices[i], from, to);
    for (size_t i = 0; i < head->field_count; i++) {
        move_slice(&head->fields[i].name, from, to);
        move_slice(&head->fields[i].value, from, to);
    }
}

/* NULL where there is no certificate that holds. */
static const tow_tls_details *certificate_of(const tow_request *request) {
    if (request == NULL)
        return NULL;
    tow_request_lists *lists = request->lists;
    const tow_stream *stream = tow_connection_stream(request->connection);
    if (lists->tls == NULL)
        lists->tls = calloc(1, sizeof(*lists->tls));
    if (lists->tls == NULL)
        return NULL;
    if (lists->tls->version == NULL && tow_stream_tls_details(stream, lists->tls) != 0)
        return NULL;
    return lists->tls->verified ? lists->tls : NULL;
}

/* What the stream can't be asked for any more when it is closed. */
static void remember(tow_request *copy) {
    (void)tow_visitor_address(copy->visitor);
    if (tow_stream_is_secure(tow_connection_stream(copy->connection)) && certificate_of(copy) == NULL) {
        free(copy->own.tls);
        copy->own.tls = NULL;
    }
}

int tow_request_copy(tow_request **out, const tow_request *request) {
    size_t head_size =
        offsetof(tow_http_head, fields) + request->head->field_count * sizeof(request->head->fields[0]);
    request_copy *copy = malloc(offsetof(request_copy, head) + head_size + request->length);
    char *path = request->path != NULL ? strdup(request->path) : NULL;
    if (copy == NULL || (request->path != NULL && path == NULL)) {
        free(copy);
        free(path);
        return TOW_ERROR_MEMORY;
    }
    uint8_t *bytes = (uint8_t *)&copy->head + head_size;
    memcpy(&copy->head, request->head, head_size);
    memcpy(bytes, request->bytes, request->length);
    move_head(&copy->head, request, bytes);
    copy->request = *request;
    copy->request.head = &copy->head;
    copy->request.bytes = bytes;
    copy->request.path = path;
    copy->request.own = (tow_request_lists){0};
    copy->request.lists = &copy->request.own;
    remember(&copy->request);
    *out = &copy->request;
    return 0;
}

void tow_request_free(tow_request *copy) {
    if (copy != NULL)
        tow_request_clear(copy);
    free(copy);
}

/* The slice as a text. Behind each slice of a head stands a delimiter in the same bytes, which nobody needs
 * any more. */
static const char *text_of(const tow_request *request, tow_slice slice) {
    size_t end = (size_t)(slice.data - (const char *)request->bytes) + slice.length;
    request->bytes[end] = '\0';
    return slice.data;
}

const char *tow_request_method(const tow_request *request) {
    return request == NULL ? "" : text_of(request, request->head->method);
}

const char *tow_request_target(const tow_request *request) {
    return request == NULL ? "" : text_of(request, request->head->target);
}

const char *tow_request_path(const tow_request *request) {
    if (request == NULL)
        return "";
    return request->path != NULL ? request->path : text_of(request, request->head->path);
}

const char *tow_request_query(const tow_request *request) {
    return request == NULL || request->head->query.length == 0 ? "" : text_of(request, request->head->query);
}

const char *tow_request_header(const tow_request *request, const char *name) {
    if (request == NULL || name == NULL)
        return NULL;
    tow_slice value = tow_http_field(request->head, name);
    if (value.data == NULL)
        return NULL;
    return value.length == 0 ? "" : text_of(request, value);
}

const char *tow_request_peer(const tow_request *request) {
    if (request == NULL)
        return "";
    return request->visitor != NULL ? tow_visitor_peer(request->visitor) : request->peer;
}

void *tow_request_user(const tow_request *request) {
    return request == NULL ? NULL : request->user;
}

const char *tow_request_scheme(const tow_request *request) {
    if (request == NULL)
        return "";
    if (request->visitor == NULL)
        return request->scheme;
    return request->visitor->scheme != NULL ? request->visitor->scheme : "http";
}

const tow_header_field *tow_request_headers(const tow_request *request) {
    if (request == NULL)
        return NULL;
    const tow_http_head *head = request->head;
    tow_request_lists *lists = request->lists;
    if (lists->headers != NULL)
        return lists->headers;
    lists->headers = calloc(head->field_count + 1, sizeof(lists->headers[0]));
    for (size_t i = 0; lists->headers != NULL && i < head->field_count; i++) {
        tow_slice value = head->fields[i].value;
        lists->headers[i].name = text_of(request, head->fields[i].name);
        lists->headers[i].value = value.length > 0 ? text_of(request, value) : "";
    }
    return lists->headers;
}

/* NULL without memory. */
static const tow_pairs *parameters_of(const tow_request *request) {
    tow_pairs *pairs = &request->lists->parameters;
    if (pairs->items == NULL && tow_pairs_read_query(pairs, request->head->query) != 0)
        return NULL;
    return pairs;
}

static const tow_pairs *cookies_of(const tow_request *request) {
    tow_pairs *pairs = &request->lists->cookies;
    const tow_http_head *head = request->head;
    if (pairs->items == NULL && tow_pairs_read_cookies(pairs, head->fields, head->field_count) != 0)
        return NULL;
    return pairs;
}

static const char *find(const tow_pairs *pairs, const char *name) {
    return pairs != NULL ? tow_pairs_find(pairs, name) : NULL;
}

const char *tow_request_parameter(const tow_request *request, const char *name) {
    return request == NULL || name == NULL ? NULL : find(parameters_of(request), name);
}

const tow_header_field *tow_request_parameters(const tow_request *request) {
    const tow_pairs *pairs = request != NULL ? parameters_of(request) : NULL;
    return pairs != NULL ? pairs->items : NULL;
}

const char *tow_request_cookie(const tow_request *request, const char *name) {
    return request == NULL || name == NULL ? NULL : find(cookies_of(request), name);
}

const tow_header_field *tow_request_cookies(const tow_request *request) {
    const tow_pairs *pairs = request != NULL ? cookies_of(request) : NULL;
    return pairs != NULL ? pairs->items : NULL;
}

const char *tow_request_certificate_subject(const tow_request *request) {
    const tow_tls_details *details = certificate_of(request);
    return details != NULL ? details->subject : NULL;
}

const char *tow_request_certificate_fingerprint(const tow_request *request) {
    const tow_tls_details *details = certificate_of(request);
    return details != NULL ? details->fingerprint : NULL;
}
