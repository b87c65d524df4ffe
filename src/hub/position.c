#include "hub/position.h"

#include <inttypes.h>
#include <stdio.h>
#include <towline/error.h>

enum { BITS = 6, NUMBER_DIGITS_MAX = 20 };

/* That of RFC 4648, section 5: what goes into a URL unchanged. */
static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void tow_epoch_write(char text[TOW_EPOCH_LENGTH + 1], uint64_t epoch) {
    for (size_t i = TOW_EPOCH_LENGTH; i-- > 0; epoch >>= BITS)
        text[i] = digits[epoch & 63];
    text[TOW_EPOCH_LENGTH] = '\0';
}

size_t tow_position_write(char text[TOW_POSITION_TEXT_SIZE], const tow_position *position) {
    tow_epoch_write(text, position->epoch);
    int length = snprintf(
        text + TOW_EPOCH_LENGTH, TOW_POSITION_TEXT_SIZE - TOW_EPOCH_LENGTH, ":%" PRIu64, position->number);
    return TOW_EPOCH_LENGTH + (size_t)length;
}

/* The first digit has the highest four bits. */
int tow_epoch_read(uint64_t *epoch, tow_slice text) {
    uint64_t value = 0;
    if (text.length != TOW_EPOCH_LENGTH)
        return TOW_ERROR_ARGUMENT;
    for (size_t i = 0; i < text.length; i++) {
        const char *digit = memchr(digits, text.data[i], sizeof(digits) - 1);
        if (digit == NULL || (i == 0 && digit - digits > 15))
            return TOW_ERROR_ARGUMENT;
        value = value << BITS | (uint64_t)(digit - digits);
    }
    if (value == 0)
        return TOW_ERROR_ARGUMENT;
    *epoch = value;
    return 0;
}

static int number_read(uint64_t *number, tow_slice text) {
    uint64_t value = 0;
    if (text.length == 0 || text.length > NUMBER_DIGITS_MAX || (text.data[0] == '0' && text.length > 1))
        return TOW_ERROR_ARGUMENT;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return TOW_ERROR_ARGUMENT;
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return TOW_ERROR_ARGUMENT;
        value = value * 10 + digit;
    }
    *number = value;
    return 0;
}

int tow_position_read(tow_position *position, tow_slice text) {
    tow_position made;
    if (text.length <= TOW_EPOCH_LENGTH + 1 || text.data[TOW_EPOCH_LENGTH] != ':')
        return TOW_ERROR_ARGUMENT;
    tow_slice number = {text.data + TOW_EPOCH_LENGTH + 1, text.length - TOW_EPOCH_LENGTH - 1};
    int error = tow_epoch_read(&made.epoch, (tow_slice){text.data, TOW_EPOCH_LENGTH});
    if (error == 0)
        error = number_read(&made.number, number);
    if (error == 0)
        *position = made;
    return error;
}
