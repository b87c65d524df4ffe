#include "base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

static int grow_to(tow_buffer *buffer, size_t capacity) {
    uint8_t *data = realloc(buffer->data, capacity);
    if (data == NULL)
        return TOW_ERROR_MEMORY;
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

int tow_buffer_reserve(tow_buffer *buffer, size_t more) {
    if (more <= buffer->capacity - buffer->length)
        return 0;
    if (more > SIZE_MAX / 2 - buffer->length)
        return TOW_ERROR_MEMORY;
    size_t capacity = buffer->capacity < 64 ? 64 : buffer->capacity;
    while (capacity < buffer->length + more)
        capacity *= 2;
    return grow_to(buffer, capacity);
}

int tow_buffer_reserve_exactly(tow_buffer *buffer, size_t more) {
    if (more <= buffer->capacity - buffer->length)
        return 0;
    if (more > SIZE_MAX / 2 - buffer->length)
        return TOW_ERROR_MEMORY;
    return grow_to(buffer, buffer->length + more);
}

int tow_buffer_append(tow_buffer *buffer, const void *bytes, size_t length) {
    if (length == 0)
        return 0;
    int error = tow_buffer_reserve(buffer, length);
    if (error != 0)
        return error;
    memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    return 0;
}

int tow_buffer_append_text(tow_buffer *buffer, const char *text) {
    return tow_buffer_append(buffer, text, strlen(text));
}

int tow_buffer_append_format(tow_buffer *buffer, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int error = tow_buffer_append_format_list(buffer, format, arguments);
    va_end(arguments);
    return error;
}

int tow_buffer_append_format_list(tow_buffer *buffer, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    int error = length < 0 ? TOW_ERROR_ARGUMENT : tow_buffer_reserve(buffer, (size_t)length + 1);
    if (error == 0) {
        vsnprintf((char *)buffer->data + buffer->length, (size_t)length + 1, format, again);
        buffer->length += (size_t)length;
    }
    va_end(again);
    return error;
}

void tow_buffer_consume(tow_buffer *buffer, size_t length) {
    buffer->length -= length;
    if (buffer->length > 0)
        memmove(buffer->data, buffer->data + length, buffer->length);
}

void tow_buffer_clear(tow_buffer *buffer) {
    free(buffer->data);
    *buffer = (tow_buffer){0};
}

void tow_buffer_empty(tow_buffer *buffer, size_t kept) {
    buffer->length = 0;
    if (buffer->capacity > kept)
        tow_buffer_clear(buffer);
}
