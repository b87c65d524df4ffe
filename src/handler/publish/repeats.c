#include "repeats.h"

#include <assert.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <towline/error.h>

enum { HEADS = 4096, NONE = -1 };

typedef struct entry {
    tow_repeat repeat;
    tow_outcome outcome;
    int64_t until;
    int32_t next; /* with the same head */
    bool is_used, is_done;
} entry;

/* Entries are used in turns: the next one is the oldest, but for those under way. */
struct tow_repeats {
    atomic_int holders;
    pthread_mutex_t mutex;
    uint32_t turn; /* of the next */
    uint32_t under_way;
    uint32_t max;
    int32_t heads[HEADS];
    entry entries[]; /* so many */
};

int tow_repeats_new(tow_repeats **repeats, uint32_t max) {
    tow_repeats *made = calloc(1, sizeof(*made) + max * sizeof(made->entries[0]));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    atomic_init(&made->holders, 1);
    made->max = max;
    pthread_mutex_init(&made->mutex, NULL);
    for (size_t i = 0; i < HEADS; i++)
        made->heads[i] = NONE;
    *repeats = made;
    return 0;
}

tow_repeats *tow_repeats_retain(tow_repeats *repeats) {
    atomic_fetch_add(&repeats->holders, 1);
    return repeats;
}

void tow_repeats_release(tow_repeats *repeats) {
    if (repeats == NULL || atomic_fetch_sub(&repeats->holders, 1) > 1)
        return;
    pthread_mutex_destroy(&repeats->mutex);
    free(repeats);
}

static bool digest_make(unsigned char out[TOW_REPEATS_DIGEST], const tow_slice *parts, size_t count) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_done = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; is_done && i < count; i++)
        is_done = EVP_DigestUpdate(context, &parts[i].length, sizeof(parts[i].length)) == 1 &&
                  EVP_DigestUpdate(context, parts[i].data, parts[i].length) == 1;
    is_done = is_done && EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    if (is_done)
        memcpy(out, digest, TOW_REPEATS_DIGEST);
    return is_done;
}

int tow_repeat_make(
    tow_repeat *repeat, tow_slice owner, tow_slice key, const tow_slice *parts, size_t count) {
    const tow_slice names[] = {owner, key};
    bool is_made = digest_make(repeat->key, names, 2) && digest_make(repeat->request, parts, count);
    return is_made ? 0 : TOW_ERROR_MEMORY;
}

static int32_t *head_of(tow_repeats *repeats, const tow_repeat *repeat) {
    return &repeats->heads[(repeat->key[0] | repeat->key[1] << 8) % HEADS];
}

/* What points to the entry of this key; to NONE where there is none. */
static int32_t *find(tow_repeats *repeats, const tow_repeat *repeat) {
    int32_t *link = head_of(repeats, repeat);
    while (*link != NONE && memcmp(repeats->entries[*link].repeat.key, repeat->key, TOW_REPEATS_DIGEST) != 0)
        link = &repeats->entries[*link].next;
    return link;
}

static bool is_under_way(const entry *found) {
    return found->is_used && !found->is_done;
}

static void take_out(tow_repeats *repeats, int32_t *link) {
    entry *taken = &repeats->entries[*link];
    repeats->under_way -= is_under_way(taken);
    *link = taken->next;
    taken->is_used = false;
}

static uint32_t take_turn(tow_repeats *repeats) {
    uint32_t number = repeats->turn;
    repeats->turn = (number + 1) % repeats->max;
    return number;
}

/* In place of the oldest that is not under way. */
static tow_repeats_verdict enter(tow_repeats *repeats, const tow_repeat *repeat, int64_t now) {
    if (repeats->under_way == repeats->max)
        return TOW_REPEATS_FULL;
    uint32_t number = take_turn(repeats);
    while (is_under_way(&repeats->entries[number]))
        number = take_turn(repeats);
    entry *oldest = &repeats->entries[number];
    if (oldest->is_used)
        take_out(repeats, find(repeats, &oldest->repeat));
    int32_t *head = head_of(repeats, repeat);
    *oldest = (entry){.repeat = *repeat, .until = now + TOW_REPEATS_SECONDS, .next = *head, .is_used = true};
    *head = (int32_t)number;
    repeats->under_way++;
    return TOW_REPEATS_NEW;
}

static tow_repeats_verdict judge(const entry *found, const tow_repeat *repeat, tow_outcome *outcome) {
    if (memcmp(found->repeat.request, repeat->request, TOW_REPEATS_DIGEST) != 0)
        return TOW_REPEATS_OTHER;
    if (is_under_way(found))
        return TOW_REPEATS_UNDER_WAY;
    *outcome = found->outcome;
    return TOW_REPEATS_DONE;
}

tow_repeats_verdict tow_repeats_begin(
    tow_repeats *repeats, const tow_repeat *repeat, int64_t now, tow_outcome *outcome) {
    pthread_mutex_lock(&repeats->mutex);
    int32_t *link = find(repeats, repeat);
    const entry *found = *link != NONE ? &repeats->entries[*link] : NULL;
    bool is_known = found != NULL && (is_under_way(found) || found->until > now);
    if (found != NULL && !is_known)
        take_out(repeats, link);
    tow_repeats_verdict verdict = is_known ? judge(found, repeat, outcome) : enter(repeats, repeat, now);
    pthread_mutex_unlock(&repeats->mutex);
    return verdict;
}

void tow_repeats_end(tow_repeats *repeats, const tow_repeat *repeat, const tow_outcome *outcome) {
    pthread_mutex_lock(&repeats->mutex);
    int32_t number = *find(repeats, repeat);
    assert(number != NONE && is_under_way(&repeats->entries[number]));
    repeats->entries[number].outcome = *outcome;
    repeats->entries[number].is_done = true;
    repeats->under_way--;
    pthread_mutex_unlock(&repeats->mutex);
}

void tow_repeats_forget(tow_repeats *repeats, const tow_repeat *repeat) {
    pthread_mutex_lock(&repeats->mutex);
    int32_t *link = find(repeats, repeat);
    assert(*link != NONE && is_under_way(&repeats->entries[*link]));
    take_out(repeats, link);
    pthread_mutex_unlock(&repeats->mutex);
}
