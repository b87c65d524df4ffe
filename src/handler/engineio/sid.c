#include "session.h"

#include <stdio.h>
#include <string.h>

/* The session's id, then its secret, in hexadecimal digits. */

void tow_engineio_write_sid(const tow_engineio_session *session, char out[TOW_ENGINEIO_SID + 1]) {
    int length = snprintf(out, TOW_ENGINEIO_SID + 1, "%016llx", (unsigned long long)session->id);
    for (size_t i = 0; i < TOW_ENGINEIO_SECRET; i++)
        length += snprintf(out + length, 3, "%02x", session->secret[i]);
}

static int digit(char c) {
    static const char digits[] = "0123456789abcdef";
    const char *found = c == '\0' ? NULL : strchr(digits, c);
    return found == NULL ? -1 : (int)(found - digits);
}

bool tow_engineio_read_sid(const char *text, tow_websocket_id *id, uint8_t secret[TOW_ENGINEIO_SECRET]) {
    uint8_t bytes[TOW_ENGINEIO_SID / 2];
    if (text == NULL || strlen(text) != TOW_ENGINEIO_SID)
        return false;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        int high = digit(text[2 * i]);
        int low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    *id = 0;
    for (size_t i = 0; i < sizeof(*id); i++)
        *id = *id << 8 | bytes[i];
    memcpy(secret, bytes + sizeof(*id), TOW_ENGINEIO_SECRET);
    return true;
}

int tow_engineio_open_packet(const tow_engineio_session *session, tow_buffer *out, bool upgrades) {
    const tow_engineio_settings *settings = &session->engineio->settings;
    char sid[TOW_ENGINEIO_SID + 1];
    tow_engineio_write_sid(session, sid);
    int error = tow_buffer_append_format(out,
        "0{\"sid\":\"%s\",\"upgrades\":[%s],\"pingInterval\":%d,\"pingTimeout\":%d,\"maxPayload\":%lld", sid,
        upgrades ? "\"websocket\"" : "", settings->ping_milliseconds, settings->pong_milliseconds,
        (long long)session->max_payload);
    if (error == 0 && session->extended) /* a token has nothing that JSON would escape */
        error = tow_buffer_append_format(out, ",\"towline\":1,\"protocol\":\"%s\",\"linger\":%d",
            tow_websocket_protocol(session->socket), TOW_ENGINEIO_LINGER);
    return error != 0 ? error : tow_buffer_append_text(out, "}");
}
