#include "tls_tickets.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

typedef struct aged_key {
    tow_ticket_key key;
    int64_t made; /* wall time in seconds */
    bool exists;
} aged_key;

struct tow_tls_tickets {
    atomic_int references;
    pthread_mutex_t mutex;          /* taken once a handshake */
    aged_key keys[TOW_TICKET_KEYS]; /* the newest first */
};

int tow_tls_tickets_new(tow_tls_tickets **out) {
    tow_tls_tickets *tickets = calloc(1, sizeof(*tickets));
    if (tickets == NULL)
        return TOW_ERROR_MEMORY;
    if (pthread_mutex_init(&tickets->mutex, NULL) != 0) {
        free(tickets);
        return TOW_ERROR_SYSTEM;
    }
    atomic_init(&tickets->references, 1);
    *out = tickets;
    return 0;
}

tow_tls_tickets *tow_tls_tickets_retain(tow_tls_tickets *tickets) {
    atomic_fetch_add(&tickets->references, 1);
    return tickets;
}

void tow_tls_tickets_release(tow_tls_tickets *tickets) {
    if (tickets == NULL || atomic_fetch_sub(&tickets->references, 1) > 1)
        return;
    pthread_mutex_destroy(&tickets->mutex);
    OPENSSL_cleanse(tickets->keys, sizeof(tickets->keys));
    free(tickets);
}

static bool makes_tickets(const aged_key *key, int64_t now) {
    return key->exists && now - key->made < TOW_TICKET_SECONDS && now >= key->made;
}

static bool is_good(const aged_key *key, int64_t now) {
    return key->exists && now - key->made < INT64_C(2) * TOW_TICKET_SECONDS && now >= key->made;
}

static int rotate(tow_tls_tickets *tickets, int64_t now) {
    aged_key fresh = {.made = now, .exists = true};
    if (RAND_bytes((unsigned char *)&fresh.key, sizeof(fresh.key)) != 1)
        return TOW_ERROR_SYSTEM;
    memmove(tickets->keys + 1, tickets->keys, (TOW_TICKET_KEYS - 1) * sizeof(*tickets->keys));
    tickets->keys[0] = fresh;
    return 0;
}

int tow_tls_tickets_current(tow_tls_tickets *tickets, int64_t now, tow_ticket_key *key) {
    pthread_mutex_lock(&tickets->mutex);
    int error = makes_tickets(&tickets->keys[0], now) ? 0 : rotate(tickets, now);
    if (error == 0)
        *key = tickets->keys[0].key;
    pthread_mutex_unlock(&tickets->mutex);
    return error;
}

int tow_tls_tickets_find(tow_tls_tickets *tickets, int64_t now, const uint8_t name[16], tow_ticket_key *key) {
    int found = 0;
    pthread_mutex_lock(&tickets->mutex);
    for (int i = 0; found == 0 && i < TOW_TICKET_KEYS; i++) {
        const aged_key *candidate = &tickets->keys[i];
        if (!is_good(candidate, now) || memcmp(candidate->key.name, name, sizeof(candidate->key.name)) != 0)
            continue;
        *key = candidate->key;
        found = makes_tickets(candidate, now) ? 1 : 2;
    }
    pthread_mutex_unlock(&tickets->mutex);
    return found;
}
