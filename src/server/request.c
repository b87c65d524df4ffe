#include "request.h"

#include <stdlib.h>
#include <towline/error.h>

int tow_request_init(
    tow_request *request, tow_visitor *visitor, const tow_http_head *head, uint8_t *bytes, size_t length) {
    *request = (tow_request){.head = head, .bytes = bytes, .length = length, .visitor = visitor};
    if (head->path.data + head->path.length == head->target.data + head->target.length)
        return 0;
    request->path = strndup(head->path.data, head->path.length);
    return request->path == NULL ? TOW_ERROR_MEMORY : 0;
}

void tow_request_clear(tow_request *request) {
    free(request->path);
    request->path = NULL;
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
    return request == NULL ? "" : tow_visitor_peer(request->visitor);
}

void *tow_request_user(const tow_request *request) {
    return request == NULL ? NULL : request->route->handler.user;
}
