/* marks: those of a WebSocket that carries a session are those of the route that the session's messages are
 * of, so that both are above the high one, and below the low one, together. */
#ifndef TOW_HANDLER_SESSION_MARKS_H
#define TOW_HANDLER_SESSION_MARKS_H

#include <towline/websocket.h>

/* At what was handed on, while the socket waits for that. */
enum { TOW_SESSION_LOOK_MILLISECONDS = 100 };

/* Whom the session has refused a message, as more than max_queue waits, is told when less does: by what the
 * WebSocket tells the session. */
static inline void tow_session_take_marks(tow_limits *limits, const tow_limits *routes) {
    limits->high_mark = routes->high_mark;
    limits->low_mark = routes->low_mark;
    if (routes->max_queue == TOW_OFF)
        return;
    if (limits->high_mark == TOW_OFF || limits->high_mark > routes->max_queue)
        limits->high_mark = routes->max_queue;
    if (limits->low_mark > limits->high_mark)
        limits->low_mark = limits->high_mark;
}

#endif
