#include "protocol.h"

#include <towline/error.h>

uint32_t tow_python_number(const uint8_t *bytes, size_t size) {
    uint32_t number = 0;
    for (size_t i = 0; i < size; i++)
        number = number << 8 | bytes[i];
    return number;
}

uint64_t tow_python_version_of(const uint8_t bytes[8]) {
    return (uint64_t)tow_python_number(bytes, 4) << 32 | tow_python_number(bytes + 4, 4);
}

void tow_python_put(uint8_t *out, uint64_t number, size_t size) {
    for (size_t i = size; i > 0; i--) {
        out[i - 1] = (uint8_t)number;
        number >>= 8;
    }
}

void tow_python_write_header(uint8_t out[TOW_PYTHON_HEADER], uint8_t operation, size_t length) {
    tow_python_put(out, length, 4);
    out[4] = operation;
}

int tow_python_next(const uint8_t **bytes, size_t *length, tow_python_said *said) {
    if (*length < TOW_PYTHON_HEADER)
        return 0;
    size_t size = tow_python_number(*bytes, 4);
    if (size > TOW_PYTHON_OPERATION_MAX)
        return TOW_ERROR_LIMIT;
    if (*length - TOW_PYTHON_HEADER < size)
        return 0;
    *said = (tow_python_said){.operation = (*bytes)[4], .bytes = *bytes + TOW_PYTHON_HEADER, .length = size};
    *bytes += TOW_PYTHON_HEADER + size;
    *length -= TOW_PYTHON_HEADER + size;
    return 1;
}
