/* A PROXY header: what is read whole must be incomplete, and not wrong, when it is cut anywhere. */
#include "fuzz.h"
#include "server/proxy_header.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tow_proxy_header header;
    uint8_t *copy = malloc(size + 1); /* its end is where the sanitizer looks */
    CHECK(copy != NULL);
    memcpy(copy + 1, data, size);
    int used = tow_proxy_header_read(&header, copy + 1, size);
    CHECK(used <= 0 || (size_t)used <= size);
    if (used > 0)
        CHECK(!header.has_address || header.address.length > 0);
    for (int cut = 0; cut < used; cut++)
        CHECK(tow_proxy_header_read(&header, copy + 1, (size_t)cut) == 0);
    free(copy);
    return 0;
}
