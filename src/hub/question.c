/* question: each is answered from what the store knows in the turn in which it is answered; but a publication
 * is made at once. Channels are looked through shard by shard, a part in each round. */
#include "question.h"

#include "listing.h"
#include "memory.h"

#include <stdlib.h>
#include <towline/error.h>

typedef struct asked asked;

/* Answers, or returns false: it goes on in a later round. */
typedef bool (*answerer)(tow_hub_part *part, tow_hub_question *question, asked *about);

struct asked {
    answerer answer;
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

/* Publishing */

static bool answer_publish(tow_hub_part *part, tow_hub_question *question, asked *about) {
    (void)part;
    tow_hub_answer answer = about->ready;
    answer_with(question, &answer);
    return true;
}

int tow_hub_ask_publish(
    tow_hub_part *part, tow_hub_question *question, tow_slice name, const tow_draft *draft) {
    int error = ask(part, question, answer_publish, name, (tow_slice){0}, 0);
    if (error != 0)
        return error;
    tow_hub_answer *ready = &((asked *)question->asked)->ready;
    error = tow_hub_publish_for(part->hub, name, draft, ready);
    if (error != 0)
        tow_hub_forget(question);
    return error;
}

/* History */

static bool answer_history(tow_hub_part *part, tow_hub_question *question, asked *about) {
    tow_hold hold = tow_hub_hold(part->hub, name_of(about));
    tow_hub_answer answer = {.exists = hold.channel != NULL};
    tow_published **items = NULL;
    if (hold.channel != NULL) {
        tow_memory_range range = tow_memory_find(part->hub, hold.channel, &about->since, about->limit);
        answer.count = range.count < about->limit ? range.count : about->limit;
        answer.position = hold.channel->position;
        answer.is_whole = range.is_whole;
        answer.has_more = answer.count < range.count;
        items = answer.count == 0 ? NULL : malloc(answer.count * sizeof(tow_published *));
        if (items == NULL && answer.count > 0)
            answer = (tow_hub_answer){.error = TOW_ERROR_MEMORY};
        for (size_t i = 0; items != NULL && i < answer.count; i++)
            items[i] = tow_published_retain(tow_history_at(hold.channel->history, range.first + i));
    }
    tow_hub_let_go(&hold);
    answer.published = items;
    answer_with(question, &answer);
    for (size_t i = 0; items != NULL && i < answer.count; i++)
        tow_published_release(items[i]);
    free(items);
    return true;
}

int tow_hub_ask_history(
    tow_hub_part *part, tow_hub_question *question, tow_slice name, const tow_position *since, size_t limit) {
    int error = ask(part, question, answer_history, name, (tow_slice){0}, limit);
    if (error == 0 && since != NULL)
        ((asked *)question->asked)->since = *since;
    return error;
}

/* Members */

/* Those from an index on; each with a reference to what holds its texts. */
static tow_member *copy_members(
    const tow_presence *presence, size_t from, size_t count, tow_published ***held) {
    tow_member *members = malloc(count * sizeof(*members));
    *held = calloc(count, sizeof(tow_published *));
    if (members == NULL || *held == NULL) {
        free(members);
        free(*held);
        *held = NULL;
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        members[i] = tow_present_member(presence->items[from + i]);
        (*held)[i] = tow_published_retain(presence->items[from + i]->joined);
    }
    return members;
}

static void find_members(
    const tow_channel *channel, const asked *about, tow_hub_answer *answer, tow_published ***held) {
    const tow_presence *presence = channel->presence;
    answer->error = channel->policy->presence ? 0 : TOW_ERROR_UNSUPPORTED;
    answer->exists = true;
    answer->position = channel->position;
    if (presence == NULL)
        return;
    size_t from = tow_presence_after(presence, after_of(about));
    size_t left = presence->count - from;
    size_t count = left < about->limit ? left : about->limit;
    answer->has_more = left > count;
    tow_member *members = count == 0 ? NULL : copy_members(presence, from, count, held);
    answer->members = members;
    if (members != NULL)
        answer->count = count;
    else if (count > 0)
        answer->error = TOW_ERROR_MEMORY;
}

static bool answer_members(tow_hub_part *part, tow_hub_question *question, asked *about) {
    tow_hub_answer answer = {0};
    tow_published **held = NULL;
    tow_hold hold = tow_hub_hold(part->hub, name_of(about));
    if (hold.channel != NULL)
        find_members(hold.channel, about, &answer, &held);
    tow_hub_let_go(&hold);
    answer_with(question, &answer);
    for (size_t i = 0; held != NULL && i < answer.count; i++)
        tow_published_release(held[i]);
    free(held);
    free((void *)(uintptr_t)answer.members); // NOLINT(performance-no-int-to-ptr)
    return true;
}

int tow_hub_ask_members(
    tow_hub_part *part, tow_hub_question *question, tow_slice name, tow_slice after, size_t limit) {
    return ask(part, question, answer_members, name, after, limit);
}

/* Counts */

static bool answer_count(tow_hub_part *part, tow_hub_question *question, asked *about) {
    tow_channel_count count = {.name = name_of(about)};
    tow_hub_answer answer = {.channels = &count};
    tow_hold hold = tow_hub_hold(part->hub, name_of(about));
    if (hold.channel != NULL) {
        tow_hub_listing_count(hold.channel, &count);
        answer.exists = true;
        answer.position = count.position;
        answer.subscribers = count.subscribers;
        answer.count = 1;
    }
    tow_hub_let_go(&hold);
    count.name = name_of(about);
    answer_with(question, &answer);
    return true;
}

int tow_hub_ask_count(tow_hub_part *part, tow_hub_question *question, tow_slice name) {
    return ask(part, question, answer_count, name, (tow_slice){0}, 0);
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
