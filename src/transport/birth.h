/* birth: a child process on its way: a copy of all that it is started with, and what came of that. */
#ifndef TOW_TRANSPORT_BIRTH_H
#define TOW_TRANSPORT_BIRTH_H

#include "spawned.h"
#include "transport/loop.h"

#define TOW_BIRTH_VARIABLE "TOWLINE_CHILD="

typedef enum tow_birth_stage {
    TOW_BIRTH_MADE,
    TOW_BIRTH_WAITS, /* for a thread */
    TOW_BIRTH_UNDER_WAY,
    TOW_BIRTH_OVER
} tow_birth_stage;

typedef struct tow_birth {
    tow_letter letter; /* first: home, when it is over */
    struct tow_birth *next;
    tow_birth_stage stage;
    tow_loop *home;   /* NULL: nobody waits for the letter */
    tow_child *child; /* NULL: it knows already */
    tow_kin *kin;     /* the child's */
    uint64_t number;
    bool unwanted;             /* it is not started any more */
    int ends[3];               /* that it gets, its own from now on */
    tow_child_options options; /* of which it has copies */
    int error;
    tow_spawned spawned;
    const char *words[]; /* the lists of the options, and then their texts */
} tow_birth;

/* The standard streams become the birth's. `number`: no other child has it. NULL without memory: they are the
 * caller's then. */
tow_birth *tow_birth_new(const tow_child_options *options, const int ends[3], uint64_t number);

/* Starts it, on this thread; its standard streams are closed then. */
void tow_birth_happen(tow_birth *birth);

void tow_birth_free(tow_birth *birth);

#endif
