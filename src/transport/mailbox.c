#include "mailbox.h"

#include <stdlib.h>
#include <towline/error.h>

typedef struct tow_letter {
    struct tow_letter *next;
    void (*task)(void *argument);
    void *argument;
} tow_letter;

int tow_mailbox_put(tow_mailbox *mailbox, void (*task)(void *argument), void *argument) {
    tow_letter *letter = malloc(sizeof(*letter));
    if (letter == NULL)
        return TOW_ERROR_MEMORY;
    letter->task = task;
    letter->argument = argument;
    tow_letter *before = atomic_load_explicit(&mailbox->newest, memory_order_relaxed);
    do
        letter->next = before; /* not read again once the letter is in: it may be gone by then */
    while (!atomic_compare_exchange_weak_explicit(
        &mailbox->newest, &before, letter, memory_order_release, memory_order_relaxed));
    return before == NULL;
}

static tow_letter *take_oldest_first(tow_mailbox *mailbox) {
    tow_letter *newest_first = atomic_exchange_explicit(&mailbox->newest, NULL, memory_order_acquire);
    tow_letter *oldest_first = NULL;
    while (newest_first != NULL) {
        tow_letter *letter = newest_first;
        newest_first = letter->next;
        letter->next = oldest_first;
        oldest_first = letter;
    }
    return oldest_first;
}

void tow_mailbox_run(tow_mailbox *mailbox) {
    if (tow_mailbox_is_empty(mailbox))
        return;
    tow_letter *letter = take_oldest_first(mailbox);
    while (letter != NULL) {
        tow_letter *next = letter->next;
        void (*task)(void *argument) = letter->task;
        void *argument = letter->argument;
        free(letter);
        task(argument);
        letter = next;
    }
}

void tow_mailbox_clear(tow_mailbox *mailbox) {
    tow_letter *letter = take_oldest_first(mailbox);
    while (letter != NULL) {
        tow_letter *next = letter->next;
        free(letter);
        letter = next;
    }
}
