/* Many publications in one text, as anybody with a key may send it. */
#include "fuzz.h"
#include "hub/name.h"
#include "publish/batch.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    char why[TOW_BATCH_TEXT_MAX] = "";
    tow_batch batch;
    if (tow_batch_read(&batch, (tow_slice){(const char *)bytes, length}, why) == 0) {
        CHECK(batch.count > 0 && batch.count <= TOW_BATCH_MAX);
        for (size_t i = 0; i < batch.count; i++) {
            const tow_draft *draft = &batch.items[i].draft;
            CHECK(tow_channel_name_is_valid(batch.items[i].channel));
            CHECK(draft->type == TOW_TEXT || draft->type == TOW_BINARY);
            CHECK(draft->event.length <= TOW_EVENT_MAX && draft->key.length <= TOW_KEY_MAX);
            CHECK(draft->data.length <= length);
        }
    } else
        CHECK(why[0] != '\0');
    tow_batch_clear(&batch);
    return 0;
}
