#include "reading.h"

#include "../extra.h"
#include "../stage.h"
#include "../timing.h"

void tow_reading_stop(tow_websocket *socket) {
    tow_stream_pause(&socket->stream);
    if (tow_stage_is_open(socket))
        tow_timing_stop(socket);
}

/* The peer's end comes behind what we read now. */
void tow_reading_start(tow_websocket *socket) {
    if (socket->extra != NULL)
        socket->extra->left = 0;
    tow_stream_resume(&socket->stream);
    if (tow_stage_is_open(socket))
        tow_timing_go_on(socket);
}
