/* carried_echo: a route that echoes what comes, by whatever carrier, and what it has heard. */
#ifndef TOW_TESTS_CARRIED_ECHO_H
#define TOW_TESTS_CARRIED_ECHO_H

#include <towline/server.h>

struct heard {
    int opens, closes, messages;
    uint16_t code;
    char reason[64];
    char protocol[16];
    char path[32];
    tow_websocket *socket; /* the last, while it is open */
    bool pauses;           /* after each message */
    bool closes_at_once;   /* with 4001 */
    unsigned work;         /* that each message costs */
};

/* Of the scene that was begun last. */
extern struct heard heard;

/* Forgets what was heard, and gives the handler its callbacks. */
void carried_echo_begin(tow_handler *handler);

#endif
