/* The fields that choose a part or a state of a file: ranges lie within the file, and no value confuses the
 * conditions. The first eight bytes are the file's size. */
#include "byte_range.h"
#include "conditional.h"
#include "fuzz.h"

#include <string.h>

static void check_range(const char *value, int64_t size) {
    tow_byte_range range = tow_byte_range_read(value, size);
    if (range.kind == TOW_BYTE_RANGE_WHOLE)
        CHECK(range.first == 0 && range.length == size);
    if (range.kind == TOW_BYTE_RANGE_PART) {
        CHECK(range.length > 0 && range.first >= 0 && range.first < size);
        CHECK(range.length <= size - range.first);
        CHECK(strchr(value, ',') == NULL);
    }
}

static void check_conditions(const char *value) {
    static const tow_validators validators = {.etag = "\"a\"", .modified = 784111777};
    int known = tow_conditions_check(&(tow_conditions){.if_none_match = value}, &validators);
    int failed = tow_conditions_check(&(tow_conditions){.if_match = value}, &validators);
    CHECK(known == 0 || known == 304);
    CHECK(failed == 0 || failed == 412);
    CHECK(failed == 412 || known == 304); /* what is the same by strong comparison is so by weak */
    CHECK(known == 0 || strstr(value, "\"a\"") != NULL || strcmp(value, "*") == 0);
    tow_if_range_holds(value, &validators, 784111777 + 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint64_t file_size;
    if (size < sizeof(file_size))
        return 0;
    memcpy(&file_size, data, sizeof(file_size));
    size_t length = size - sizeof(file_size);
    char *value = malloc(length + 1);
    CHECK(value != NULL);
    memcpy(value, data + sizeof(file_size), length);
    value[length] = '\0';
    check_range(value, (int64_t)(file_size & INT64_MAX));
    check_conditions(value);
    free(value);
    return 0;
}
