/* guest_book: who is in, by their subjects, on all workers: so that all who are the same user can be sent
 * away, each on its own worker. */
#ifndef TOW_HANDLER_TOKENS_GUEST_BOOK_H
#define TOW_HANDLER_TOKENS_GUEST_BOOK_H

#include "base/ring.h"
#include "base/slice.h"
#include "transport/loop.h"

#include <pthread.h>

enum { TOW_GUEST_BOOK_RINGS = 4096 };

/* Embedded in whoever is entered. */
typedef struct tow_booked {
    tow_ring link;       /* NULL: not entered */
    const char *subject; /* as long as it is entered */
    tow_loop *loop;
    bool is_called; /* it has to go */
    void (*on_called)(struct tow_booked *booked);
} tow_booked;

typedef struct tow_guest_book {
    pthread_mutex_t mutex;
    tow_ring rings[TOW_GUEST_BOOK_RINGS];
} tow_guest_book;

void tow_guest_book_init(tow_guest_book *book);
/* Nobody is in any more, and the loops are gone. */
void tow_guest_book_clear(tow_guest_book *book);

/* On the thread of its loop, which lives as long as somebody on it is in. */
void tow_guest_book_enter(tow_guest_book *book, tow_booked *booked, const char *subject, tow_loop *loop);
/* Nothing happens if it is not entered. */
void tow_guest_book_leave(tow_guest_book *book, tow_booked *booked);

/* Has on_called come for all with this subject, on their loops, which may let them leave. Returns how many
 * there are, or MEMORY. Any thread. */
int64_t tow_guest_book_call(tow_guest_book *book, tow_slice subject);

#endif
