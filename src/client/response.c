#include "response.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

struct tow_response {
    int status;
    const char *reason;
    tow_header_field headers[]; /* ends with a NULL name; the texts lie behind */
};

static char *copy(const char **out, char *place, tow_slice text) {
    if (text.length > 0)
        memcpy(place, text.data, text.length);
    place[text.length] = '\0';
    *out = place;
    return place + text.length + 1;
}

int tow_response_new(tow_response **response, const tow_http_head *head) {
    size_t headers_size = (head->field_count + 1) * sizeof(tow_header_field);
    size_t size = sizeof(tow_response) + headers_size + head->reason.length + 1;
    for (size_t i = 0; i < head->field_count; i++)
        size += head->fields[i].name.length + head->fields[i].value.length + 2;
    tow_response *made = malloc(size);
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->status = head->status;
    char *place = copy(&made->reason, (char *)made->headers + headers_size, head->reason);
    for (size_t i = 0; i < head->field_count; i++) {
        place = copy(&made->headers[i].name, place, head->fields[i].name);
        place = copy(&made->headers[i].value, place, head->fields[i].value);
    }
    made->headers[head->field_count] = (tow_header_field){0};
    *response = made;
    return 0;
}

void tow_response_free(tow_response *response) {
    free(response);
}

int tow_response_status(const tow_response *response) {
    return response == NULL ? 0 : response->status;
}

const char *tow_response_reason(const tow_response *response) {
    return response == NULL ? "" : response->reason;
}

const tow_header_field *tow_response_headers(const tow_response *response) {
    static const tow_header_field none = {0};
    return response == NULL ? &none : response->headers;
}

const char *tow_response_header(const tow_response *response, const char *name) {
    const tow_header_field *header = tow_response_headers(response);
    for (; name != NULL && header->name != NULL; header++)
        if (strcasecmp(header->name, name) == 0)
            return header->value;
    return NULL;
}
