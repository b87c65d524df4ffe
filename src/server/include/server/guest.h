/* guest: code that runs on a server's workers and is to go before the server does, such as a library that was
 * loaded. Each worker lets it leave on its own thread, where it can free what it has on that thread, and
 * where nothing of it is on the stack; so after the last nothing of it runs anywhere. */
#ifndef TOW_SERVER_GUEST_H
#define TOW_SERVER_GUEST_H

#include <stdbool.h>
#include <towline/server.h>

typedef struct tow_guest tow_guest;

struct tow_guest { /* embedded; the two functions are the caller's to set, the rest is private */
    void (*on_leave)(tow_guest *guest); /* for each worker, on its thread, between its callbacks */
    /* once, after the last of these, on the same thread: its memory may be used again */
    void (*on_left)(tow_guest *guest);
    tow_server *server;
    tow_guest *next;
    struct tow_letter *letters; /* made ahead, one for each worker */
    bool *gone;                 /* from the worker of each number */
    size_t remaining;           /* workers that it has not left */
    bool dismissed;
};

/* Any thread. Errors: MEMORY. */
int tow_server_welcome(tow_server *server, tow_guest *guest);

/* Any thread, in callbacks of the guest too; once. Workers that have ended were left before, and those that
 * end do not wait for this: on_left comes then in this call. */
void tow_server_dismiss(tow_guest *guest);

#endif
