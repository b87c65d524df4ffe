#include "websocket/unfinished.h"

#include "context.h"

#include <stdlib.h>

/* Less is not counted, so that small messages in fragments cost nothing: connections are limited themselves.
 */
enum { COUNTED_MIN = 16 * 1024 };

/* What the connections of one address hold; there is one as long as that is something. */
struct tow_unfinished_account {
    tow_unfinished_account *next;
    uint64_t key;
    uint64_t bytes;
};

static tow_unfinished_account **place_of(tow_unfinished *unfinished, uint64_t key) {
    tow_unfinished_account **place = &unfinished->accounts[key * UINT64_C(0x9e3779b97f4a7c15) >> 56];
    while (*place != NULL && (*place)->key != key)
        place = &(*place)->next;
    return place;
}

/* Without memory for it, or an address, the worker's limit has to do. */
static tow_unfinished_account *account_for(tow_unfinished *unfinished, uint64_t key) {
    if (key == 0)
        return NULL;
    tow_unfinished_account **place = place_of(unfinished, key);
    if (*place == NULL && (*place = calloc(1, sizeof(**place))) != NULL)
        (*place)->key = key;
    return *place;
}

static void close_account(tow_unfinished *unfinished, tow_unfinished_account *account) {
    tow_unfinished_account **place = place_of(unfinished, account->key);
    *place = account->next;
    free(account);
}

static void count(tow_websocket_context *context, tow_unfinished_part *part, uint64_t key, size_t bytes) {
    uint64_t change = (uint64_t)bytes - part->bytes; /* modulo 2^64 */
    if (part->bytes == 0)
        part->account = account_for(&context->unfinished, key);
    part->bytes = bytes;
    tow_count_add(&context->counters.unfinished, change);
    tow_unfinished_account *account = part->account;
    if (account == NULL)
        return;
    account->bytes += change;
    if (bytes > 0)
        return;
    part->account = NULL;
    if (account->bytes == 0)
        close_account(&context->unfinished, account);
}

static bool is_over(uint64_t bytes, int64_t limit) {
    return limit > 0 && bytes > (uint64_t)limit;
}

tow_cause tow_unfinished_hold(
    tow_websocket_context *context, tow_unfinished_part *part, uint64_t address, size_t bytes) {
    size_t before = part->bytes;
    size_t now = bytes < COUNTED_MIN ? 0 : bytes;
    if (now != before)
        count(context, part, address, now);
    if (now <= before)
        return TOW_CAUSE_COUNT;
    if (part->account != NULL && is_over(part->account->bytes, context->unfinished.max_per_address))
        return TOW_CAUSE_MAX_UNFINISHED_PER_ADDRESS;
    return is_over(context->counters.unfinished, context->unfinished.max) ? TOW_CAUSE_MAX_UNFINISHED
                                                                          : TOW_CAUSE_COUNT;
}
