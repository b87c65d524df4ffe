#include "say.h"

#include "codes.h"
#include "envelope_write.h"

#include <towline/error.h>

void tow_talk_say(tow_talk *talk, tow_buffer *envelope, int error) {
    if (error == 0)
        (void)tow_websocket_send(talk->socket, TOW_TEXT, envelope->data, envelope->length);
    else
        tow_websocket_close(talk->socket, TOW_CLOSE_TRY_AGAIN_LATER, tow_strerror(error));
    tow_buffer_clear(envelope);
}

void tow_talk_complain(
    tow_talk *talk, tow_slice id, tow_slice channel, const char *code, const char *reason) {
    tow_buffer out = {0};
    int error = tow_envelope_begin(&out, "error", id);
    if (error == 0 && channel.length > 0)
        error = tow_envelope_add_text(&out, "channel", channel);
    if (error == 0)
        error = tow_envelope_add_text(&out, "code", tow_slice_from(code));
    if (error == 0)
        error = tow_envelope_add_text(&out, "reason", tow_slice_from(reason));
    if (error == 0)
        error = tow_envelope_end(&out);
    tow_talk_say(talk, &out, error);
}
