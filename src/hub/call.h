/* call: a question that the store has kept, and its answer on the way to who has asked. */
#ifndef TOW_HUB_CALL_H
#define TOW_HUB_CALL_H

#include "state.h"

/* Who waits for one, from now on; `arrive` is called in order, on the thread that answers. In order. */
void tow_call_expect(tow_store_call *call, tow_hub_part *part, void *asker,
    void (*arrive)(tow_store_call *call, tow_hold *hold));

/* Nobody does any more: what the answer brings is given back. In order. */
void tow_call_give_up(tow_store_call *call, tow_hold *hold);

/* It was answered that there are as many members as may be. */
static inline bool tow_call_is_over_members(const tow_store_call *call) {
    return call->error == TOW_ERROR_LIMIT && call->ask.member != NULL;
}

/* Once it is answered. */
void tow_call_free(tow_store_call *call);

#endif
