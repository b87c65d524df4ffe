/* request: writes the head of a request from what the caller of an HTTP client asked for, and checks that. */
#ifndef TOW_CLIENT_HTTP_REQUEST_H
#define TOW_CLIENT_HTTP_REQUEST_H

#include "base/buffer.h"
#include "client/http_client.h"
#include "client/url.h"

/* As tow_url_read for http:// and https://. Errors: URL, MEMORY. */
int tow_http_url_read(tow_url *url, const char *text);

/* The method, by default too. */
const char *tow_http_request_method(const tow_http_call_options *options);

/* Whether a request with this method does nothing more when it comes twice (RFC 9110, section 9.2.2). */
bool tow_http_method_is_idempotent(const char *method);

/* Whether a field is not the caller's to set. */
bool tow_http_field_is_ours(const char *name);

/* Appends head and body, to go through the proxy (NULL: none). Errors: ARGUMENT (the method is no token, or
 * CONNECT; a field is not valid, or one that frames the message or belongs to the connection), MEMORY. */
int tow_http_request_write(
    tow_buffer *out, const tow_url *url, const tow_http_call_options *options, const tow_proxy *proxy);

#endif
