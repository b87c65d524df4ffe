#include "answer.h"

#include <openssl/evp.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

/* Their Content-Type. */
static const char frames[] = "application/vnd.towline.frames";

static bool begins_with(tow_slice text, const char *word) {
    size_t length = strlen(word);
    return text.length >= length && strncasecmp(text.data, word, length) == 0;
}

static int do_frames(tow_service *service, tow_websocket_id id, const uint8_t *bytes, size_t length) {
    for (size_t at = 0; at < length;) {
        tow_service_frame frame;
        int64_t used = tow_service_frame_next(bytes + at, length - at, length, &frame);
        if (used <= 0)
            return TOW_ERROR_ARGUMENT;
        if (frame.id == 0)
            frame.id = id;
        int error = tow_service_act(service, &frame);
        if (error != 0)
            return error;
        at += (size_t)used;
    }
    return 0;
}

static int do_message(tow_service *service, tow_websocket_id id, const tow_answer *answer) {
    bool is_text = begins_with(answer->type, "text/") || begins_with(answer->type, "application/json");
    return tow_service_act(service, &(tow_service_frame){.type = TOW_SERVICE_SEND,
                                        .id = id,
                                        .is_binary = !is_text,
                                        .data = answer->body,
                                        .length = answer->length});
}

static int do_body(tow_service *service, tow_websocket_id id, const tow_answer *answer) {
    if (begins_with(answer->type, frames))
        return do_frames(service, id, answer->body, answer->length);
    return answer->length > 0 ? do_message(service, id, answer) : 0;
}

/* Base64 has a multiple of four characters; what is too long is refused before. */
static int do_state(tow_service *service, tow_websocket_id id, tow_slice text) {
    unsigned char state[TOW_SERVICE_STATE_MAX + 8];
    if (text.length % 4 != 0 || text.length / 4 * 3 > TOW_SERVICE_STATE_MAX + 2)
        return TOW_ERROR_ARGUMENT;
    int length = EVP_DecodeBlock(state, (const unsigned char *)text.data, (int)text.length);
    for (size_t i = text.length; length > 0 && i > 0 && text.data[i - 1] == '='; i--)
        length--;
    if (length < 0 || length > TOW_SERVICE_STATE_MAX)
        return TOW_ERROR_ARGUMENT;
    return tow_service_act(service,
        &(tow_service_frame){.type = TOW_SERVICE_ATTACH, .id = id, .data = state, .length = (size_t)length});
}

static int do_close(tow_service *service, tow_websocket_id id, tow_slice text) {
    unsigned code = 0;
    size_t at = 0;
    while (at < text.length && at < 4 && text.data[at] >= '0' && text.data[at] <= '9')
        code = code * 10 + (unsigned)(text.data[at++] - '0');
    if (at != 4 || (at < text.length && text.data[at] != ' '))
        return TOW_ERROR_ARGUMENT;
    at += at < text.length;
    if (text.length - at > TOW_SERVICE_REASON_MAX)
        return TOW_ERROR_ARGUMENT;
    return tow_service_act(service, &(tow_service_frame){.type = TOW_SERVICE_CLOSE,
                                        .id = id,
                                        .code = (uint16_t)code,
                                        .data = (const uint8_t *)text.data + at,
                                        .length = text.length - at});
}

int tow_answer_do(tow_service *service, tow_websocket_id id, const tow_answer *answer) {
    int error = answer->state.data != NULL ? do_state(service, id, answer->state) : 0;
    if (error == 0)
        error = do_body(service, id, answer);
    if (error == 0 && answer->close.data != NULL)
        error = do_close(service, id, answer->close);
    return error;
}
