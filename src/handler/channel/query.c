#include "query.h"

#include <stdlib.h>
#include <string.h>

bool tow_query_number(long *number, const tow_request *request, const char *name, long max) {
    const char *text = tow_request_parameter(request, name);
    if (text == NULL)
        return true;
    size_t length = strlen(text);
    if (length == 0 || length > 6 || strspn(text, "0123456789") != length)
        return false;
    *number = strtol(text, NULL, 10);
    return *number <= max;
}

const char *tow_query_read(tow_subscribe_options *options, const tow_request *request) {
    const char *seen = tow_request_header(request, "Last-Event-ID");
    const char *since = seen != NULL && seen[0] != '\0' ? seen : tow_request_parameter(request, "since");
    long last = since != NULL ? (long)TOW_ALL_KEPT : 0;
    if (since != NULL && tow_position_read(&options->since, tow_slice_from(since)) != 0)
        return "since: a position such as EPOCH:NUMBER";
    if (!tow_query_number(&last, request, "last", TOW_QUERY_LAST_MAX))
        return "last: 0 to 1000";
    options->last = (uint32_t)last;
    return NULL;
}
