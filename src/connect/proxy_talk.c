#include "connect/proxy_talk.h"

#include "talk.h"

#include <towline/error.h>

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
