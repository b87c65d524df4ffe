/* A text in two pieces, checked and unmasked by each implementation: all must say what the grammar says. */
#include "../unit/protocol/utf8_reference.h"
#include "fuzz.h"
#include "protocol/mask.h"

#include <string.h>

enum { SETTINGS = 5 }; /* where to cut, and the masking key */

static void check_implementation(const tow_mask_implementation *implementation, const uint8_t *text,
    size_t length, size_t cut, const uint8_t *key) {
    struct utf8_verdict verdict = utf8_judge(text, length);
    uint8_t *masked = malloc(length + 1);
    CHECK(masked != NULL);
    implementation->mask_copy(masked, text, length, key);
    tow_utf8_state checked = 0;
    tow_utf8_state unmasked = 0;
    bool first = implementation->utf8_check(&checked, text, cut);
    CHECK(first == (verdict.first_bad >= cut));
    CHECK(implementation->unmask_utf8(masked, cut, key, 0, &unmasked) == first);
    if (first) {
        CHECK(checked == unmasked);
        bool valid = verdict.first_bad == length;
        CHECK(implementation->utf8_check(&checked, text + cut, length - cut) == valid);
        CHECK(implementation->unmask_utf8(masked + cut, length - cut, key, cut, &unmasked) == valid);
        CHECK(!valid || (checked == unmasked && (checked != 0) == verdict.incomplete));
        CHECK(!valid || memcmp(masked, text, length) == 0);
    }
    free(masked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < SETTINGS)
        return 0;
    size_t length = size - SETTINGS;
    uint8_t *text = malloc(length + 1);
    CHECK(text != NULL);
    memcpy(text, data + SETTINGS, length);
    const tow_mask_implementation *implementation;
    for (size_t i = 0; (implementation = tow_mask_implementation_at(i)) != NULL; i++)
        check_implementation(implementation, text, length, data[0] % (length + 1), data + 1);
    free(text);
    return 0;
}
