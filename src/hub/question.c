/* question: each is answered from what the store knows in the turn in which it is answered; but a publication
 * is made at once. Channels are looked through shard by shard, a part in each round. */
#include "question.h"

#include "listing.h"
#include "told.h"

#include <stdlib.h>
#include <towline/error.h>

typedef struct asked asked;

/* Answers, or returns false: it goes on in a later round. */
typedef bool (*answerer)(tow_hub_part *part, tow_hub_question *question, asked *about);

struct asked {
    answerer answer;
    tow_store_question *question; /* of the store; NULL: it is none */
    bool is_count;
    tow_hub_answer ready; /* of a publication */
    tow_position since;
    size_t limit;
    tow_hub_listing *listing;
    uint8_t name_length;
    uint8_t after_length;
    char name[TOW_CHANNEL_NAME_MAX];
    char after[TOW_CHANNEL_NAME_MAX];
};
_Static_assert((int)TOW_USER_MAX <= (int)TOW_CHANNEL_NAME_MAX, "a user fits where a name does");

static tow_slice name_of(const asked *about) {
    return (tow_slice){about->name, about->name_length};
}

static tow_slice after_of(const asked *about) {
    return (tow_slice){about->after, about->after_length};
}

static void asked_free(asked *about) {
    tow_hub_listing_free(about->listing);
    free(about);
}

/* The question is the asker's again before it hears. */
static void answer_with(tow_hub_question *question, const tow_hub_answer *answer) {
    asked *about = question->asked;
    tow_ring_remove(&question->link);
    question->part = NULL;
    question->asked = NULL;
    question->answered(question, answer);
    asked_free(about);
}

void tow_hub_forget(tow_hub_question *question) {
    if (question->part == NULL)
        return;
    tow_ring_remove(&question->link);
    asked_free(question->asked);
    question->part = NULL;
    question->asked = NULL;
}

void tow_questions_drop(tow_hub_part *part) {
    while (!tow_ring_is_empty(&part->questions))
        tow_hub_forget((tow_hub_question *)((char *)part->questions.next - offsetof(tow_hub_question, link)));
}

/* As many as there are now: one that goes on does so in a later round. */
void tow_questions_answer(tow_hub_part *part) {
    tow_ring later;
    tow_ring_init(&later);
    while (!tow_ring_is_empty(&part->questions) && tow_hub_part_may_work(part)) {
        tow_hub_question *question =
            (tow_hub_question *)((char *)part->questions.next - offsetof(tow_hub_question, link));
        asked *about = question->asked;
        tow_hub_part_work(part, 1);
        if (about->answer(part, question, about))
            continue;
        tow_ring_remove(&question->link);
        tow_ring_add_last(&later, &question->link);
    }
    while (!tow_ring_is_empty(&later)) {
        tow_ring *link = later.next;
        tow_ring_remove(link);
        tow_ring_add_last(&part->questions, link);
    }
}

static int ask(tow_hub_part *part, tow_hub_question *question, answerer answer, tow_slice name,
    tow_slice after, size_t limit) {
    if (name.length > TOW_CHANNEL_NAME_MAX || after.length > TOW_CHANNEL_NAME_MAX)
        return TOW_ERROR_ARGUMENT;
    if (part->is_ending)
        return TOW_ERROR_STATE;
    asked *about = calloc(1, sizeof(*about));
    if (about == NULL)
        return TOW_ERROR_MEMORY;
    about->answer = answer;
    about->limit = limit;
    about->name_length = (uint8_t)name.length;
    about->after_length = (uint8_t)after.length;
    if (name.length > 0)
        memcpy(about->name, name.data, name.length);
    if (after.length > 0)
        memcpy(about->after, after.data, after.length);
    question->part = part;
    question->asked = about;
    tow_ring_add_last(&part->questions, &question->link);
    tow_hub_part_wake(part);
    return 0;
}

/* What the store says */

static void answer_from(tow_hub_question *question, int error, tow_store_result *result) {
    const asked *about = question->asked;
    const tow_channel_count count = {name_of(about), result->subscribers, result->users, result->position};
    tow_member *members =
        result->present_count > 0 ? tow_members_of(result->present, result->present_count) : NULL;
    tow_hub_answer answer = {.exists = result->exists,
        .position = result->position,
        .is_whole = result->is_whole,
        .has_more = result->has_more,
        .published = result->published,
        .members = members,
        .channels = about->is_count && result->exists ? &count : NULL,
        .subscribers = result->subscribers,
        .count = result->count + result->present_count + (about->is_count && result->exists)};
    if (result->present_count > 0 && members == NULL)
        error = TOW_ERROR_MEMORY;
    if (error != 0)
        answer = (tow_hub_answer){.error = error};
    answer_with(question, &answer);
    free(members);
    tow_store_result_clear(result);
}

static bool answer_by_store(tow_hub_part *part, tow_hub_question *question, asked *about) {
    tow_store *store = part->hub->store;
    tow_store_result result = {0};
    tow_hold hold = tow_hub_hold(part->hub, name_of(about));
    const tow_store_ask ask = {.hold = &hold,
        .name = name_of(about),
        .since = about->since,
        .limit = about->limit,
        .after = after_of(about)};
    int error = about->question(store, &ask, &result);
    tow_hub_let_go(&hold);
    answer_from(question, error, &result);
    return true;
}

static int ask_store(tow_hub_part *part, tow_hub_question *question, tow_store_question *of_store,
    tow_slice name, tow_slice after, size_t limit) {
    int error = ask(part, question, answer_by_store, name, after, limit);
    if (error == 0)
        ((asked *)question->asked)->question = of_store;
    return error;
}

int tow_hub_ask_history(
    tow_hub_part *part, tow_hub_question *question, tow_slice name, const tow_position *since, size_t limit) {
    tow_store_question *history = part->hub->store->class->history;
    int error = ask_store(part, question, history, name, (tow_slice){0}, limit);
    if (error == 0 && since != NULL)
        ((asked *)question->asked)->since = *since;
    return error;
}

int tow_hub_ask_members(
    tow_hub_part *part, tow_hub_question *question, tow_slice name, tow_slice after, size_t limit) {
    return ask_store(part, question, part->hub->store->class->members, name, after, limit);
}

int tow_hub_ask_count(tow_hub_part *part, tow_hub_question *question, tow_slice name) {
    int error = ask_store(part, question, part->hub->store->class->count, name, (tow_slice){0}, 0);
    if (error == 0)
        ((asked *)question->asked)->is_count = true;
    return error;
}

/* Publishing: done at once, and only told later. */

static bool answer_publish(tow_hub_part *part, tow_hub_question *question, asked *about) {
    tow_hub_answer answer = about->ready;
    (void)part;
    answer_with(question, &answer);
    return true;
}

int tow_hub_ask_publish(
    tow_hub_part *part, tow_hub_question *question, tow_slice name, const tow_draft *draft) {
    int error = ask(part, question, answer_publish, name, (tow_slice){0}, 0);
    if (error != 0)
        return error;
    error = tow_hub_publish_for(part->hub, name, draft, &((asked *)question->asked)->ready);
    if (error != 0)
        tow_hub_forget(question);
    return error;
}

/* Lists */

static bool answer_channels(tow_hub_part *part, tow_hub_question *question, asked *about) {
    if (!tow_hub_listing_go_on(about->listing, part->hub))
        return false;
    tow_hub_answer answer = {0};
    tow_hub_listing_finish(about->listing, &answer);
    answer_with(question, &answer);
    return true;
}

int tow_hub_ask_channels(
    tow_hub_part *part, tow_hub_question *question, tow_slice prefix, tow_slice after, size_t limit) {
    int error = ask(part, question, answer_channels, prefix, after, limit);
    if (error != 0)
        return error;
    asked *about = question->asked;
    about->listing = tow_hub_listing_new(name_of(about), after_of(about), limit);
    if (about->listing != NULL)
        return 0;
    tow_hub_forget(question);
    return TOW_ERROR_MEMORY;
}
