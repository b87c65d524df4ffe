/* What a proxy says, in pieces. The first byte chooses its kind, the second how long the pieces are. */
#include "connect/proxy_talk.h"
#include "fuzz.h"

#include <stdint.h>
#include <string.h>

static const char *const urls[] = {
    "http://proxy", "http://me:pass@proxy", "socks5://proxy", "socks5://me:pass@proxy"};

static void feed(tow_proxy_talk *talk, const uint8_t *data, size_t size, size_t step) {
    int result = 0;
    while (size > 0 && result == 0) {
        size_t part = step < size ? step : size;
        uint8_t *copy = malloc(part); /* its end is where the sanitizer looks */
        size_t used = SIZE_MAX;
        CHECK(copy != NULL);
        memcpy(copy, data, part);
        result = tow_proxy_talk_read(talk, copy, part, &used);
        CHECK(result <= 1);
        CHECK(result != 1 || used <= part);
        CHECK(result >= 0 || talk->text[0] != '\0');
        free(copy);
        data += part;
        size -= part;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tow_proxy proxy;
    tow_proxy_talk talk;
    if (size < 2)
        return 0;
    CHECK(tow_proxy_read(&proxy, urls[data[0] % 4], NULL) == 0);
    CHECK(tow_proxy_talk_begin(&talk, &proxy, data[0] & 4 ? "[::1]" : "example.com", 80) == 0);
    feed(&talk, data + 2, size - 2, 1U + data[1]);
    tow_proxy_talk_clear(&talk);
    tow_proxy_clear(&proxy);
    return 0;
}
