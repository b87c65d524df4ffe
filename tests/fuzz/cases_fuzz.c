/* The reader of conformance cases: whatever the text, it ends well, and what it says of a fault is one line.
 */
#include "cases.h"
#include "fuzz.h"

#include <string.h>
#include <towline/error.h>

static void check_case(const conform_case *one) {
    CHECK(one->id != NULL && one->section != NULL && one->says != NULL);
    CHECK(strspn(one->id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._=-") ==
          strlen(one->id));
    CHECK(one->step_count > 0);
    for (size_t i = 0; i < one->step_count; i++) {
        const case_step *step = &one->steps[i];
        CHECK(step->opcode <= 15 && step->reserved_bits <= 7 && step->level <= 9);
        CHECK(step->payload.size <= STEP_SIZE_MAX + 65536 && step->code_count <= STEP_CODES_MAX);
        CHECK(step->payload.kind == PAYLOAD_LITERAL || step->payload.literal == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    case_list list = {0};
    tow_buffer error = {0};
    char *text = malloc(size + 1);
    CHECK(text != NULL);
    memcpy(text, data, size);
    text[size] = 0;
    int result = tow_conform_case_list_read(&list, "fuzz", text, &error);
    CHECK(result == 0 || result == TOW_ERROR_ARGUMENT);
    CHECK((result == 0) == (error.length == 0));
    CHECK(error.length == 0 || memchr(error.data, '\n', error.length) == NULL);
    for (size_t i = 0; i < list.count; i++)
        check_case(&list.cases[i]);
    tow_buffer_clear(&error);
    tow_conform_case_list_clear(&list);
    free(text);
    return 0;
}
