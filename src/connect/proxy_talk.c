#include "connect/proxy_talk.h"

#include "base/text.h"
#include "talk.h"

#include <towline/error.h>

int tow_proxy_refuse(tow_proxy_talk *talk, int error, const char *format, ...) {
    va_list arguments;
    size_t length = tow_text_format(
        talk->text, sizeof(talk->text), "the proxy %.255s port %u ", talk->proxy->host, talk->proxy->port);
    va_start(arguments, format);
    tow_text_format_list(talk->text + length, sizeof(talk->text) - length, format, arguments);
    va_end(arguments);
    return error;
}

static bool is_socks(const tow_proxy_talk *talk) {
    return talk->proxy->kind == TOW_PROXY_SOCKS5;
}

int tow_proxy_talk_begin(tow_proxy_talk *talk, const tow_proxy *proxy, const char *host, uint16_t port) {
    *talk = (tow_proxy_talk){.proxy = proxy, .host = host, .port = port};
    int error = is_socks(talk) ? tow_socks5_begin(talk) : tow_http_connect_begin(talk);
    if (error != 0)
        tow_proxy_talk_clear(talk);
    return error;
}

int tow_proxy_talk_read(tow_proxy_talk *talk, const uint8_t *bytes, size_t length, size_t *used) {
    if (tow_buffer_append(&talk->input, bytes, length) != 0)
        return tow_proxy_refuse(talk, TOW_ERROR_MEMORY, "said too much: %s", tow_strerror(TOW_ERROR_MEMORY));
    ssize_t taken = 1;
    while (talk->state != TOW_PROXY_DONE && taken > 0) {
        taken = is_socks(talk) ? tow_socks5_step(talk) : tow_http_connect_step(talk);
        if (taken < 0)
            return (int)taken;
        tow_buffer_consume(&talk->input, (size_t)taken);
    }
    if (talk->state != TOW_PROXY_DONE)
        return 0;
    *used = length - talk->input.length;
    return 1;
}

void tow_proxy_talk_clear(tow_proxy_talk *talk) {
    tow_buffer_clear(&talk->output);
    tow_buffer_clear(&talk->input);
}
