#include "talk.h"

#include "base/text.h"

int tow_proxy_refuse(tow_proxy_talk *talk, int error, const char *format, ...) {
    va_list arguments;
    size_t length = tow_text_format(
        talk->text, sizeof(talk->text), "the proxy %.255s port %u ", talk->proxy->host, talk->proxy->port);
    va_start(arguments, format);
    tow_text_format_list(talk->text + length, sizeof(talk->text) - length, format, arguments);
    va_end(arguments);
    return error;
}
