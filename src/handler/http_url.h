/* http_url: the URL of a back end, as an option has it. */
#ifndef TOW_HANDLER_HTTP_URL_H
#define TOW_HANDLER_HTTP_URL_H

/* Whether it is one of http:// or https:// that can be asked: 0, or an error. */
int tow_http_url_check(const char *text);

#endif
