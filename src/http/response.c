#include "http/response.h"

#include "character.h"

#include <stdio.h>
#include <towline/error.h>

typedef struct status_reason {
    int status;
    const char *reason;
} status_reason;

/* RFC 9110, section 15, and the registry of status codes. */
static const status_reason reasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {226, "IM Used"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {511, "Network Authentication Required"},
};

const char *tow_http_reason(int status) {
    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "";
}

int tow_response_begin(tow_buffer *out, int status, int64_t wall_seconds) {
    if (status < 100 || status > 999)
        return TOW_ERROR_ARGUMENT;
    char date[TOW_HTTP_DATE_LENGTH + 1];
    tow_http_date(date, wall_seconds);
    return tow_buffer_append_format(
        out, "HTTP/1.1 %d %s\r\nDate: %s\r\n", status, tow_http_reason(status), date);
}

/* RFC 9110, sections 5.1 and 5.5. */
bool tow_response_field_is_valid(tow_slice name, tow_slice value) {
    return name.length > 0 && tow_characters_are(name, TOW_CHARACTER_TOKEN) &&
           tow_characters_are(value, TOW_CHARACTER_VALUE);
}

int tow_response_field(tow_buffer *out, const char *name, const char *value) {
    tow_slice name_slice = tow_slice_from(name);
    tow_slice value_slice = tow_slice_from(value);
    if (!tow_response_field_is_valid(name_slice, value_slice))
        return TOW_ERROR_ARGUMENT;
    int error = tow_buffer_reserve(out, name_slice.length + value_slice.length + 4);
    if (error != 0)
        return error;
    error = tow_buffer_append(out, name, name_slice.length);
    if (error == 0)
        error = tow_buffer_append(out, ": ", 2);
    if (error == 0)
        error = tow_buffer_append(out, value, value_slice.length);
    if (error == 0)
        error = tow_buffer_append(out, "\r\n", 2);
    return error;
}

int tow_response_field_number(tow_buffer *out, const char *name, uint64_t value) {
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    return tow_response_field(out, name, text);
}

int tow_response_end(tow_buffer *out) {
    return tow_buffer_append(out, "\r\n", 2);
}
