#include "life.h"

#include "transport/loop.h"

enum { REST_SECONDS = 5 };

static tow_python_life *of(tow_timer *timer) {
    return (tow_python_life *)(void *)timer;
}

static void look(tow_timer *timer);

static void look_in(tow_python_life *life, int seconds) {
    tow_timer_set(life->loop, &life->timer, tow_loop_now(life->loop) + seconds * TOW_SECOND, look);
}

static void ask(tow_python_life *life) {
    life->asked = true;
    life->waited_seconds = 0;
    look_in(life, 1);
    life->events->on_ask(life);
}

static void look(tow_timer *timer) {
    tow_python_life *life = of(timer);
    if (!life->asked)
        ask(life);
    else if (++life->waited_seconds >= life->patience_seconds)
        life->events->on_silence(life);
    else
        look_in(life, 1);
}

void tow_python_life_begin(
    tow_python_life *life, tow_loop *loop, int patience_seconds, const tow_python_life_events *events) {
    *life = (tow_python_life){.loop = loop, .events = events, .patience_seconds = patience_seconds};
    ask(life);
}

void tow_python_life_sign(tow_python_life *life) {
    if (!life->asked)
        return;
    life->asked = false;
    look_in(life, REST_SECONDS);
}

void tow_python_life_end(tow_python_life *life) {
    if (life->loop != NULL)
        tow_timer_cancel(life->loop, &life->timer);
    life->asked = false;
}
