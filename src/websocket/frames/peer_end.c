#include "peer_end.h"

#include "../closing.h"
#include "../extra.h"
#include "../stage.h"
#include "ending.h"
#include "piecewise.h"
#include "../timing.h"
#include "transport/tls.h"

#include <string.h>
#include <towline/error.h>

/* Ends without a Close from here on: the stream is of no use. */
static void end_broken(tow_websocket *socket, int error) {
    if (!tow_closing_is_clean(socket))
        tow_closing_note_failure(socket, tow_cause_of_error(error), error);
    tow_ending_close(socket);
}

/* What it said before is not read yet. */
static void wait_for_reader(tow_websocket *socket) {
    if (tow_timing_left(socket) != 0)
        tow_websocket_abort(socket, TOW_CAUSE_MEMORY, TOW_ERROR_MEMORY);
}

void tow_peer_end_check(tow_websocket *socket) {
    if (!socket->ended || socket->stream_closed)
        return;
    if (tow_ending_is_due(socket))
        tow_ending_advance(socket);
    else if (!tow_receive_has_kept(socket) || !tow_stage_wants_messages(socket))
        end_broken(socket, TOW_ERROR_ENDED);
    else
        wait_for_reader(socket);
}

void tow_peer_end_give_up(tow_websocket *socket) {
    end_broken(socket, TOW_ERROR_ENDED);
}

/* After its Close the peer has nothing more to say. */
void tow_peer_end_fin(tow_stream *stream) {
    tow_websocket *socket = tow_websocket_of_stream(stream);
    if (tow_stage_wants_messages(socket) && tow_stage_hears(socket))
        wait_for_reader(socket);
}

void tow_peer_end_came(tow_stream *stream) {
    tow_websocket *socket = tow_websocket_of_stream(stream);
    socket->ended = true;
    tow_peer_end_check(socket);
}

/* What TLS has to say of it goes with the stream; without memory for it the code must do. */
static void store_failure(tow_websocket *socket) {
    const char *text = tow_stream_failure_text(&socket->stream);
    if (text != NULL && tow_extra_need(socket) != NULL)
        socket->extra->failure = tow_extra_text(text, strlen(text));
}

void tow_peer_end_failed(tow_stream *stream, int error) {
    tow_websocket *socket = tow_websocket_of_stream(stream);
    if (socket->stream_closed)
        return;
    store_failure(socket);
    end_broken(socket, error);
}

void tow_peer_end_closed(tow_stream *stream) {
    tow_closing_over(tow_websocket_of_stream(stream));
}
