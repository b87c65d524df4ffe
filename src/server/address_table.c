#include "server/address_table.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { SHARDS = 64, FIRST_CAPACITY = 16, KEY_OF_LOOPBACK = 1 };

struct entry {
    uint64_t key; /* 0: free */
    int64_t count;
};

/* Open addressing with linear probing; at most half full, so that a probe ends. */
struct shard {
    pthread_mutex_t mutex;
    struct entry *entries;
    size_t capacity; /* a power of two, or 0 */
    size_t used;
};

struct tow_address_table {
    int64_t limit;
    uint64_t seed;
    struct shard shards[SHARDS];
};

int tow_address_table_new(tow_address_table **out, int64_t limit, uint64_t seed) {
    tow_address_table *table = calloc(1, sizeof(*table));
    if (table == NULL)
        return TOW_ERROR_MEMORY;
    table->limit = limit;
    table->seed = seed;
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&table->shards[i].mutex, NULL);
    *out = table;
    return 0;
}

void tow_address_table_free(tow_address_table *table) {
    if (table == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_destroy(&table->shards[i].mutex);
        free(table->shards[i].entries);
    }
    free(table);
}

static uint64_t big_endian(const uint8_t *bytes, size_t count) {
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* An IPv4 address takes the place of the network 0:ffff:a.b.c.d::/64, which is reserved and never on the
 * wire. */
static uint64_t key_of_ip4(uint64_t address) {
    return UINT64_C(0x0000ffff) << 32 | address;
}

uint64_t tow_address_key(const tow_address *address) {
    if (address->storage.ss_family == AF_INET) {
        struct sockaddr_in ip4;
        memcpy(&ip4, &address->storage, sizeof(ip4));
        return key_of_ip4(ntohl(ip4.sin_addr.s_addr));
    }
    if (address->storage.ss_family != AF_INET6)
        return 0;
    struct sockaddr_in6 ip6;
    memcpy(&ip6, &address->storage, sizeof(ip6));
    if (IN6_IS_ADDR_V4MAPPED(&ip6.sin6_addr))
        return key_of_ip4(big_endian(ip6.sin6_addr.s6_addr + 12, 4));
    uint64_t network = big_endian(ip6.sin6_addr.s6_addr, 8);
    return network != 0 ? network : KEY_OF_LOOPBACK; /* ::1 among others, which do not get here */
}

bool tow_address_of_key(uint64_t key, tow_address *address) {
    *address = (tow_address){0};
    if (key == KEY_OF_LOOPBACK) {
        const struct sockaddr_in6 ip6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        memcpy(&address->storage, &ip6, address->length = sizeof(ip6));
        return true;
    }
    const struct sockaddr_in ip4 = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl((uint32_t)(key & UINT32_MAX))};
    memcpy(&address->storage, &ip4, address->length = sizeof(ip4));
    return key == key_of_ip4(key & UINT32_MAX);
}

/* The finalizer of SplitMix64 over the key and the seed. */
static uint64_t hash(const tow_address_table *table, uint64_t key) {
    uint64_t value = key ^ table->seed;
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static struct shard *shard_of(tow_address_table *table, uint64_t key) {
    return &table->shards[hash(table, key) % SHARDS];
}

static size_t home(const tow_address_table *table, const struct shard *shard, uint64_t key) {
    return (size_t)(hash(table, key) / SHARDS) & (shard->capacity - 1);
}

/* The entry of a key, or the free one where it would stand. */
static struct entry *probe(const tow_address_table *table, const struct shard *shard, uint64_t key) {
    size_t at = home(table, shard, key);
    while (shard->entries[at].key != 0 && shard->entries[at].key != key)
        at = (at + 1) & (shard->capacity - 1);
    return &shard->entries[at];
}

static int grow(const tow_address_table *table, struct shard *shard) {
    if ((shard->used + 1) * 2 <= shard->capacity)
        return 0;
    struct shard larger = {.capacity = shard->capacity == 0 ? FIRST_CAPACITY : shard->capacity * 2};
    larger.entries = calloc(larger.capacity, sizeof(struct entry));
    if (larger.entries == NULL)
        return TOW_ERROR_MEMORY;
    for (size_t i = 0; i < shard->capacity; i++) {
        if (shard->entries[i].key != 0)
            *probe(table, &larger, shard->entries[i].key) = shard->entries[i];
    }
    free(shard->entries);
    shard->entries = larger.entries;
    shard->capacity = larger.capacity;
    return 0;
}

static int enter_locked(const tow_address_table *table, struct shard *shard, uint64_t key) {
    if (table->limit <= 0)
        return TOW_ERROR_LIMIT;
    int error = grow(table, shard);
    if (error != 0)
        return error;
    struct entry *found = probe(table, shard, key);
    if (found->key == 0) {
        found->key = key;
        found->count = 0;
        shard->used++;
    } else if (found->count >= table->limit) {
        return TOW_ERROR_LIMIT;
    }
    found->count++;
    return 0;
}

int tow_address_table_enter(tow_address_table *table, uint64_t key) {
    if (key == 0)
        return 0;
    struct shard *shard = shard_of(table, key);
    pthread_mutex_lock(&shard->mutex);
    int error = enter_locked(table, shard, key);
    pthread_mutex_unlock(&shard->mutex);
    return error;
}

/* Fills the gap that a removed entry leaves, so that no probe stops too early. */
static void close_gap(const tow_address_table *table, struct shard *shard, size_t gap) {
    size_t mask = shard->capacity - 1;
    for (size_t at = (gap + 1) & mask; shard->entries[at].key != 0; at = (at + 1) & mask) {
        size_t distance = (at - home(table, shard, shard->entries[at].key)) & mask;
        if (distance < ((at - gap) & mask))
            continue;
        shard->entries[gap] = shard->entries[at];
        gap = at;
    }
    shard->entries[gap] = (struct entry){0};
}

static void leave_locked(const tow_address_table *table, struct shard *shard, uint64_t key) {
    struct entry *found = probe(table, shard, key);
    if (--found->count > 0)
        return;
    close_gap(table, shard, (size_t)(found - shard->entries));
    shard->used--;
}

void tow_address_table_leave(tow_address_table *table, uint64_t key) {
    if (key == 0)
        return;
    struct shard *shard = shard_of(table, key);
    pthread_mutex_lock(&shard->mutex);
    leave_locked(table, shard, key);
    pthread_mutex_unlock(&shard->mutex);
}

int64_t tow_address_table_count(tow_address_table *table, uint64_t key) {
    struct shard *shard = shard_of(table, key);
    pthread_mutex_lock(&shard->mutex);
    int64_t count = shard->capacity == 0 ? 0 : probe(table, shard, key)->count;
    pthread_mutex_unlock(&shard->mutex);
    return count;
}
