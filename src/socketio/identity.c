#include "identity.h"

#include "transport/loop.h"

void tow_socketio_id_make(char id[TOW_SOCKETIO_ID_LENGTH + 1], tow_loop *loop) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static const char beginning[] = "private-";
    enum { BEGINNING_LENGTH = sizeof(beginning) - 1 };
    uint8_t bytes[TOW_SOCKETIO_ID_LENGTH - BEGINNING_LENGTH];
    tow_loop_random(loop, bytes, sizeof(bytes));
    memcpy(id, beginning, BEGINNING_LENGTH);
    for (size_t i = 0; i < sizeof(bytes); i++)
        id[BEGINNING_LENGTH + i] = digits[bytes[i] % 64];
    id[TOW_SOCKETIO_ID_LENGTH] = '\0';
}

uint64_t tow_socketio_id_number(const char *id) {
    uint64_t number = 14695981039346656037U; /* FNV-1a */
    for (; *id != '\0'; id++)
        number = (number ^ (uint8_t)*id) * 1099511628211U;
    return number == 0 ? 1 : number;
}
