/* http_connect: a tunnel through an HTTP proxy (RFC 9110, section 9.3.6), with Basic authentication (RFC
 * 7617). */
#include "base/text.h"
#include "http/credentials.h"
#include "http/head.h"
#include "talk.h"

#include <towline/error.h>

enum { HEAD_MAX = 16 * 1024, REASON_MAX = 100, UNAUTHORIZED = 401, PROXY_UNAUTHORIZED = 407 };

static int write_credentials(tow_buffer *output, const tow_proxy *proxy) {
    int error = tow_buffer_append_text(output, "Proxy-Authorization: ");
    if (error == 0)
        error = tow_basic_append(output, proxy->user, proxy->password);
    return error != 0 ? error : tow_buffer_append_text(output, "\r\n");
}

int tow_http_connect_begin(tow_proxy_talk *talk) {
    tow_buffer *output = &talk->output;
    talk->state = TOW_PROXY_ASKED;
    int error = tow_buffer_append_format(
        output, "CONNECT %s:%u HTTP/1.1\r\nHost: %s:%u\r\n", talk->host, talk->port, talk->host, talk->port);
    if (error == 0 && talk->proxy->user != NULL)
        error = write_credentials(output, talk->proxy);
    return error != 0 ? error : tow_buffer_append_text(output, "\r\n");
}

static int refuse(tow_proxy_talk *talk, const tow_http_head *head, size_t length) {
    size_t shown = tow_text_cut(head->reason.data, head->reason.length, REASON_MAX);
    tow_slice location = head->status / 100 == 3 ? tow_http_field(head, "Location") : (tow_slice){0};
    const char *before = "answered";
    if (head->status == PROXY_UNAUTHORIZED || head->status == UNAUTHORIZED) /* tinyproxy says the other */
        before = talk->proxy->user == NULL ? "wants a user and a password:"
                                           : "does not accept the user and password:";
    talk->status = head->status;
    tow_body_reader_init(&talk->body, head);
    tow_proxy_refuse(talk, TOW_ERROR_PROXY, "%s %d%s%.*s%s%.*s", before, head->status, shown > 0 ? " " : "",
        (int)shown, head->reason.data, location.length > 0 ? ": " : "", (int)location.length, location.data);
    tow_buffer_consume(&talk->input, length);
    return TOW_ERROR_PROXY;
}

/* Interim answers may come before the one that counts; of one that counts only the head is the proxy's. */
ssize_t tow_http_connect_step(tow_proxy_talk *talk) {
    tow_http_head head;
    int length =
        tow_http_response_read(&head, (const char *)talk->input.data, talk->input.length, &talk->scanned);
    if (length < 0)
        return tow_proxy_refuse(talk, length, "answered with something else than HTTP");
    if (length > HEAD_MAX || (length == 0 && talk->input.length > HEAD_MAX))
        return tow_proxy_refuse(talk, TOW_ERROR_HTTP_TOO_LARGE, "answered with too large a head");
    if (length == 0 || head.status / 100 == 1)
        return length;
    if (head.status / 100 != 2)
        return refuse(talk, &head, (size_t)length);
    talk->state = TOW_PROXY_DONE;
    return length;
}
