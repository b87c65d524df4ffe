#include "codes.h"

#include <stddef.h>
#include <towline/error.h>
#include <towline/websocket.h>

static const struct {
    uint16_t code;
    const char *word;
    const char *reason;
} dismissals[] = {
    [TOW_CHANNEL_EXPIRED] = {TOW_CLOSE_EXPIRED, "expired", "the token has expired"},
    [TOW_CHANNEL_DISCONNECTED] = {TOW_CLOSE_DISCONNECTED, "disconnected", "disconnected"},
};

void tow_dismissal_close(tow_websocket *socket, tow_channel_dismissal why) {
    tow_websocket_close(socket, dismissals[why].code, dismissals[why].reason);
}

const char *tow_dismissal_code(tow_channel_dismissal why) {
    return dismissals[why].word;
}

const char *tow_end_code(tow_subscription_end why) {
    static const char *const words[] = {[TOW_SUBSCRIPTION_SLOW] = "slow",
        [TOW_SUBSCRIPTION_REVOKED] = "revoked",
        [TOW_SUBSCRIPTION_REFUSED] = "unavailable",
        [TOW_SUBSCRIPTION_FULL] = "limit",
        [TOW_SUBSCRIPTION_LOST] = "lost",
        [TOW_SUBSCRIPTION_OVER] = "over"};
    return words[why];
}

const char *tow_error_code(int error) {
    static const struct {
        int error;
        const char *word;
    } words[] = {{TOW_ERROR_ARGUMENT, "malformed"}, {TOW_ERROR_UTF8, "malformed"}, {TOW_ERROR_LIMIT, "limit"},
        {TOW_ERROR_QUEUE_FULL, "busy"}, {TOW_ERROR_MESSAGE_TOO_LARGE, "too-large"},
        {TOW_ERROR_UNSUPPORTED, "unsupported"}, {TOW_ERROR_STATE, "state"}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (words[i].error == error)
            return words[i].word;
    return "unavailable";
}

static bool may_change(const tow_channel_answer *answer) {
    return answer->status >= 500;
}

const char *tow_refusal_code(const tow_channel_answer *answer) {
    return may_change(answer) ? "unavailable" : "forbidden";
}

void tow_refusal_close(tow_websocket *socket, const tow_channel_answer *answer) {
    tow_websocket_close(
        socket, may_change(answer) ? TOW_CLOSE_TRY_AGAIN_LATER : TOW_CLOSE_POLICY, answer->reason);
}
