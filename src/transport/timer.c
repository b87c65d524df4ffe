#include "transport/timer.h"

#include "loop_shared.h"

void tow_timer_set(tow_loop *loop, tow_timer *timer, int64_t deadline, tow_timer_callback callback) {
    tow_timer_wheel_set(&loop->timers, timer, deadline, callback);
    if (!loop->stepping)
        tow_loop_touch(loop);
}

void tow_timer_cancel(tow_loop *loop, tow_timer *timer) {
    tow_timer_wheel_cancel(&loop->timers, timer);
}
