#include "guest_book.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* To a loop on which somebody is called. */
typedef struct call {
    tow_letter letter; /* first */
    tow_guest_book *book;
    tow_loop *loop;
    struct call *next; /* of the same time */
    char subject[];
} call;

/* Whoever makes tokens chooses subjects: nobody else could have them meet in one ring. */
static tow_ring *ring_of(tow_guest_book *book, tow_slice subject) {
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (size_t i = 0; i < subject.length; i++)
        hash = (hash ^ (unsigned char)subject.data[i]) * 16777619U;
    return &book->rings[(hash ^ hash >> 16) % TOW_GUEST_BOOK_RINGS];
}

static tow_booked *booked_at(tow_ring *link) {
    return (tow_booked *)(void *)((char *)link - offsetof(tow_booked, link));
}

void tow_guest_book_init(tow_guest_book *book) {
    pthread_mutex_init(&book->mutex, NULL);
    for (size_t i = 0; i < TOW_GUEST_BOOK_RINGS; i++)
        tow_ring_init(&book->rings[i]);
}

void tow_guest_book_clear(tow_guest_book *book) {
    pthread_mutex_destroy(&book->mutex);
}

void tow_guest_book_enter(tow_guest_book *book, tow_booked *booked, const char *subject, tow_loop *loop) {
    booked->subject = subject;
    booked->loop = loop;
    booked->is_called = false;
    pthread_mutex_lock(&book->mutex);
    tow_ring_add_last(ring_of(book, tow_slice_from(subject)), &booked->link);
    pthread_mutex_unlock(&book->mutex);
}

void tow_guest_book_leave(tow_guest_book *book, tow_booked *booked) {
    if (booked->link.next == NULL)
        return;
    pthread_mutex_lock(&book->mutex);
    tow_ring_remove(&booked->link);
    pthread_mutex_unlock(&book->mutex);
    booked->link = (tow_ring){0};
}

/* The next of those who are called on this loop; it is called no more. */
static tow_booked *called_take(const call *made) {
    const tow_slice subject = tow_slice_from(made->subject);
    tow_booked *found = NULL;
    pthread_mutex_lock(&made->book->mutex);
    tow_ring *ring = ring_of(made->book, subject);
    for (tow_ring *link = ring->next; link != ring && found == NULL; link = link->next) {
        tow_booked *booked = booked_at(link);
        if (booked->is_called && booked->loop == made->loop && tow_slice_equals(subject, booked->subject))
            found = booked;
    }
    if (found != NULL) { /* last, so that whoever is called still stands before it */
        found->is_called = false;
        tow_ring_remove(&found->link);
        tow_ring_add_last(ring, &found->link);
    }
    pthread_mutex_unlock(&made->book->mutex);
    return found;
}

static void call_drop(tow_letter *letter) {
    free(letter);
}

static void call_open(tow_letter *letters) {
    while (letters != NULL) {
        call *made = (call *)(void *)letters;
        letters = letters->next;
        for (tow_booked *booked = called_take(made); booked != NULL; booked = called_take(made))
            booked->on_called(booked);
        free(made);
    }
}

/* One letter for each loop. False: there is no memory. */
static bool letter_need(call **calls, tow_guest_book *book, tow_loop *loop, tow_slice subject) {
    for (const call *each = *calls; each != NULL; each = each->next)
        if (each->loop == loop)
            return true;
    call *made = calloc(1, sizeof(*made) + subject.length + 1);
    if (made == NULL)
        return false;
    made->letter = (tow_letter){.work = 1, .open = call_open, .drop = call_drop};
    made->book = book;
    made->loop = loop;
    made->next = *calls;
    memcpy(made->subject, subject.data, subject.length);
    *calls = made;
    return true;
}

/* While somebody is in, their loop is there: so the letters are left under the lock. */
int64_t tow_guest_book_call(tow_guest_book *book, tow_slice subject) {
    call *calls = NULL;
    int64_t count = 0;
    pthread_mutex_lock(&book->mutex);
    tow_ring *ring = ring_of(book, subject);
    for (tow_ring *link = ring->next; link != ring && count >= 0; link = link->next) {
        tow_booked *booked = booked_at(link);
        if (!tow_slice_equals(subject, booked->subject))
            continue;
        booked->is_called = letter_need(&calls, book, booked->loop, subject);
        count = booked->is_called ? count + 1 : TOW_ERROR_MEMORY;
    }
    for (call *each = calls, *next; each != NULL; each = next) {
        next = each->next;
        tow_loop_post_letter(each->loop, &each->letter);
    }
    pthread_mutex_unlock(&book->mutex);
    return count;
}
