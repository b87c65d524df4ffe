#include "mailbox.h"

#include <stdlib.h>
#include <towline/error.h>

typedef struct task_letter {
    tow_letter letter; /* first */
    void (*task)(void *argument);
    void *argument;
} task_letter;

bool tow_mailbox_put(tow_mailbox *mailbox, tow_letter *letter) {
    tow_letter *before = atomic_load_explicit(&mailbox->newest, memory_order_relaxed);
    do
        letter->next = before; /* not read again once the letter is in: it may be gone by then */
    while (!atomic_compare_exchange_weak_explicit(
        &mailbox->newest, &before, letter, memory_order_release, memory_order_relaxed));
    return before == NULL;
}

static void run_tasks(tow_letter *letters) {
    while (letters != NULL) {
        task_letter opened = *(task_letter *)letters;
        free(letters);
        letters = opened.letter.next;
        opened.task(opened.argument);
    }
}

static void drop_task(tow_letter *letter) {
    free(letter);
}

int tow_mailbox_put_task(tow_mailbox *mailbox, void (*task)(void *argument), void *argument) {
    task_letter *made = malloc(sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    *made =
        (task_letter){.letter = {.open = run_tasks, .drop = drop_task}, .task = task, .argument = argument};
    return tow_mailbox_put(mailbox, &made->letter);
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

/* Takes the oldest letters that are opened by the same function and make up no more than the work that is
 * left, and counts that. */
static tow_letter *take_alike(tow_mailbox *mailbox, size_t *work) {
    tow_letter *first = mailbox->taken;
    tow_letter **end = &mailbox->taken;
    while (*end != NULL && (*end)->open == first->open && (*end)->work <= *work) {
        *work -= (*end)->work;
        end = &(*end)->next;
    }
    tow_letter *rest = *end;
    *end = NULL;
    if (mailbox->taken == NULL)
        first = NULL;
    mailbox->taken = rest;
    return first;
}

/* Opens what was taken; returns the work that is left. */
static size_t open_taken(tow_mailbox *mailbox, size_t work) {
    tow_letter *letters;
    while ((letters = take_alike(mailbox, &work)) != NULL)
        letters->open(letters);
    return work;
}

void tow_mailbox_run(tow_mailbox *mailbox, size_t work) {
    work = open_taken(mailbox, work);
    if (mailbox->taken != NULL)
        return;
    mailbox->taken = take_oldest_first(mailbox);
    open_taken(mailbox, work);
}

static void drop_all(tow_letter *letter) {
    while (letter != NULL) {
        tow_letter *next = letter->next;
        letter->drop(letter);
        letter = next;
    }
}

void tow_mailbox_clear(tow_mailbox *mailbox) {
    drop_all(mailbox->taken);
    mailbox->taken = NULL;
    drop_all(take_oldest_first(mailbox));
}
