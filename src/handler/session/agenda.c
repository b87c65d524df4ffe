#include "agenda.h"

#include "transport/loop.h"

#include <assert.h>

#define NEVER INT64_MAX

static void fired(tow_timer *timer);

static void arm(tow_agenda *agenda, int64_t when) {
    if (when >= agenda->armed)
        return;
    agenda->armed = when;
    tow_timer_set(agenda->loop, &agenda->timer, when, fired);
}

static void arm_for_all(tow_agenda *agenda) {
    agenda->armed = NEVER;
    for (int i = 0; i < agenda->count; i++)
        arm(agenda, agenda->due[i]);
}

/* False: it is not. */
static bool take(tow_agenda *agenda, int due, int64_t now) {
    if (agenda->due[due] > now)
        return false;
    agenda->due[due] = NEVER;
    agenda->act(agenda, due);
    return true;
}

static void fired(tow_timer *timer) {
    tow_agenda *agenda = (tow_agenda *)(void *)((char *)timer - offsetof(tow_agenda, timer));
    int64_t now = tow_loop_now(agenda->loop);
    agenda->armed = NEVER;
    if (take(agenda, agenda->count - 1, now))
        return;
    for (int i = 0; i < agenda->count - 1; i++)
        (void)take(agenda, i, now);
    arm_for_all(agenda);
}

void tow_agenda_init(
    tow_agenda *agenda, tow_loop *loop, int count, void (*act)(tow_agenda *agenda, int due)) {
    assert(count <= TOW_AGENDA_MAX);
    *agenda = (tow_agenda){.loop = loop, .act = act, .count = count};
    tow_agenda_drop_all(agenda);
}

void tow_agenda_go(tow_agenda *agenda) {
    arm_for_all(agenda);
}

void tow_agenda_set(tow_agenda *agenda, int due, int64_t milliseconds) {
    agenda->due[due] = tow_loop_now(agenda->loop) + milliseconds * TOW_MILLISECOND;
    arm(agenda, agenda->due[due]);
}

void tow_agenda_drop(tow_agenda *agenda, int due) {
    agenda->due[due] = NEVER;
}

void tow_agenda_drop_all(tow_agenda *agenda) {
    for (int i = 0; i < agenda->count; i++)
        agenda->due[i] = NEVER;
}

void tow_agenda_end(tow_agenda *agenda) {
    tow_timer_cancel(agenda->loop, &agenda->timer);
}
