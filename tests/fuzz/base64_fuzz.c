/* Base64: what is read is written in one way, and read from that again. */
#include "base/base64.h"
#include "fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t room = (size + 3) / 4 * 3, length, again;
    uint8_t *bytes = malloc(room + 1), *others = malloc(room + 1);
    tow_buffer text = {0};
    CHECK(bytes != NULL && others != NULL);
    if (tow_base64_read(bytes, &length, (tow_slice){(const char *)data, size})) {
        CHECK(length <= room);
        CHECK(tow_base64_append(&text, bytes, length) == 0);
        CHECK(tow_base64_read(others, &again, (tow_slice){(const char *)text.data, text.length}));
        CHECK(again == length && memcmp(bytes, others, length) == 0);
    }
    tow_buffer_clear(&text);
    free(bytes);
    free(others);
    return 0;
}
