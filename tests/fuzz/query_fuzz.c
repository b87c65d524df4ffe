/* From where on a request wants a channel, as three lines: Last-Event-ID, since, last. What is taken is what
 * was said, and what is refused is told by its name. */
#include "channel/query.h"
#include "fuzz.h"

#include <string.h>

struct tow_request {
    const char *seen;
    const char *since;
    const char *last;
};

const char *tow_request_header(const tow_request *request, const char *name) {
    return strcmp(name, "Last-Event-ID") == 0 ? request->seen : NULL;
}

const char *tow_request_parameter(const tow_request *request, const char *name) {
    return strcmp(name, "since") == 0 ? request->since : strcmp(name, "last") == 0 ? request->last : NULL;
}

static void check_since(const tow_subscribe_options *options, const tow_request *request) {
    char again[TOW_POSITION_TEXT_SIZE];
    const char *said = request->seen != NULL && request->seen[0] != '\0' ? request->seen : request->since;
    if (said == NULL)
        return;
    CHECK(tow_position_write(again, &options->since) == strlen(said) && strcmp(again, said) == 0);
}

static void check_last(const tow_subscribe_options *options, const tow_request *request) {
    bool since = request->since != NULL || (request->seen != NULL && request->seen[0] != '\0');
    if (request->last == NULL)
        CHECK(options->last == (since ? TOW_ALL_KEPT : 0));
    else
        CHECK(options->last <= TOW_QUERY_LAST_MAX && options->last == strtoull(request->last, NULL, 10));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tow_subscribe_options options = {0};
    char *text = malloc(size + 1);
    CHECK(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    char *rest = text;
    tow_request request = {.seen = strsep(&rest, "\n")};
    request.since = strsep(&rest, "\n");
    request.last = strsep(&rest, "\n");
    const char *why = tow_query_read(&options, &request);
    if (why == NULL) {
        check_since(&options, &request);
        check_last(&options, &request);
    } else {
        CHECK(strncmp(why, "since: ", 7) == 0 || (strncmp(why, "last: ", 6) == 0 && request.last != NULL));
    }
    free(text);
    return 0;
}
