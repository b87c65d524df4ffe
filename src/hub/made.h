/* made: how a publication is made, and what the hub gives it before others see it. */
#ifndef TOW_HUB_MADE_H
#define TOW_HUB_MADE_H

#include "hub/published.h"

#include <stdatomic.h>

/* A form that somebody has needed; published once it is whole. */
typedef struct tow_form {
    struct tow_form *next;
    const tow_encoding *encoding;
    void *made;
} tow_form;

struct tow_published {
    atomic_uint references;
    uint8_t kind;
    uint8_t type;
    uint8_t form;
    bool not_kept;
    uint8_t channel_length;
    uint8_t event_length;
    uint8_t key_length;
    uint8_t user_length;
    uint32_t key_hash; /* 0: there is no key */
    size_t data_length;
    _Atomic(tow_form *) forms;
    uint64_t order; /* in what the channel has brought, numbered or not, from 1 on */
    tow_position position;
    int64_t milliseconds;
    uint64_t leave_out;
    char bytes[]; /* channel, event, key, user, data */
};

/* With one reference, and neither order nor position nor time. The draft's form is taken over. `published` is
 * set on success. Errors: as tow_hub_publish says of drafts, MEMORY. */
int tow_published_new(
    tow_published **published, tow_published_kind kind, tow_slice channel, const tow_draft *draft);

/* It was not published: the draft's form is the caller's again. Nobody else has seen it. */
void tow_published_give_back(tow_published *published);

/* What it counts as where bytes are bounded. */
size_t tow_published_size(const tow_published *published);

static inline bool tow_published_has_same_key(const tow_published *one, const tow_published *other) {
    return one->key_hash == other->key_hash && one->key_length == other->key_length &&
           memcmp(one->bytes + one->channel_length + one->event_length,
               other->bytes + other->channel_length + other->event_length, one->key_length) == 0;
}

#endif
