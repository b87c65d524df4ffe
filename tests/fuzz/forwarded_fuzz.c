/* Header fields, one a line, as a trusted proxy sends them. */
#include "fuzz.h"
#include "server/forwarded.h"

#include <stdint.h>
#include <string.h>

enum { FIELDS_MAX = 64 };

static size_t fields_from(tow_field *fields, const char *bytes, size_t length) {
    size_t count = 0;
    while (length > 0 && count < FIELDS_MAX) {
        const char *end = memchr(bytes, '\n', length);
        size_t line = end == NULL ? length : (size_t)(end - bytes);
        const char *colon = memchr(bytes, ':', line);
        size_t name = colon == NULL ? line : (size_t)(colon - bytes);
        size_t value = colon == NULL ? line : name + 1;
        fields[count++] = (tow_field){{bytes, name}, {bytes + value, line - value}};
        bytes += line + (end != NULL);
        length -= line + (end != NULL);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tow_field fields[FIELDS_MAX];
    tow_forwarded forwarded;
    tow_subnet subnet;
    char *copy = malloc(size + 1); /* its end is where the sanitizer looks */
    CHECK(copy != NULL && tow_subnet_read(&subnet, "10.0.0.0/8", 10) == 0);
    memcpy(copy + 1, data, size);
    size_t count = fields_from(fields, copy + 1, size);
    if (tow_forwarded_read(&forwarded, fields, count, &(tow_trusted){&subnet, 1}) == 0) {
        CHECK(!forwarded.has_address || forwarded.address.length > 0);
        CHECK(forwarded.scheme.data == NULL || forwarded.scheme.length == 4 || forwarded.scheme.length == 5);
    }
    free(copy);
    return 0;
}
