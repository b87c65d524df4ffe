/* question: each is answered from what the store knows in the turn in which it is answered; but a publication
 * is made at once. Channels are looked through shard by shard, a part in each round. */
#include "question.h"

#include "call.h"
#include "listing.h"
#include "told.h"

#include <stdlib.h>
#include <towline/error.h>

typedef struct asked asked;

/* What becomes of a question in a turn: it is answered, goes on in a later round, or the store has kept it.
 */
typedef enum progress { ANSWERED, GOES_ON, KEPT } progress;
typedef progress (*answerer)(tow_hub_part *part, tow_hub_question *question, asked *about);

struct asked {
    answerer answer;
    tow_store_question *question; /* of the store; NULL: it is none */
    bool is_count;
    tow_ring calls; /* those that the store has kept */
    bool is_many;   /* publications: */
    size_t done;    /* so many were published */
    int error;      /* what is known so far: the first */
    tow_store_result result;
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

/* As much as there is to say: a delivery each, and more where they are large. */
static uint32_t work_of(const tow_hub_answer *answer) {
    enum { BYTES_A_WORK = 16 * 1024 };
    size_t bytes = 0;
    for (size_t i = 0; answer->published != NULL && i < answer->count; i++)
        bytes += tow_published_size(answer->published[i]);
    for (size_t i = 0; answer->members != NULL && i < answer->count; i++)
        bytes += answer->members[i].info.length;
    return (uint32_t)(answer->count + bytes / BYTES_A_WORK);
}

static tow_store_call *call_of(tow_ring *link) {
    return (tow_store_call *)((char *)link - offsetof(tow_store_call, siblings));
}

/* Nobody waits for the store any more. */
static void give_up(tow_hub *hub, asked *about) {
    while (!tow_ring_is_empty(&about->calls)) {
        tow_store_call *call = call_of(about->calls.next);
        tow_hold hold = tow_hub_hold(hub, call->ask.name);
        tow_ring_remove(&call->siblings);
        tow_call_give_up(call, &hold);
        tow_hub_let_go(&hold);
    }
}

static void asked_free(asked *about) {
    tow_store_result_clear(&about->result);
    tow_hub_listing_free(about->listing);
    free(about);
}

/* The question is the asker's again before it hears. */
static void answer_with(tow_hub_question *question, const tow_hub_answer *answer) {
    asked *about = question->asked;
    tow_hub_part_work(question->part, work_of(answer));
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
    give_up(question->part->hub, question->asked);
    asked_free(question->asked);
    question->part = NULL;
    question->asked = NULL;
}

static tow_hub_question *first_of(const tow_ring *list) {
    return (tow_hub_question *)((char *)list->next - offsetof(tow_hub_question, link));
}

static void drop_all(const tow_ring *list) {
    while (!tow_ring_is_empty(list)) {
        tow_hub_question *question = first_of(list);
        tow_hub_forget(question);
        if (question->dropped != NULL)
            question->dropped(question);
    }
}

void tow_questions_drop(tow_hub_part *part) {
    drop_all(&part->questions);
    drop_all(&part->asked);
}

/* As many as there are now: one that goes on does so in a later round. */
void tow_questions_answer(tow_hub_part *part) {
    tow_ring later;
    tow_ring_init(&later);
    while (!tow_ring_is_empty(&part->questions) && tow_hub_part_may_work(part)) {
        tow_hub_question *question = first_of(&part->questions);
        asked *about = question->asked;
        tow_hub_part_work(part, 1);
        progress made = about->answer(part, question, about);
        if (made == ANSWERED)
            continue;
        tow_ring_remove(&question->link);
        tow_ring_add_last(made == KEPT ? &part->asked : &later, &question->link);
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
    tow_ring_init(&about->calls);
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

static progress answer_by_result(tow_hub_part *part, tow_hub_question *question, asked *about) {
    const tow_store_result *result = &about->result;
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
        .count = result->count + result->present_count + (about->is_count && result->exists) +
                 (about->is_many ? about->done : 0)};
    if (result->present_count > 0 && members == NULL)
        about->error = TOW_ERROR_MEMORY;
    if (about->error != 0 && (!about->is_many || about->done == 0))
        answer = (tow_hub_answer){.error = about->error};
    (void)part;
    answer_with(question, &answer);
    free(members);
    return ANSWERED;
}

/* What was kept comes as a letter, and is answered in a turn. */

static void move(tow_hub_question *question, tow_ring *list) {
    tow_ring_remove(&question->link);
    tow_ring_add_last(list, &question->link);
}

static void take_answer(tow_store_call *call) {
    tow_hub_question *question = call->asker;
    asked *about = question->asked;
    tow_ring_remove(&call->siblings);
    if (call->error != 0 && about->error == 0)
        about->error = call->error;
    if (call->error == 0) {
        about->result = call->result;
        about->done++;
        call->result = (tow_store_result){0};
    }
    if (!tow_ring_is_empty(&about->calls))
        return;
    about->answer = answer_by_result;
    move(question, &question->part->questions);
    tow_hub_part_wake(question->part);
}

static void open_calls(tow_letter *letters) {
    for (tow_letter *letter = letters, *next; letter != NULL; letter = next) {
        tow_store_call *call = (tow_store_call *)letter;
        next = letter->next;
        if (call->asker != NULL)
            take_answer(call);
        tow_call_free(call);
    }
}

static void drop_call(tow_letter *letter) {
    tow_call_free((tow_store_call *)letter);
}

/* On the thread that answers. */
static void arrive(tow_store_call *call, tow_hold *hold) {
    (void)hold;
    call->letter = (tow_letter){.open = open_calls, .drop = drop_call, .work = 1};
    tow_loop_post_letter(call->part->loop, &call->letter);
}

static progress answer_by_store(tow_hub_part *part, tow_hub_question *question, asked *about) {
    tow_store *store = part->hub->store;
    tow_hold hold = tow_hub_hold(part->hub, name_of(about));
    const tow_store_ask ask = {.hold = &hold,
        .name = name_of(about),
        .since = about->since,
        .limit = about->limit,
        .after = after_of(about)};
    int error = about->question(store, &ask, &about->result);
    if (error == TOW_STORE_LATER) {
        tow_call_expect(hold.call, part, question, arrive);
        tow_ring_add_last(&about->calls, &hold.call->siblings);
    }
    tow_hub_let_go(&hold);
    if (error == TOW_STORE_LATER)
        return KEPT;
    about->error = error;
    return answer_by_result(part, question, about);
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

/* Publishing: done, or asked for, at once; and only told later. */

static void take_published(asked *about, const tow_publishing *what) {
    about->done++;
    about->result.exists = what->answer.exists;
    about->result.position = what->answer.position;
    about->result.subscribers = what->answer.subscribers;
}

int tow_hub_ask_publish_more(tow_hub_question *question, tow_slice name, const tow_draft *draft) {
    asked *about = question->asked;
    tow_publishing what = {.part = question->part, .asker = question, .arrive = arrive};
    int error = tow_hub_publish_for(question->part->hub, name, draft, &what);
    if (error < 0) {
        about->error = about->error == 0 ? error : about->error;
        return error;
    }
    if (error == TOW_STORE_LATER) {
        tow_ring_add_last(&about->calls, &what.call->siblings);
        move(question, &question->part->asked);
    } else {
        take_published(about, &what);
    }
    return 0;
}

int tow_hub_ask_publish_many(tow_hub_part *part, tow_hub_question *question) {
    int error = ask(part, question, answer_by_result, (tow_slice){0}, (tow_slice){0}, 0);
    if (error == 0)
        ((asked *)question->asked)->is_many = true;
    return error;
}

int tow_hub_ask_publish(
    tow_hub_part *part, tow_hub_question *question, tow_slice name, const tow_draft *draft) {
    int error = ask(part, question, answer_by_result, name, (tow_slice){0}, 0);
    if (error != 0)
        return error;
    error = tow_hub_ask_publish_more(question, name, draft);
    if (error != 0)
        tow_hub_forget(question);
    return error;
}

/* Lists */

enum { WORK_OF_A_LOOK = 256 }; /* at some thousand channels */

static progress answer_channels(tow_hub_part *part, tow_hub_question *question, asked *about) {
    tow_hub_part_work(part, WORK_OF_A_LOOK);
    if (!tow_hub_listing_go_on(about->listing, part->hub))
        return GOES_ON;
    tow_hub_answer answer = {0};
    tow_hub_listing_finish(about->listing, &answer);
    answer_with(question, &answer);
    return ANSWERED;
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
