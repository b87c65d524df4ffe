#include "base64url.h"

#include "base/base64.h"

bool tow_base64url_read(uint8_t *out, size_t *length, tow_slice text) {
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] == '+' || text.data[i] == '/' || text.data[i] == '=')
            return false;
    return tow_base64_read(out, length, text);
}
