#include "slot.h"

#include "transport/loop.h"

#include <assert.h>
#include <stddef.h>
#include <towline/error.h>
#include <towline/log.h>

enum {
    TRIES_MAX = 3,
    FAILURES_MAX = 3,
    DEATHS_MAX = 8,
    SHORT_LIFE_SECONDS = 1,
    RETRY_FIRST_MILLISECONDS = 100,
    RETRY_MAX_MILLISECONDS = 10000
};

static int64_t now(const tow_slot *slot) {
    return tow_loop_now(slot->service->loop);
}

/* What waits. */

static void wait_none(tow_slot *slot) {
    slot->first = NULL;
    slot->end = &slot->first;
}

void tow_slot_add(tow_slot *slot, tow_event *event) {
    event->next_waiting = NULL;
    *slot->end = event;
    slot->end = &event->next_waiting;
}

void tow_slot_drop(tow_slot *slot, tow_member *member) {
    tow_event **link = &slot->first;
    for (tow_event *event = member->first; event != NULL; event = event->next)
        if (event->given && slot->current != NULL)
            slot->current->given--;
    while (*link != NULL)
        if ((*link)->member == member)
            *link = (*link)->next_waiting;
        else
            link = &(*link)->next_waiting;
    slot->end = link;
}

/* Those it serves. */

void tow_slot_join(tow_slot *slot, tow_member *member) {
    member->server = slot;
    member->next = slot->members;
    member->previous = &slot->members;
    if (member->next != NULL)
        member->next->previous = &member->next;
    slot->members = member;
    slot->member_count++;
}

void tow_slot_leave(tow_slot *slot, tow_member *member) {
    if (slot->to_resume == member)
        slot->to_resume = member->next;
    *member->previous = member->next;
    if (member->next != NULL)
        member->next->previous = member->previous;
    slot->member_count--;
}

/* Giving. */

static int write_event(tow_process *process, const tow_event *event) {
    unsigned flags = (event->tries > 0 ? TOW_SERVICE_AGAIN : 0) | (event->is_binary ? TOW_SERVICE_BINARY : 0);
    return tow_service_write_event(
        &process->out, event->type, event->member->id, flags, event->data, event->length);
}

/* Without memory the rest waits: for the next event, or acknowledgement. */
static void give_events(tow_slot *slot, tow_process *process) {
    while (slot->first != NULL && tow_process_has_room(process)) {
        tow_event *event = slot->first;
        if ((slot->careful > 0 && process->given > 0) || write_event(process, event) != 0)
            break;
        slot->first = event->next_waiting;
        if (slot->first == NULL)
            wait_none(slot);
        event->given = true;
        if (process->given++ == 0)
            process->progress = now(slot);
    }
}

/* Those whose opening is not acknowledged are told of by that. */
static void tell_of_members(tow_slot *slot, tow_process *process) {
    while (slot->to_resume != NULL && tow_process_has_room(process)) {
        const tow_member *member = slot->to_resume;
        if (member->is_known &&
            tow_service_write_resume(&process->out, member->id, member->state, member->state_length) != 0)
            break;
        slot->to_resume = member->next;
    }
}

void tow_slot_give(tow_slot *slot) {
    tow_process *process = slot->current;
    if (process == NULL || process->stage != TOW_PROCESS_READY)
        return;
    tell_of_members(slot, process);
    if (slot->to_resume == NULL)
        give_events(slot, process);
    tow_process_flush(process);
}

static int acknowledged(tow_process *process, uint64_t id, uint32_t count) {
    tow_slot *slot = process->owner;
    tow_member *member = tow_members_find(&slot->service->members, id);
    if (member == NULL || member->server != slot)
        return 0;
    for (; count > 0 && !(member->abandoned && member->first == NULL); count--) {
        if (process != slot->current || member->first == NULL || !member->first->given)
            return TOW_ERROR_ARGUMENT;
        bool is_end = member->first->type == TOW_SERVICE_CLOSED;
        process->given--;
        process->progress = now(slot);
        if (slot->careful > 0)
            slot->careful--;
        tow_member_acknowledge(member);
        if (!is_end)
            continue;
        tow_service_remove(member);
        break;
    }
    tow_slot_give(slot);
    return 0;
}

/* One after another. */

static void start(tow_slot *slot);

static void retry(tow_timer *timer) {
    start((tow_slot *)(void *)((char *)timer - offsetof(tow_slot, retry)));
}

static void retry_later(tow_slot *slot, int milliseconds) {
    if (!atomic_load(&slot->service->gone))
        tow_timer_set(slot->service->loop, &slot->retry, now(slot) + milliseconds * TOW_MILLISECOND, retry);
}

static void set_broken(tow_slot *slot, bool broken) {
    if (slot->broken == broken)
        return;
    slot->broken = broken;
    slot->events->on_broken(slot->service, broken ? 1 : -1);
}

static void add_events(tow_slot *slot, const tow_member *member) {
    for (tow_event *event = member->first; event != NULL; event = event->next)
        tow_slot_add(slot, event);
}

static void abandon_all(tow_slot *slot) {
    wait_none(slot);
    for (tow_member *member = slot->members, *next; member != NULL; member = next) {
        next = member->next;
        if (!member->abandoned)
            tow_service_abandon(member, "the program can't be started");
        else
            add_events(slot, member);
    }
}

/* It goes on being tried, ever less often; who waits for it does not wait for ever. */
static void give_up(tow_slot *slot) {
    if (!slot->broken)
        tow_service_log_line(slot->service, TOW_LOG_ERROR,
            "it ends again and again before it is of use: its clients get 1011, new ones 503");
    set_broken(slot, true);
    abandon_all(slot);
}

static void retry_in_a_while(tow_slot *slot) {
    int milliseconds = RETRY_FIRST_MILLISECONDS;
    for (int i = 1; i < slot->failures + slot->deaths && milliseconds < RETRY_MAX_MILLISECONDS; i++)
        milliseconds *= 2;
    if (slot->failures >= FAILURES_MAX || slot->deaths >= DEATHS_MAX)
        give_up(slot);
    retry_later(slot, milliseconds < RETRY_MAX_MILLISECONDS ? milliseconds : RETRY_MAX_MILLISECONDS);
}

static void note_failure(tow_slot *slot) {
    slot->failures++;
    retry_in_a_while(slot);
}

/* What was given is marked, and all is put in order again: what the members have, oldest first. */
static void take_back(tow_slot *slot) {
    size_t count = 0;
    bool careful = false;
    wait_none(slot);
    for (tow_member *member = slot->members, *next; member != NULL; member = next) {
        next = member->next;
        for (tow_event *event = member->first; event != NULL; event = event->next) {
            event->tries = (uint8_t)(event->tries + event->given);
            event->given = false;
            careful |= event->tries > 1;
            count++;
        }
        if (member->first != NULL && member->first->tries >= TRIES_MAX) {
            tow_service_log_line(slot->service, TOW_LOG_ERROR,
                "a message of which it ended %d times is dropped, and its client gets 1011", TRIES_MAX);
            tow_service_abandon(member, "the program ended of this message");
            continue;
        }
        add_events(slot, member);
    }
    slot->careful = careful ? count : 0;
}

static void promote(tow_slot *slot) {
    slot->current = slot->next;
    slot->next = NULL;
    slot->began = now(slot);
    slot->to_resume = slot->members;
    slot->current->given = 0;
    slot->failures = 0;
    set_broken(slot, false);
    tow_slot_give(slot);
    if (slot->is_stale)
        start(slot);
    slot->is_stale = false;
}

static void ready(tow_process *process) {
    tow_slot *slot = process->owner;
    assert(process == slot->next);
    if (slot->current == NULL)
        promote(slot);
    else if (slot->current->stage == TOW_PROCESS_READY)
        tow_process_drain(slot->current);
}

/* The one before it goes on, until its file changes once more. */
static void next_is_over(tow_slot *slot) {
    slot->next = NULL;
    if (slot->current == NULL)
        note_failure(slot);
    else
        tow_service_log_line(
            slot->service, TOW_LOG_ERROR, "what was to follow ended before it was ready: nothing changes");
}

/* The first time it is started at once. */
static void current_is_over(tow_slot *slot) {
    bool lived = now(slot) - slot->began > SHORT_LIFE_SECONDS * TOW_SECOND;
    slot->current = NULL;
    take_back(slot);
    slot->deaths = lived ? 0 : slot->deaths + 1;
    if (slot->next != NULL && slot->next->stage == TOW_PROCESS_READY)
        promote(slot);
    else if (slot->next == NULL && slot->deaths <= 1)
        retry_later(slot, 0);
    else if (slot->next == NULL)
        retry_in_a_while(slot);
}

static void over(tow_process *process) {
    tow_slot *slot = process->owner;
    bool is_current = process == slot->current;
    if (atomic_load(&slot->service->gone)) {
        *(is_current ? &slot->current : &slot->next) = NULL;
        slot->events->on_over(slot->service);
    } else if (is_current)
        current_is_over(slot);
    else
        next_is_over(slot);
}

static void room(tow_process *process) {
    tow_slot *slot = process->owner;
    if (process == slot->current)
        tow_slot_give(slot);
}

static int try_to_start(tow_slot *slot) {
    static const tow_process_events events = {
        .on_ready = ready, .on_acknowledge = acknowledged, .on_room = room, .on_over = over};
    return tow_process_start(&slot->next, slot->service, slot->number, slot->count, &events, slot);
}

static void start(tow_slot *slot) {
    if (slot->next != NULL)
        return;
    int error = try_to_start(slot);
    if (error == 0)
        return;
    tow_service_log_line(slot->service, TOW_LOG_ERROR, "it can't be started: %s", tow_strerror(error));
    if (slot->current == NULL)
        note_failure(slot);
}

void tow_slot_init(
    tow_slot *slot, tow_service *service, const tow_slot_events *events, size_t number, size_t count) {
    *slot = (tow_slot){.service = service, .events = events, .number = number, .count = count};
    wait_none(slot);
}

int tow_slot_begin(tow_slot *slot) {
    return try_to_start(slot);
}

/* One that is on its way is out of date. */
void tow_slot_restart(tow_slot *slot) {
    if (slot->current != NULL && slot->current->stage == TOW_PROCESS_DRAINING) {
        slot->is_stale = true;
        return;
    }
    if (slot->next != NULL) {
        tow_process_let_go(slot->next);
        slot->next = NULL;
    }
    tow_timer_cancel(slot->service->loop, &slot->retry);
    slot->failures = slot->deaths = 0;
    start(slot);
}

void tow_slot_end(tow_slot *slot) {
    tow_timer_cancel(slot->service->loop, &slot->retry);
    wait_none(slot);
    slot->to_resume = NULL;
    if (slot->next != NULL)
        tow_process_let_go(slot->next);
    slot->next = NULL;
    if (slot->current != NULL && slot->current->stage == TOW_PROCESS_READY)
        tow_process_drain(slot->current);
}

bool tow_slot_is_over(const tow_slot *slot) {
    return slot->current == NULL && slot->next == NULL;
}

void tow_slot_clear(tow_slot *slot) {
    tow_timer_cancel(slot->service->loop, &slot->retry);
    if (slot->next != NULL)
        tow_process_let_go(slot->next);
    if (slot->current != NULL)
        tow_process_let_go(slot->current);
    slot->current = slot->next = NULL;
}
