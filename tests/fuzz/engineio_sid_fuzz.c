/* What a request says is its session: what is read is the same text when it is written. */
#include "engineio/session.h"
#include "fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tow_engineio_session session = {0};
    tow_websocket_id id = 0;
    char again[TOW_ENGINEIO_SID + 1];
    char *text = malloc(size + 1);
    CHECK(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    if (tow_engineio_read_sid(text, &id, session.secret)) {
        session.id = id;
        tow_engineio_write_sid(&session, again);
        CHECK(strcmp(again, text) == 0);
    } else {
        CHECK(strspn(text, "0123456789abcdef") != TOW_ENGINEIO_SID || strlen(text) != TOW_ENGINEIO_SID);
    }
    free(text);
    return 0;
}
