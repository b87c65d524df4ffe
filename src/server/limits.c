#include "server/limits.h"

const tow_limits tow_limits_standard = {
    .max_message = 16 << 20,
    .max_queue = 1 << 20,
    .message_seconds = 60,
    .stall_seconds = 30,
    .ping_seconds = 20,
    .idle_seconds = 60,
    .close_seconds = 5,
    .compression = TOW_COMPRESSION_SHARED,
    .compression_min = 512,
};

static int64_t size_or(int64_t own, int64_t base) {
    return own != 0 ? own : base;
}

static int seconds_or(int own, int base) {
    return own != 0 ? own : base;
}

tow_limits tow_limits_filled(const tow_limits *own, const tow_limits *base) {
    return (tow_limits){
        .max_message = size_or(own->max_message, base->max_message),
        .max_queue = size_or(own->max_queue, base->max_queue),
        .message_seconds = seconds_or(own->message_seconds, base->message_seconds),
        .stall_seconds = seconds_or(own->stall_seconds, base->stall_seconds),
        .ping_seconds = seconds_or(own->ping_seconds, base->ping_seconds),
        .idle_seconds = seconds_or(own->idle_seconds, base->idle_seconds),
        .close_seconds = seconds_or(own->close_seconds, base->close_seconds),
        .compression = own->compression != TOW_COMPRESSION_DEFAULT ? own->compression : base->compression,
        .compression_min = size_or(own->compression_min, base->compression_min),
    };
}
