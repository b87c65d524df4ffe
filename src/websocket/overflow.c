#include "overflow.h"

#include "carry.h"
#include "closing.h"
#include "context.h"
#include "receive.h"
#include "send.h"

#include <towline/error.h>

static int close_as_full(tow_websocket *socket, size_t length) {
    tow_websocket_fail(socket, TOW_CAUSE_MAX_QUEUE, TOW_ERROR_QUEUE_FULL);
    tow_extra_discard(socket, length);
    return TOW_ERROR_QUEUE_FULL;
}

/* Whoever is refused hears by on_drain when to try again. */
static int refuse_as_full(tow_websocket *socket) {
    tow_count(&socket->context->counters.overflows);
    if (tow_carry_waiting(socket) > 0)
        socket->above_high = true;
    if (socket->above_high && !socket->delivering)
        tow_receive_adjust(socket);
    return TOW_ERROR_QUEUE_FULL;
}

void tow_overflow_note_dropped(tow_websocket *socket, size_t count) {
    tow_count_add(&socket->context->counters.dropped, count);
    if (count > 0 && tow_extra_need(socket) != NULL)
        socket->extra->dropped += count;
}

/* What is posted is younger than all that is in the queue. */
static void drop_oldest(tow_websocket *socket, bool is_message) {
    tow_websocket_extra *extra = socket->extra;
    uint64_t max = (uint64_t)socket->behaviour->limits.max_queue;
    uint64_t posted = is_message && extra != NULL ? extra->posted.bytes : 0;
    size_t count = tow_carry_drop(socket, max > posted ? max - posted : 0);
    while (is_message && extra != NULL && tow_overflow_is(socket, true) && tow_posted_drop(&extra->posted))
        count++;
    tow_count_add(&socket->context->counters.overflows, count);
    tow_overflow_note_dropped(socket, count);
}

static bool can_drop(const tow_websocket *socket) {
    const tow_carrier *carrier = tow_carrier_of(socket);
    return carrier == NULL || carrier->drop != NULL;
}

/* What is begun can't be dropped: one message of a queue, but of a carrier whatever it has handed on. */
static bool is_still_over(const tow_websocket *socket, bool is_message) {
    return (!is_message || tow_carrier_of(socket) != NULL) && tow_overflow_is(socket, is_message);
}

int tow_overflow_handle(tow_websocket *socket, size_t length, bool is_message) {
    switch (socket->behaviour->limits.overflow) {
    case TOW_OVERFLOW_REFUSE:
        return refuse_as_full(socket);
    case TOW_OVERFLOW_DROP_OLDEST:
        if (!can_drop(socket))
            return refuse_as_full(socket);
        drop_oldest(socket, is_message);
        return is_still_over(socket, is_message) ? refuse_as_full(socket) : 0;
    case TOW_OVERFLOW_DEFAULT: /* resolved */
    case TOW_OVERFLOW_CLOSE:
        break;
    }
    return close_as_full(socket, length);
}

uint64_t tow_websocket_dropped(const tow_websocket *socket) {
    return socket == NULL || socket->extra == NULL ? 0 : socket->extra->dropped;
}
