#include "socket_id.h"

#include <inttypes.h>
#include <stdio.h>

enum { DIGITS_MAX = 128 };

size_t tow_pusher_socket_id_write(char out[TOW_PUSHER_SOCKET_ID_TEXT], uint64_t id) {
    return (size_t)snprintf(
        out, TOW_PUSHER_SOCKET_ID_TEXT, "%" PRIu32 ".%" PRIu32, (uint32_t)(id >> 32), (uint32_t)id);
}

/* Takes digits from the front; false: there are none, or too many. What is above 32 bits counts as 0. */
static bool number_take(tow_slice *text, uint32_t *number) {
    uint64_t sum = 0;
    size_t i = 0;
    for (; i < text->length && text->data[i] >= '0' && text->data[i] <= '9'; i++)
        if (sum <= UINT32_MAX)
            sum = sum * 10 + (uint64_t)(text->data[i] - '0');
    *text = (tow_slice){text->data + i, text->length - i};
    *number = sum <= UINT32_MAX ? (uint32_t)sum : 0;
    return i > 0 && i <= DIGITS_MAX;
}

bool tow_pusher_socket_id_read(tow_slice text, uint64_t *id) {
    char whole[TOW_PUSHER_SOCKET_ID_TEXT];
    const tow_slice given = text;
    uint32_t high, low;
    if (!number_take(&text, &high) || text.length == 0 || text.data[0] != '.')
        return false;
    text = (tow_slice){text.data + 1, text.length - 1};
    if (!number_take(&text, &low) || text.length > 0)
        return false;
    *id = ((uint64_t)high << 32) | low;
    tow_pusher_socket_id_write(whole, *id);
    if (!tow_slice_equals(given, whole)) /* 01.1, or too large */
        *id = 0;
    return true;
}
