/* What a client of SockJS sends: each message is a string of the text, and what is made of it is read as the
 * same again. */
#include "fuzz.h"

#include "sockjs/frames.h"

#include <stdint.h>
#include <string.h>

static void send_back(tow_slice string) {
    tow_buffer text = {0};
    tow_buffer frame = {0};
    tow_buffer again = {0};
    tow_packets packets = {0};
    tow_json_walk messages;
    tow_slice single, name, value;
    bool is_close;
    if (tow_json_unescape(&text, string) == 0) {
        CHECK(tow_packets_put(&packets, TOW_PACKET_TEXT, text.data, text.length) == 0);
        CHECK(tow_sockjs_append(&frame, &packets, 1, &is_close) == 0 && !is_close);
        CHECK(tow_packets_are_empty(&packets) && frame.data[0] == 'a');
        CHECK(tow_sockjs_read(
            (tow_slice){(const char *)frame.data + 1, frame.length - 1}, false, &messages, &single));
        CHECK(tow_json_next(&messages, &name, &value) && tow_json_unescape(&again, value) == 0);
        CHECK(again.length == text.length &&
              (text.length == 0 || memcmp(again.data, text.data, text.length) == 0));
        CHECK(!tow_json_next(&messages, &name, &value));
    }
    tow_packets_clear(&packets);
    tow_buffer_clear(&text);
    tow_buffer_clear(&frame);
    tow_buffer_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tow_json_walk messages;
    tow_slice single, name, value;
    if (!tow_sockjs_read((tow_slice){(const char *)data, size}, true, &messages, &single))
        return 0;
    if (single.data != NULL)
        send_back(single);
    while (tow_json_next(&messages, &name, &value)) {
        CHECK(
            (const uint8_t *)value.data >= data && (const uint8_t *)value.data + value.length <= data + size);
        send_back(value);
    }
    return 0;
}
