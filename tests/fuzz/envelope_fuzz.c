/* Envelopes of towline.v1: what is read keeps its limits, and what comes back in answers is JSON. */
#include "base/json.h"
#include "channel/envelope.h"
#include "fuzz.h"

#include <string.h>

/* A name goes into other protocols, and a text into JSON again. */
static void check_name(tow_slice name, size_t max) {
    CHECK(name.length <= max);
    for (size_t i = 0; i < name.length; i++)
        CHECK((unsigned char)name.data[i] >= ' ');
}

static void check_text(tow_slice text) {
    tow_buffer out = {0};
    tow_slice value;
    CHECK(tow_json_append_string(&out, text) == 0);
    CHECK(tow_json_read((tow_slice){(const char *)out.data, out.length}, &value) == 0);
    tow_buffer_clear(&out);
}

static void check(const tow_envelope *envelope) {
    CHECK(envelope->type < TOW_ENVELOPE_TYPES);
    check_name(envelope->channel, TOW_ENVELOPE_NAME_MAX);
    check_name(envelope->event, TOW_ENVELOPE_NAME_MAX);
    check_name(envelope->key, TOW_ENVELOPE_NAME_MAX);
    check_name(envelope->since, TOW_ENVELOPE_POSITION_MAX);
    check_text(envelope->channel);
    if (!envelope->is_binary)
        check_text(envelope->data);
    CHECK(envelope->limit >= 0 && envelope->limit <= TOW_ENVELOPE_LIST_MAX);
    CHECK((envelope->type == TOW_ENVELOPE_PUBLISH) == (envelope->data.data != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *message = malloc(size > 0 ? size : 1); /* of exactly this size: who reads behind it is seen */
    tow_envelope envelope;
    tow_slice value;
    const char *why = NULL;
    CHECK(message != NULL);
    memcpy(message, data, size);
    if (tow_envelope_read(&envelope, (tow_slice){message, size}, &why))
        check(&envelope);
    else
        CHECK(why != NULL && why[0] != '\0');
    CHECK(envelope.id.length <= TOW_ENVELOPE_ID_MAX);
    CHECK(envelope.id.length == 0 || tow_json_read(envelope.id, &value) == 0);
    tow_envelope_clear(&envelope);
    free(message);
    return 0;
}
