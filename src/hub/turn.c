#include "turn.h"

#include "answered.h"
#include "give.h"
#include "place.h"
#include "question.h"

static tow_aside *first_aside(const tow_ring *list) {
    return (tow_aside *)((char *)list->next - offsetof(tow_aside, link));
}

/* Those who take again: some in each turn, one after the other, so that the others wait for nobody's backlog.
 */
enum { RETURNING_A_TURN = 128 };

static void give_to_ready(tow_hub_part *part) {
    for (int i = 0; i < RETURNING_A_TURN && !tow_ring_is_empty(&part->ready) && tow_hub_part_may_work(part);
         i++) {
        tow_aside *aside = first_aside(&part->ready);
        tow_aside_enlist(aside, &part->ready);
        if (tow_give_may(aside->subscription))
            tow_give_waiting(part, aside);
        else
            tow_give_rest(part, aside->subscription);
    }
}

static void tell_fresh(tow_hub_part *part) {
    while (!tow_ring_is_empty(&part->fresh) && tow_hub_part_may_work(part)) {
        tow_aside *aside = first_aside(&part->fresh);
        tow_hub_part_work(part, 1 + (uint32_t)aside->told->what.member_count);
        tow_give_subscribed(part, aside);
    }
}

/* Places take turns. A place is `posted` from the letter on until nothing is left at it, so that its letter
 * is in one list only. */

static void add_due(tow_hub_part *part, tow_place *place) {
    place->letter.next = NULL;
    *part->due_end = &place->letter;
    part->due_end = &place->letter.next;
}

static tow_place *take_due(tow_hub_part *part) {
    tow_letter *letter = part->due;
    part->due = letter->next;
    if (part->due == NULL)
        part->due_end = &part->due;
    return (tow_place *)letter;
}

static const tow_letter *last_due(const tow_hub_part *part) {
    if (part->due == NULL)
        return NULL;
    return (const tow_letter *)(const void *)((const char *)part->due_end - offsetof(tow_letter, next));
}

/* Each of those that are there once: what is left at one meanwhile is joined to what the next round brings.
 */
static void deliver_due(tow_hub_part *part) {
    const tow_letter *last = last_due(part);
    for (bool is_last = last == NULL; !is_last && tow_hub_part_may_work(part);) {
        tow_place *place = take_due(part);
        is_last = &place->letter == last;
        if (!tow_place_deliver(place))
            add_due(part, place);
        else
            tow_place_settle(place);
    }
}

void tow_turn_places_arrive(tow_letter *letters) {
    tow_hub_part *part = NULL;
    for (tow_letter *letter = letters, *next; letter != NULL; letter = next) {
        next = letter->next;
        tow_place *place = (tow_place *)letter;
        if (place->channel == NULL) {
            place->posted = false;
            tow_place_settle(place);
            continue;
        }
        if (part != NULL && part != place->part) /* of another hub on this loop */
            tow_turn_run(part);
        part = place->part;
        add_due(part, place);
    }
    if (part != NULL)
        tow_turn_run(part);
}

static bool has_more(const tow_hub_part *part) {
    return part->due != NULL || !tow_ring_is_empty(&part->fresh) || !tow_ring_is_empty(&part->ready) ||
           !tow_ring_is_empty(&part->questions);
}

void tow_turn_run(tow_hub_part *part) {
    tow_answered_settle(part);
    tell_fresh(part);
    give_to_ready(part);
    deliver_due(part);
    tow_questions_answer(part);
    if (has_more(part))
        tow_hub_part_wake(part);
}
