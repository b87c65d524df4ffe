/* Retry-After, at a time that the first bytes say. */
#include "../../src/client/retry.h"
#include "fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint32_t now = 0;
    if (size < sizeof(now))
        return 0;
    memcpy(&now, data, sizeof(now));
    size_t length = size - sizeof(now);
    char *field = malloc(length > 0 ? length : 1); /* of its own, so that a read beyond it is seen */
    CHECK(field != NULL);
    memcpy(field, data + sizeof(now), length);
    int seconds = tow_retry_after((tow_slice){.data = field, .length = length}, now);
    CHECK(seconds >= 0 && seconds <= 60 * 60);
    CHECK(length > 0 || seconds == 0);
    free(field);
    return 0;
}
