#include "part.h"

#include "state.h"

#include <towline/error.h>

/* Deliveries in a round, so that a channel with many subscribers keeps the worker's other connections waiting
 * for some milliseconds at most. */
enum { WORK_A_ROUND = 1024 };

void tow_hub_part_wake(tow_hub_part *part) {
    if (part->posted)
        return;
    part->posted = true;
    tow_loop_post_letter(part->loop, &part->letter);
}

bool tow_hub_part_has_room(const tow_hub_part *part, size_t size) {
    int64_t pending = atomic_load_explicit(&part->pending, memory_order_relaxed);
    return pending == 0 || pending + (int64_t)size <= part->hub->max_pending;
}

void tow_hub_count_failure(tow_hub_part *part, int error) {
    if (error == TOW_ERROR_MEMORY)
        tow_count(&part->counters.memory_failures);
}

bool tow_hub_part_may_work(tow_hub_part *part) {
    uint64_t round = tow_loop_count(part->loop)->rounds;
    if (part->round != round) {
        part->round = round;
        part->work = 0;
    }
    return part->work < WORK_A_ROUND;
}
